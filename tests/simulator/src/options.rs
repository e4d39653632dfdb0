//! What can be set about the simulated world and its faults.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

/// Late enough on a winter morning that the day before is complete, in Brussels as in UTC.
const DEFAULT_NOW: &str = "2026-11-20T05:00:00Z";

/// Headings of the options that concern one source.
const IRCELINE: &str = "IRCELINE (air quality)";
const ILLUMINATE: &str = "Illuminate (school assessments)";
const CODETRACK: &str = "Codetrack (coding course)";

/// Whether the collections obey `limit` and `offset`. Deployments of the real server differ.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Paging {
    /// Every answer holds the whole collection.
    #[default]
    Ignored,
    /// `limit` and `offset` select a page.
    Honoured,
}

/// What a request for data gets whose token is missing or has expired. Deployments of the real server differ.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum AuthFailure {
    /// Status 401.
    #[default]
    Unauthorized,
    /// Status 200 with the HTML of a login page.
    Html,
}

/// The simulated worlds, and how badly its server behaves.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Seed of the worlds: the same seed gives the same stations, students, values and results
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The simulated time, up to which values, results and weeks exist
    #[arg(long, default_value = DEFAULT_NOW, value_name = "INSTANT")]
    pub now: DateTime<Utc>,
    /// Milliseconds each answer takes, drawn uniformly from `LOW..HIGH`, both included
    #[arg(long, default_value = "0..0", value_parser = parse_latency, value_name = "LOW..HIGH")]
    pub latency_ms: RangeInclusive<u64>,
    /// Share of the requests that fail, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = parse_share)]
    pub fail_rate: f64,
    /// Number of stations
    #[arg(long, help_heading = IRCELINE, default_value_t = 120)]
    pub stations: usize,
    /// Number of timeseries
    #[arg(long, help_heading = IRCELINE, default_value_t = 660)]
    pub series: usize,
    /// Whether `limit` and `offset` work
    #[arg(long, help_heading = IRCELINE, value_enum, default_value_t = Paging::Ignored)]
    pub paging: Paging,
    /// Add one value before and one after the asked interval
    #[arg(long, help_heading = IRCELINE, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub neighbours: bool,
    /// Answer with indented JSON
    #[arg(long, help_heading = IRCELINE, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub pretty: bool,
    /// Number of series of a default parameter that are listed but whose data cannot be asked for
    #[arg(long, help_heading = IRCELINE, default_value_t = 2)]
    pub dead: usize,
    /// Share of the series that were closed years ago or never held a value
    #[arg(long, help_heading = IRCELINE, default_value_t = 0.05, value_parser = parse_share)]
    pub empty_rate: f64,
    /// Share of the hourly values that are missing, in one of several forms
    #[arg(long, help_heading = IRCELINE, default_value_t = 0.02, value_parser = parse_share)]
    pub missing_rate: f64,
    /// Let the last digits of coordinates differ between endpoints
    #[arg(long, help_heading = IRCELINE, default_value_t = true, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub jitter: bool,
    /// Let the last digits of coordinates differ between calls as well
    #[arg(long, help_heading = IRCELINE, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub jitter_calls: bool,
    /// Number of listed assessments
    #[arg(long, help_heading = ILLUMINATE, default_value_t = 40)]
    pub assessments: usize,
    /// Number of students
    #[arg(long, help_heading = ILLUMINATE, default_value_t = 300)]
    pub students: usize,
    /// Seconds until a token expires
    #[arg(long, help_heading = ILLUMINATE, default_value_t = 3600)]
    pub token_seconds: u64,
    /// Tell how long a token is good (`expires_in`)
    #[arg(long, help_heading = ILLUMINATE, default_value_t = true, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub token_expires_in: bool,
    /// Seconds that `expires_in` tells, if not the true ones
    #[arg(long, help_heading = ILLUMINATE)]
    pub token_told_seconds: Option<u64>,
    /// What a request without a good token gets
    #[arg(long, help_heading = ILLUMINATE, value_enum, default_value_t = AuthFailure::Unauthorized)]
    pub auth_failure: AuthFailure,
    /// Ids of assessments whose results always give status 500, separated by commas
    #[arg(long, help_heading = ILLUMINATE, value_delimiter = ',', value_name = "IDS")]
    pub failing_assessments: Vec<String>,
    /// Let `__count` differ between calls
    #[arg(long, help_heading = ILLUMINATE, default_value_t = true, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub volatile_count: bool,
    /// Number of learners with an account
    #[arg(long, help_heading = CODETRACK, default_value_t = 40)]
    pub learners: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            now: DEFAULT_NOW.parse().unwrap_or_default(),
            stations: 120,
            series: 660,
            paging: Paging::default(),
            neighbours: false,
            pretty: false,
            latency_ms: 0..=0,
            fail_rate: 0.0,
            dead: 2,
            empty_rate: 0.05,
            missing_rate: 0.02,
            jitter: true,
            jitter_calls: false,
            assessments: 40,
            students: 300,
            token_seconds: 3600,
            token_expires_in: true,
            token_told_seconds: None,
            auth_failure: AuthFailure::default(),
            failing_assessments: Vec::new(),
            volatile_count: true,
            learners: 40,
        }
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn parse_latency(text: &str) -> Result<RangeInclusive<u64>, String> {
    let bounds = text.split_once("..").unwrap_or((text, text));
    match (bounds.0.parse(), bounds.1.trim_start_matches('=').parse()) {
        (Ok(low), Ok(high)) if low <= high => Ok(low..=high),
        _ => Err("expected milliseconds such as 300..1500".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn an_empty_command_line_gives_the_defaults() {
        let parsed = Line::try_parse_from(["simulator"]).unwrap().options;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Options::default()));
        assert_eq!(parsed.now.to_rfc3339(), "2026-11-20T05:00:00+00:00");
    }

    #[test]
    fn switches_and_ranges_are_read() {
        let line =
            ["simulator", "--latency-ms", "300..1500", "--jitter=false", "--pretty", "--failing-assessments=1,2"];
        let parsed = Line::try_parse_from(line).unwrap().options;
        assert_eq!(parsed.latency_ms, 300..=1500);
        assert!(!parsed.jitter && parsed.pretty);
        assert_eq!(parsed.failing_assessments, ["1", "2"]);
        assert!(Line::try_parse_from(["simulator", "--fail-rate", "1.5"]).is_err());
    }
}
