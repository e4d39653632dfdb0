//! Makes a large lake of a small one: `sample-ledger LAKE COUNT` adds copies of its raw objects, each with what was made of
//! it and an entry in the ledger, until there are about `COUNT`. Copies share the bytes on the disk.

use std::fs;
use std::io;
use std::path::Path;

use lake::keys;
use lake::ledger::{RawEntry, encode};

/// Links to one file at most, of those that a file system allows.
const LINKS: usize = 30_000;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(lake), Some(count), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: sample-ledger LAKE COUNT"));
    };
    let count: usize = count.parse().map_err(io::Error::other)?;
    let lake = Path::new(&lake);
    let mut entries = Vec::new();
    for dataset in fs::read_dir(lake.join("ledger/raw"))? {
        collect(&dataset?.path(), &mut entries)?;
    }
    let copies = count.div_ceil(entries.len().max(1));
    for entry in &entries {
        for copy in 1..copies {
            add(lake, entry, copy)?;
        }
    }
    Ok(())
}

fn collect(path: &Path, entries: &mut Vec<RawEntry>) -> io::Result<()> {
    if path.is_dir() {
        for inner in fs::read_dir(path)? {
            collect(&inner?.path(), entries)?;
        }
        return Ok(());
    }
    entries.push(serde_json::from_slice(&fs::read(path)?)?);
    Ok(())
}

/// Adds a raw object with the bytes of another one.
fn add(lake: &Path, of: &RawEntry, copy: usize) -> io::Result<()> {
    let (folder, name) = of.raw_key().rsplit_once('/').unwrap_or(("", of.raw_key()));
    let raw_key = format!("{folder}/{copy:07}-{name}");
    let mut entry = of.clone();
    if let Some(input) = entry.inputs.first_mut() {
        input.key.clone_from(&raw_key);
    }
    link(&lake.join("raw").join(of.raw_key()), &lake.join("raw").join(&raw_key), copy)?;
    for output in &mut entry.outputs {
        let key = keys::standard(&entry.dataset, &entry.table, &output.partition, &raw_key);
        link(&lake.join("standard").join(&output.key), &lake.join("standard").join(&key), copy)?;
        output.key = key;
    }
    let path = lake.join("ledger").join(keys::raw_ledger(&raw_key));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, encode(&entry)?)
}

/// The same file under another name; a copy of it where it has links enough. Copies keep its time.
fn link(from: &Path, to: &Path, copy: usize) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if !copy.is_multiple_of(LINKS) {
        return fs::hard_link(from, to);
    }
    fs::copy(from, to)?;
    let time = fs::metadata(from)?.modified()?;
    fs::File::options().write(true).open(to)?.set_modified(time)
}
