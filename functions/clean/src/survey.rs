//! Which raw objects are to be cleaned: the raw zone beside the ledger, in little memory for each object.

use std::collections::BTreeMap;

use lake::dataset::{Dataset, Table};
use lake::ledger::{Current, Input, Keep, Objects, RawEntry, Unreadable};
use lake::settings::Zone;
use lake::store::{Keys, Listed, Seen, State};
use lake::{Lake, guard, keys};

use crate::error::{Error, Result};
use crate::ignored::Ignored;
use crate::{NewestDays, OLDER_PER_RUN, Outcome, commit, has_time, is_sibling, retract, selected, sweep, tomorrow};

/// Which raw objects a survey is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// Those that the ledger does not show as done, those whose outputs are not as it says, and those of a table that
    /// lies otherwise by now.
    Stale,
    /// Those, and the ones with rejects.
    Rejected,
}

impl Wanted {
    /// Whether a raw object is wanted, by its ledger entry and whether that is current.
    fn wants(self, entry: &RawEntry, is_current: bool) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Stale => !is_current,
            Wanted::Rejected => entry.rows.rejected > 0 || !is_current,
        }
    }
}

/// The raw objects of some datasets beside the ledger.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) todo: Vec<String>,
    pub(crate) up_to_date: u64,
    /// Those in `todo` that are current but for the version that cleaned them, with how many rows it rejected.
    pub(crate) older: BTreeMap<String, u64>,
    /// What lies in the raw zone but cannot be read: it stops no other object.
    pub(crate) odd: Vec<(String, String)>,
    /// Per dataset.
    pub(crate) gone: Vec<Gone>,
    /// Raw keys of entries that are current, but name more than what counts.
    pub(crate) unsettled: Vec<String>,
    /// Entries that cannot be read: each stops its own object.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Those that are to be discarded before their object is cleaned, by raw key.
    pub(crate) discarded: BTreeMap<String, Unreadable>,
    pub(crate) newest: NewestDays,
    /// What no table takes.
    pub(crate) ignored: Ignored,
    /// How many objects were cleaned by rules that have changed since, and are not in `todo`.
    pub(crate) by_older_rules: u64,
}

impl Survey {
    /// What cannot be read, each an error of its own.
    pub(crate) fn broken(&self) -> impl Iterator<Item = Error> {
        let odd = self.odd.iter().map(|(key, why)| Error::Unreadable { key: key.clone(), why: why.clone() });
        odd.chain(self.unreadable.iter().map(|unreadable| Error::Lake(unreadable.error())))
    }
}

/// What the ledger has of raw objects that are gone.
pub(crate) struct Gone {
    pub(crate) dataset: String,
    /// Their raw keys.
    pub(crate) raw_keys: Vec<String>,
    /// Raw keys of entries of which nothing counts any more, but whose objects may still come.
    pub(crate) withdrawn: Vec<String>,
    /// Entries that cannot be read, to be discarded.
    pub(crate) unreadable: Vec<Unreadable>,
    /// How many raw objects the dataset has or had.
    pub(crate) known: u64,
}

impl Gone {
    fn of(dataset: &Dataset) -> Self {
        Self {
            dataset: dataset.name.clone(),
            raw_keys: Vec::new(),
            withdrawn: Vec::new(),
            unreadable: Vec::new(),
            known: 0,
        }
    }

    /// Why nothing of it is removed on a guess, if so much is gone at once.
    pub(crate) fn refused(&self) -> Option<Error> {
        let gone = (self.raw_keys.len() + self.unreadable.len()) as u64;
        let is_refused = guard::too_many_gone(gone, self.known);
        is_refused.then(|| Error::Lake(guard::refuse_gone(&self.dataset, gone, self.known)))
    }
}

/// Finds the raw objects that `wanted` is true for.
pub(crate) async fn survey(lake: &Lake, dataset: Option<&str>, wanted: Wanted, keep: Keep) -> Result<Survey> {
    let mut found = Survey::default();
    for dataset in selected(lake, dataset)? {
        let ledger = lake.ledger.current(&dataset.name, keep).await?;
        survey_dataset(lake, dataset, wanted, &ledger, &mut found).await?;
    }
    Ok(found)
}

