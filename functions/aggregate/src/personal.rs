//! Keyed hashes in place of personal values, as functions of the query engine.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::{SessionContext, cast as cast_to, ident};
use lake::dataset::ColumnType;
use lake::personal::PersonalKey;

const OF_TEXT: &str = "personal_text";
const OF_NUMBER: &str = "personal_number";

/// The function that hashes values of a type. Dates and the like become text first: nothing of them is to be seen.
pub fn function(kind: ColumnType) -> &'static str {
    if kind == ColumnType::Int64 { OF_NUMBER } else { OF_TEXT }
}

/// Puts keyed hashes in place of these columns of a table, which derive from personal ones: numbers stay numbers, all else
/// becomes text.
pub async fn hide(context: &SessionContext, name: &str, columns: &[String]) -> Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    let open = context.table(name).await?;
    let mut shown = Vec::new();
    for field in open.schema().fields() {
        let column = ident(field.name());
        if !columns.contains(field.name()) {
            shown.push(column);
            continue;
        }
        let (function, value) = match field.data_type() {
            DataType::Int64 => (OF_NUMBER, column),
            _ => (OF_TEXT, cast_to(column, DataType::Utf8)),
        };
        shown.push(context.udf(function)?.call(vec![value]).alias(field.name()));
    }
    let hidden = open.select(shown)?.into_view();
    context.deregister_table(name)?;
    context.register_table(name, hidden)?;
    Ok(())
}

/// Whether a function of that name hashes.
pub fn is_hash(name: &str) -> bool {
    [OF_TEXT, OF_NUMBER].contains(&name)
}

/// Makes the functions known to a session.
pub fn register(context: &SessionContext, key: &PersonalKey) {
    for (name, data_type) in [(OF_TEXT, DataType::Utf8), (OF_NUMBER, DataType::Int64)] {
        let signature = Signature::exact(vec![data_type.clone()], Volatility::Immutable);
        context.register_udf(ScalarUDF::from(Hash { name, data_type, key: key.clone(), signature }));
    }
}

#[derive(Debug)]
struct Hash {
    name: &'static str,
    data_type: DataType,
    key: PersonalKey,
    signature: Signature,
}

// A session has one key: functions of one name are the same.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Hash {}

impl std::hash::Hash for Hash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Hash {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values] = arrays.as_slice() else {
            return Err(DataFusionError::Internal(format!("{} takes one argument", self.name)));
        };
        let hashed: ArrayRef = match values.as_primitive_opt::<Int64Type>() {
            Some(numbers) => {
                Arc::new(numbers.iter().map(|number| Some(self.key.number(number?))).collect::<Int64Array>())
            }
            None => {
                let texts = cast(values, &DataType::Utf8)?;
                let texts = texts.as_string::<i32>().iter();
                Arc::new(texts.map(|text| Some(self.key.text(text?))).collect::<StringArray>())
            }
        };
        Ok(ColumnarValue::Array(hashed))
    }
}
