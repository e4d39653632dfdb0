//! `count(DISTINCT text)` over numbers in place of texts: the engine counts distinct integers in one table for all
//! groups, and distinct texts in one set per group, which takes several times as long where groups are many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{AsArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

/// The function's name; what it returns means nothing outside of one session.
const NAME: &str = "number_of_text";

/// Has a session count distinct texts by their numbers.
pub fn register(context: &SessionContext) -> Result<()> {
    let texts = [DataType::Utf8View, DataType::Utf8, DataType::LargeUtf8];
    let signature = Signature::uniform(1, texts.to_vec(), Volatility::Stable);
    let function = Arc::new(ScalarUDF::from(NumberOfText { signature, numbers: Arc::default() }));
    context.state_ref().write().register_function_rewrite(Arc::new(Rewrite(function)))
}

#[derive(Debug)]
struct Rewrite(Arc<ScalarUDF>);

impl FunctionRewrite for Rewrite {
    fn name(&self) -> &str {
        NAME
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::AggregateFunction(AggregateFunction { func, mut params }) = expr else {
            return Ok(Transformed::no(expr));
        };
        let is_text = |argument: &Expr| {
            Ok::<_, DataFusionError>(matches!(
                argument.get_type(schema)?,
                DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8
            ))
        };
        let replaced = match params.args.as_slice() {
            [argument] if func.name() == "count" && params.distinct && is_text(argument)? => {
                params.args = vec![self.0.call(vec![argument.clone()])];
                true
            }
            _ => false,
        };
        let expr = Expr::AggregateFunction(AggregateFunction { func, params });
        Ok(if replaced { Transformed::yes(expr) } else { Transformed::no(expr) })
    }
}

/// Gives each text a number of its own, from 0.
#[derive(Debug)]
struct NumberOfText {
    signature: Signature,
    numbers: Arc<Mutex<HashMap<Box<str>, i64>>>,
}

// Functions that number by the same table are the same.
impl PartialEq for NumberOfText {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.numbers, &other.numbers)
    }
}

impl Eq for NumberOfText {}

impl std::hash::Hash for NumberOfText {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.numbers).hash(state);
    }
}

impl ScalarUDFImpl for NumberOfText {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts] = arrays.as_slice() else {
            return Err(DataFusionError::Internal(format!("{NAME} takes one argument")));
        };
        let texts = cast(texts, &DataType::Utf8View)?;
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        // Rows of one text often follow each other.
        let mut last: Option<(&str, i64)> = None;
        let numbered: Int64Array = texts
            .as_string_view()
            .iter()
            .map(|text| {
                let text = text?;
                if let Some((_, number)) = last.filter(|(known, _)| *known == text) {
                    return Some(number);
                }
                let next = i64::try_from(numbers.len()).ok()?;
                let number = match numbers.get(text) {
                    Some(number) => *number,
                    None => *numbers.entry(text.into()).or_insert(next),
                };
                last = Some((text, number));
                Some(number)
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(numbered)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Array, RecordBatch, StringArray};
    use datafusion::prelude::SessionConfig;

    use super::*;

    async fn answer(context: &SessionContext, sql: &str) -> String {
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
    }

    #[tokio::test]
    async fn distinct_texts_are_counted_as_without_it() {
        let config = || SessionConfig::new().with_target_partitions(3).with_batch_size(7);
        let (plain, numbered) = (SessionContext::new_with_config(config()), SessionContext::new_with_config(config()));
        register(&numbered).unwrap();
        let text = |row: usize| {
            if row.is_multiple_of(11) { None } else { Some(format!("a text of some length {}", row * row % 17)) }
        };
        let column = |number: usize| -> StringArray { (0..500).map(|row| text(row / number)).collect() };
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(column(1)) as Arc<dyn Array>),
            ("b", Arc::new(column(3))),
            ("c", Arc::new(column(5))),
        ])
        .unwrap();
        for context in [&plain, &numbered] {
            context.register_batch("t", batch.clone()).unwrap();
        }
        for sql in [
            "SELECT count(DISTINCT a) FROM t",
            "SELECT count(DISTINCT a), count(DISTINCT b), count(c), count(*) FROM t",
            "SELECT c, count(DISTINCT a), avg(length(b)) FROM t GROUP BY c ORDER BY c",
            "SELECT c, count(DISTINCT b || a) FILTER (WHERE a > b) AS n FROM t GROUP BY c HAVING count(DISTINCT a) > 1 ORDER BY n, c",
            "SELECT DISTINCT count(DISTINCT a) OVER (PARTITION BY c) AS n FROM t ORDER BY n",
            "SELECT count(DISTINCT 'x'), count(DISTINCT NULL), count(DISTINCT length(a)) FROM t",
        ] {
            assert_eq!(answer(&numbered, sql).await, answer(&plain, sql).await, "{sql}");
        }
        let plan = answer(&numbered, "EXPLAIN SELECT c, count(DISTINCT a), avg(length(b)) FROM t GROUP BY c").await;
        assert!(plan.contains(NAME), "{plan}");
    }
}
