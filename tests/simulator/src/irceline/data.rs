//! Values of an interval as JSON.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::PoisonError;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::irceline::Irceline;
use crate::irceline::model::Series;
use crate::irceline::timespan::{HOUR_MS, Timespan};
use crate::irceline::values::{Moment, Value};
use crate::random::{Purpose, bits};

/// No interval is filled further into the future than this many hours.
const HORIZON: i64 = 400 * 24;

/// No series began before 2008: hours since 1970.
const EPOCH: i64 = 333_096;

/// A neighbour of the interval is looked for this many hours away at most.
const NEIGHBOURHOOD: i64 = 7 * 24;

/// A timestamp and what is said of it.
#[derive(Debug)]
pub(crate) struct Entry {
    hour: i64,
    value: Value,
    /// Whether a whole number is written without a decimal point.
    integer: bool,
}

/// The values of one series.
#[derive(Debug)]
pub(crate) struct SeriesValues {
    pub(crate) id: String,
    entries: Vec<Entry>,
    expanded: bool,
}

/// The values of many series, by id, in no particular order.
#[derive(Debug)]
pub(crate) struct Bulk(pub(crate) Vec<SeriesValues>);

impl Irceline {
    /// The values of the series at the given positions, in an order that is not the order asked for.
    pub(crate) fn values(&self, indexes: &[usize], span: &Timespan, expanded: bool) -> Bulk {
        let (first, last) = (*span.hours().start(), *span.hours().end());
        let hours = first.max(EPOCH)..=last.min(self.world.now_hour + HORIZON);
        let moments: Vec<Moment> = hours.clone().map(|hour| Moment::new(self.world.seed, hour)).collect();
        let corrections = self.corrections.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::with_capacity(indexes.len());
        for index in indexes {
            let Some(series) = self.world.series.get(*index) else {
                continue;
            };
            let entry = |moment: &Moment| {
                let value = self.corrected(&corrections, *index, series, moment);
                self.entry(series, moment.hour, value)
            };
            let mut entries: Vec<Entry> = moments.iter().filter_map(entry).collect();
            if self.neighbours {
                self.add_neighbours(&mut entries, &corrections, *index, &hours);
            }
            all.push((series.key, SeriesValues { id: series.id.clone(), entries, expanded }));
        }
        all.sort_by_key(|(key, _)| bits(self.world.seed, Purpose::AnswerOrder, &[*key]));
        Bulk(all.into_iter().map(|(_, values)| values).collect())
    }

    fn entry(&self, series: &Series, hour: i64, value: Value) -> Option<Entry> {
        let form = || bits(self.world.seed, Purpose::Integer, &[series.key, hour as u64]);
        let integer = match value {
            Value::Absent => return None,
            Value::Number(number) | Value::Sentinel(number) => number.fract() == 0.0 && form() & 1 == 0,
            Value::Null | Value::NanText => false,
        };
        Some(Entry { hour, value, integer })
    }

    fn add_neighbours(
        &self,
        entries: &mut Vec<Entry>,
        corrections: &HashMap<(usize, i64), u32>,
        index: usize,
        hours: &RangeInclusive<i64>,
    ) {
        let Some(series) = self.world.series.get(index) else {
            return;
        };
        let at = |hour: i64| {
            let moment = Moment::new(self.world.seed, hour);
            self.entry(series, hour, self.corrected(corrections, index, series, &moment))
        };
        if let Some(before) = (1..=NEIGHBOURHOOD).find_map(|back| at(hours.start() - back)) {
            entries.insert(0, before);
        }
        if let Some(after) = (1..=NEIGHBOURHOOD).find_map(|on| at(hours.end() + on)) {
            entries.push(after);
        }
    }
}

impl SeriesValues {
    /// The compact JSON that serialising gives too, in a fraction of the time when nothing is optimised:
    /// the standard library is, in whatever profile.
    pub(crate) fn to_compact(&self) -> String {
        let mut text = String::with_capacity(64 + 44 * self.entries.len());
        self.write_compact(&mut text);
        text
    }

    fn write_compact(&self, text: &mut String) {
        text.push_str(r#"{"values":["#);
        for entry in &self.entries {
            let timestamp = entry.hour * HOUR_MS;
            // Writing to a string cannot fail.
            let _ = match entry.value {
                Value::Number(number) | Value::Sentinel(number) if entry.integer => {
                    write!(text, r#"{{"timestamp":{timestamp},"value":{number:.0}}},"#)
                }
                Value::Number(number) | Value::Sentinel(number) => {
                    write!(text, r#"{{"timestamp":{timestamp},"value":{number:?}}},"#)
                }
                Value::NanText => write!(text, r#"{{"timestamp":{timestamp},"value":"NaN"}},"#),
                Value::Null | Value::Absent => write!(text, r#"{{"timestamp":{timestamp},"value":null}},"#),
            };
        }
        if !self.entries.is_empty() {
            text.pop();
        }
        text.push_str(if self.expanded { r#"],"extra":{"referenceValues":{}}}"# } else { "]}" });
    }
}

impl Bulk {
    /// See [`SeriesValues::to_compact`].
    pub(crate) fn to_compact(&self) -> String {
        let entries: usize = self.0.iter().map(|series| 2 + series.entries.len()).sum();
        let mut text = String::with_capacity(64 + 44 * entries);
        text.push('{');
        for series in &self.0 {
            let _ = write!(text, r#""{}":"#, series.id);
            series.write_compact(&mut text);
            text.push(',');
        }
        if !self.0.is_empty() {
            text.pop();
        }
        text.push('}');
        text
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_struct("Entry", 2)?;
        pair.serialize_field("timestamp", &(self.hour * HOUR_MS))?;
        match self.value {
            Value::Number(number) | Value::Sentinel(number) if self.integer => {
                pair.serialize_field("value", &(number as i64))?;
            }
            Value::Number(number) | Value::Sentinel(number) => {
                pair.serialize_field("value", &number)?;
            }
            Value::NanText => pair.serialize_field("value", "NaN")?,
            Value::Null | Value::Absent => pair.serialize_field("value", &())?,
        }
        pair.end()
    }
}

/// References to other series, of which there are none.
struct Extra;

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("referenceValues", &HashMap::<String, String>::new())?;
        map.end()
    }
}

impl Serialize for SeriesValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("values", &self.entries)?;
        if self.expanded {
            map.serialize_entry("extra", &Extra)?;
        }
        map.end()
    }
}

impl Serialize for Bulk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|values| (&values.id, values)))
    }
}
