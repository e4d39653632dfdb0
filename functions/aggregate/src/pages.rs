//! Report pages: what the `report.toml` of a dataset declares, made from answers to its queries when what it shows has
//! changed. Each page is a file with a ledger entry of its own, as those of models are; the page over all datasets is made from
//! what these entries note.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;

use arrow::json::writer::{LineDelimited, WriterBuilder};
use lake::dataset::Dataset;
use lake::ledger::{ConsumptionEntry, Keep, Note};
use lake::store::Failure;
use lake::{Lake, hash, keys};
use report::{Answers, Entry, Page, Rendered, Report, Rows, Setting};

use crate::commit::{self, Made as MadeObject};
use crate::error::{Error, Result};
use crate::export::{file_partition, line};
use crate::lineage::Lineage;
use crate::query::Asking;
use crate::state::State;
use crate::{Aggregated, FILE_ROUNDS, pause};

/// Stands in the ledger where files have their model.
pub const MODEL: &str = "_report";
/// Stands in the ledger where files have their dataset: the page over all datasets.
const INDEX: &str = "_index";
/// The page over all datasets, in the consumption zone.
const INDEX_KEY: &str = "index.html";
/// The page that describes the lake, beside it.
pub const CATALOG_KEY: &str = "catalog.html";
/// Its title.
pub const CATALOG_TITLE: &str = "What is in this lake";
/// Raised when the same answers may give other pages.
const WRITER: &str = "5";
/// The most bytes of an answer, as text: a page shows some thousand marks.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The pages that a dataset declares; none without a `report.toml`, or with an empty one.
pub fn declared(dataset: &Dataset) -> Result<Vec<Page>> {
    let Some(text) = dataset.report.as_deref().filter(|text| !text.trim().is_empty()) else { return Ok(Vec::new()) };
    let wrong = |why: String| {
        Error::Lake(lake::Error::Dataset { file: format!("{}/{}", dataset.name, lake::dataset::REPORT_FILE), why })
    };
    let report = Report::parse(text).map_err(|mistake| wrong(mistake.to_string()))?;
    let personal = personal(dataset);
    for page in &report.pages {
        page.check_personal(&personal).map_err(|mistake| wrong(mistake.to_string()))?;
    }
    Ok(report.pages)
}

/// The names of a dataset's personal columns, in small letters.
fn personal(dataset: &Dataset) -> BTreeSet<String> {
    let columns = dataset.tables.iter().flat_map(|table| &table.columns);
    columns.filter(|column| column.personal).map(|column| column.name.to_lowercase()).collect()
}

/// A page that was rendered.
#[derive(Debug)]
pub struct Rendering {
    /// Where it goes, below the dataset.
    pub path: String,
    /// The page.
    pub page: Rendered,
}

/// Renders a dataset's pages as they would be now; nothing is written.
pub async fn render(lake: &Lake, dataset: &Dataset) -> Result<Vec<Rendering>> {
    let pages = declared(dataset)?;
    let (mut asking, mut lineage) = (Asking::of_pages(lake)?, Lineage::new(lake)?);
    let mut rendered = Vec::new();
    for page in &pages {
        let page_of = render_one(lake, dataset, page, &mut asking, &mut lineage).await?;
        rendered.push(Rendering { path: page.path(), page: page_of });
    }
    Ok(rendered)
}

async fn render_one(
    lake: &Lake,
    dataset: &Dataset,
    page: &Page,
    asking: &mut Asking<'_>,
    lineage: &mut Lineage<'_>,
) -> Result<Rendered> {
    let (mut answers, mut failed) = (Answers::new(), BTreeMap::new());
    for sql in page.queries() {
        let answered = match shows_personal(page, sql, lineage).await {
            Ok(Some(why)) => {
                let file = format!("{}/{}", dataset.name, lake::dataset::REPORT_FILE);
                return Err(Error::Lake(lake::Error::Dataset { file, why: format!("page {}: {why}", page.name) }));
            }
            Ok(None) => answer(lake, sql, asking).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(rows) => drop(answers.insert(sql.to_owned(), rows)),
            // What the lake refuses is no matter of the page.
            Err(error @ (Error::Lake(_) | Error::Input { .. })) => return Err(error),
            // A wrong query is shown as such. One that was not answered may be another time, with more memory or time.
            Err(error) if asking.check(sql).await.is_ok() => {
                let why = format!("{error}, in: {}", first_line(sql));
                return Err(Error::Page { dataset: dataset.name.clone(), page: page.path(), why });
            }
            Err(error) => drop(failed.insert(sql.to_owned(), error.to_string())),
        }
    }
    let index = if page.personal { "../../index.html" } else { "../index.html" };
    let setting = Setting { zone: dataset.zone, personal: personal(dataset), index: Some(index.to_owned()), failed };
    Ok(report::render(page, &answers, &setting))
}

