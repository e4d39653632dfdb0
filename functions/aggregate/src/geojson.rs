//! GeoJSON (RFC 7946) of a model's rows: each is a point where its columns of degrees say, or nowhere where they are missing.

use std::io::Write;

use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Schema};
use datafusion::arrow::error::ArrowError;
use lake::dataset::{GeoJson, Model, quoted};

use crate::columns::{names, quoted_names};
use crate::error::{Error, Result};

/// Raised when the same rows may give other text.
pub const WRITER: &str = "1";

/// Fails if a result cannot be written so.
pub fn check(model: &Model, result: &Schema) -> Result<()> {
    let Some(geojson) = &model.geojson else { return Ok(()) };
    let wrong = |why: String| Err(Error::Query(format!("[model]: geojson: {why}")));
    let degrees = [&geojson.longitude, &geojson.latitude].map(|name| (name, "degrees"));
    for (name, what) in degrees.into_iter().chain(geojson.id.iter().map(|id| (id, "an id"))) {
        let Some((_, field)) = result.fields().find(name) else {
            return wrong(format!("the result has no column \"{name}\"; it has {}", names(result)));
        };
        let kind = field.data_type();
        let is_fit = match what {
            "degrees" => kind.is_numeric(),
            _ => kind.is_integer() || kind.is_string(),
        };
        if !is_fit {
            return wrong(format!("the column \"{name}\" is {kind}, which is no type of {what}"));
        }
    }
    match (model.cut_by(), &geojson.id) {
        (Some(day), Some(_)) if result.fields().find(day).is_none() => {
            wrong(format!("id: the newest rows are those of the newest \"{day}\", which is hidden"))
        }
        _ => Ok(()),
    }
}

/// A query for the rows of a partition, `table`, that are written.
pub fn rows(geojson: &GeoJson, model: &Model, columns: &Schema, table: &str) -> String {
    let columns = quoted_names(columns);
    match (&geojson.id, model.cut_by()) {
        (Some(id), Some(day)) => {
            let (id, day) = (quoted(id), quoted(day));
            format!(
                "SELECT {columns} FROM (\
                    SELECT *, rank() OVER (PARTITION BY {id} ORDER BY {day} DESC NULLS LAST) AS __age FROM \"{table}\"\
                ) WHERE __age = 1 OR {id} IS NULL ORDER BY {id}, {columns}"
            )
        }
        _ => format!("SELECT {columns} FROM \"{table}\""),
    }
}

/// Writes rows as a collection of points.
pub struct Points<'a, W> {
    geojson: &'a GeoJson,
    into: W,
    is_first: bool,
}

impl<'a, W: Write> Points<'a, W> {
    /// Begins the collection.
    pub fn new(geojson: &'a GeoJson, mut into: W) -> Result<Self, ArrowError> {
        into.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
        Ok(Self { geojson, into, is_first: true })
    }

    /// Writes a point for each row, all other columns as its properties.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let column = |name: &String| batch.schema().index_of(name);
        let (longitude, latitude) = (column(&self.geojson.longitude)?, column(&self.geojson.latitude)?);
        let [east, north] = [longitude, latitude].map(|at| cast(batch.column(at), &DataType::Float64));
        let (east, north) = (east?, north?);
        let others: Vec<usize> = (0..batch.num_columns()).filter(|at| ![longitude, latitude].contains(at)).collect();
        let properties = lines(&batch.project(&others)?)?;
        let ids = self.geojson.id.as_ref().map(|id| ids(batch.column(column(id)?))).transpose()?;
        let mut ids = ids.as_deref().map(str::lines);
        for (row, properties) in properties.lines().enumerate() {
            let before = if std::mem::take(&mut self.is_first) { "\n" } else { ",\n" };
            write!(self.into, "{before}{{\"type\":\"Feature\",")?;
            if let Some(id) = ids.as_mut().and_then(Iterator::next).filter(|id| !id.is_empty()) {
                write!(self.into, "{id},")?;
            }
            match (degrees(&east, row, 180.0), degrees(&north, row, 90.0)) {
                (Some(east), Some(north)) => {
                    write!(self.into, "\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{east},{north}]}}")?;
                }
                _ => write!(self.into, "\"geometry\":null")?,
            }
            write!(self.into, ",\"properties\":{properties}}}")?;
        }
        Ok(())
    }

    /// Ends the collection.
    pub fn finish(mut self) -> Result<W, ArrowError> {
        self.into.write_all(b"\n]}\n")?;
        Ok(self.into)
    }
}

/// What a row has, unless it is beyond the world.
fn degrees(column: &ArrayRef, row: usize, most: f64) -> Option<f64> {
    let degrees = column.as_primitive::<Float64Type>();
    Some(degrees.value(row)).filter(|value| degrees.is_valid(row) && value.abs() <= most)
}

/// Each row as a line of JSON.
fn lines(batch: &RecordBatch) -> Result<String, ArrowError> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    String::from_utf8(writer.into_inner()).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// Each value as a line with the member `id`; an empty line where there is none.
fn ids(column: &ArrayRef) -> Result<String, ArrowError> {
    let members = lines(&RecordBatch::try_from_iter([("id", column.clone())])?)?;
    let member = |line: &str| {
        let member = line.trim_start_matches('{').strip_suffix('}').unwrap_or_default();
        if member == "\"id\":null" { "\n".to_owned() } else { format!("{member}\n") }
    };
    Ok(members.lines().map(member).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_row_is_a_point_with_all_else_as_its_properties() {
        let geojson =
            GeoJson { name: "x".into(), longitude: "lon".into(), latitude: "lat".into(), id: Some("site".into()) };
        let columns: [(&str, ArrayRef); 4] = [
            ("site", Arc::new(StringArray::from(vec![Some("a\n\"b}"), None, Some("c")]))),
            ("lon", Arc::new(Float64Array::from(vec![Some(4.353_420_1), Some(5.0), Some(f64::NAN)]))),
            ("lat", Arc::new(Int64Array::from(vec![Some(51), Some(50), Some(50)]))),
            ("value", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(3.0)]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut points = Points::new(&geojson, Vec::new()).unwrap();
        points.write(&batch.slice(0, 1)).unwrap();
        points.write(&batch.slice(1, 2)).unwrap();
        let text = points.finish().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let wanted = serde_json::json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": "a\n\"b}", "geometry": {"type": "Point", "coordinates": [4.353_420_1, 51.0]},
                "properties": {"site": "a\n\"b}", "value": 0.1}},
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [5.0, 50.0]},
                "properties": {"site": null, "value": null}},
            {"type": "Feature", "id": "c", "geometry": null, "properties": {"site": "c", "value": 3.0}},
        ]});
        // Numbers without a fraction are the same numbers.
        let plain = |value: &serde_json::Value| value.to_string().replace(".0,", ",").replace(".0]", "]");
        assert_eq!(plain(&read), plain(&wanted));
        let empty = Points::new(&geojson, Vec::new()).unwrap().finish().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&empty).unwrap();
        assert_eq!(read["features"], serde_json::json!([]));
    }
}
