//! Declared rows: small tables that a dataset's SQL reads, in `dataset.toml` and therefore open to change per lake.
//!
//! ```toml
//! [settings]                       # the table `settings`, with one row
//! least_points = 30
//!
//! [bounds]                         # what a setting may be; `why` is part of the message
//! least_points = { min = 0, max = 100, why = "a week has at most 100 points" }
//!
//! [list.keyword]                   # the table `keyword`
//! columns = { position = "int64", text = "string" }
//! key = ["position"]               # each position once
//! rows = [[1, "Geometry"], { position = 2 }]
//! ```
//!
//! A query that joins a list counts a row twice where the list has its key twice. So a list with a `key` has each once:
//! a row that is repeated is taken once, and two rows that differ under one key are a mistake. Texts of keys are compared
//! as SQL should compare them: without blanks around them, and without regard to case.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use chrono::NaiveDate;
use serde::Deserialize;
use toml::Value;

use super::column::ColumnType;
use super::mistake::Mistake;

/// The name of the table with the dataset's settings.
pub const SETTINGS: &str = "settings";

/// A declared table.
#[derive(Debug, Clone)]
pub struct List {
    /// Its name in SQL.
    pub name: String,
    /// Its rows.
    pub rows: RecordBatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    columns: toml::Table,
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    rows: Vec<Value>,
}

/// What a setting may be: `[bounds]` of `dataset.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bound {
    min: Option<f64>,
    max: Option<f64>,
    /// Where the bound comes from, for the message.
    #[serde(default)]
    why: String,
}

impl Bound {
    /// Why a setting is out of bounds; `None` if it is not.
    fn refuse(&self, value: &Value) -> Option<String> {
        let Some(number) = value.as_float().or(value.as_integer().map(|number| number as f64)) else {
            return Some("a number was expected".to_owned());
        };
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        match (self.min, self.max) {
            _ if !number.is_finite() => Some(format!("{value} is not a finite number")),
            (Some(min), _) if number < min => Some(format!("{value} is below the least accepted, {min}{why}")),
            (_, Some(max)) if number > max => Some(format!("{value} is above the greatest accepted, {max}{why}")),
            _ => None,
        }
    }
}

/// Finds a setting that is out of its bounds, and bounds of no setting.
pub(super) fn check_bounds(settings: &toml::Table, bounds: &BTreeMap<String, Bound>) -> Result<(), Mistake> {
    for (name, bound) in bounds {
        let Some(value) = settings.get(name) else {
            return Err(Mistake::new("there is no setting of this name").within(name).within("bounds"));
        };
        if let Some(why) = bound.refuse(value) {
            return Err(Mistake::new(why).within(name).within(SETTINGS));
        }
    }
    Ok(())
}

impl List {
    /// `[list.NAME]` of `dataset.toml`.
    pub(super) fn new(name: &str, declared: Value) -> Result<Self, Mistake> {
        let file: ListFile = declared.try_into().map_err(|error| Mistake::toml(&error))?;
        let mut columns = Vec::new();
        for (name, kind) in file.columns {
            let kind: ColumnType = kind.try_into().map_err(|error| Mistake::toml(&error).within("columns"))?;
            columns.push((name, kind));
        }
        let wrong = |number: usize, why: String| Mistake::new(format!("row {number}: {why}")).within("rows");
        if let Some(unknown) = file.key.iter().find(|key| !columns.iter().any(|(name, _)| name == *key)) {
            return Err(Mistake::new(format!("there is no column \"{unknown}\"")).within("key"));
        }
        let mut known: BTreeMap<Vec<String>, (usize, Vec<String>)> = BTreeMap::new();
        let mut values: Vec<Vec<Option<Value>>> = vec![Vec::new(); columns.len()];
        for (row, number) in file.rows.into_iter().zip(1..) {
            let row = cells(row, &columns).map_err(|why| wrong(number, why))?;
            if !file.key.is_empty() {
                let same = |is_key: bool| -> Vec<String> {
                    let part = columns.iter().zip(&row).filter(|((name, _), _)| file.key.contains(name) == is_key);
                    part.map(|(_, cell)| comparable(cell.as_ref(), is_key)).collect()
                };
                let (key, rest) = (same(true), same(false));
                match known.get(&key) {
                    Some((_, earlier)) if *earlier == rest => continue,
                    Some((earlier, _)) => {
                        let why = format!("row {earlier} has the same {} and other values", file.key.join(", "));
                        return Err(wrong(number, why));
                    }
                    None => known.insert(key, (number, rest)),
                };
            }
            for ((values, (name, kind)), cell) in values.iter_mut().zip(&columns).zip(row) {
                if let Some(value) = cell.as_ref().filter(|value| !fits(*kind, value)) {
                    return Err(wrong(number, format!("{name}: {value} is no {kind:?}").to_lowercase()));
                }
                values.push(cell);
            }
        }
        Ok(Self { name: name.to_owned(), rows: batch(&columns, &values)? })
    }

