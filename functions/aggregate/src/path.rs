//! Values of a path as they were before they became part of it, as a function of the query engine.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::SessionContext;
use lake::partition;

/// The function's name in SQL.
pub const VALUE: &str = "value_of_path";

/// Makes the function known to a session.
pub fn register(context: &SessionContext) {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    context.register_udf(ScalarUDF::from(ValueOfPath { signature }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ValueOfPath {
    signature: Signature,
}

impl ScalarUDFImpl for ValueOfPath {
    fn name(&self) -> &str {
        VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values] = arrays.as_slice() else {
            return Err(DataFusionError::Internal(format!("{VALUE} takes one argument")));
        };
        let values = cast(values, &DataType::Utf8)?;
        let decoded = values.as_string::<i32>().iter().map(|value| Some(partition::decoded(value?)));
        Ok(ColumnarValue::Array(Arc::new(decoded.collect::<StringArray>())))
    }
}