/// Compares what the ledger says of a dataset with its raw objects. The ledger was read first: what is ingested and cleaned
/// in between is then cleaned twice, and not taken for gone.
pub(crate) async fn survey_dataset(
    lake: &Lake,
    dataset: &Dataset,
    wanted: Wanted,
    ledger: &Current,
    found: &mut Survey,
) -> Result<()> {
    let objects = raw_objects(lake, dataset, ledger).await?;
    let standard = Objects::list(&lake.standard, &dataset.name).await?;
    let rejection = Objects::list(&lake.rejection, &dataset.name).await?;
    let is_current = |entry: &RawEntry, raw: Listed, table: Option<&Table>| {
        let is_there = |input: &Input| {
            let there = if input.key == raw.key { Some(raw) } else { objects.find(&input.key) };
            there.is_some_and(|there| State::of_etag(&input.etag).is_still(there.state))
        };
        table.is_some_and(|table| entry.fits(table) && !entry.is_outdated(table))
            && entry.inputs.iter().all(is_there)
            && has_time(entry, raw.last_modified)
            && entry.outputs.iter().all(|output| standard.have(output))
            && entry.rejects.iter().all(|rejects| rejection.have(rejects))
    };
    let mut sorting = Sorting::new(dataset, wanted, ledger, found.older.len());
    let (mut has_outputs, mut has_rejects) = (false, false);
    ledger.visit(|entry| {
        has_outputs |= !entry.outputs.is_empty();
        has_rejects |= entry.rejects.is_some();
        if let Some(day) = entry.newest_day(tomorrow()) {
            sweep::note_rows(&entry.table, day, &mut sorting.newest);
        }
        let raw_key = entry.raw_key();
        match objects.find(raw_key) {
            Some(raw) => {
                let table = dataset.table_of(raw_key);
                let is_current = is_current(entry, raw, table);
                sorting.known(entry, raw, table, is_current);
                if is_current && !entry.beside.is_empty() && !objects.hides(raw_key) {
                    sorting.found.unsettled.push(raw_key.to_owned());
                }
            }
            // Nothing is known of it: neither gone nor there.
            None if objects.hides(raw_key) => sorting.gone.known += 1,
            None => sorting.absent(entry),
        }
        Ok::<_, Error>(())
    })?;
    objects.others().iter().for_each(|raw| sorting.unknown(raw));
    for (zone, is_used) in [(Zone::Standard, has_outputs), (Zone::Rejection, has_rejects)] {
        let store = lake.store(zone);
        // In a bucket, a bucket that is not there is an error of its own.
        if is_used && store.is_local() && wanted != Wanted::All {
            guard::ensure_root(store, zone).await?;
        }
    }
    sorting.finish(found);
    Ok(())
}

/// Sorts a dataset's raw objects by what is to be done with each.
struct Sorting<'d> {
    dataset: &'d Dataset,
    wanted: Wanted,
    found: Survey,
    gone: Gone,
    /// How many objects of other datasets are taken only because an older version cleaned them.
    older_elsewhere: usize,
    newest: BTreeMap<String, sweep::Newest>,
    /// Entries that cannot be read and whose object was not met yet, by ledger key.
    unreadable: BTreeMap<String, Unreadable>,
}

impl<'d> Sorting<'d> {
    fn new(dataset: &'d Dataset, wanted: Wanted, ledger: &Current, older_elsewhere: usize) -> Self {
        let unreadable = ledger.unreadable.iter().map(|unreadable| (unreadable.key.clone(), unreadable.clone()));
        Self {
            dataset,
            wanted,
            found: Survey::default(),
            gone: Gone::of(dataset),
            older_elsewhere,
            newest: BTreeMap::new(),
            unreadable: unreadable.collect(),
        }
    }

    /// An object that the ledger knows.
    fn known(&mut self, entry: &RawEntry, raw: Listed, table: Option<&Table>, is_current: bool) {
        self.gone.known += 1;
        let Some(table) = self.taken(raw, table) else { return };
        let found = &mut self.found;
        let is_older = entry.is_older() && self.older_elsewhere + found.older.len() < OLDER_PER_RUN;
        if self.wanted.wants(entry, is_current) {
            found.todo.push(raw.key.to_owned());
        } else if is_older {
            found.older.insert(raw.key.to_owned(), entry.rows.rejected);
            found.todo.push(raw.key.to_owned());
        } else {
            found.up_to_date += 1;
            found.by_older_rules += u64::from(entry.is_committed() && table.fingerprint != entry.rules);
        }
    }

    /// An object without an entry that can be read.
    fn unknown(&mut self, raw: Listed) {
        let broken = if self.unreadable.is_empty() { None } else { self.unreadable.remove(&keys::raw_ledger(raw.key)) };
        self.gone.known += 1;
        if self.taken(raw, self.dataset.table_of(raw.key)).is_none() {
            return;
        }
        match broken {
            Some(broken) if self.wanted != Wanted::All => self.found.unreadable.push(broken),
            broken => {
                self.found.todo.push(raw.key.to_owned());
                self.found.discarded.extend(broken.map(|broken| (raw.key.to_owned(), broken)));
            }
        }
    }