    /// `[settings]` of `dataset.toml`.
    pub(super) fn settings(declared: &toml::Table) -> Result<Self, Mistake> {
        let mut columns = Vec::new();
        for (name, value) in declared {
            let kind = match value {
                Value::String(_) => ColumnType::String,
                Value::Integer(_) => ColumnType::Int64,
                Value::Float(_) => ColumnType::Float64,
                Value::Boolean(_) => ColumnType::Bool,
                _ => return Err(Mistake::new("a setting is one text, number, true or false").within(name)),
            };
            columns.push((name.clone(), kind));
        }
        let values: Vec<_> = declared.values().map(|value| vec![Some(value.clone())]).collect();
        Ok(Self { name: SETTINGS.to_owned(), rows: batch(&columns, &values)? })
    }
}

/// One row's values in the order of the columns.
fn cells(row: Value, columns: &[(String, ColumnType)]) -> Result<Vec<Option<Value>>, String> {
    match row {
        Value::Array(values) if values.len() == columns.len() => Ok(values.into_iter().map(Some).collect()),
        Value::Array(values) => Err(format!("it has {} values for {} columns", values.len(), columns.len())),
        Value::Table(mut values) => {
            let row = columns.iter().map(|(name, _)| values.remove(name)).collect();
            values.keys().next().map_or(Ok(row), |extra| Err(format!("there is no column \"{extra}\"")))
        }
        _ => Err("a row is [value, ...] or { column = value, ... }".to_owned()),
    }
}

/// A cell as it is compared with that of another row.
fn comparable(cell: Option<&Value>, is_key: bool) -> String {
    match cell {
        None => String::new(),
        Some(Value::String(text)) if is_key => format!("'{}", text.trim().to_uppercase()),
        // 1 and 1.0 are the same number.
        Some(Value::Integer(number)) => format!("{:?}", *number as f64),
        Some(other) => other.to_string(),
    }
}

fn fits(kind: ColumnType, value: &Value) -> bool {
    match kind {
        ColumnType::String => value.is_str(),
        ColumnType::Int64 => value.is_integer(),
        ColumnType::Float64 => value.is_float() || value.is_integer(),
        ColumnType::Bool => value.is_bool(),
        ColumnType::Date => date(value).is_some(),
        ColumnType::Timestamp => false,
    }
}

fn date(value: &Value) -> Option<NaiveDate> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Datetime(time) => time.to_string().parse().ok(),
        _ => None,
    }
}

