//! What a lake holds beside what its ledger says.
//!
//! The zones are read before the ledger: what is written meanwhile is then in the ledger and not yet in the zone, and
//! is looked at once more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};

use futures::StreamExt;
use lake::ledger::{Beside, ConsumptionEntry, Entries, Output, RawEntry, Rows, Unreadable};
use lake::settings::Zone;
use lake::store::{Object, Reading, StoreError};
use lake::{Lake, guard, keys};
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
    /// Raw objects whose outputs are damaged, missing or left over.
    pub damaged: BTreeSet<String>,
    /// Objects that no ledger entry names.
    pub orphans: Vec<(Zone, Object)>,
}

/// The objects of the zones, with ETags of their bytes.
type Zones = BTreeMap<&'static str, BTreeMap<String, Object>>;

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

/// What to do about damage to what was made of a raw object, by the objects of the raw zone.
fn cure(raw_key: Option<&str>, raw: &BTreeMap<String, Object>) -> &'static str {
    let is_there = |key: &str| raw.contains_key(key) || raw.values().any(|object| object.hides(key));
    if raw_key.is_none_or(is_there) { MEND } else { RETRACT }
}

/// Looks at everything.
pub async fn prove(lake: &Lake) -> Result<Findings, Failure> {
    let mut zones = Zones::new();
    for zone in [Zone::Raw, Zone::Standard, Zone::Rejection, Zone::Consumption] {
        let objects = lake.store(zone).prove("").await?;
        zones.insert(zone.name(), objects.into_iter().map(|object| (object.key.clone(), object)).collect());
    }
    let Entries { readable: raw, unreadable } = lake.ledger.raw_entries(None).await?;
    let mut findings = Findings { unreadable, ..Findings::default() };
    let Entries { readable: consumption, unreadable } = lake.ledger.consumption_entries(None).await?;
    findings.unreadable.extend(unreadable);

    let empty = BTreeMap::new();
    let in_raw = zones.get(Zone::Raw.name()).unwrap_or(&empty);
    accounts(lake, &raw, in_raw, &mut findings).await?;
    findings.report.files = consumption.iter().filter(|(_, entry)| entry.file.is_some()).count() as u64;
    findings.report.partitions = consumption.len() as u64 - findings.report.files;
    let named = named(&raw, &consumption);
    look_at_all(lake, &named, &zones, &mut findings).await?;
    unnamed(lake, &raw, &consumption, &zones, &named, &mut findings);
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

/// Whether the rows of each raw object are accounted for, and whether it is still there.
async fn accounts(
    lake: &Lake,
    entries: &[RawEntry],
    raw: &BTreeMap<String, Object>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let Findings { report, damaged, .. } = findings;
    let odd: Vec<&Object> = raw.values().filter(|object| object.problem().is_some()).collect();
    for object in &odd {
        let why = object.problem().unwrap_or_default();
        report.problems.push(format!("{} cannot be read: {why}", lake.raw.url(&object.key)));
    }
    let is_zone_there = entries.is_empty() || !raw.is_empty() || lake.raw.exists().await?;
    if !is_zone_there {
        let entries = entries.len();
        let url = lake.url(Zone::Raw);
        let why = "is its disk mounted, and the URL right?";
        report.problems.push(format!("the raw zone {url} is not there, and the ledger has {entries} entries: {why}"));
    }
    let mut gone: Vec<&str> = Vec::new();
    for entry in entries {
        let key = entry.raw_key();
        if entry.is_committed() {
            report.raw_objects += 1;
        }
        report.rows.add(&entry.rows);
        let written: u64 = entry.outputs.iter().map(|output| output.rows).sum();
        let rejected = entry.rejects.as_ref().map_or(0, |rejects| rejects.rows);
        if !entry.rows.balance() || written != entry.rows.clean || rejected != entry.rows.rejected {
            damaged.insert(key.to_owned());
            report.problems.push(format!("{key}: the account of its rows does not balance: {:?}", entry.rows));
        }
        let is_known = raw.contains_key(key) || odd.iter().any(|object| object.hides(key));
        // Of the others nothing is left but the names of what a writer may still be about to write.
        if is_zone_there && entry.is_committed() && !is_known && lake.raw.head(key).await?.is_none() {
            gone.push(key);
        }
    }
    for key in &gone {
        let dataset = keys::dataset(key);
        let of_dataset =
            |keys: &mut dyn Iterator<Item = &str>| keys.filter(|key| keys::dataset(key) == dataset).count();
        let lost = of_dataset(&mut gone.iter().copied()) as u64;
        let known = of_dataset(&mut entries.iter().map(RawEntry::raw_key)) as u64;
        let what = match lake.catalog.dataset(dataset) {
            Err(lake::Error::Usage(_)) => format!(
                "there is no dataset {dataset} any more: declare it again, then `tributary clean --dataset {dataset} --prune` removes what was made of it"
            ),
            _ if guard::too_many_gone(lost, known) => format!(
                "bring it back, or have `tributary clean --dataset {dataset} --prune` remove what was made of it"
            ),
            _ => "bring it back, or have `tributary clean` remove what was made of it".to_owned(),
        };
        report.problems.push(format!("{key}: the raw object is gone: {what}"));
    }
    Ok(())
}

/// Every object that the ledger names.
fn named<'a>(raw: &'a [RawEntry], consumption: &'a [(String, ConsumptionEntry)]) -> Vec<Named<'a>> {
    let mut named = Vec::new();
    for entry in raw {
        let raw_key = Some(entry.raw_key());
        let standard = |output| Named { zone: Zone::Standard, output, kind: Kind::Parquet, raw_key };
        named.extend(entry.outputs.iter().map(standard));
        let rejection = |output| Named { zone: Zone::Rejection, output, kind: Kind::Rejects, raw_key };
        named.extend(entry.rejects.iter().map(rejection));
    }
    for (_, entry) in consumption {
        let kind = if entry.file.is_some() { Kind::File } else { Kind::Parquet };
        named.extend(entry.outputs.iter().map(|output| Named { zone: Zone::Consumption, output, kind, raw_key: None }));
    }
    named
}

/// Looks at the named objects, some at a time.
async fn look_at_all(lake: &Lake, named: &[Named<'_>], zones: &Zones, findings: &mut Findings) -> Result<(), Failure> {
    let Findings { report, damaged, .. } = findings;
    report.objects = named.len() as u64;
    let empty = BTreeMap::new();
    let raw = zones.get(Zone::Raw.name()).unwrap_or(&empty);
    let mut looks = futures::stream::iter(named.iter().map(|named| async move {
        let listed = zones.get(named.zone.name()).and_then(|zone| zone.get(&named.output.key));
        (named, look(lake, named, listed, raw).await)
    }))
    .buffered(LOOKS);
    while let Some((named, problem)) = looks.next().await {
        let Some(problem) = problem? else { continue };
        report.problems.push(problem);
        damaged.extend(named.raw_key.map(str::to_owned));
    }
    Ok(())
}

/// What is wrong with an object that the ledger names, and what to do.
async fn look(
    lake: &Lake,
    named: &Named<'_>,
    listed: Option<&Object>,
    raw: &BTreeMap<String, Object>,
) -> Result<Option<String>, StoreError> {
    let Named { zone, output, kind, raw_key } = named;
    let cure = || cure(*raw_key, raw);
    let store = lake.store(*zone);
    let url = store.url(&output.key);
    let is_as_written = |object: &&Object| object.etag == output.etag;
    let there = match listed.filter(is_as_written) {
        Some(listed) => Some(listed.clone()),
        // Perhaps written since.
        None => match store.head(&output.key).await {
            Err(error) if !error.can_retry() => return Ok(Some(format!("{error}; {}", cure()))),
            there => there?,
        },
    };
    let Some(there) = there else { return Ok(Some(format!("{url} is missing: {}", cure()))) };
    if !is_as_written(&&there) {
        return Ok(Some(format!("{url} is not what was written: its ETag differs; {}", cure())));
    }
    let rows = match kind {
        Kind::File => return Ok(None),
        Kind::Parquet => lake::parquet::rows(store, &there).await.map_err(|error| error.to_string()),
        Kind::Rejects => match store.read(&there.key).await? {
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

/// Objects that no entry names, or that two do.
fn unnamed(
    lake: &Lake,
    raw: &[RawEntry],
    consumption: &[(String, ConsumptionEntry)],
    zones: &Zones,
    named: &[Named<'_>],
    findings: &mut Findings,
) {
    let Findings { report, unreadable, damaged, orphans } = findings;
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for Named { zone, output, raw_key, .. } in named {
        if !known.insert((zone.name(), &output.key)) {
            damaged.extend(raw_key.map(str::to_owned));
            let url = lake.store(*zone).url(&output.key);
            report.problems.push(format!("{url} is in two ledger entries"));
        }
    }
    // What entries are about to make or to delete.
    let mut passing: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
    let is_at_rest = |beside: &Beside| !beside.is_at_work();
    for entry in raw.iter().filter(|entry| is_at_rest(&entry.beside)) {
        for key in entry.beside.keys() {
            let zone = if key.ends_with(".parquet") { Zone::Standard } else { Zone::Rejection };
            passing.insert((zone.name(), key), Some(entry.raw_key()));
        }
    }
    for (_, entry) in consumption.iter().filter(|(_, entry)| is_at_rest(&entry.beside)) {
        passing.extend(entry.beside.keys().map(|key| ((Zone::Consumption.name(), key.as_str()), None)));
    }
    // What a process that is seen at work has announced is its own to finish.
    let mut at_work: BTreeSet<(&str, &str)> = BTreeSet::new();
    for key in raw.iter().filter(|entry| !is_at_rest(&entry.beside)).flat_map(|entry| entry.beside.keys()) {
        let zone = if key.ends_with(".parquet") { Zone::Standard } else { Zone::Rejection };
        at_work.insert((zone.name(), key));
    }
    for (_, entry) in consumption.iter().filter(|(_, entry)| !is_at_rest(&entry.beside)) {
        at_work.extend(entry.beside.keys().map(|key| (Zone::Consumption.name(), key.as_str())));
    }
    for zone in [Zone::Standard, Zone::Rejection, Zone::Consumption] {
        for object in zones.get(zone.name()).into_iter().flat_map(BTreeMap::values) {
            let place = (zone.name(), object.key.as_str());
            let url = lake.store(zone).url(&object.key);
            if known.contains(&place) || at_work.contains(&place) {
                continue;
            }
            if let Some(raw_key) = passing.get(&place) {
                report.leftovers += 1;
                damaged.extend(raw_key.map(str::to_owned));
                report.problems.push(left(&url));
            } else if !unreadable.iter().any(|entry| may_name(entry, zone, &object.key)) {
                report.problems.push(match object.problem() {
                    Some(why) => format!("{url} cannot be read: {why}"),
                    None => orphan(lake, zone, object, &url),
                });
                orphans.push((zone, object.clone()));
            }
        }
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
        let odd = Object::unreadable("d/b.csv".to_owned(), std::io::Error::other("a named pipe"));
        let raw = BTreeMap::from([(odd.key.clone(), odd)]);
        for (raw_key, wanted) in [(Some("d/a.csv"), RETRACT), (Some("d/b.csv"), MEND), (None, MEND)] {
            assert_eq!(cure(raw_key, &raw), wanted, "{raw_key:?}");
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
