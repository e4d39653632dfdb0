//! What the siblings of an object of values say of its series.
//!
//! A list of metadata has a megabyte for each day and hardly changes from one to the next: what was read of it is kept
//! for the next object of this process. That saves time and changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::error::Stop;
use crate::formats::head::Head;
use crate::formats::json::{each_element, value_length};
use crate::formats::known::{Known, Source, compare};
use crate::formats::{RawObject, Siblings};
use lake::json::{Json, Object};

/// The longest list that is kept.
const MAX_KEPT: usize = 4 * 1024 * 1024;

/// What the metadata say of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The station it stands at.
    pub station_id: Option<i64>,
    /// What it measures, by the API's id.
    pub phenomenon_id: Option<String>,
    /// What it measures, by its short name.
    pub parameter: Option<String>,
    /// The unit.
    pub uom: Option<String>,
}

/// All series that an object may have, by number.
#[derive(Debug, Default, PartialEq)]
pub struct KnownSeries {
    by_number: Vec<(String, Series)>,
    numbers: HashMap<String, u32, Xxh3DefaultBuilder>,
}

impl KnownSeries {
    /// The number of a series.
    pub fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// The id of a series, and what is known of it.
    pub fn get(&self, number: u32) -> Option<(&str, &Series)> {
        self.by_number.get(number as usize).map(|(id, series)| (id.as_str(), series))
    }
}

/// The names that phenomena have by declaration, by id.
pub(super) type Names = BTreeMap<String, String>;
/// What an element says of the series in it.
type Described = Vec<(String, Series)>;
/// The elements of a list.
type List = Vec<Arc<Known<Described>>>;

/// Finds what an element says, and adds where in memory the values are that count.
type Describe = fn(&Object, &mut Vec<usize>) -> Vec<(String, Found)>;

/// What was read last.
pub(super) struct Last {
    names: Names,
    stations: List,
    timeseries: List,
    series: Arc<KnownSeries>,
}

static LAST: Mutex<Option<Arc<Last>>> = Mutex::new(None);

/// The series that the siblings know: `timeseries.json` first, then the references in an expanded `stations.json`.
pub(super) fn known_series(object: &RawObject, siblings: Siblings<'_>) -> Result<Arc<KnownSeries>, Stop> {
    let names = object.dataset.lookup("parameter");
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|last| last.names == names);
    let (series, read) = series_after(last.as_deref(), names, siblings)?;
    if let Some(read) = read {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(read));
    }
    Ok(series)
}

/// The same after others were read; and what is to be kept, if it is something else.
pub(super) fn series_after(
    last: Option<&Last>,
    names: Names,
    mut siblings: Siblings<'_>,
) -> Result<(Arc<KnownSeries>, Option<Last>), Stop> {
    let known = |list: fn(&Last) -> &List| last.map(list).map_or(&[][..], Vec::as_slice);
    let stations = read(&mut siblings, "stations.json", &names, known(|last| &last.stations), station_references)?;
    let timeseries = read(&mut siblings, "timeseries.json", &names, known(|last| &last.timeseries), series_item)?;
    if let (Some(last), (None, None)) = (&last, (&stations, &timeseries)) {
        return Ok((Arc::clone(&last.series), None));
    }
    let whole = |read: Option<List>, list: fn(&Last) -> &List| read.or_else(|| last.map(list).cloned());
    let stations = whole(stations, |last| &last.stations).unwrap_or_default();
    let timeseries = whole(timeseries, |last| &last.timeseries).unwrap_or_default();
    let described = stations.iter().chain(&timeseries).flat_map(|known| known.made.iter().cloned());
    let by_number: Vec<(String, Series)> = described.collect::<BTreeMap<_, _>>().into_iter().collect();
    let numbers = by_number.iter().zip(0..).map(|((id, _), number)| (id.clone(), number)).collect();
    let series = Arc::new(KnownSeries { by_number, numbers });
    let is_kept = stations.iter().chain(&timeseries).map(|known| known.memory()).sum::<usize>() <= MAX_KEPT;
    let read = is_kept.then(|| Last { names, stations, timeseries, series: Arc::clone(&series) });
    Ok((series, read))
}

