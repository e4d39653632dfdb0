//! One raw object: read, decode, write, commit.

use std::io::{self, Cursor, Read};

use chrono::{DateTime, Utc};
use lake::dataset::{COMPRESSIONS, Dataset, Table};
use lake::ledger::{FORMAT, Input, RawEntry, Rows, WholeReject, put_output};
use lake::partition::Partition;
use lake::store::{Condition, Failure, Object, Reading};
use lake::{Lake, keys};

use crate::error::{Error, Result, Stop};
use crate::formats::{self, Notes, RawObject, Siblings};
use crate::reject::{MAX_TEXT, Reject, RejectWriter};
use crate::writer::{TableWriter, Written};

/// How often a commit that lost a race starts again from the newest raw object.
const COMMIT_TRIES: u32 = 5;
/// The most that one compressed object may become.
const MAX_DECOMPRESSED: u64 = 64 * 1024 * 1024 * 1024;

/// Cleans one raw object and commits its ledger entry.
pub async fn clean_object(lake: &Lake, dataset: &Dataset, table: &Table, raw_key: &str) -> Result<RawEntry> {
    for _ in 1..COMMIT_TRIES {
        match try_object(lake, dataset, table, raw_key).await {
            // Another writer committed meanwhile: what it read may be older or newer than what we read.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            other => return other,
        }
    }
    try_object(lake, dataset, table, raw_key).await
}

async fn try_object(lake: &Lake, dataset: &Dataset, table: &Table, raw_key: &str) -> Result<RawEntry> {
    let previous = lake.ledger.raw_entry(raw_key).await?;
    let siblings = open_siblings(lake, table, raw_key).await?;
    let Some(reading) = lake.raw.read(raw_key).await? else {
        return Err(Error::Gone { url: lake.raw.url(raw_key) });
    };
    let work = {
        let (dataset, table) = (dataset.clone(), table.clone());
        move || decode(&dataset, &table, reading, siblings)
    };
    let broken = |why: String| Error::Broken { key: raw_key.to_owned(), why };
    let decoded = tokio::task::spawn_blocking(work).await.map_err(|join| broken(join.to_string()))?.map_err(broken)?;

    let raw = &decoded.raw;
    let input = |object: &Object| Input { key: object.key.clone(), etag: object.etag.clone() };
    let old = previous.as_ref().map(|(entry, _)| entry);
    let mut entry = RawEntry {
        format: FORMAT,
        inputs: [raw].into_iter().chain(&decoded.siblings).map(input).collect(),
        version: raw.version.clone(),
        bytes: raw.bytes,
        dataset: dataset.name.clone(),
        table: table.name.clone(),
        rules: table.fingerprint.clone(),
        layout: table.layout(),
        rows: decoded.written.rows,
        rejected: decoded.rejected,
        gaps: decoded.notes.gaps,
        ignored_columns: decoded.notes.ignored_columns,
        arrived: if table.snapshot { Some(whole_seconds(raw.last_modified)) } else { None },
        outputs: Vec::new(),
        rejects: None,
        retired: Vec::new(),
        pending: Vec::new(),
    };
    if !entry.rows.balance() {
        return Err(broken(format!("the account of its rows does not balance: {:?}; this is a bug", entry.rows)));
    }
    for part in decoded.written.parts.into_iter().filter(|part| part.rows > 0) {
        let key = keys::standard(&dataset.name, &table.name, &part.partition, raw_key);
        let known = old.and_then(|old| old.outputs.iter().find(|output| output.key == key));
        let mut output = put_output(&lake.standard, key, part.file, part.partition, part.rows, known).await?;
        output.days = part.days;
        entry.outputs.push(output);
    }
    if let Some(file) = decoded.written.rejects {
        let key = keys::rejection(&dataset.name, &table.name, raw_key);
        let known = old.and_then(|old| old.rejects.as_ref());
        let rows = entry.rows.rejected;
        entry.rejects = Some(put_output(&lake.rejection, key, file, Partition::whole(), rows, known).await?);
    }
    commit(lake, entry, previous).await
}

/// Commits the entry; what an earlier cleaning made and this one does not is deleted afterwards, and named in the
/// entry until it is.
async fn commit(lake: &Lake, mut entry: RawEntry, previous: Option<(RawEntry, String)>) -> Result<RawEntry> {
    let (old, etag) = previous.unzip();
    if let Some(old) = &old {
        let kept = |key: &String| entry.outputs.iter().chain(&entry.rejects).any(|output| output.key == *key);
        let made = old.outputs.iter().chain(&old.rejects).map(|output| &output.key);
        let mut retired: Vec<String> = made.chain(&old.retired).filter(|key| !kept(key)).cloned().collect();
        retired.sort();
        retired.dedup();
        entry.retired = retired;
    }
    let etag = match etag {
        Some(etag) if old.as_ref() == Some(&entry) => etag,
        etag => lake.ledger.commit_raw(&entry, etag.as_deref()).await?,
    };
    finish_retirement(lake, &mut entry, &etag).await?;
    Ok(entry)
}