async fn answer(lake: &Lake, sql: &str, asking: &mut Asking<'_>) -> Result<Rows> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    let failed = |error: &dyn std::fmt::Display| Error::Query(error.to_string());
    let mut bytes = 0;
    let mut visit = |batch: arrow::array::RecordBatch| {
        bytes += batch.get_array_memory_size();
        if bytes > MOST_BYTES {
            return Err(Error::Query("a query of the page returns too much: aggregate in SQL".to_owned()));
        }
        writer.write(&batch).map_err(|error| failed(&error))
    };
    asking.ask(sql, Some(lake.limits().model_time), &mut visit).await?;
    writer.finish().map_err(|error| failed(&error))?;
    let text = String::from_utf8(writer.into_inner()).map_err(|error| failed(&error))?;
    Rows::from_json_lines(&text).map_err(|error| failed(&error))
}

/// Why a query may not be on a page: one without `personal = true` shows nothing that derives from personal columns.
async fn shows_personal(page: &Page, sql: &str, lineage: &mut Lineage<'_>) -> Result<Option<String>> {
    if page.personal {
        return Ok(None);
    }
    let columns = lineage.personal_columns(sql).await?;
    Ok(columns.first().map(|name| {
        let first = first_line(sql);
        format!(
            "the column \"{name}\" derives from personal columns: leave it out, or put `personal = true` on the page, which writes it below _personal/, in: {first}"
        )
    }))
}

/// Pages that were written or deleted, and those that failed: they do not stop the others.
#[derive(Debug, Default)]
pub struct Exported {
    /// A line for each.
    pub lines: Vec<Aggregated>,
    /// What failed.
    pub failed: Vec<Error>,
}

/// Brings the pages of a dataset up to date; `all` makes those again that are.
pub async fn bring_up_to_date(lake: &Lake, dataset: &Dataset, all: bool) -> Result<Exported> {
    export(lake, &mut State::read(lake, dataset, Keep::Nothing).await?, all).await
}

/// The same for what was read already.
pub async fn export(lake: &Lake, state: &mut State<'_>, all: bool) -> Result<Exported> {
    let is_page = |(_, entry): (&str, &ConsumptionEntry)| entry.model == MODEL;
    let has_declaration = state.dataset.report.as_deref().is_some_and(|text| !text.trim().is_empty());
    if !has_declaration && !state.made.entries().any(is_page) {
        return Ok(Exported::default());
    }
    for round in 1..FILE_ROUNDS {
        match one_round(lake, state, all).await {
            // Another aggregation has committed a page first: what it was made from may be newer.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            // An object that changes meanwhile is another one by now.
            Err(Error::Input { .. }) => {}
            other => return other,
        }
        pause(round).await;
        *state = State::read(lake, state.dataset, Keep::Nothing).await?;
    }
    one_round(lake, state, all).await
}

