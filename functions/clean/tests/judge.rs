#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! What `lake::dataset` says beforehand of values and rows is what becomes of them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use arrow::array::{Array, RecordBatch};
use chrono::Utc;
use clean::Stop;
use clean::formats::{RawObject, Siblings, decode};
use clean::reject::Reject;
use clean::writer::Sink;
use lake::dataset::{Catalog, Dataset, Verdict};
use proptest::prelude::*;
use serde_json::value::RawValue;

#[derive(Default)]
struct Kept {
    rows: Vec<RecordBatch>,
    rejects: usize,
}

impl Sink for Kept {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows.extend((batch.num_rows() > 0).then(|| batch.clone()));
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        self.rejects += 1;
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

/// What becomes of an object's only row, and whether a column has a value in it.
fn became(dataset: &Dataset, key: &str, column: &str, text: &str, siblings: &[(&str, &'static str)]) -> Verdict {
    let object = RawObject { dataset, table: dataset.table_of(key).unwrap(), key, received_at: Utc::now() };
    let sibling = |(name, text): &(&str, &'static str)| {
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(*text));
        ((*name).to_owned(), reader)
    };
    let siblings: Siblings = siblings.iter().map(sibling).collect();
    let mut kept = Kept::default();
    decode(&object, siblings, text.as_bytes(), &mut kept).unwrap_or_else(|stop| panic!("{text}: {stop:?}"));
    let rows: usize = kept.rows.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows + kept.rejects, 1, "{text}");
    match kept.rows.first() {
        None => Verdict::Refused,
        Some(rows) if rows.column_by_name(column).unwrap().is_null(0) => Verdict::Missing,
        Some(_) => Verdict::Value,
    }
}

const DECLARED: [&str; 22] = [
    "type = \"string\"",
    "type = \"string\"\nmissing = [\"\", \"-\"]\nrequired = true",
    "type = \"string\"\npattern = '^[a-c0-9]+$'",
    "type = \"string\"\none_of = [\"a\", \"1\"]",
    "type = \"string\"\nextract = '(\\d+)'",
    "type = \"int64\"",
    "type = \"int64\"\nround = true\nmissing = [-999]\nmin = -5\nmax = 50000",
    "type = \"int64\"\nthousands = \".\"\ndecimal = \",\"",
    "type = \"float64\"",
    "type = \"float64\"\nround = true\nmissing = [\"NaN\", -99.99, -999]\nmin = -10",
    "type = \"float64\"\ndecimal = \",\"",
    "type = \"bool\"",
    "type = \"date\"",
    "type = \"date\"\nnull_before = \"2001-01-01\"",
    "type = \"date\"\nformat = [\"%d.%m.%Y\", \"rfc3339\"]",
    "type = \"timestamp\"",
    "type = \"timestamp\"\nzone = \"Europe/Brussels\"",
    "type = \"timestamp\"\nformat = \"epoch_ms\"",
    "type = \"timestamp\"\nformat = [\"epoch_s\", \"epoch_ns\"]",
    "type = \"timestamp\"\nformat = \"%Y-%m-%d %H:%M:%S\"\nzone = \"dataset\"",
    "type = \"timestamp\"\nformat = \"%Y-%m-%d %H:%M:%S\"\nzone = \"Europe/Brussels\"\nambiguous = \"reject\"",
    "type = \"timestamp\"\nformat = \"%Y-%m-%dT%H:%M:%S%z\"",
];

/// A dataset with a table for each declaration.
static DATASETS: LazyLock<Catalog> = LazyLock::new(|| {
    let table = |(at, declared): (usize, &&str)| {
        format!("[table.t{at}]\nfrom = \"t{at}.ndjson\"\nformat = \"responses\"\n[table.t{at}.column.v]\n{declared}\n")
    };
    let tables: String = DECLARED.iter().enumerate().map(table).collect();
    let text = format!("title = \"x\"\ntime_zone = \"America/New_York\"\n{tables}");
    let folder = BTreeMap::from([("dataset.toml".to_owned(), text)]);
    Catalog::of_folders(BTreeMap::from([("x".to_owned(), folder)]))
});
static BUILT_IN: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

/// A value of JSON, as it is written.
fn value() -> impl Strategy<Value = String> {
    let digits = "-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{15,19})(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?";
    let time = "[ ]?[0-2][0-9]{3}-[01]?[0-9]-[0-3][0-9]([T ](0[0-9]|1[0-9]|2[0-4]):[0-5][0-9]:(00|[0-5][0-9])(\\.[0-9]{1,6})?)?(Z|[-+]0[0-9]:?00)?";
    let text = prop_oneof![
        digits,
        time,
        Just("2026-10-25 02:30:00".to_owned()),
        Just("2026-03-29 02:30:00".to_owned()),
        Just("2026-11-19T24:00:00Z".to_owned()),
        "[0-3][0-9]\\.[01][0-9]\\.[0-9]{2,5}",
        "[-+]?[0-9]{1,3}([.,'][0-9]{3}){0,2}([.,][0-9]{0,2})?",
        "[ a-cTZ0-9.,:+-]{0,12}",
        Just("NaN".to_owned()),
        Just("inf".to_owned()),
        prop::sample::select(vec!["true", "F", "Yes", "0", "-999", "-99.99"]).prop_map(str::to_owned),
    ];
    prop_oneof![
        4 => text.prop_map(|text| format!("\"{text}\"")),
        3 => digits.prop_map(|digits| digits),
        1 => prop::sample::select(vec!["null", "true", "false", "[]", "{}", "\"\\ud800\"", "\"a\\n\"", "-0", "1e999", "-999.0"])
            .prop_map(str::to_owned),
    ]
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn values_of_rows_become_what_is_said_of_them(at in 0..DECLARED.len(), value in value()) {
        let dataset = DATASETS.dataset("x").unwrap();
        let key = format!("x/t{at}.ndjson");
        let column = dataset.table_of(&key).unwrap().column("v").unwrap();
        let line = format!(r#"{{"request":{{}},"status":200,"body":{{"v":{value}}}}}"#);
        prop_assert_eq!(
            column.judge(Some(&raw(&value))),
            became(dataset, &key, "v", &line, &[]),
            "{} of {}", value, DECLARED[at]
        );
    }

    #[test]
    fn counts_of_weeks_become_what_is_said_of_them(value in value().prop_filter("beyond doubles", |value| value.parse::<f64>().map_or(true, f64::is_finite) && !value.contains("ud800"))) {
        let dataset = BUILT_IN.dataset("codetrack").unwrap();
        let key = "codetrack/week=2026-11-16/weekly_scores.ndjson";
        let column = dataset.table_of(key).unwrap().column("points").unwrap();
        let line = format!(
            r#"{{"request":{{"learner":1}},"status":200,"body":[{{"date":"2026-11-16","points":{value}}}]}}"#
        );
        let commits = r#"{"request":{"learner":1},"status":200,"body":[]}"#;
        let found = became(dataset, key, "points", &line, &[("weekly_commits.ndjson", commits)]);
        prop_assert_eq!(column.judge_count(Some(&raw(&value))), found, "{}", value);
    }

    #[test]
    fn measurements_become_what_is_said_of_them(value in value()) {
        let dataset = BUILT_IN.dataset("irceline").unwrap();
        let key = "irceline/date=2026-11-18/values.ndjson";
        let column = dataset.table_of(key).unwrap().column("value").unwrap();
        let line = format!(
            r#"{{"request":{{}},"status":200,"body":{{"7":{{"values":[{{"timestamp":1795042800000,"value":{value}}}]}}}}}}"#
        );
        let siblings = [("timeseries.json", r#"[{"id":"7"}]"#), ("stations.json", "[]")];
        let found = became(dataset, key, "value", &line, &siblings);
        prop_assert_eq!(column.judge_number(Some(&raw(&value))), found, "{}", value);
    }

    #[test]
    fn rows_of_results_are_taken_as_it_is_said_of_them(
        members in prop::collection::vec((0_usize..8, value()), 0..9), is_object in prop::bool::weighted(0.9),
    ) {
        const NAMES: [&str; 8] = [
            "assessment_id", "local_student_id", "points", "date_taken", "mastered", "percent_correct", "label", "other",
        ];
        let dataset = BUILT_IN.dataset("illuminate").unwrap();
        let key = "illuminate/year=24-25/responses_group.ndjson";
        let row: Vec<String> = members.iter().map(|(at, value)| format!("\"{}\":{value}", NAMES[*at])).collect();
        let row = if is_object { format!("{{\"assessment_id\":7,\"local_student_id\":8,{}\"x\":1}}", row.iter().map(|member| format!("{member},")).collect::<String>()) } else { format!("[{}]", members.len()) };
        let line = format!(r#"{{"request":{{}},"status":200,"body":{{"results":[{row}]}}}}"#);
        let is_taken = dataset.table_of(key).unwrap().judge(&row, "{}").is_taken();
        let found = became(dataset, key, "assessment_id", &line, &[]);
        prop_assert_eq!(is_taken, found != Verdict::Refused, "{}", row);
    }
}
