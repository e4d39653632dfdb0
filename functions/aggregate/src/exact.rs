//! Files are read by the types that a table has by now. Where one has other types, written before the declaration changed,
//! only those are read that keep each value: the engine would cut 6.5 to 6 in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

/// Adapts expressions over a table's columns to files of one table or model.
#[derive(Debug)]
pub struct ExactReads {
    /// As the engine has registered its files: `DATASET__TABLE`.
    pub name: String,
}

#[derive(Debug)]
struct ExactRead {
    inner: Arc<dyn PhysicalExprAdapter>,
    /// Why columns cannot be read, by their names.
    refused: BTreeMap<String, String>,
}

impl PhysicalExprAdapterFactory for ExactReads {
    fn create(&self, wanted: SchemaRef, in_file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let refused = self.refused(&wanted, &in_file);
        let inner = DefaultPhysicalExprAdapterFactory.create(wanted, in_file)?;
        Ok(if refused.is_empty() { inner } else { Arc::new(ExactRead { inner, refused }) })
    }
}

impl ExactReads {
    fn refused(&self, wanted: &Schema, in_file: &Schema) -> BTreeMap<String, String> {
        let why = |name: &str, was: &DataType, is: &DataType| {
            let (dataset, _) = parts(&self.name);
            let only = if dataset.is_empty() { String::new() } else { format!(" --dataset {dataset}") };
            let [is, was] = [is, was].map(words);
            format!(
                "column \"{name}\" of {} is {is} and was {was} when some of its files were written: run `tributary clean --all{only}`, then `tributary aggregate`",
                shown(&self.name)
            )
        };
        let refused = wanted.fields().iter().filter_map(|field| {
            let (_, other) = in_file.fields().find(field.name())?;
            let (was, is) = (other.data_type(), field.data_type());
            (!keeps_values(was, is)).then(|| (field.name().clone(), why(field.name(), was, is)))
        });
        refused.collect()
    }
}

impl PhysicalExprAdapter for ExactRead {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let columns = collect_columns(&expression);
        match columns.iter().find_map(|column| self.refused.get(column.name())) {
            Some(why) => Err(DataFusionError::Plan(why.clone())),
            None => self.inner.rewrite(expression),
        }
    }
}

/// A type as `dataset.toml` has it.
fn words(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        kind => kind.to_string().to_lowercase(),
    }
}

/// Whether each value of one type is one of the other.
fn keeps_values(was: &DataType, is: &DataType) -> bool {
    use DataType::{Binary, BinaryView, Decimal128, Dictionary, Float32, Float64, LargeBinary, LargeUtf8, Null};
    use DataType::{Timestamp, Utf8, Utf8View};
    let bits = |kind: &DataType| kind.primitive_width().unwrap_or_default();
    match (was, is) {
        (was, is) if was == is => true,
        (Dictionary(_, was), is) => keeps_values(was, is),
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View)
        | (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView)
        | (Float32, Float64)
        | (Null, _) => true,
        // Of the same zone or none, to the microsecond.
        (Timestamp(_, was), Timestamp(_, is)) => was.is_some() == is.is_some(),
        (Decimal128(digits, scale), Decimal128(more_digits, greater_scale)) => {
            let whole = |digits: &u8, scale: &i8| i16::from(*digits) - i16::from(*scale);
            greater_scale >= scale && whole(more_digits, greater_scale) >= whole(digits, scale)
        }
        (was, is) if was.is_signed_integer() && is.is_signed_integer() => bits(is) >= bits(was),
        (was, is) if was.is_unsigned_integer() && is.is_unsigned_integer() => bits(is) >= bits(was),
        (was, is) if was.is_unsigned_integer() && is.is_signed_integer() => bits(is) > bits(was),
        _ => false,
    }
}

/// Whether files have columns of one name and several types.
pub fn are_unlike(error: &DataFusionError) -> bool {
    let root = error.find_root();
    matches!(root, DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::SchemaError(_)))
}

/// The columns of files that differ: each has the type of the last file that has it. What is read of others is refused if it
/// would be changed.
pub fn of_the_last(schemas: &[SchemaRef]) -> SchemaRef {
    let mut fields: Vec<FieldRef> = Vec::new();
    for field in schemas.iter().flat_map(|schema| schema.fields()) {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) => *known = Arc::clone(field),
            None => fields.push(Arc::clone(field)),
        }
    }
    Arc::new(Schema::new(fields))
}

/// Dataset and relation of the name that files are registered by.
fn parts(name: &str) -> (&str, &str) {
    let name = name.strip_suffix("__files").unwrap_or(name);
    name.split_once("__").unwrap_or(("", name))
}

fn shown(name: &str) -> String {
    match parts(name) {
        ("", relation) => relation.to_owned(),
        (dataset, relation) => format!("{dataset}.{relation}"),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn only_what_keeps_values_is_read_as_another_type() {
        use DataType::{Boolean, Date32, Decimal128, Float32, Float64, Int32, Int64, UInt32, UInt64, Utf8, Utf8View};
        let time = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
        for (was, is, keeps) in [
            (Utf8, Utf8View, true),
            (DataType::Dictionary(Box::new(Int32), Box::new(Utf8)), Utf8View, true),
            (Int32, Int64, true),
            (Int64, Int32, false),
            (UInt32, Int64, true),
            (UInt64, Int64, false),
            (Float32, Float64, true),
            (Float64, Int64, false),
            (Int64, Float64, false),
            (Float64, Utf8View, false),
            (Utf8, Int64, false),
            (Boolean, Int64, false),
            (Date32, time(TimeUnit::Microsecond, None), false),
            (time(TimeUnit::Nanosecond, Some("UTC")), time(TimeUnit::Microsecond, Some("+00:00")), true),
            (time(TimeUnit::Microsecond, None), time(TimeUnit::Microsecond, Some("UTC")), false),
            (Decimal128(10, 2), Decimal128(12, 4), true),
            (Decimal128(10, 2), Decimal128(10, 4), false),
        ] {
            assert_eq!(keeps_values(&was, &is), keeps, "{was} as {is}");
        }
    }
}
