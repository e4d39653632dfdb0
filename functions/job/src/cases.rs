//! `tributary test`: what models declare of their rows, over those that are there, and unit tests, from the files beside them;
//! and drafts of such files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use aggregate::cases::{self, Difference};
use aggregate::retest::{self, Retested};
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use lake::Lake;
use lake::dataset::case::{self, Case, Row};
use lake::dataset::{Check, Dataset, Expectation, Model, Relation, Severity};
use lake::ledger::partition_of;
use lake::partition::{Partition, PartitionBy};
use lake::progress::Progress;
use lake::suggest::did_you_mean;
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::output::{counted, print, print_result};
use crate::summary::{exit_status, line};

/// Rows of the first table that a draft has, and of each other one.
const DRAFTED: usize = 5;
const DRAFTED_BESIDE: usize = 10;

/// What became of one test.
#[derive(Debug, Serialize)]
struct Tested {
    dataset: String,
    model: String,
    name: String,
    ok: bool,
    /// How many partitions a declared test looked at; none for a unit test.
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<u64>,
    /// What a declared test found that is no error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unexpected: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the tests of one dataset or of all.
pub async fn run(lake: &Lake, dataset: Option<&str>, format: Format, progress: &dyn Progress) -> ExitCode {
    let begun = Instant::now();
    let datasets: Vec<&Dataset> = match dataset.map(|name| lake.catalog.dataset(name)).transpose() {
        Ok(Some(dataset)) => vec![dataset],
        Ok(None) => lake.catalog.datasets().iter().collect(),
        Err(error) => {
            let failures = [Failure::from(error)];
            failure::print_all(&failures);
            if format != Format::Text {
                print_result(format, &json!({"ok": false, "tests": [], "errors": failures}));
            }
            return exit_status(&failures);
        }
    };
    let mut failures: Vec<Failure> = Vec::new();
    if dataset.is_none() {
        failures.extend(lake.catalog.broken().map(Failure::from));
    }
    let mut tests = Vec::new();
    let has_lake = match lake.exists().await {
        Ok(has_lake) => has_lake,
        Err(error) => {
            failures.push(error.into());
            false
        }
    };
    for dataset in datasets {
        if has_lake {
            match retest::run(lake, dataset, progress).await {
                Ok(done) => done.into_iter().for_each(|done| tests.extend(declared(dataset, done, &mut failures))),
                Err(error) => failures.push(error.into()),
            }
        }
        for (model, text) in &dataset.cases {
            match file(lake, dataset, model, text).await {
                Ok(done) => tests.extend(done),
                Err(why) => failures.push(Failure::usage(format!("{}/{model}{}: {why}", dataset.name, case::ENDING))),
            }
        }
    }
    let failed = tests.iter().filter(|test| !test.ok).count();
    if failed > 0 {
        failures.push(Failure::lasting(format!("{failed} of {} failed", counted(tests.len() as u64, "test"))));
    }
    failure::print_all(&failures);
    match format {
        Format::Text => print(&text(&tests)),
        Format::Json | Format::Csv => {
            let elapsed_ms = begun.elapsed().as_millis() as u64;
            let ok = failures.is_empty();
            print_result(format, &json!({"ok": ok, "elapsed_ms": elapsed_ms, "tests": tests, "errors": failures}));
        }
    }
    exit_status(&failures)
}

/// The tests that a model declares, each as one line.
fn declared(dataset: &Dataset, done: Retested, failures: &mut Vec<Failure>) -> Vec<Tested> {
    let Retested { model, partitions, waiting, failed, errors } = done;
    if waiting > 0 {
        let (partitions, model) = (counted(waiting, "partition"), format!("{}.{model}", dataset.name));
        failures.push(Failure::lasting(format!(
            "{model}: the tests of {partitions} wait for what the model reads: run `tributary aggregate`"
        )));
    }
    let is_sound = errors.is_empty();
    failures.extend(errors.into_iter().map(Failure::from));
    let declared = dataset.model(&model).map(|model| model.tests.as_slice()).unwrap_or_default();
    let of = |test: &Expectation| {
        let of_severity = |wanted: Severity| -> Vec<String> {
            let is_it = |(name, severity, _): &&(String, Severity, String)| *name == test.name && *severity == wanted;
            failed.iter().filter(is_it).map(|(.., text)| text.clone()).collect()
        };
        let errors = of_severity(Severity::Error);
        Tested {
            dataset: dataset.name.clone(),
            model: model.clone(),
            name: test.name.clone(),
            ok: is_sound && errors.is_empty(),
            partitions: Some(partitions),
            warnings: of_severity(Severity::Warn),
            missing: Vec::new(),
            unexpected: Vec::new(),
            error: (!errors.is_empty()).then(|| errors.join("; ")),
        }
    };
    // What has no partition yet has nothing to be tested.
    let is_there = partitions > 0;
    declared.iter().filter(|_| is_there).map(of).collect()
}

async fn file(lake: &Lake, dataset: &Dataset, name: &str, text: &str) -> std::result::Result<Vec<Tested>, String> {
    let model = dataset.model(name);
    let model = model.ok_or_else(|| format!("there is no model {name}.sql"))?;
    let mut tests = Vec::new();
    for case in case::cases(text)? {
        let (difference, error) = match cases::run(lake, dataset, model, &case).await {
            Ok(difference) => (difference, None),
            Err(error) => (Difference::default(), Some(error.to_string())),
        };
        tests.push(Tested {
            dataset: dataset.name.clone(),
            model: model.name.clone(),
            name: case.name,
            ok: error.is_none() && difference.is_empty(),
            partitions: None,
            warnings: Vec::new(),
            missing: difference.missing,
            unexpected: difference.unexpected,
            error,
        });
    }
    Ok(tests)
}

fn text(tests: &[Tested]) -> String {
    let mut text = String::new();
    if tests.is_empty() {
        line(&mut text, format_args!("There are no tests: `tributary test --draft DATASET.MODEL` drafts one."));
    }
    for test in tests {
        let state = match (test.ok, test.warnings.is_empty()) {
            (true, true) => "ok",
            (true, false) => "warning",
            (false, _) => "failed",
        };
        let over = test.partitions.map(|count| format!(", over {}", counted(count, "partition"))).unwrap_or_default();
        line(&mut text, format_args!("{state:<7} {}.{}: {}{over}", test.dataset, test.model, test.name));
        for warning in &test.warnings {
            line(&mut text, format_args!("        {warning}"));
        }
        for (what, rows) in [("expected, and not there", &test.missing), ("there, and not expected", &test.unexpected)]
        {
            for row in rows {
                line(&mut text, format_args!("        {what}: {row}"));
            }
        }
        if let Some(error) = &test.error {
            line(&mut text, format_args!("        {error}"));
        }
    }
    text
}

/// Prints a test of `DATASET.MODEL`, drafted from rows of the lake.
pub async fn draft(lake: &Lake, name: &str) -> Result<()> {
    let (dataset, model) = name.split_once('.').ok_or_else(|| {
        let named = lake.catalog.datasets().iter().filter(|dataset| dataset.model(name).is_some());
        let named: Vec<String> = named.map(|dataset| format!("{}.{name}", dataset.name)).collect();
        let meant = if named.is_empty() { "DATASET.MODEL".to_owned() } else { named.join(" or ") };
        Failure::usage(format!("\"{name}\" lacks its dataset: write {meant}"))
    })?;
    let dataset = lake.catalog.dataset(dataset)?;
    let model = dataset.model(model).ok_or_else(|| {
        let known: Vec<&str> = dataset.models.iter().map(|model| model.name.as_str()).collect();
        let meant = did_you_mean(model, known.iter().copied());
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::usage(format!("{} has no model \"{model}\"; it has {known}{meant}", dataset.name))
    })?;
    let drafted = Draft::text_of(lake, dataset, model).await?;
    print(&drafted);
    Ok(())
}

/// A draft on its way.
#[derive(Default)]
struct Draft {
    /// What stands in place of personal values.
    stand_ins: BTreeMap<String, String>,
    text: String,
    given: BTreeMap<String, Vec<Row>>,
}

impl Draft {
    async fn text_of(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<String> {
        let made = lake.ledger.consumption_entries(Some(&dataset.name)).await?.readable;
        let of_model = made.iter().filter(|(_, entry)| entry.model == model.name && entry.file.is_none());
        let newest =
            of_model.filter(|(_, entry)| !entry.outputs.is_empty()).filter_map(|(key, _)| partition_of(key)).max();
        let partition = newest.ok_or_else(|| {
            let why = format!("{}.{} has no rows yet: run `tributary aggregate` first", dataset.name, model.name);
            Failure::lasting(why)
        })?;
        let mut draft = Self::default();
        let place = format!("datasets/{}/{}{}", dataset.name, model.name, case::ENDING);
        draft.text = format!(
            "# Drafted from rows of a lake: keep what the test is about. Goes to {place} below config/.\n[[test]]\nname = \"a drafted test\"\n"
        );
        if model.partition != PartitionBy::Nothing {
            draft.text.push_str(&format!("partition = \"{partition}\"\n"));
        }
        let inputs = dataset.inputs_of(model).map_err(Failure::usage)?;
        let mut first: Option<RecordBatch> = None;
        for relation in inputs.relations {
            let (condition, most) = match &first {
                None => (of_partition(relation, &partition), DRAFTED),
                Some(rows) => (shared(rows, relation)?, DRAFTED_BESIDE),
            };
            let name = relation.name();
            let sql = format!("SELECT * FROM {}.{name} WHERE {condition} LIMIT {most}", dataset.name);
            let personal = aggregate::personal_columns(lake, &sql).await?;
            let rows = rows_of(lake, &sql).await?;
            let given = draft.rows(&format!("given.{name}"), &rows, |column| personal.iter().any(|it| it == column))?;
            draft.given.insert(name.to_owned(), given);
            first = first.or(Some(rows));
        }
        let case = Case {
            name: String::new(),
            partition: Some(partition),
            settings: Row::new(),
            given: std::mem::take(&mut draft.given),
            expect: Vec::new(),
        };
        let (_, batches) = cases::made(lake, dataset, model, &case).await?;
        let mut is_empty = true;
        for batch in batches {
            is_empty &= batch.num_rows() == 0;
            draft.rows("expect", &batch, |_| false)?;
        }
        if is_empty {
            let head = "[[test]]\nname = \"a drafted test\"\n";
            draft.text = draft.text.replacen(head, &format!("{head}expect = []\n"), 1);
        }
        Ok(draft.text)
    }

    /// Adds rows to the text; returns them as a test gives them.
    fn rows(&mut self, place: &str, rows: &RecordBatch, is_personal: impl Fn(&str) -> bool) -> Result<Vec<Row>> {
        let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
        let mut all = Vec::new();
        for at in 0..rows.num_rows() {
            let mut row = Row::new();
            self.text.push_str(&format!("\n[[test.{place}]]\n"));
            for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
                if column.is_null(at) {
                    continue;
                }
                let formatter =
                    ArrayFormatter::try_new(column, &options).map_err(|error| Failure::lasting(error.to_string()))?;
                let mut value = formatter.value(at).to_string();
                if is_personal(field.name()) {
                    let number = self.stand_ins.len() + 1;
                    let stand_in =
                        if is_text(column) { format!("{} {number}", field.name()) } else { number.to_string() };
                    if !is_text(column) && !column.data_type().is_integer() {
                        continue;
                    }
                    value = self.stand_ins.entry(value).or_insert(stand_in).clone();
                }
                let shown = if is_text(column) { json!(value).to_string() } else { value.clone() };
                self.text.push_str(&format!("{} = {shown}\n", field.name()));
                row.insert(field.name().clone(), value);
            }
            all.push(row);
        }
        Ok(all)
    }
}

fn is_text(column: &ArrayRef) -> bool {
    matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The rows of the first input that are of a partition, which may be cut otherwise than the model.
fn of_partition(input: Relation<'_>, partition: &Partition) -> String {
    let within = |day: &str, days: Range<NaiveDate>| {
        format!("\"{day}\" >= DATE '{}' AND \"{day}\" < DATE '{}'", days.start, days.end)
    };
    match (input.partition(), partition.days()) {
        (PartitionBy::Time(_, day), Some(days)) => within(day, days),
        (PartitionBy::Key(name), days) => match (partition.values().find(|(column, _)| column == name), days) {
            (Some((_, value)), _) => format!("\"{name}\" = '{}'", value.replace('\'', "''")),
            (None, Some(days)) if name == "date" => within("date", days),
            (None, _) => "TRUE".to_owned(),
        },
        _ => "TRUE".to_owned(),
    }
}

/// Rows of an input that have a value of its key that the first input's rows have as well.
fn shared(rows: &RecordBatch, input: Relation<'_>) -> Result<String> {
    let key: &[String] = match input {
        Relation::Table(table) => &table.key,
        Relation::Model(model) => model
            .tests
            .iter()
            .find_map(|test| match &test.check {
                Check::Unique(columns) => Some(columns.as_slice()),
                Check::Rows { .. } | Check::References { .. } | Check::Sql(_) => None,
            })
            .unwrap_or_default(),
    };
    let found = key.iter().find_map(|name| Some((name, rows.column_by_name(name)?)));
    let Some((name, column)) = found else { return Ok("TRUE".to_owned()) };
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default());
    let formatter = formatter.map_err(|error| Failure::lasting(error.to_string()))?;
    let values: Vec<String> = (0..column.len())
        .filter(|at| column.is_valid(*at))
        .map(|at| format!("'{}'", formatter.value(at).to_string().replace('\'', "''")))
        .collect();
    Ok(if values.is_empty() {
        "FALSE".to_owned()
    } else {
        format!("CAST(\"{name}\" AS VARCHAR) IN ({})", values.join(", "))
    })
}

async fn rows_of(lake: &Lake, sql: &str) -> Result<RecordBatch> {
    let mut batches = Vec::new();
    let mut keep = |batch: RecordBatch| {
        batches.push(batch);
        Ok(())
    };
    let schema = aggregate::query(lake, sql, 1, None, &mut keep).await?;
    arrow::compute::concat_batches(&schema, &batches).map_err(|error| Failure::lasting(error.to_string()))
}
