//! `tributary dataset new`: drafts a dataset's folder from a sample file.

use std::fs;
use std::path::{Path, PathBuf};

use clean::formats::draft::{Draft, Rejected, Tried, draft as drafted};
use lake::dataset::Catalog;
use serde_json::json;

use super::{Report, check};
use crate::failure::Failure;
use crate::output::{counted, grouped};
use crate::summary::line;

/// Drafts `INTO/NAME/` from a file, checks it, and says what it makes of the file. What cannot be drafted leaves nothing.
pub(super) async fn draft(name: &str, from: &Path, into: Option<&Path>) -> Result<Report, Failure> {
    check::sound_name(name)?;
    if Catalog::built_in().dataset(name).is_ok() {
        let why = format!(
            "there is a built-in dataset {name}: to change single values of it, write only these into {name}/dataset.toml"
        );
        return Err(Failure::usage(why));
    }
    let into = into.unwrap_or(Path::new("."));
    check::local(into)?;
    let folder = into.join(name);
    if folder.exists() {
        return Err(Failure::usage(format!(
            "{} is there already: remove it, or choose another name",
            folder.display()
        )));
    }
    if from.is_dir() {
        return Err(Failure::usage(format!("{} is a folder: name one file in it", from.display())));
    }
    let draft = drafted(name, from).map_err(|why| Failure::usage(format!("{}: {why}", from.display())))?;
    let written = Written::new(&folder)?;
    written.write("dataset.toml", &draft.dataset_toml)?;
    if let Some((file, text)) = &draft.model {
        written.write(file, text)?;
    }
    let checked = check::check(&folder).await?;
    written.keep();
    Ok(report(&folder, from, &draft, checked))
}

/// A folder that is removed again unless it is kept, with those above it that were made for it.
struct Written {
    folder: PathBuf,
    /// The first folder that was not there before.
    made: PathBuf,
    is_kept: bool,
}

impl Written {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let made = folder.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).last();
        let made = made.unwrap_or(folder).to_owned();
        let written = Self { folder: folder.to_owned(), made, is_kept: false };
        fs::create_dir_all(folder).map_err(|error| wrong(folder, &error))?;
        Ok(written)
    }

    fn write(&self, file: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.join(file);
        fs::write(&path, text).map_err(|error| wrong(&path, &error))
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.is_kept {
            // The error that led here says more.
            let _ = fs::remove_dir_all(&self.made);
        }
    }
}

fn wrong(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

fn report(folder: &Path, from: &Path, draft: &Draft, mut checked: Report) -> Report {
    let Draft { notes, tried, model, .. } = draft;
    let mut text =
        format!("Drafted {} from {}: read what it guesses, and change it.\n", folder.display(), from.display());
    let add = &mut text;
    let Tried { clean, rejected, reasons, preamble, is_beginning } = tried;
    let what = if *is_beginning { "the beginning of its own sample" } else { "its own sample" };
    let (came, left) = (counted(*clean, "row"), grouped(*rejected));
    line(add, format_args!("It reads {what}: {came} came through, {left} rejected."));
    for (reason, Rejected { rows, first, column, message }) in reasons {
        let column = column.as_ref().map(|column| format!(" column {column}:")).unwrap_or_default();
        line(add, format_args!("  {reason}: {}, such as line {first}:{column} {message}", grouped(*rows)));
    }
    if *preamble > 0 {
        line(add, format_args!("  {} before the header, or comments", are(*preamble)));
    }
    for note in notes {
        line(add, format_args!("note: {note}"));
    }
    if model.is_none() {
        line(add, format_args!("note: no column has a time in each row: no partition and no model is proposed"));
    }
    text.push_str(&checked.text);
    let reasons: serde_json::Map<String, serde_json::Value> = reasons
        .iter()
        .map(|(reason, Rejected { rows, first, column, message })| {
            (reason.clone(), json!({"rows": rows, "first": first, "column": column, "message": message}))
        })
        .collect();
    if let Some(fields) = checked.json.as_object_mut() {
        fields.insert("notes".to_owned(), json!(notes));
        let sample = json!({
            "clean": clean, "rejected": rejected, "reasons": reasons, "preamble": preamble, "is_beginning": is_beginning
        });
        fields.insert("sample".to_owned(), sample);
    }
    Report { text, json: checked.json }
}

fn are(count: u64) -> String {
    if count == 1 { "1 line is no row:".to_owned() } else { format!("{} lines are no rows:", grouped(count)) }
}