async fn one_round(lake: &Lake, state: &State<'_>, all: bool) -> Result<Exported> {
    // What changes while a page is rendered is for the next run: the page is then made again.
    let fingerprint = fingerprint(state);
    let State { dataset, made, cleaned, .. } = state;
    let known = || made.entries().filter(|(_, entry)| entry.model == MODEL);
    let Exported { mut lines, mut failed } = Exported::default();
    // A dataset without models shows its tables.
    let is_made = match dataset.models.is_empty() {
        true => cleaned.tables.values().any(|groups| !groups.is_empty()),
        false => made.partitions().any(|(_, entry)| !entry.outputs.is_empty()),
    };
    let pages = if is_made { declared(dataset)? } else { Vec::new() };
    let key = |page: &Page| keys::consumption_ledger(&dataset.name, MODEL, &file_partition(&page.path()));
    let wanted: Vec<(String, &Page)> = pages.iter().map(|page| (key(page), page)).collect();
    for (ledger_key, entry) in known().filter(|(key, _)| !wanted.iter().any(|(wanted, _)| wanted == key)) {
        if commit::remove(lake, ledger_key, entry).await? {
            lines.push(line(dataset, MODEL, entry.file.as_deref().unwrap_or_default(), 0, true, true));
        }
    }
    let mut asking = None;
    for (number, (ledger_key, page)) in wanted.into_iter().enumerate() {
        let entry = made.get(&ledger_key);
        let is_current = entry.is_some_and(|entry| entry.is_settled() && entry.fingerprint == fingerprint);
        if is_current && !all && !made.is_damaged(&ledger_key) {
            if entry.is_some_and(|entry| !entry.beside.is_empty()) {
                commit::settle(lake, &ledger_key).await?;
            }
            continue;
        }
        let (asking, lineage) = match &mut asking {
            Some(known) => known,
            none => none.insert((Asking::of_pages(lake)?, Lineage::new(lake)?)),
        };
        let rendered = match render_one(lake, dataset, page, asking, lineage).await {
            Err(error @ Error::Page { .. }) => {
                failed.push(error);
                continue;
            }
            rendered => rendered?,
        };
        // Of a page that names people nothing is noted but that it is there.
        let says = |text: &str| if page.personal { String::new() } else { text.to_owned() };
        let note = Note {
            place: number,
            title: page.title.clone(),
            headline: says(&rendered.headline),
            newest: says(&rendered.newest),
        };
        let path = page.path();
        let entry = ConsumptionEntry {
            fingerprint: fingerprint.clone(),
            file: Some(path.clone()),
            note: Some(note),
            ..commit::nothing(&dataset.name, MODEL, &file_partition(&path))
        };
        let key = keys::consumption_file(&dataset.name, &path);
        let previous = commit::previous(lake, &ledger_key, made.get(&ledger_key)).await?;
        let changed = write(lake, key, entry, previous, &rendered.html).await?;
        let warnings = rendered.problems;
        lines.push(Aggregated { warnings, ..line(dataset, MODEL, &path, 0, changed, false) });
    }
    Ok(Exported { lines, failed })
}

/// Writes a page and commits it in place of `previous`. Returns whether its bytes are other ones than before.
async fn write(
    lake: &Lake,
    key: String,
    entry: ConsumptionEntry,
    previous: Option<commit::Known>,
    html: &str,
) -> Result<bool> {
    let failed = |error: std::io::Error| Error::Query(format!("failed to write {key}: {error}"));
    let mut file: File = tempfile::tempfile().map_err(failed)?;
    file.write_all(html.as_bytes()).map_err(failed)?;
    let partition = entry.partition.clone();
    let before = previous.as_ref().and_then(|(entry, _)| entry.outputs.first().map(|output| output.hash.clone()));
    let outputs = commit::commit(lake, previous, entry, vec![MadeObject { key, partition, rows: 0, file }]).await?;
    Ok(before.as_ref() != outputs.first().map(|output| &output.hash))
}

/// What pages are made from: their declaration, and everything that there is of the dataset.
fn fingerprint(state: &State<'_>) -> String {
    let State { dataset, made, cleaned } = state;
    let personal = personal(dataset);
    let tables = cleaned.tables.iter().map(|(table, groups)| {
        let sum = groups.values().fold(0_u128, |sum, group| sum.wrapping_add(group.sum));
        format!("{table} {sum:032x}")
    });
    let tables: Vec<String> = tables.collect();
    let objects = made.partitions().flat_map(|(_, entry)| &entry.outputs);
    let objects = objects.flat_map(|output| [output.key.as_str(), output.hash.as_str()]);
    let mut parts = vec![WRITER, dataset.report.as_deref().unwrap_or_default(), dataset.zone.name()];
    parts.extend(personal.iter().map(String::as_str));
    parts.extend(dataset.tables.iter().map(|table| table.fingerprint.as_str()));
    parts.extend(objects.chain(tables.iter().map(String::as_str)));
    hash::texts(parts)
}

/// Whether there is a page over all datasets: by the ledger, or by itself where its entry was lost.
pub async fn has_index(lake: &Lake) -> Result<bool> {
    let entry = lake.ledger.consumption_entry(INDEX, MODEL, &file_partition(INDEX_KEY)).await?;
    Ok(entry.is_some() || lake.consumption.head(INDEX_KEY).await?.is_some())
}

/// Brings the page over all datasets up to date.
pub async fn index(lake: &Lake) -> Result<bool> {
    for round in 1..FILE_ROUNDS {
        match try_index(lake).await {
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            other => return other,
        }
        pause(round).await;
    }
    try_index(lake).await
}

