//! Tests of a model, run on a partition's new rows before they replace those of before.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::dataframe::DataFrame;
use lake::Lake;
use lake::dataset::{Check, Dataset, Expectation, Model, Of, Severity};

use crate::bounds;
use crate::columns::names;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::lineage::{Shown, has_personal};
use crate::statement::{Kind, plan};

/// Rows that a message shows of those that failed a test.
const SHOWN: usize = 3;
/// Letters of a value that a message shows.
const LONGEST: usize = 60;

/// A test that failed.
#[derive(Debug)]
pub struct Failed {
    /// The test.
    pub name: String,
    /// What follows.
    pub severity: Severity,
    /// Which test, how many rows, and some of them.
    pub text: String,
}

/// Runs the tests of a model over its new rows, which `engine` knows by the model's name, beside everything that the
/// model reads.
pub async fn run(lake: &Lake, engine: &Engine, dataset: &Dataset, model: &Model) -> Result<Vec<Failed>> {
    let counts = counts(engine, model).await?;
    let mut failed = Vec::new();
    let has_personal = has_personal(dataset);
    let asks = has_personal && counts.iter().any(|count| *count > 0);
    let shown = if asks { Shown::of_model(lake, dataset, model).await.ok() } else { None };
    for (test, count) in model.tests.iter().zip(counts) {
        if count == 0 {
            continue;
        }
        let rows = bounds::collect(failing(engine, model, test).await?.limit(0, Some(SHOWN))?).await?;
        // Of what cannot be followed nothing is shown.
        let personal = match &shown {
            Some(shown) => shown.by_test(model, test).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let is_shown = |place: usize| !has_personal || personal.get(place) == Some(&false);
        let rows = rows.iter().map(|batch| texts(batch, &is_shown)).collect::<Result<Vec<_>>>()?.concat();
        let (noun, more) = match count {
            1 => ("row", ""),
            count => ("rows", if count > rows.len() as u64 { ", ..." } else { "" }),
        };
        let rows = rows.iter().map(|row| format!("({row})")).collect::<Vec<_>>().join(", ");
        let text = format!("the test {} with {count} {noun}: {rows}{more}", test.name);
        failed.push(Failed { name: test.name.clone(), severity: test.severity, text });
    }
    Ok(failed)
}

/// How many rows fail each test. Those that look at single rows share one reading.
async fn counts(engine: &Engine, model: &Model) -> Result<Vec<u64>> {
    let of_rows = |test: &Expectation| match &test.check {
        Check::Rows { fails, .. } => Some(fails.clone()),
        Check::Unique(_) | Check::References { .. } | Check::Sql(_) => None,
    };
    let fails: Vec<String> = model.tests.iter().filter_map(of_rows).collect();
    let mut counted = Vec::new();
    if !fails.is_empty() {
        let counts =
            fails.iter().map(|fails| format!("count(*) FILTER (WHERE {fails})")).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {counts} FROM \"{}\"", model.name);
        let batches = bounds::collect(plan(engine.context(), &sql, Kind::Model).await?).await?;
        let columns = batches.iter().flat_map(RecordBatch::columns);
        counted.extend(columns.filter_map(|column| column.as_primitive_opt::<Int64Type>()?.iter().next().flatten()));
    }
    let mut counted = counted.into_iter().map(|count| u64::try_from(count).unwrap_or_default());
    let mut counts = Vec::with_capacity(model.tests.len());
    for test in &model.tests {
        counts.push(match test.check {
            Check::Rows { .. } => {
                let missing = || Error::Query(format!("the test {} was not answered", test.name));
                counted.next().ok_or_else(missing)?
            }
            _ => bounds::count(failing(engine, model, test).await?).await?,
        });
    }
    Ok(counts)
}

async fn failing(engine: &Engine, model: &Model, test: &Expectation) -> Result<DataFrame> {
    let planned = plan(engine.context(), &test.failing(&model.name), Kind::Model).await;
    planned.map_err(|error| Error::Query(format!("[[test]] {}: {error}", test.name)))
}

/// Finds tests that cannot be run, over no rows.
pub async fn check(engine: &Engine, model: &Model, columns: &SchemaRef) -> Result<()> {
    if model.tests.is_empty() {
        return Ok(());
    }
    engine.add_made(&model.name, columns, Vec::new()).await?;
    for test in &model.tests {
        let named: Vec<&String> = match &test.check {
            Check::Unique(columns) => columns.iter().collect(),
            Check::Rows { column, .. } | Check::References { column, .. } => vec![column],
            Check::Sql(_) => Vec::new(),
        };
        if let Some(unknown) = named.into_iter().find(|name| columns.field_with_name(name).is_err()) {
            return Err(Error::Query(format!(
                "[[test]] {}: the model has no column \"{unknown}\"; it has {}",
                test.name,
                names(columns)
            )));
        }
        if let Check::Rows { column, of: Some(of), .. } = &test.check
            && let Some((_, field)) = columns.fields().find(column)
        {
            let kind = field.data_type();
            let (is_fit, what) = match of {
                Of::Numbers => (kind.is_numeric(), "numbers"),
                Of::Times => (kind.is_temporal(), "dates or times"),
            };
            if !is_fit {
                return Err(Error::Query(format!("[[test]] {}: the column is {kind}, and has no {what}", test.name)));
            }
        }
        bounds::collect(failing(engine, model, test).await?).await?;
    }
    Ok(())
}

/// The beginning of a value, in which line ends and other control characters are escaped: it cannot be taken for another line.
fn one_line(value: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    value.chars().take(LONGEST).map(escaped).collect()
}

/// Each row as `column = value, ...`; `***` where a column is not shown.
fn texts(batch: &RecordBatch, is_shown: &dyn Fn(usize) -> bool) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let mut rows = vec![Vec::new(); batch.num_rows()];
    let schema = batch.schema();
    for (place, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
        let is_shown = is_shown(place);
        let values = ArrayFormatter::try_new(column, &options).map_err(|error| Error::Query(error.to_string()))?;
        for (at, row) in rows.iter_mut().enumerate() {
            let value = match (is_shown, column.is_null(at)) {
                (false, false) => "***".to_owned(),
                _ => one_line(&values.value(at).to_string()),
            };
            row.push(format!("{} = {value}", field.name()));
        }
    }
    Ok(rows.into_iter().map(|row| row.join(", ")).collect())
}