    /// The table of an object that can be cleaned.
    fn taken<'t>(&mut self, raw: Listed, table: Option<&'t Table>) -> Option<&'t Table> {
        if let Some(table) = table.filter(|_| !keys::is_folder(raw.key)) {
            sweep::note_arrival(self.dataset, table, &raw, &mut self.newest);
        }
        if let Some(why) = raw.problem {
            self.found.odd.push((raw.key.to_owned(), why.to_owned()));
            return None;
        }
        if table.is_none() && !is_sibling(self.dataset, raw.key) {
            self.found.ignored.add(raw.key);
        }
        table
    }

    /// An entry whose object is not there.
    fn absent(&mut self, entry: &RawEntry) {
        let raw_key = entry.raw_key().to_owned();
        if entry.is_committed() {
            self.gone.known += 1;
            self.gone.raw_keys.push(raw_key);
        } else {
            self.gone.withdrawn.push(raw_key);
        }
    }

    fn finish(self, all: &mut Survey) {
        let Self { dataset, wanted, mut found, mut gone, newest, unreadable, .. } = self;
        gone.known += unreadable.len() as u64;
        let list = if wanted == Wanted::All { &mut gone.unreadable } else { &mut found.unreadable };
        list.extend(unreadable.into_values());
        gone.raw_keys.sort();
        found.todo.sort();
        found.odd.sort();
        found.unsettled.sort();
        all.todo.append(&mut found.todo);
        all.up_to_date += found.up_to_date;
        all.older.append(&mut found.older);
        all.odd.append(&mut found.odd);
        all.unsettled.append(&mut found.unsettled);
        all.unreadable.append(&mut found.unreadable);
        all.discarded.append(&mut found.discarded);
        all.ignored.join(found.ignored);
        all.by_older_rules += found.by_older_rules;
        all.gone.push(gone);
        all.newest.insert(dataset.name.clone(), newest);
    }
}

/// The raw objects of a dataset, by key, but hidden ones. Locally only files that the ledger knows are read for their hash,
/// and a zone of whose objects the ledger has entries is there, or nothing is done but `all` anew.
async fn raw_objects(lake: &Lake, dataset: &Dataset, ledger: &Current) -> Result<Seen> {
    let (mut own, mut siblings) = (Keys::default(), Keys::default());
    ledger.inputs(|key, is_own| if is_own { own.add(key) } else { siblings.add(key) })?;
    let is_known = !ledger.unreadable.is_empty() || !own.is_empty();
    let known = own.known();
    let compared = known.with(siblings);
    let is_object =
        |listed: &Listed| !keys::is_hidden(listed.key) && (!keys::is_folder(listed.key) || listed.problem.is_some());
    let objects = lake.raw.compared(&format!("{}/", dataset.name), compared, known, is_object).await?;
    if objects.is_empty() && is_known {
        guard::ensure_root(&lake.raw, Zone::Raw).await?;
    }
    Ok(objects)
}

/// Brings to an end what earlier runs or deleted raw objects left to do.
pub(crate) async fn tidy(lake: &Lake, found: &Survey, prune: bool, outcome: &mut Outcome) {
    for gone in &found.gone {
        if !prune && let Some(refused) = gone.refused() {
            outcome.failed.push(refused);
            continue;
        }
        let Gone { raw_keys, withdrawn, unreadable, .. } = gone;
        // What cannot be removed of one object stops no other.
        for raw_key in raw_keys.iter().chain(withdrawn) {
            match retract::retract(lake, raw_key).await {
                Ok(true) => outcome.retracted.push(raw_key.clone()),
                Ok(false) => {}
                Err(error) => outcome.failed.push(error),
            }
        }
        for unreadable in unreadable {
            let forgotten = async {
                retract::forget(lake, unreadable).await?;
                match unreadable.raw_key() {
                    Some(raw_key) => retract::retract(lake, &raw_key).await,
                    None => Ok(false),
                }
            };
            outcome.failed.extend(forgotten.await.err());
        }
    }
    for raw_key in &found.unsettled {
        outcome.failed.extend(commit::settle(lake, raw_key).await.err());
    }
    outcome.failed.extend(found.broken());
    outcome.up_to_date = found.up_to_date;
}