async fn try_index(lake: &Lake) -> Result<bool> {
    let partition = file_partition(INDEX_KEY);
    // Before the pages: another aggregation that commits one of them afterwards commits the index after this one.
    let previous = lake.ledger.consumption_entry(INDEX, MODEL, &partition).await?;
    let mut entries = Vec::new();
    for dataset in lake.catalog.datasets() {
        let made = lake.ledger.files(&dataset.name, MODEL).await?;
        let mut pages: Vec<(&Note, &str)> = made
            .iter()
            .filter(|(_, entry)| !entry.outputs.is_empty())
            .filter_map(|(_, entry)| Some((entry.note.as_ref()?, entry.file.as_deref()?)))
            .collect();
        pages.sort_by_key(|(note, path)| (note.headline.is_empty(), note.place, *path));
        let Some((first, _)) = pages.first() else { continue };
        let of_page = |(note, path): &(&Note, &str)| (note.title.clone(), format!("{}/{path}", dataset.name));
        entries.push(Entry {
            title: dataset.title.clone(),
            headline: first.headline.clone(),
            newest: first.newest.clone(),
            pages: pages.iter().map(of_page).collect(),
        });
    }
    if entries.is_empty() && previous.is_none() {
        return Ok(false);
    }
    if has_catalog(lake).await? {
        entries.push(Entry {
            title: CATALOG_TITLE.to_owned(),
            headline: "Tables, models and columns: what each is, where it comes from, how fresh it is.".to_owned(),
            newest: String::new(),
            pages: vec![(CATALOG_TITLE.to_owned(), CATALOG_KEY.to_owned())],
        });
    }
    let html = report::render_index("Data", "en", &entries);
    let fingerprint = hash::bytes(html.as_bytes());
    let is_there = match previous.as_ref().and_then(|(entry, _)| entry.outputs.first()) {
        Some(output) => lake.consumption.head(&output.key).await?.is_some_and(|there| there.etag == output.etag),
        None => false,
    };
    let is_current = |entry: &ConsumptionEntry| entry.is_settled() && entry.fingerprint == fingerprint && is_there;
    if let Some((known, _)) = previous.as_ref().filter(|(entry, _)| is_current(entry)) {
        if !known.beside.is_empty() {
            commit::settle(lake, &keys::consumption_ledger(INDEX, MODEL, &partition)).await?;
        }
        return Ok(false);
    }
    let entry =
        ConsumptionEntry { fingerprint, file: Some(INDEX_KEY.to_owned()), ..commit::nothing(INDEX, MODEL, &partition) };
    write(lake, INDEX_KEY.to_owned(), entry, previous, &html).await
}

/// Whether the page that describes the lake was made.
pub async fn has_catalog(lake: &Lake) -> Result<bool> {
    let entry = lake.ledger.consumption_entry(INDEX, MODEL, &file_partition(CATALOG_KEY)).await?;
    Ok(entry.is_some_and(|(entry, _)| !entry.outputs.is_empty()))
}

/// Writes the page that describes the lake, to which the one over all datasets links.
pub async fn write_catalog(lake: &Lake, html: &str) -> Result<()> {
    let key = CATALOG_KEY;
    let partition = file_partition(key);
    let previous = lake.ledger.consumption_entry(INDEX, MODEL, &partition).await?;
    let fingerprint = hash::bytes(html.as_bytes());
    let entry =
        ConsumptionEntry { fingerprint, file: Some(key.to_owned()), ..commit::nothing(INDEX, MODEL, &partition) };
    write(lake, key.to_owned(), entry, previous, html).await.map(drop)
}

/// Finds what cannot be made of a dataset's pages, over no rows: one message each.
pub async fn check(lake: &Lake, dataset: &Dataset) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let (mut asking, mut lineage) = (Asking::of_nothing(lake)?, Lineage::new(lake)?);
    for page in declared(dataset)? {
        let mut returned = BTreeMap::new();
        for sql in page.queries() {
            match asking.ask(sql, None, &mut |_| Ok(())).await {
                Ok(schema) => {
                    let names = schema.fields().iter().map(|field| field.name().clone()).collect();
                    returned.insert(sql.to_owned(), names);
                }
                Err(error) => {
                    problems.push(format!("page {}: {error}, in: {}", page.name, first_line(sql)));
                    continue;
                }
            }
            if let Some(why) = shows_personal(&page, sql, &mut lineage).await? {
                problems.push(format!("page {}: {why}", page.name));
            }
        }
        let missing = report::missing_columns(&page, &returned);
        problems.extend(missing.into_iter().map(|why| format!("page {}: {why}", page.name)));
    }
    Ok(problems)
}

fn first_line(sql: &str) -> &str {
    sql.trim().lines().next().unwrap_or_default()
}
