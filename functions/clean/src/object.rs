//! One raw object: read, decode, write, commit.

use std::collections::BTreeSet;

use lake::dataset::{COMPRESSIONS, Dataset, Format, Table};
use lake::ledger::{Beside, DECODERS, FORMAT, Input, RawEntry, put_draft};
use lake::partition::Partition;
use lake::store::{Object, Reading};
use lake::{Lake, keys};

use crate::commit::{Standing, announce, commit, is_race};
use crate::decode::{Decoded, decode, whole_seconds};
use crate::error::{Error, Result};
use crate::writer::Written;

/// How often an object that was overtaken is made again from what is there now.
const TRIES: u32 = 12;

/// Cleans one raw object and commits its ledger entry.
pub async fn clean_object(lake: &Lake, dataset: &Dataset, table: &Table, raw_key: &str) -> Result<RawEntry> {
    // What a try that was overtaken has written is this writer's to remove.
    let mut written = BTreeSet::new();
    for _ in 0..TRIES {
        match try_object(lake, dataset, table, raw_key, &mut written).await {
            Ok(Some(entry)) => return Ok(entry),
            // Another writer committed meanwhile, or the raw object is another one by now.
            Ok(None) => {}
            Err(error) if is_race(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let why = "the raw object or its ledger entry was replaced each time while it was cleaned".to_owned();
    Err(Error::Broken { key: raw_key.to_owned(), why })
}

/// One try; nothing if it must be done again. `written` has the keys that tries may have written.
async fn try_object(
    lake: &Lake,
    dataset: &Dataset,
    table: &Table,
    raw_key: &str,
    written: &mut BTreeSet<String>,
) -> Result<Option<RawEntry>> {
    let standing = Standing::read(lake, dataset, table, raw_key).await?;
    let broken = |why: String| Error::Broken { key: raw_key.to_owned(), why };
    let siblings = open_siblings(lake, table, raw_key).await?;
    let Some(reading) = lake.raw.read(raw_key).await? else {
        return Err(Error::Gone { url: lake.raw.url(raw_key) });
    };
    let decoded = decode(&lake.catalog, dataset, table, reading, siblings).await.map_err(broken)?;
    let mut entry = entry(dataset, table, &decoded);
    account(&decoded).map_err(broken)?;

    let Decoded { raw, written: Written { parts, rejects, .. }, .. } = decoded;
    let key = |partition: &Partition| keys::standard(&dataset.name, &table.name, partition, raw_key);
    let parts: Vec<_> = parts.into_iter().filter(|part| part.rows > 0).collect();
    let rejects = rejects.map(|file| (keys::rejection(&dataset.name, &table.name, raw_key), file));
    written.extend(parts.iter().map(|part| key(&part.partition)));
    written.extend(rejects.iter().map(|(key, _)| key.clone()));
    let standing = announce(lake, standing, written).await?;

    let old = &standing.entry;
    for part in parts {
        let key = key(&part.partition);
        let known = old.outputs.iter().find(|output| output.key == key);
        let file = part.bytes.into_drafted().map_err(|error| broken(error.to_string()))?;
        let is_ours = standing.is_current(lake);
        let mut output = put_draft(&lake.standard, key, file, part.partition, part.rows, known, is_ours).await?;
        (output.days, output.times, output.orders) = (part.days, part.times, part.orders);
        entry.outputs.push(output);
    }
    if let Some((key, file)) = rejects {
        let (known, rows) = (old.rejects.as_ref(), entry.rows.rejected);
        let is_ours = standing.is_current(lake);
        entry.rejects = Some(put_draft(&lake.rejection, key, file, Partition::whole(), rows, known, is_ours).await?);
    }
    let Some(entry) = commit(lake, entry, standing).await? else { return Ok(None) };
    // A newer object's event may have been acknowledged because this work was under way.
    Ok(if lake.raw.is_replaced(raw_key, &raw.etag).await? { None } else { Some(entry) })
}

/// The entry to be committed, without outputs yet.
fn entry(dataset: &Dataset, table: &Table, decoded: &Decoded) -> RawEntry {
    let raw = &decoded.raw;
    let input = |object: &Object| Input { key: object.key.clone(), etag: object.etag.clone() };
    let arrived = whole_seconds(raw.last_modified);
    // Rows of a source's answers have times of their own.
    let of_source =
        matches!(table.format_of(&raw.key), Some(Format::Responses | Format::IrcelineValues | Format::CodetrackWeeks));
    let of_object = !of_source && decoded.rejected.is_none();
    RawEntry {
        format: FORMAT,
        inputs: [raw].into_iter().chain(&decoded.siblings).map(input).collect(),
        version: raw.version.clone(),
        bytes: raw.bytes,
        dataset: dataset.name.clone(),
        table: table.name.clone(),
        rules: table.fingerprint.clone(),
        layout: table.layout(),
        rows: decoded.written.rows,
        rejected: decoded.rejected.clone(),
        reasons: decoded.written.reasons.clone(),
        rejected_by: if decoded.written.rows.rejected > 0 { DECODERS } else { 0 },
        gaps: decoded.notes.gaps.clone(),
        ignored_columns: decoded.notes.ignored_columns,
        preamble: decoded.notes.preamble,
        left_out: decoded.notes.left_out.clone(),
        arrived: table.snapshot.then_some(arrived),
        received_at: of_object.then_some(arrived),
        outputs: Vec::new(),
        rejects: None,
        beside: Beside::default(),
    }
}

/// Compares what the decoder saw with what arrived, and that with what became of it.
fn account(decoded: &Decoded) -> Result<(), String> {
    let (seen, rows) = (decoded.notes.seen, &decoded.written.rows);
    if seen != rows.read {
        return Err(format!("the decoder saw {seen} rows, and {} arrived: {rows:?}; this is a bug", rows.read));
    }
    if !rows.balance() {
        return Err(format!("the account of its rows does not balance: {rows:?}; this is a bug"));
    }
    Ok(())
}

/// The siblings that a table declares, by file name.
async fn open_siblings(lake: &Lake, table: &Table, raw_key: &str) -> Result<Vec<(String, Reading)>> {
    let mut siblings = Vec::new();
    for name in &table.siblings {
        let plain = format!("{}{name}", keys::folder(raw_key));
        let mut found = None;
        for ending in [""].into_iter().chain(COMPRESSIONS) {
            found = lake.raw.read(&format!("{plain}{ending}")).await?;
            if found.is_some() {
                break;
            }
        }
        let missing = || "is not there yet".to_owned();
        let found =
            found.ok_or_else(|| Error::Sibling { key: raw_key.to_owned(), sibling: plain.clone(), why: missing() })?;
        siblings.push((name.clone(), found));
    }
    Ok(siblings)
}

#[cfg(test)]
mod tests {
    use lake::ledger::{Reasons, Rows};

    use super::*;
    use crate::formats::Notes;
    use crate::writer::Written;

    #[test]
    fn a_row_that_does_not_arrive_is_a_failure_though_the_account_balances() {
        let decoded = |seen| {
            let rows = Rows { read: 2, clean: 2, ..Rows::default() };
            let raw = Object {
                key: "a/b.csv".to_owned(),
                bytes: 0,
                etag: String::new(),
                last_modified: chrono::DateTime::UNIX_EPOCH,
                version: None,
            };
            let written = Written { rows, parts: Vec::new(), rejects: None, reasons: Reasons::new() };
            let notes = Notes { seen, ..Notes::default() };
            Decoded { raw, siblings: Vec::new(), written, rejected: None, notes }
        };
        assert!(account(&decoded(2)).is_ok());
        assert!(account(&decoded(3)).unwrap_err().contains("the decoder saw 3 rows, and 2 arrived"));
    }
}
