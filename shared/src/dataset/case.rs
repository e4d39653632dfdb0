//! Unit tests of a model: `MODEL.test.toml` beside `MODEL.sql`.
//!
//! ```toml
//! [[test]]
//! name = "readings of a day are added up"
//! partition = "month=2026-10"            # of a model that is cut
//! settings = { least_points = 30 }       # in place of those of dataset.toml
//!
//! [[test.given.reading]]                 # rows of a table that the model reads; what is left out is null
//! customer_id = 1
//! day = 2026-10-01
//!
//! [[test.expect]]                        # the rows that it gives, in any order, by the columns named here
//! customer_id = 1
//! readings = 1
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::mistake::{Mistake, line_in};
use crate::partition::Partition;

/// The ending of the files.
pub const ENDING: &str = ".test.toml";

/// A row: texts of values by column. A column that is not there is null.
pub type Row = BTreeMap<String, String>;

/// One unit test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The partition that is made, of a model that is cut.
    pub partition: Option<Partition>,
    /// Settings that are other ones than those of `dataset.toml`.
    pub settings: Row,
    /// The rows of each table; tables that are not named have none.
    pub given: BTreeMap<String, Vec<Row>>,
    /// The rows that the model is to give.
    pub expect: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    test: Vec<CaseFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    name: String,
    partition: Option<String>,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    given: BTreeMap<String, Vec<toml::Table>>,
    expect: Vec<toml::Table>,
}

/// Reads a file's tests.
pub fn cases(text: &str) -> Result<Vec<Case>, String> {
    let file: File = toml::from_str(text)
        .map_err(|error| format!("line {}: {}", line_in(text, &error), Mistake::toml(&error).why()))?;
    if file.test.is_empty() {
        return Err("it has no [[test]]".to_owned());
    }
    file.test.into_iter().map(|case| case.read().map_err(|mistake| mistake.to_string())).collect()
}

impl CaseFile {
    fn read(self) -> Result<Case, Mistake> {
        let Self { name, partition, settings, given, expect } = self;
        let of_test = |mistake: Mistake| mistake.within(&format!("[[test]] \"{name}\""));
        let partition = partition.map(|text| text.parse()).transpose();
        let partition = partition.map_err(|why: String| of_test(Mistake::new(why).within("partition")))?;
        let rows = |rows: Vec<toml::Table>, place: &str| {
            let rows = rows.into_iter().map(row).collect::<Result<Vec<_>, _>>();
            rows.map_err(|mistake| of_test(mistake.within(place)))
        };
        let settings = row(settings).map_err(|mistake| of_test(mistake.within("settings")))?;
        let expect = rows(expect, "expect")?;
        let given = given.into_iter().map(|(table, of_table)| {
            let of_table = rows(of_table, &format!("given.{table}"))?;
            Ok((table, of_table))
        });
        let given = given.collect::<Result<_, _>>()?;
        Ok(Case { partition, settings, given, expect, name })
    }
}

fn row(values: toml::Table) -> Result<Row, Mistake> {
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Integer(number) => Ok((name, number.to_string())),
        Value::Float(number) => Ok((name, format!("{number:?}"))),
        Value::Boolean(truth) => Ok((name, truth.to_string())),
        Value::Datetime(time) => Ok((name, time.to_string())),
        Value::Array(_) | Value::Table(_) => {
            Err(Mistake::new("a value is one text, number, date or truth").within(&name))
        }
    };
    values.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_tests_with_rows() {
        let text = "[[test]]\nname = 'n'\npartition = 'month=2026-10'\nsettings = { least = 3 }\n\
                    [[test.given.reading]]\nid = 1\nday = 2026-10-01\n[[test.given.reading]]\nid = 2\n\
                    [[test.expect]]\nsum = 1.0\nis = true\n";
        let [case] = cases(text).unwrap().try_into().unwrap();
        assert_eq!(case.partition.unwrap().as_str(), "month=2026-10");
        assert_eq!(case.settings.get("least").unwrap(), "3");
        assert_eq!(case.given.get("reading").unwrap().len(), 2);
        assert_eq!(case.given.get("reading").unwrap()[0].get("day").unwrap(), "2026-10-01");
        assert_eq!(case.expect[0].get("sum").unwrap(), "1.0");
        assert_eq!(cases("[[test]]\nname = 'n'\nexpect = []\n").unwrap()[0].expect, Vec::<Row>::new());
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, why) in [
            ("", "no [[test]]"),
            ("[[test]]\nname = 'n'\n", "line 1: missing field `expect`"),
            ("[[test]]\nname = 'n'\nexpect = []\ncolor = 1\n", "line 4: unknown field `color`"),
            ("[[test]]\nname = 'n'\nexpect = []\n[[test.givne.ride]]\nid = 1\n", "did you mean `given`"),
            ("[[test]]\nname = 'n'\nexpect = 1\n", "line 3: a list in [ ] is expected here, not 1"),
            ("[[test]]\nname = 'n'\nexpect = []\npartition = 'month'\n", "[[test]] \"n\".partition"),
            ("[[test]]\nname = 'n'\nexpect = [{ a = [1] }]\n", "expect.a: a value is one text"),
        ] {
            let error = cases(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