fn batch(columns: &[(String, ColumnType)], values: &[Vec<Option<Value>>]) -> Result<RecordBatch, Mistake> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for ((name, kind), values) in columns.iter().zip(values) {
        let values = values.iter().map(Option::as_ref);
        let array: ArrayRef = match kind {
            ColumnType::Int64 => Arc::new(values.map(|value| value?.as_integer()).collect::<Int64Array>()),
            // A setting that is written as a whole number may be overridden by one that is not, and the reverse.
            ColumnType::Float64 => Arc::new(
                values
                    .map(|value| value.and_then(|value| value.as_float().or(value.as_integer().map(|n| n as f64))))
                    .collect::<Float64Array>(),
            ),
            ColumnType::Bool => Arc::new(values.map(|value| value?.as_bool()).collect::<BooleanArray>()),
            ColumnType::Date => {
                Arc::new(values.map(|value| Some(Date32Type::from_naive_date(date(value?)?))).collect::<Date32Array>())
            }
            ColumnType::String => Arc::new(values.map(|value| value?.as_str()).collect::<StringArray>()),
            ColumnType::Timestamp => return Err(Mistake::new("a declared column cannot be a timestamp").within(name)),
        };
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    if fields.is_empty() {
        // Arrow wants to know how many rows a table without columns has.
        fields.push(Field::new("none", DataType::Null, true));
        arrays.push(Arc::new(arrow::array::NullArray::new(1)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Mistake::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<List, Mistake> {
        List::new("keyword", Value::Table(text.parse().unwrap()))
    }

    #[test]
    fn rows_are_lists_or_tables_and_what_is_left_out_is_null() {
        let columns = "columns = { n = \"int64\", x = \"float64\", since = \"date\" }\n";
        let rows = list(&format!("{columns}rows = [[1, 2, 2026-11-01], {{ x = 0.5 }}]")).unwrap().rows;
        assert_eq!(rows.num_rows(), 2);
        assert_eq!(rows.column(0).null_count(), 1);
        assert_eq!(list(columns).unwrap().rows.num_rows(), 0);
    }

    #[test]
    fn a_key_is_there_once() {
        let declared = "columns = { uom = \"string\", kwh = \"float64\" }\nkey = [\"uom\"]\n";
        let with = |rows: &str| list(&format!("{declared}rows = {rows}"));
        let once = with("[[\"KWH\", 1.0], [\"WH\", 0.001], [\" kWh\", 1]]").unwrap();
        assert_eq!(once.rows.num_rows(), 2, "what is repeated counts once");
        let error = with("[[\"KWH\", 1.0], [\"WH\", 0.001], [\"kwh\", 2.0]]").unwrap_err().to_string();
        assert!(error.contains("row 3: row 1 has the same uom"), "{error}");
        let error = list("columns = { a = \"string\" }\nkey = [\"b\"]").unwrap_err().to_string();
        assert!(error.contains("key: there is no column \"b\""), "{error}");
    }

    #[test]
    fn settings_keep_within_their_bounds() {
        let check = |settings: &str, bounds: &str| {
            let bounds = toml::from_str::<BTreeMap<String, Bound>>(bounds).unwrap();
            check_bounds(&settings.parse().unwrap(), &bounds).map_err(|mistake| mistake.to_string())
        };
        let bounds = "days = { min = 1, max = 10, why = \"the model looks back 10 days\" }";
        for fine in ["days = 1", "days = 10", "days = 9.5"] {
            assert_eq!(check(fine, bounds), Ok(()), "{fine}");
        }
        let error = check("days = 11", bounds).unwrap_err();
        assert_eq!(error, "settings.days: 11 is above the greatest accepted, 10: the model looks back 10 days");
        for wrong in ["days = 0", "days = nan", "days = inf", "days = \"9\""] {
            assert!(check(wrong, bounds).unwrap_err().starts_with("settings.days: "), "{wrong}");
        }
        assert!(check("hours = 1", bounds).unwrap_err().starts_with("bounds.days: "));
    }

    #[test]
    fn mistakes_name_the_row() {
        for (rows, why) in [
            ("[[\"a\"]]", "row 1"),
            ("[[1], [1, 2]]", "row 2: it has 2 values for 1 columns"),
            ("[{ m = 1 }]", "no column \"m\""),
        ] {
            let error = list(&format!("columns = {{ n = \"int64\" }}\nrows = {rows}")).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
