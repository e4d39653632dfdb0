//! Values of many series: what a line asks for and has.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::DateTime;
use lake::dataset::{Column, Verdict};
use lake::json::Object;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Shape};

/// A bulk request: values of some series in a timespan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bulk {
    /// Both ends are inclusive.
    pub timespan: String,
    /// Ids.
    pub timeseries: Vec<String>,
}

impl Bulk {
    fn of(line: &Line) -> Option<Self> {
        serde_json::from_str(&line.request).ok()
    }

    /// As it is sent, and as its line has it.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The timespan in milliseconds.
    fn millis(&self) -> Option<RangeInclusive<i64>> {
        let (start, end) = self.timespan.split_once('/')?;
        let millis = |text| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
        Some(millis(start)?..=millis(end)?)
    }
}

/// An answer: the map of series; one that stands there more than once has all of that. `None` if it is none.
fn series_of(body: &str) -> Option<BTreeMap<String, Vec<&RawValue>>> {
    let mut found: BTreeMap<String, Vec<&RawValue>> = BTreeMap::new();
    for (id, series) in Object::of_text(body)?.members() {
        found.entry(id.to_owned()).or_default().push(series);
    }
    Some(found)
}

/// The records of a series; `None` if there is no list of them.
fn records_of<'a>(series: &[&'a RawValue]) -> Option<Vec<&'a RawValue>> {
    let mut records = Vec::new();
    for part in series {
        let lists: Vec<&RawValue> = Object::of_text(part.get())?
            .members()
            .filter(|(name, _)| *name == "values")
            .map(|(_, list)| list)
            .collect();
        if lists.is_empty() {
            return None;
        }
        for list in lists {
            records.extend(serde_json::from_str::<Vec<&RawValue>>(list.get()).ok()?);
        }
    }
    Some(records)
}

/// The series of a list that a body has a list of values for.
pub fn answered<'a>(body: &str, asked: &'a [String]) -> Vec<&'a String> {
    let series = series_of(body).unwrap_or_default();
    let has = |id: &&String| series.get(id.as_str()).is_some_and(|series| records_of(series).is_some());
    asked.iter().filter(has).collect()
}

/// Whether a body has anything under a series' id.
pub fn names(body: &str, id: &str) -> bool {
    series_of(body).is_some_and(|series| series.contains_key(id))
}

/// An answer cut down to some series.
pub fn only(line: &Line, ids: &[&String]) -> Line {
    Values { column: None }.cut(line, &ids.iter().map(|id| ((*id).clone(), Keep::Whole)).collect())
}

/// Raw objects with values: a subject is a series, an item a record of it.
pub struct Values<'a> {
    /// The column whose rules say what is a value, and what stands for a missing one.
    pub column: Option<&'a Column>,
}

impl Values<'_> {
    fn item(&self, text: &str, within: Option<&RangeInclusive<i64>>) -> Item {
        let record = Object::of_text(text).unwrap_or_default();
        let (timestamp, value) = (record.get("timestamp"), record.get("value"));
        let millis: Option<i64> = timestamp.and_then(|text| text.get().parse().ok());
        let verdict = match millis {
            None => Verdict::Refused,
            // What the API adds beyond the timespan was not asked for, and is not missed.
            Some(millis) if within.is_some_and(|within| !within.contains(&millis)) => Verdict::Missing,
            Some(_) => self.column.map_or(Verdict::Missing, |column| column.judge_number(value)),
        };
        let content = value.map_or("null", RawValue::get).to_owned();
        Item::of_value(timestamp.map_or(text, RawValue::get).to_owned(), content, verdict)
    }
}

impl Shape for Values<'_> {
    fn asks(&self, line: &Line) -> Vec<String> {
        Bulk::of(line).map(|bulk| bulk.timeseries).unwrap_or_default()
    }

    fn holds(&self, line: &Line) -> Holdings {
        let within = Bulk::of(line).and_then(|bulk| bulk.millis());
        let series = series_of(line.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let items = |series: Vec<&RawValue>| -> Option<Vec<Item>> {
            Some(records_of(&series)?.into_iter().map(|record| self.item(record.get(), within.as_ref())).collect())
        };
        series.into_iter().filter_map(|(id, series)| Some((id, items(series)?))).collect()
    }

    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line {
        let series = series_of(line.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let mut parts = Vec::new();
        for (id, keep) in keep {
            let Some(series) = series.get(id.as_str()) else { continue };
            let name = serde_json::to_string(id).unwrap_or_default();
            match keep {
                Keep::Whole => parts.extend(series.iter().map(|text| format!("{name}:{}", text.get()))),
                Keep::Items(_) => {
                    let records = records_of(series).unwrap_or_default().into_iter().enumerate();
                    let kept: Vec<&str> =
                        records.filter(|(place, _)| keep.has(*place)).map(|(_, record)| record.get()).collect();
                    parts.push(format!("{name}:{{\"values\":[{}]}}", kept.join(",")));
                }
            }
        }
        let request = Bulk::of(line).map(|bulk| {
            let timeseries = bulk.timeseries.into_iter().filter(|id| keep.contains_key(id)).collect();
            Bulk { timeseries, ..bulk }.text()
        });
        let body = Some(format!("{{{}}}", parts.join(",")));
        Line { request: request.unwrap_or_else(|| line.request.clone()), body, ..line.clone() }
    }

    fn covers(&self, line: &Line, item: &Item) -> bool {
        let within = Bulk::of(line).and_then(|bulk| bulk.millis());
        within.is_none_or(|within| item.name.parse().is_ok_and(|millis| within.contains(&millis)))
    }
}

#[cfg(test)]
mod tests;
