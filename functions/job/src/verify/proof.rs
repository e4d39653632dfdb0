//! What a lake holds beside what its ledger says.
//!
//! The zones are read before the ledger: what is written meanwhile is then in the ledger and not yet in the zone, and
//! is looked at once more.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use futures::StreamExt;
use lake::ledger::{Beside, ConsumptionEntry, Entries, Output, RawEntry, Rows, Unreadable};
use lake::settings::Zone;
use lake::store::{By, Fingerprints, Listed, Object, Reading, State, StoreError};
use lake::{Lake, guard, hash, keys};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Objects that are looked at at the same time.
const LOOKS: usize = 32;
const MEND: &str = "`tributary verify --repair` makes it again";
/// The same of what was made of a raw object that is gone.
const RETRACT: &str = "its raw object is gone: bring it back, or have `tributary clean` retract what was made of it";

/// What was looked at and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Raw objects that were cleaned.
    pub raw_objects: u64,
    /// The account of their rows.
    pub rows: Rows,
    /// Objects that the ledger names.
    pub objects: u64,
    /// Consumption partitions.
    pub partitions: u64,
    /// Files made of them: CSV, GeoJSON and report pages.
    pub files: u64,
    /// What interrupted writers left.
    pub leftovers: u64,
    /// Raw objects that are to be cleaned.
    pub waiting: Vec<String>,
    /// Raw objects that no dataset or table takes.
    pub ignored: clean::Ignored,
    /// What is wrong, one message each.
    pub problems: Vec<String>,
}

/// A report and what a repair needs.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is printed.
    pub report: Report,
    /// Ledger entries that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// How many entries of raw objects each dataset has, but for these.
    pub entries: BTreeMap<String, u64>,
    /// Raw objects whose outputs are damaged, missing or left over.
    pub damaged: BTreeSet<String>,
    /// Objects that no ledger entry names.
    pub orphans: Vec<(Zone, Object)>,
}

/// What the zones held before the ledger was read.
struct Zones {
    /// The keys of raw objects.
    raw: Names,
    /// Why some of them cannot be read, by key; a folder's ends in a slash.
    odd: BTreeMap<String, String>,
    /// The keys and ETags of what was made of them.
    made: BTreeMap<&'static str, Fingerprints>,
}

impl Zones {
    async fn look(lake: &Lake) -> Result<Self, StoreError> {
        let add = |(names, odd): &mut (Names, BTreeMap<String, String>), listed: Listed<'_>| {
            names.add(Zone::Raw, listed.key);
            odd.extend(listed.problem.map(|why| (listed.key.to_owned(), why.to_owned())));
        };
        let (raw, odd) = lake.raw.gather("", By::Proven, Default::default(), add).await?;
        let mut made = BTreeMap::new();
        for zone in MADE {
            made.insert(zone.name(), lake.store(zone).fingerprints("", By::Proven).await?);
        }
        Ok(Self { raw, odd, made })
    }

    /// Whether a raw object is there, or may be.
    fn has_raw(&self, key: &str) -> bool {
        let hides = |odd: &String| odd.ends_with('/') && key.starts_with(odd.as_str());
        self.raw.has(Zone::Raw, key) || self.odd.keys().any(hides)
    }

    /// Whether an object of another zone is there, with this ETag.
    fn have(&self, zone: Zone, key: &str, etag: &str) -> bool {
        self.made.get(zone.name()).is_some_and(|made| made.have(key, State::of_etag(etag)))
    }

    /// What to do about damage to what was made of a raw object.
    fn cure(&self, raw_key: Option<&str>) -> &'static str {
        if raw_key.is_none_or(|key| self.has_raw(key)) { MEND } else { RETRACT }
    }
}

/// Zones with what was made.
const MADE: [Zone; 3] = [Zone::Standard, Zone::Rejection, Zone::Consumption];

/// Keys of zones, as hashes.
#[derive(Debug, Default)]
struct Names(HashSet<u128>);

impl Names {
    /// Adds a key; whether it is new.
    fn add(&mut self, zone: Zone, key: &str) -> bool {
        self.0.insert(hash::number([zone.name(), key]))
    }

    fn has(&self, zone: Zone, key: &str) -> bool {
        self.0.contains(&hash::number([zone.name(), key]))
    }
}