/// The elements of a sibling; `None` if they are those that were read last.
fn read(
    siblings: &mut Siblings<'_>,
    file: &str,
    names: &Names,
    last: &[Arc<Known<Described>>],
    describe: Describe,
) -> Result<Option<List>, Stop> {
    let Some(mut reader) = siblings.remove(file) else {
        return Err(Stop::Broken(format!("dataset.toml does not declare the sibling {file}")));
    };
    let head = Head::read(&mut reader, MAX_KEPT)?;
    let head = head.bytes();
    let described = |text: &[u8]| -> Result<Option<Arc<Known<Described>>>, Stop> {
        let item = Json::parse(text).map_err(|error| Stop::Broken(format!("{file}: {error}")))?;
        let Json::Object(item) = item else { return Ok(None) };
        let mut used = Vec::new();
        let found = describe(&item, &mut used);
        used.iter_mut().for_each(|address| *address -= (text.as_ptr() as usize).min(*address));
        let described = found.into_iter().map(|(id, found)| {
            let parameter = found.parameter(names);
            let Found { station_id, phenomenon_id, uom, .. } = found;
            (id, Series { station_id, phenomenon_id, parameter, uom })
        });
        Ok(Some(Arc::new(Known::new(text, used, described.collect()))))
    };
    if head.len() < MAX_KEPT && !last.is_empty() {
        let mut others = List::new();
        let other = |_, text: &'_ [u8]| {
            let length = value_length(text)?;
            others.push(described(text.get(..length)?).ok()??);
            Some(length)
        };
        if let Some(compared) = compare(last, head, other) {
            let element = |source: &Source| match *source {
                Source::Known(position) => last.get(position),
                Source::Other(number) => others.get(number),
            };
            let elements = || compared.sources.iter().filter_map(element);
            let is_same = compared.is_same(last.len()) || made(elements()).eq(made(last));
            return Ok((!is_same).then(|| elements().cloned().collect()));
        }
    }
    let mut list = List::new();
    let visit = |index: u64, text: &[u8]| {
        let known = last.get(index as usize - 1).filter(|known| known.length_in(text) == Some(text.len()));
        if let Some(known) = known {
            list.push(Arc::clone(known));
            return Ok(());
        }
        list.extend(described(text)?);
        Ok(())
    };
    each_element(head.chain(reader), visit).map_err(|stop| match stop {
        Stop::Reject(reject) => Stop::Broken(format!("the sibling {file} is not usable: {}", reject.message)),
        broken => broken,
    })?;
    Ok(Some(list))
}

/// What elements say, one after the other.
fn made<'k>(
    elements: impl IntoIterator<Item = &'k Arc<Known<Described>>>,
) -> impl Iterator<Item = &'k (String, Series)> {
    elements.into_iter().flat_map(|known| &known.made)
}

struct Found {
    station_id: Option<i64>,
    phenomenon_id: Option<String>,
    phenomenon: Option<String>,
    uom: Option<String>,
}

impl Found {
    fn parameter(&self, names: &Names) -> Option<String> {
        let by_id = self.phenomenon_id.as_ref().and_then(|id| names.get(id)).cloned();
        by_id.or_else(|| self.phenomenon.as_deref().map(snake_case))
    }
}

fn series_item(item: &Object, used: &mut Vec<usize>) -> Vec<(String, Found)> {
    let found = Found {
        station_id: integer(item.pointer("/station/properties/id"), used),
        phenomenon_id: text(item.pointer("/parameters/phenomenon/id"), used),
        phenomenon: text(item.pointer("/parameters/phenomenon/label"), used),
        uom: text(item.get("uom"), used),
    };
    text(item.get("id"), used).map(|id| (id, found)).into_iter().collect()
}

fn station_references(item: &Object, used: &mut Vec<usize>) -> Vec<(String, Found)> {
    let station_id = integer(item.pointer("/properties/id"), used);
    let references = item.pointer("/properties/timeseries").map_or_else(Object::default, object);
    let series = references.members().map(|(id, reference)| {
        let reference = object(reference);
        let found = Found {
            station_id,
            phenomenon_id: text(reference.pointer("/phenomenon/id"), used),
            phenomenon: text(reference.pointer("/phenomenon/label"), used),
            uom: None,
        };
        (id.to_owned(), found)
    });
    series.collect()
}

fn object(value: &RawValue) -> Object<'_> {
    match Json::of(value) {
        Ok(Json::Object(object)) => object,
        _ => Object::default(),
    }
}

fn integer(value: Option<&RawValue>, used: &mut Vec<usize>) -> Option<i64> {
    let digits = value?.get();
    used.push(digits.as_ptr() as usize);
    digits.parse().ok()
}

fn text(value: Option<&RawValue>, used: &mut Vec<usize>) -> Option<String> {
    let value = value?;
    used.push(value.get().as_ptr() as usize);
    match Json::of(value).ok()? {
        Json::Text(text) => Some(text.into_owned()),
        Json::Number(digits) => Some(digits.to_owned()),
        _ => None,
    }
}

/// `Atmospheric  Pressure` becomes `atmospheric_pressure`.
fn snake_case(label: &str) -> String {
    let lower = label.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}
