//! Local times of a series that come twice, as where clocks are set back: read as UTC they are one time, and by a key one row.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Weekday};

use super::trial::Stored;

/// Why such a key is only offered.
pub(super) const DOUBT: &str = "an hour comes twice, as where clocks are set back; with time_zone both are kept";

/// Months in which clocks are set back somewhere, and the hours of that night.
const MONTHS: [u32; 5] = [3, 4, 9, 10, 11];
const LAST_HOUR: u32 = 3;
const HOUR: i64 = 60 * 60 * 1_000_000;

/// How many rows have the same values in columns and the same time as another one, if none but those of an hour in which clocks
/// may be set back have, each of them once more; none if there are no such.
pub(super) fn rows(stored: &Stored, others: &[&str], time: &str) -> Option<usize> {
    let instants = stored.instants(time)?;
    let columns: Vec<&str> = others.iter().copied().chain([time]).collect();
    let mut times: BTreeMap<u64, (usize, i64)> = BTreeMap::new();
    for (row, at) in stored.combined(&columns)?.zip(instants) {
        times.entry(row).or_insert((0, *at)).0 += 1;
    }
    let mut nights: BTreeMap<NaiveDate, (i64, i64)> = BTreeMap::new();
    let mut doubled = 0;
    for (count, at) in times.into_values().filter(|(count, _)| *count > 1) {
        let night = night_of(at).filter(|_| count == 2)?;
        let (first, last) = nights.entry(night).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        doubled += 1;
    }
    let is_hour = nights.values().all(|(first, last)| last - first < HOUR);
    (doubled > 0 && is_hour).then_some(doubled)
}

/// The day of a time, if it is of a night in which clocks may be set back: that before or of a Sunday.
fn night_of(at: i64) -> Option<NaiveDate> {
    let local = DateTime::from_timestamp_micros(at)?.naive_utc();
    let is_night = local.weekday() == Weekday::Sun && local.hour() <= LAST_HOUR && MONTHS.contains(&local.month());
    is_night.then(|| local.date())
}

/// What is said of them.
pub(super) fn note(doubled: usize, columns: &str) -> String {
    let (times, come, are) = match doubled {
        1 => ("1 time".to_owned(), "comes", "it is"),
        _ => (format!("{doubled} times"), "come", "all are"),
    };
    format!(
        "{times} {come} twice by {columns}, and {are} of an hour of a night in which clocks are set back: read as UTC, a key of {columns} \
         would keep one of the two rows and lose the other, so it is only offered; declare in time_zone of which zone times are, \
         such as Europe/Brussels, and the two are an hour apart (ambiguous = \"order\"), then take the key"
    )
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::decoded;

    /// What notes promise: the zone keeps both hours, and a second column what a time is too fine for.
    #[test]
    fn what_is_said_to_keep_values_keeps_them() {
        let text = "at,v\n2026-10-25 01:00:00.000000001,1\n2026-10-25 02:00:00,2\n2026-10-25 02:00:00,3\n2026-10-25 03:00:00,4\n";
        let columns = "[table.t.column.at]\ntype = \"timestamp\"\nzone = \"Europe/Brussels\"\nrequired = true\n\
                       [table.t.column.at_text]\nfield = \"at\"\ntype = \"string\"\n[table.t.column.v]\ntype = \"int64\"\n";
        let kept = decoded(&format!("format = \"csv\"\nkey = [\"at\"]\n{columns}"), "a.csv", text.as_bytes()).unwrap();
        assert_eq!(
            kept.rows,
            [
                "2026-10-24T23:00:00Z|2026-10-25 01:00:00.000000001|1",
                "2026-10-25T00:00:00Z|2026-10-25 02:00:00|2",
                "2026-10-25T01:00:00Z|2026-10-25 02:00:00|3",
                "2026-10-25T02:00:00Z|2026-10-25 03:00:00|4",
            ]
        );
    }
}
