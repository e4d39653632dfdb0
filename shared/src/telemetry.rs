//! Logs and metrics of functions: JSON lines on standard output, which CloudWatch takes as they are.
//!
//! Metrics are lines in the [CloudWatch embedded metric format][emf]; CloudWatch turns them into metrics of the
//! namespace [`NAMESPACE`] without any call.
//!
//! [emf]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

use crate::ledger::Rows;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Tributary";

/// Sends logs to standard output as JSON; `RUST_LOG` sets the level, by default `info` for this project and `warn` for
/// libraries; `lambda_runtime` adds the request id to each line.
pub fn start_function_logs() {
    const DEFAULT: &str = "warn,lambda_runtime=info,lake=info,ingest=info,clean=info,aggregate=info";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// What one function call did to one dataset, as metrics.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// The account of rows, for `clean`.
    pub rows: Option<Rows>,
    /// Bytes written.
    pub bytes: Option<u64>,
    /// How long the call took.
    pub duration: Duration,
    /// The newest local day that has data.
    pub newest_day: Option<NaiveDate>,
}

impl Metrics {
    /// The metrics as one line. `now` is the time of the call.
    pub fn line(&self, function: &str, dataset: &str, now: DateTime<Utc>) -> String {
        let mut values: Vec<(&str, &str, f64)> = vec![("Duration", "Milliseconds", self.duration.as_secs_f64() * 1e3)];
        if let Some(rows) = &self.rows {
            for (name, count) in [
                ("RowsRead", rows.read),
                ("RowsClean", rows.clean),
                ("RowsRejected", rows.rejected),
                ("RowsDuplicate", rows.duplicate),
                ("RowsOutside", rows.outside),
            ] {
                values.push((name, "Count", count as f64));
            }
        }
        if let Some(bytes) = self.bytes {
            values.push(("Bytes", "Bytes", bytes as f64));
        }
        if let Some(day) = self.newest_day {
            let age = now.date_naive().signed_duration_since(day).num_days();
            values.push(("NewestDataAge", "None", age as f64));
        }
        let metrics: Vec<Value> = values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.timestamp_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Function", "Dataset"]],
                    "Metrics": metrics,
                }],
            }),
        );
        line.insert("Function".to_owned(), json!(function));
        line.insert("Dataset".to_owned(), json!(dataset));
        line.extend(values.into_iter().map(|(name, _, value)| (name.to_owned(), json!(value))));
        Value::Object(line).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_one_line_in_the_embedded_metric_format() {
        let rows = Rows { read: 10, clean: 7, rejected: 1, duplicate: 1, outside: 1, missing: 2 };
        let now: DateTime<Utc> = "2026-11-20T05:00:00Z".parse().unwrap();
        let metrics = Metrics {
            rows: Some(rows),
            bytes: Some(5),
            duration: Duration::from_millis(12),
            newest_day: Some("2026-11-18".parse().unwrap()),
        };
        let line = metrics.line("clean", "irceline", now);
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        let directive = &value["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Tributary");
        assert_eq!(value["_aws"]["Timestamp"], now.timestamp_millis());
        // Every metric and dimension that is declared has its value beside it.
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(value[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(value[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
        assert_eq!((&value["RowsRejected"], &value["NewestDataAge"]), (&json!(1.0), &json!(2.0)));
    }
}
