//! Raw objects that are too large for a call, and those that belong to a window.

use std::ops::Range;

use chrono::NaiveDate;
use lake::Lake;
use lake::partition::days_of_key;
use lake::store::{Object, Store};

use crate::{Result, is_current};

/// The most that a byte of gzip can become.
const MOST_PER_BYTE: u64 = 1032;
/// What a byte of text becomes where its archive does not say it.
const USUAL_PER_BYTE: u64 = 10;
/// The longest header of a zstd frame.
const ZSTD_HEADER: u64 = 18;

/// An object that is above the size from which AWS Batch cleans it: a compressed one by what is in it.
pub async fn large(lake: &Lake, raw_key: &str) -> Result<Option<Object>> {
    let Some(limit) = lake.batch.as_ref().and_then(lake::batch::Batch::above_bytes) else { return Ok(None) };
    let Some(raw) = lake.raw.head(raw_key).await? else { return Ok(None) };
    let is_large = raw.bytes > limit
        || raw.bytes.saturating_mul(MOST_PER_BYTE) > limit && unpacked(&lake.raw, &raw).await? > limit;
    Ok(is_large.then_some(raw))
}

/// The size of what an object holds, as far as it says so: gzip has it at its end, modulo 4 GiB and of its last member only;
/// zstd, if at all, at its beginning.
async fn unpacked(store: &Store, raw: &Object) -> Result<u64> {
    let name = raw.key.to_ascii_lowercase();
    let unknown = raw.bytes.saturating_mul(USUAL_PER_BYTE);
    if name.ends_with(".gz") && raw.bytes > 4 {
        let end = store.get_range(&raw.key, &raw.etag, raw.bytes - 4..raw.bytes).await?;
        let size = <[u8; 4]>::try_from(end.as_ref()).map_or(0, u32::from_le_bytes);
        return Ok(if u64::from(size) < raw.bytes { unknown } else { u64::from(size) });
    }
    if name.ends_with(".zst") && raw.bytes > 0 {
        let header = store.get_range(&raw.key, &raw.etag, 0..raw.bytes.min(ZSTD_HEADER)).await?;
        return Ok(zstd::zstd_safe::get_frame_content_size(&header).ok().flatten().unwrap_or(unknown));
    }
    Ok(raw.bytes)
}

/// The same, if it is still to be cleaned.
pub async fn large_and_stale(lake: &Lake, raw_key: &str) -> Result<Option<Object>> {
    match large(lake, raw_key).await? {
        Some(raw) if !is_done(lake, &raw).await? => Ok(Some(raw)),
        _ => Ok(None),
    }
}

/// The raw keys of a dataset that name one of these days and that the ledger does not show as done.
pub async fn of_days(lake: &Lake, dataset: &str, days: &Range<NaiveDate>) -> Result<Vec<String>> {
    let spec = lake.catalog.dataset(dataset)?;
    let mut found = Vec::new();
    for raw in lake.raw.list(&format!("{dataset}/")).await? {
        let within = days_of_key(&raw.key).is_some_and(|own| own.start < days.end && days.start < own.end);
        if within && spec.table_of(&raw.key).is_some() && !is_done(lake, &raw).await? {
            found.push(raw.key);
        }
    }
    Ok(found)
}

async fn is_done(lake: &Lake, raw: &Object) -> Result<bool> {
    let entry = lake.ledger.raw_entry(&raw.key).await?;
    is_current(lake, &raw.key, raw, entry.as_ref().map(|(entry, _)| entry)).await
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lake::settings::LakeSettings;
    use lake::store::Condition;

    use super::*;

    #[tokio::test]
    async fn compressed_objects_are_as_large_as_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().display()).parse().unwrap();
        let lake = Lake::open(LakeSettings::at(url)).await.unwrap();
        let text = vec![b'a'; 3_000_000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut streamed = zstd::Encoder::new(Vec::new(), 1).unwrap();
        streamed.write_all(&text).unwrap();
        let streamed = streamed.finish().unwrap();
        // Of a second member only the size of the last one is known.
        let mut small = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        small.write_all(b"b").unwrap();
        let two = [gzip.clone(), small.finish().unwrap()].concat();
        for (key, bytes, size) in [
            ("trams/a.csv", text.clone(), 3_000_000),
            ("trams/a.csv.GZ", gzip, 3_000_000),
            ("trams/a.csv.zst", zstd::bulk::compress(&text, 1).unwrap(), 3_000_000),
            ("trams/streamed.csv.zst", streamed.clone(), 10 * streamed.len() as u64),
            ("trams/two.csv.gz", two.clone(), 10 * two.len() as u64),
            ("trams/broken.csv.gz", b"abc".to_vec(), 3),
            ("trams/broken.csv.zst", b"abc".to_vec(), 30),
        ] {
            lake.raw.put(key, bytes.into(), Condition::Always).await.unwrap();
            let raw = lake.raw.head(key).await.unwrap().unwrap();
            assert_eq!(unpacked(&lake.raw, &raw).await.unwrap(), size, "{key}");
        }
    }
}