/// Deletes what a committed entry says is to be deleted, and commits that it is, unless another writer has committed
/// since: then it is that writer's to finish.
pub async fn finish_retirement(lake: &Lake, entry: &mut RawEntry, etag: &str) -> Result<()> {
    if entry.retired.is_empty() {
        return Ok(());
    }
    let current = lake.ledger.raw_entry(entry.raw_key()).await?;
    if current.is_none_or(|(_, current)| current != etag) {
        return Ok(());
    }
    for key in std::mem::take(&mut entry.retired) {
        let store = if key.ends_with(".parquet") { &lake.standard } else { &lake.rejection };
        store.delete(&key, Condition::Always).await?;
    }
    lake.ledger.commit_raw(entry, Some(etag)).await?;
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

struct Decoded {
    /// The object as it was read.
    raw: Object,
    /// Its siblings as they were read.
    siblings: Vec<Object>,
    written: Written,
    rejected: Option<WholeReject>,
    notes: Notes,
}

/// What the bytes became: rows and rejects, or one reject for all of it.
struct Outcome {
    written: Written,
    rejected: Option<WholeReject>,
    notes: Notes,
}

/// Decodes the whole object. Pure but for temporary files.
fn decode(
    dataset: &Dataset,
    table: &Table,
    mut raw: Reading,
    mut siblings: Vec<(String, Reading)>,
) -> Result<Decoded, String> {
    let opened = raw.opened();
    let mut head = Vec::new();
    let outcome = open_all(&mut siblings).and_then(|siblings| {
        let mut reader = decompress(&opened.key, Box::new(&mut raw))?;
        reader.by_ref().take(MAX_TEXT as u64).read_to_end(&mut head)?;
        decode_rows(dataset, table, &opened, siblings, Cursor::new(&head).chain(reader))
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Stop::Broken(why)) => return Err(why),
        Err(Stop::Reject(reject)) => reject_whole(&opened, reject, &head).map_err(|error| error.to_string())?,
    };
    // The ETag is that of the very bytes that were decoded, all of them.
    let finish = |reading: Reading| {
        let key = reading.key().to_owned();
        reading.finish().map_err(|error| format!("{key}: {error}"))
    };
    let siblings = siblings.into_iter().map(|(_, reading)| finish(reading)).collect::<Result<Vec<_>, _>>()?;
    let Outcome { written, rejected, notes } = outcome;
    Ok(Decoded { raw: finish(raw)?, siblings, written, rejected, notes })
}

fn open_all(siblings: &mut [(String, Reading)]) -> Result<Siblings<'_>, Stop> {
    let mut opened = Siblings::new();
    for (name, reading) in siblings {
        let key = reading.key().to_owned();
        opened.insert(name.clone(), decompress(&key, Box::new(reading))?);
    }
    Ok(opened)
}

fn decode_rows(
    dataset: &Dataset,
    table: &Table,
    raw: &Object,
    siblings: Siblings<'_>,
    reader: impl Read,
) -> Result<Outcome, Stop> {
    let object = RawObject { dataset, table, key: &raw.key, received_at: whole_seconds(raw.last_modified) };
    let mut writer = TableWriter::new(table, &raw.key, raw.version.as_deref())?;
    let notes = formats::decode(&object, siblings, reader, &mut writer)?;
    Ok(Outcome { written: writer.finish()?, rejected: None, notes })
}

/// S3 tells the time of an object in whole seconds; so do we everywhere.
fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// Reads what a `.gz` or `.zst` at the end of a name says; anything else as it is.
pub fn decompress<'a>(key: &str, reader: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(if key.ends_with(".gz") {
        Box::new(Capped::new(flate2::read::MultiGzDecoder::new(reader)))
    } else if key.ends_with(".zst") {
        Box::new(Capped::new(Zstandard(zstd::stream::read::Decoder::new(reader)?)))
    } else {
        reader
    })
}

/// Ends what decompresses to more than anybody uploads: a small object must not fill the disk.
struct Capped<R> {
    reader: R,
    left: u64,
}

impl<R> Capped<R> {
    fn new(reader: R) -> Self {
        Self { reader, left: MAX_DECOMPRESSED }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let why = format!("it decompresses to more than {MAX_DECOMPRESSED} bytes: upload it in parts");
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        Ok(read)
    }
}

/// Tells bytes that are no Zstandard as gzip does: the library calls them just another error.
struct Zstandard<R>(R);

impl<R: Read> Read for Zstandard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
            _ => error,
        })
    }
}

/// The object as one rejected row, with the beginning of its text.
fn reject_whole(raw: &Object, reject: WholeReject, head: &[u8]) -> io::Result<Outcome> {
    let mut rejects = RejectWriter::new(&raw.key, raw.version.as_deref());
    rejects.write(&Reject {
        row: 1,
        column: None,
        reason: &reject.reason,
        message: reject.message.clone(),
        text: head,
    })?;
    let rows = Rows { read: 1, rejected: 1, ..Rows::default() };
    let written = Written { rows, parts: Vec::new(), rejects: rejects.finish()? };
    Ok(Outcome { written, rejected: Some(reject), notes: Notes::default() })
}
