//! Logs and metrics of functions, and of jobs of AWS Batch: JSON lines on standard output, which CloudWatch takes as they
//! are.
//!
//! Metrics are lines in the [CloudWatch embedded metric format][emf]; CloudWatch turns them into metrics of the
//! namespace [`NAMESPACE`] without any call.
//!
//! [emf]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::ledger::Rows;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Tributary";

/// Sends logs to standard output as JSON; `RUST_LOG` sets the level, by default `info` for this project and `warn` for
/// libraries; `lambda_runtime` adds the request id to each line.
pub fn start_logs() {
    const DEFAULT: &str = "warn,lambda_runtime=info,lake=info,ingest=info,clean=info,aggregate=info,job=info";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// The account of rows that a function read of a dataset, as one line.
pub fn rows(function: &str, dataset: &str, rows: &Rows, now: DateTime<Utc>) -> String {
    let values = [
        ("RowsRead", rows.read),
        ("RowsClean", rows.clean),
        ("RowsRejected", rows.rejected),
        ("RowsDuplicate", rows.duplicate),
        ("RowsOutside", rows.outside),
    ];
    let values = values.map(|(name, count)| (name, "Count", count as f64));
    line(&[("Function", function), ("Dataset", dataset)], &values, now)
}

/// How old the newest data of a table is, in local days, as one line. Written each night whether there is news or not: data
/// that stops to come leaves no event.
pub fn newest_data_age(dataset: &Dataset, table: &str, newest: NaiveDate, now: DateTime<Utc>) -> String {
    let today = now.with_timezone(&dataset.zone).date_naive();
    let days = today.signed_duration_since(newest).max(TimeDelta::zero()).num_days();
    let dimensions = [("Dataset", dataset.name.as_str()), ("Table", table)];
    line(&dimensions, &[("NewestDataAge", "None", days as f64)], now)
}

/// Logs and counts, on standard output, the datasets whose declarations are wrong: a call that does something for all
/// datasets does it for the others.
pub fn report_broken(function: &str, broken: impl Iterator<Item = Error>, now: DateTime<Utc>) {
    let count =
        broken.inspect(|error| tracing::error!(%error, "a dataset is left out: its declaration is wrong")).count();
    if let Some(line) = broken_datasets(function, count, now) {
        println!("{line}");
    }
}

/// How many datasets' declarations are wrong, as one line, if any is.
pub fn broken_datasets(function: &str, count: usize, now: DateTime<Utc>) -> Option<String> {
    (count > 0).then(|| line(&[("Function", function)], &[("BrokenDatasets", "Count", count as f64)], now))
}

fn line(dimensions: &[(&str, &str)], values: &[(&str, &str, f64)], now: DateTime<Utc>) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics: Vec<Value> = values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.timestamp_millis(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics}],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(values.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Catalog;

    #[test]
    fn metrics_are_one_line_in_the_embedded_metric_format() {
        let account = Rows { read: 10, clean: 7, rejected: 1, duplicate: 1, outside: 1, missing: 2 };
        let now: DateTime<Utc> = "2026-11-20T05:00:00Z".parse().unwrap();
        let catalog = Catalog::built_in();
        let irceline = catalog.dataset("irceline").unwrap();
        for (line, name, value) in [
            (rows("clean", "irceline", &account, now), "RowsRejected", 1.0),
            (newest_data_age(irceline, "measurement", "2026-11-18".parse().unwrap(), now), "NewestDataAge", 2.0),
            (broken_datasets("aggregate", 3, now).unwrap(), "BrokenDatasets", 3.0),
        ] {
            assert!(!line.contains('\n'));
            let written: Value = serde_json::from_str(&line).unwrap();
            let directive = &written["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "Tributary");
            assert_eq!(written["_aws"]["Timestamp"], now.timestamp_millis());
            // Every metric and dimension that is declared has its value beside it.
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(written[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            }
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(written[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
            assert_eq!(written[name], json!(value), "{line}");
        }
        assert_eq!(broken_datasets("aggregate", 0, now), None);
    }

    #[test]
    fn the_age_of_data_counts_days_where_the_dataset_is() {
        let catalog = Catalog::built_in();
        let irceline = catalog.dataset("irceline").unwrap();
        let age = |now: &str| {
            let line = newest_data_age(irceline, "measurement", "2026-11-18".parse().unwrap(), now.parse().unwrap());
            serde_json::from_str::<Value>(&line).unwrap()["NewestDataAge"].clone()
        };
        // Half past midnight in Brussels is the day before in UTC.
        assert_eq!(age("2026-11-19T23:30:00Z"), json!(2.0));
        // Data of tomorrow is not older than none.
        assert_eq!(age("2026-11-10T12:00:00Z"), json!(0.0));
    }
}