/// What an object is, for the count of its rows.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Parquet,
    File,
    Rejects,
}

/// One object that the ledger names.
struct Named<'a> {
    zone: Zone,
    output: &'a Output,
    kind: Kind,
    /// The raw object that it was made from; none in consumption.
    raw_key: Option<&'a str>,
}

/// Looks at everything.
pub async fn prove(lake: &Lake) -> Result<Findings, Failure> {
    let mut proof = Proof::new(lake, Zones::look(lake).await?);
    let mut raw = lake.ledger.all_raw().await?;
    while let Some(Entries { readable, unreadable }) = raw.next_raw().await? {
        proof.findings.unreadable.extend(unreadable);
        let entries: Vec<RawEntry> = readable.into_iter().map(|(_, entry)| entry).collect();
        for entry in &entries {
            proof.account(entry);
            proof.note_beside(&entry.beside, entry.raw_key());
        }
        proof.look_at_all(&entries.iter().flat_map(of_raw).collect::<Vec<_>>()).await?;
    }
    let mut consumption = lake.ledger.all_consumption().await?;
    while let Some(Entries { readable, unreadable }) = consumption.next_consumption().await? {
        proof.findings.unreadable.extend(unreadable);
        for (_, entry) in &readable {
            let Report { files, partitions, .. } = &mut proof.findings.report;
            *(if entry.file.is_some() { files } else { partitions }) += 1;
            proof.note_made(&entry.beside);
        }
        let named: Vec<Named<'_>> = readable.iter().flat_map(|(_, entry)| of_consumption(entry)).collect();
        proof.look_at_all(&named).await?;
    }
    proof.the_raw_zone().await?;
    proof.unnamed().await?;
    let mut findings = proof.finish();
    let problems = &mut findings.report.problems;
    problems.extend(findings.unreadable.iter().map(|entry| entry.error().to_string()));
    for zone in Zone::ALL {
        for key in lake.store(zone).leftovers().await? {
            findings.report.leftovers += 1;
            problems.push(left(&lake.store(zone).url(&key)));
        }
    }
    findings.report.waiting = clean::waiting(lake, &clean::Selection::Stale(None), false).await?.keys;
    findings.report.waiting.retain(|key| !findings.damaged.contains(key));
    findings.report.ignored = clean::ignored(lake, None).await?.iter().collect();
    Ok(findings)
}

fn left(url: &str) -> String {
    format!("{url} was left by a killed writer: `tributary verify --repair` removes it")
}

/// The objects that a raw object's entry names.
fn of_raw(entry: &RawEntry) -> impl Iterator<Item = Named<'_>> {
    let raw_key = Some(entry.raw_key());
    let standard = move |output| Named { zone: Zone::Standard, output, kind: Kind::Parquet, raw_key };
    let rejection = move |output| Named { zone: Zone::Rejection, output, kind: Kind::Rejects, raw_key };
    entry.outputs.iter().map(standard).chain(entry.rejects.iter().map(rejection))
}

/// The objects that the entry of a partition or file names.
fn of_consumption(entry: &ConsumptionEntry) -> impl Iterator<Item = Named<'_>> {
    let kind = if entry.file.is_some() { Kind::File } else { Kind::Parquet };
    entry.outputs.iter().map(move |output| Named { zone: Zone::Consumption, output, kind, raw_key: None })
}

