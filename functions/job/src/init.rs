//! `tributary init`: an empty lake in a folder, with what a person who finds it wants to know.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use lake::Lake;
use lake::settings::Zone;
use lake::store::StoreUrl;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::Failure;
use crate::output::{print, print_result};
use crate::summary::line;

const README: &str = "\
# A data lake of Tributary

    raw/DATASET/          files as they were delivered: put yours here
    config/datasets/      own datasets, and changes of built-in ones, one folder each
    standard/             typed valid rows as Parquet, made by `tributary clean`
    rejection/            invalid rows, with their reasons
    consumption/          results of SQL models as Parquet, made by `tributary aggregate`
    ledger/               what went in and what came out: change nothing here

Say where the lake is with --lake or LAKE_URL; without these it is the folder `lake` in the current one:

    tributary status                                  what is there, and what is waiting
    tributary dataset new NAME --from FILE            draft a dataset from a sample
    tributary clean && tributary aggregate            bring everything up to date
    tributary query 'SELECT ...'                      SQL over all tables, named dataset.table
    tributary verify                                  prove that no row is lost

All but raw/ and config/ can be made again from these two.
";
const IGNORED: &str = "\
# Data, and what is made of it, is not for version control; config/ is.
/raw/
/standard/
/rejection/
/consumption/
/ledger/
/batch/
";

/// Makes the lake's folders and files, as far as they are not there.
pub fn run(lake: &Lake, format: Format) -> Result<()> {
    let begun = Instant::now();
    let StoreUrl::File(root) = lake.root_place() else {
        let why = format!("{} is made by Terraform: see infra/README.md", lake.root_url());
        return Err(Failure::usage(why));
    };
    let wrong = |error: std::io::Error| Failure::lasting(format!("{}: {error}", root.display()));
    let mut made = Vec::new();
    let was_there = is_lake(root);
    for folder in ["config/datasets".to_owned(), Zone::Raw.name().to_owned()] {
        fs::create_dir_all(root.join(folder)).map_err(wrong)?;
    }
    for dataset in lake.catalog.datasets().iter().filter(|dataset| !dataset.has_source()) {
        fs::create_dir_all(root.join(Zone::Raw.name()).join(&dataset.name)).map_err(wrong)?;
    }
    for (name, content) in [("README.md", README), (".gitignore", IGNORED)] {
        if write_new(&root.join(name), content).map_err(wrong)? {
            made.push(root.join(name).display().to_string());
        }
    }
    if format != Format::Text {
        let elapsed_ms = begun.elapsed().as_millis() as u64;
        print_result(format, &json!({"ok": true, "elapsed_ms": elapsed_ms, "lake": lake.root_url(), "made": made}));
        return Ok(());
    }
    let mut text = String::new();
    made.iter().for_each(|path| line(&mut text, format_args!("made {path}")));
    let state = if was_there { "There was a lake already" } else { "There is a new lake" };
    line(&mut text, format_args!("{state} at {}.", root.display()));
    line(&mut text, format_args!("Next: put files into its raw/DATASET/, or run `tributary dataset new --help`."));
    print(&text);
    Ok(())
}

/// Whether a folder has one of those that a lake is made of.
fn is_lake(root: &Path) -> bool {
    Zone::ALL.into_iter().map(Zone::name).chain(["config"]).any(|folder| root.join(folder).is_dir())
}

/// Writes a file unless it is there.
fn write_new(path: &Path, content: &str) -> std::io::Result<bool> {
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(content.as_bytes()).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