/// What was found so far. Entries are looked at some at a time: of those behind, hashes of names are left.
struct Proof<'l> {
    lake: &'l Lake,
    zones: Zones,
    findings: Findings,
    /// What is wrong with accounts, with objects that are named, and with names.
    accounts: Vec<String>,
    looks: Vec<String>,
    names: Vec<String>,
    /// Every object that the ledger names.
    named: Names,
    /// Raw keys of committed entries whose object was not listed.
    unlisted: Vec<String>,
    /// What entries are about to make or to delete, with the raw object that it is made of.
    passing: BTreeMap<(&'static str, String), Option<String>>,
    /// The same of a process that is seen at work: what it has announced is its own to finish.
    at_work: BTreeSet<(&'static str, String)>,
}

impl<'l> Proof<'l> {
    fn new(lake: &'l Lake, zones: Zones) -> Self {
        Self {
            lake,
            zones,
            findings: Findings::default(),
            accounts: Vec::new(),
            looks: Vec::new(),
            names: Vec::new(),
            named: Names::default(),
            unlisted: Vec::new(),
            passing: BTreeMap::new(),
            at_work: BTreeSet::new(),
        }
    }

    /// Whether the rows of a raw object are accounted for, and whether it is still there.
    fn account(&mut self, entry: &RawEntry) {
        let Findings { report, damaged, entries, .. } = &mut self.findings;
        let key = entry.raw_key();
        *entries.entry(keys::dataset(key).to_owned()).or_default() += 1;
        report.rows.add(&entry.rows);
        let written: u64 = entry.outputs.iter().map(|output| output.rows).sum();
        let rejected = entry.rejects.as_ref().map_or(0, |rejects| rejects.rows);
        if !entry.rows.balance() || written != entry.rows.clean || rejected != entry.rows.rejected {
            damaged.insert(key.to_owned());
            self.accounts.push(format!("{key}: the account of its rows does not balance: {:?}", entry.rows));
        }
        // Of the others nothing is left but the names of what a writer may still be about to write.
        if entry.is_committed() {
            report.raw_objects += 1;
            if !self.zones.has_raw(key) {
                self.unlisted.push(key.to_owned());
            }
        }
    }

    /// What cannot be read in the raw zone, and what is not there any more.
    async fn the_raw_zone(&mut self) -> Result<(), Failure> {
        let Self { lake, zones, findings: Findings { report, entries, .. }, .. } = self;
        let problems = &mut report.problems;
        for (key, why) in &zones.odd {
            problems.push(format!("{} cannot be read: {why}", lake.raw.url(key)));
        }
        let all: u64 = entries.values().sum();
        if all > 0 && zones.raw.0.is_empty() && !lake.raw.exists().await? {
            let url = lake.url(Zone::Raw);
            let why = "is its disk mounted, and the URL right?";
            problems.push(format!("the raw zone {url} is not there, and the ledger has {all} entries: {why}"));
            self.unlisted.clear();
        }
        problems.append(&mut self.accounts);
        let mut gone: Vec<&String> = Vec::new();
        for key in &self.unlisted {
            // Perhaps written since.
            if lake.raw.head(key).await?.is_none() {
                gone.push(key);
            }
        }
        let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
        gone.iter().for_each(|key| *lost.entry(keys::dataset(key)).or_default() += 1);
        for key in &gone {
            let dataset = keys::dataset(key);
            let count = |of: Option<&u64>| of.copied().unwrap_or_default();
            let what = match lake.catalog.dataset(dataset) {
                Err(lake::Error::Usage(_)) => format!(
                    "there is no dataset {dataset} any more: declare it again, then `tributary clean --dataset {dataset} --prune` removes what was made of it"
                ),
                _ if guard::too_many_gone(count(lost.get(dataset)), count(entries.get(dataset))) => format!(
                    "bring it back, or have `tributary clean --dataset {dataset} --prune` remove what was made of it"
                ),
                _ => "bring it back, or have `tributary clean` remove what was made of it".to_owned(),
            };
            problems.push(format!("{key}: the raw object is gone: {what}"));
        }
        Ok(())
    }

    /// Notes what the entry of a raw object is about to make or to delete.
    fn note_beside(&mut self, beside: &Beside, raw_key: &str) {
        for key in beside.keys() {
            let zone = if key.ends_with(".parquet") { Zone::Standard } else { Zone::Rejection };
            self.note(beside, zone, key, Some(raw_key));
        }
    }

    /// The same of a partition's or file's.
    fn note_made(&mut self, beside: &Beside) {
        beside.keys().for_each(|key| self.note(beside, Zone::Consumption, key, None));
    }

    fn note(&mut self, beside: &Beside, zone: Zone, key: &str, raw_key: Option<&str>) {
        let place = (zone.name(), key.to_owned());
        if beside.is_at_work() {
            self.at_work.insert(place);
        } else {
            self.passing.insert(place, raw_key.map(str::to_owned));
        }
    }

    /// Looks at named objects, some at a time.
    async fn look_at_all(&mut self, named: &[Named<'_>]) -> Result<(), Failure> {
        let Self { lake, zones, findings: Findings { report, damaged, .. }, .. } = self;
        report.objects += named.len() as u64;
        for Named { zone, output, raw_key, .. } in named {
            if !self.named.add(*zone, &output.key) {
                damaged.extend(raw_key.map(str::to_owned));
                let url = lake.store(*zone).url(&output.key);
                self.names.push(format!("{url} is in two ledger entries"));
            }
        }
        let (lake, zones) = (*lake, &*zones);
        let mut looks =
            futures::stream::iter(named.iter().map(|named| async move { (named, look(lake, named, zones).await) }))
                .buffered(LOOKS);
        while let Some((named, problem)) = looks.next().await {
            let Some(problem) = problem? else { continue };
            self.looks.push(problem);
            damaged.extend(named.raw_key.map(str::to_owned));
        }
        Ok(())
    }

    /// Objects that no entry names. What was not there before the ledger was read is not among them.
    async fn unnamed(&mut self) -> Result<(), Failure> {
        let Self { lake, zones, findings, .. } = self;
        let Findings { report, unreadable, damaged, orphans, .. } = findings;
        let named = Arc::new(std::mem::take(&mut self.named));
        for zone in MADE {
            let named = Arc::clone(&named);
            let add = move |strays: &mut Vec<(String, Option<String>)>, listed: Listed<'_>| {
                if !named.has(zone, listed.key) {
                    strays.push((listed.key.to_owned(), listed.problem.map(str::to_owned)));
                }
            };
            let store = lake.store(zone);
            let mut strays = store.gather("", By::Change, Vec::new(), add).await?;
            strays.sort();
            for (key, problem) in strays {
                let url = store.url(&key);
                let place = (zone.name(), key);
                if self.at_work.contains(&place) {
                    continue;
                }
                let object = match &problem {
                    Some(why) => Object::unreadable(place.1.clone(), why),
                    None => match store.head(&place.1).await? {
                        Some(object) if zones.have(zone, &object.key, &object.etag) => object,
                        _ => continue,
                    },
                };
                if let Some(raw_key) = self.passing.get(&place) {
                    report.leftovers += 1;
                    damaged.extend(raw_key.clone());
                    self.names.push(left(&url));
                } else if !unreadable.iter().any(|entry| may_name(entry, zone, &object.key)) {
                    self.names.push(match &problem {
                        Some(why) => format!("{url} cannot be read: {why}"),
                        None => orphan(lake, zone, &object, &url),
                    });
                    orphans.push((zone, object));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Findings {
        let Self { mut findings, looks, names, .. } = self;
        findings.report.problems.extend(looks.into_iter().chain(names));
        findings
    }
}

/// What is wrong with an object that the ledger names, and what to do.
async fn look(lake: &Lake, named: &Named<'_>, zones: &Zones) -> Result<Option<String>, StoreError> {
    let Named { zone, output, kind, raw_key } = named;
    let cure = || zones.cure(*raw_key);
    let store = lake.store(*zone);
    let url = store.url(&output.key);
    if !zones.have(*zone, &output.key, &output.etag) {
        // Perhaps written since.
        let there = match store.head(&output.key).await {
            Err(error) if !error.can_retry() => return Ok(Some(format!("{error}; {}", cure()))),
            there => there?,
        };
        let Some(there) = there else { return Ok(Some(format!("{url} is missing: {}", cure()))) };
        if there.etag != output.etag {
            return Ok(Some(format!("{url} is not what was written: its ETag differs; {}", cure())));
        }
    }
    let rows = match kind {
        Kind::File => return Ok(None),
        Kind::Parquet => lake::parquet::rows(store, output).await.map_err(|error| error.to_string()),
        Kind::Rejects => match store.read(&output.key).await? {
            Some(reading) => rejected_rows(reading).await.map_err(|error| format!("{url} cannot be read: {error}")),
            None => return Ok(Some(format!("{url} is missing: {}", cure()))),
        },
    };
    Ok(match rows {
        Ok(rows) if rows == output.rows => None,
        Ok(rows) => Some(format!("{url} has {rows} rows, the ledger says {}; {}", output.rows, cure())),
        Err(why) => Some(why),
    })
}

async fn rejected_rows(reading: Reading) -> std::io::Result<u64> {
    let count = move || count_rejected(reading);
    tokio::task::spawn_blocking(count).await.map_err(std::io::Error::other).and_then(|rows| rows)
}

/// The longest line of the rejection zone: 4 KiB of text, each byte escaped, and what stands beside it.
const LONGEST_LINE: u64 = 1024 * 1024;

/// A line of the rejection zone: how many rows it stands for, one if it does not say.
#[derive(Deserialize)]
struct RejectLine {
    rows: Option<u64>,
}

fn count_rejected(reader: impl Read) -> std::io::Result<u64> {
    let mut reader = BufReader::with_capacity(256 * 1024, reader);
    let mut line = Vec::new();
    let mut rows = 0_u64;
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(rows);
        }
        let RejectLine { rows: some } = serde_json::from_slice(&line)?;
        rows = rows.saturating_add(some.unwrap_or(1));
    }
}

/// What to do with an object that no entry names.
fn orphan(lake: &Lake, zone: Zone, object: &Object, url: &str) -> String {
    let dataset = lake.catalog.dataset(keys::dataset(&object.key));
    if dataset.is_ok_and(|dataset| guard::is_made(dataset, zone, &object.key)) {
        return format!("{url} is in no ledger entry: `tributary verify --repair` removes it once it is an hour old");
    }
    format!("{url} is in no ledger entry, and no table or model makes such an object: move or delete it")
}

/// Whether an entry that cannot be read may name an object: then the object is no orphan yet.
fn may_name(entry: &Unreadable, zone: Zone, key: &str) -> bool {
    if zone == Zone::Consumption {
        let mut parts = entry.key.strip_prefix("consumption/").unwrap_or_default().split('/');
        // A model's partitions, or a file that is written from them.
        let (dataset, model) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let file = parts.next().and_then(|name| name.strip_prefix("file=")?.strip_suffix(".json"));
        return key.starts_with(&format!("{dataset}/{model}/"))
            || file.is_some_and(|file| key == format!("{dataset}/{file}"));
    }
    let ending = if zone == Zone::Standard { "parquet" } else { "ndjson" };
    let raw_key = entry.raw_key().filter(|raw_key| keys::dataset(raw_key) == keys::dataset(key));
    raw_key.is_some_and(|raw_key| key.ends_with(&format!("/{}.{ending}", keys::flatten(&raw_key))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_rejects_may_stand_for_many_rows() {
        let text = "{\"row\": 1}\n{\"row\": 2, \"rows\": 40, \"raw_text\": \"\"}\n";
        assert_eq!(count_rejected(text.as_bytes()).unwrap(), 41);
        assert!(count_rejected("{\"row\": 1}\n{".as_bytes()).is_err());
    }

    #[test]
    fn what_was_made_of_an_object_that_is_gone_cannot_be_made_again() {
        let odd = [("d/b.csv", "a named pipe"), ("d/c/", "closed")].map(|(key, why)| (key.to_owned(), why.to_owned()));
        let mut zones = Zones { raw: Names::default(), odd: BTreeMap::from(odd), made: BTreeMap::new() };
        zones.raw.add(Zone::Raw, "d/b.csv");
        for (raw_key, wanted) in
            [(Some("d/a.csv"), RETRACT), (Some("d/b.csv"), MEND), (Some("d/c/e.csv"), MEND), (None, MEND)]
        {
            assert_eq!(zones.cure(raw_key), wanted, "{raw_key:?}");
        }
    }

    #[test]
    fn objects_of_an_unreadable_entry_are_no_orphans() {
        let entry = |key: &str| Unreadable { key: key.to_owned(), etag: String::new(), why: String::new() };
        for (ledger_key, zone, key, may) in [
            ("raw/d/a.csv.json", Zone::Standard, "d/t/month=2026-01/a.csv.parquet", true),
            ("raw/d/a.csv.json", Zone::Standard, "d/t/month=2026-01/b.csv.parquet", false),
            ("raw/d/a.csv.json", Zone::Standard, "e/t/a.csv.parquet", false),
            ("raw/d/a.csv.json", Zone::Rejection, "d/t/a.csv.ndjson", true),
            ("consumption/d/m/month=2026-01.json", Zone::Consumption, "d/m/month=2026-01/data.parquet", true),
            ("consumption/d/m/file=m.csv.json", Zone::Consumption, "d/m.csv", true),
            ("consumption/d/m/month=2026-01.json", Zone::Consumption, "d/other/data.parquet", false),
        ] {
            assert_eq!(may_name(&entry(ledger_key), zone, key), may, "{ledger_key}: {key}");
        }
    }
}
