//! Which rows are of a shard: those of which the values of some columns have a hash of this remainder.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::TableReference;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::{SessionContext, ident};
use lake::hash;

use crate::error::Result;

/// One of the shards of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    /// Its number, from 0.
    pub number: u64,
    /// How many there are.
    pub of: u64,
}

impl Shard {
    /// Leaves of a table those rows that are of the shard. A table that lacks one of the columns stays as it is.
    pub async fn cut(self, context: &SessionContext, name: &str, columns: &[String]) -> Result<()> {
        let whole = context.table(name).await?;
        let has = |column: &String| whole.schema().fields().iter().any(|field| field.name() == column);
        if !columns.iter().all(has) {
            return Ok(());
        }
        let in_shard =
            ScalarUDF::from(InShard { shard: self, signature: Signature::variadic_any(Volatility::Immutable) });
        let cut = whole.filter(in_shard.call(columns.iter().map(ident).collect()))?.into_view();
        let name: TableReference = name.into();
        context.deregister_table(name.clone())?;
        context.register_table(name, cut)?;
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct InShard {
    shard: Shard,
    signature: Signature,
}

impl ScalarUDFImpl for InShard {
    fn name(&self) -> &'static str {
        "in_shard"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let mut hashes = vec![0_u64; arrays.first().map_or(0, Array::len)];
        for array in &arrays {
            mix(array, &mut hashes)?;
        }
        let Shard { number, of } = self.shard;
        let flags: BooleanArray = hashes.into_iter().map(|hash| Some(hash % of.max(1) == number)).collect();
        Ok(ColumnarValue::Array(std::sync::Arc::new(flags)))
    }
}

/// Adds the values of a column to the hashes of its rows.
fn mix(array: &ArrayRef, hashes: &mut [u64]) -> EngineResult<()> {
    let put = |hash: &mut u64, value: u64| {
        let mut both = [0; 16];
        let (before, behind) = both.split_at_mut(8);
        before.copy_from_slice(&hash.to_le_bytes());
        behind.copy_from_slice(&value.to_le_bytes());
        *hash = hash::spread(&both);
    };
    let is_number = array.data_type().is_integer()
        || matches!(array.data_type(), DataType::Date32 | DataType::Timestamp(..) | DataType::Boolean);
    if is_number {
        let numbers = cast(array, &DataType::Int64)?;
        let numbers = numbers.as_primitive_opt::<Int64Type>();
        let numbers = numbers.ok_or_else(|| DataFusionError::Internal("a number is no number".to_owned()))?;
        let values = numbers.iter().map(|number| number.map_or(u64::MAX, |number| hash::spread(&number.to_le_bytes())));
        hashes.iter_mut().zip(values).for_each(|(hash, value)| put(hash, value));
        return Ok(());
    }
    let texts = cast(array, &DataType::Utf8View)?;
    // Equal values come one after the other where rows are in order.
    let mut last: (Option<&str>, u64) = (None, u64::MAX);
    for (hash, text) in hashes.iter_mut().zip(texts.as_string_view().iter()) {
        if text != last.0 {
            last = (text, text.map_or(u64::MAX, |text| hash::spread(text.as_bytes())));
        }
        put(hash, last.1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use datafusion::arrow::array::{DictionaryArray, Int64Array, RecordBatch, StringArray, StringViewArray};
    use datafusion::arrow::datatypes::Int32Type;

    use super::*;

    async fn numbers_in(shard: Shard, batch: RecordBatch, columns: &[&str]) -> Vec<i64> {
        let context = SessionContext::new();
        context.register_batch("rows", batch).unwrap();
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        shard.cut(&context, "rows", &columns).await.unwrap();
        let rows = context.sql("SELECT number FROM rows").await.unwrap().collect().await.unwrap();
        rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[tokio::test]
    async fn each_row_is_of_one_shard_and_equal_keys_are_of_the_same() {
        let texts: Vec<Option<String>> =
            (0..1000).map(|number| (number % 11 != 0).then(|| format!("meter {}", number % 37))).collect();
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let of = |texts: ArrayRef| {
            RecordBatch::try_from_iter_with_nullable([("number", Arc::clone(&numbers), false), ("meter", texts, true)])
                .unwrap()
        };
        let texts = || texts.iter().map(Option::as_deref);
        let batches = [
            of(Arc::new(texts().collect::<StringArray>())),
            of(Arc::new(texts().collect::<StringViewArray>())),
            of(Arc::new(texts().collect::<DictionaryArray<Int32Type>>())),
        ];
        let mut places = Vec::new();
        for batch in batches {
            let mut shard_of: BTreeMap<i64, u64> = BTreeMap::new();
            for number in 0..8 {
                for row in numbers_in(Shard { number, of: 8 }, batch.clone(), &["meter"]).await {
                    assert_eq!(shard_of.insert(row, number), None, "{row} is of two shards");
                }
            }
            assert_eq!(shard_of.len(), 1000);
            let key = |row: i64| if row % 11 == 0 { -1 } else { row % 37 };
            let mut by_key: BTreeMap<i64, u64> = BTreeMap::new();
            assert!(shard_of.iter().all(|(row, shard)| by_key.entry(key(*row)).or_insert(*shard) == shard));
            places.push(shard_of);
        }
        assert!(places.windows(2).all(|pair| pair[0] == pair[1]), "whatever the form of texts");
        let both = numbers_in(
            Shard { number: 0, of: 3 },
            of(Arc::new(texts().collect::<StringArray>())),
            &["meter", "number"],
        );
        assert!((200..470).contains(&both.await.len()));
        let unknown = numbers_in(Shard { number: 0, of: 3 }, of(Arc::new(texts().collect::<StringArray>())), &["x"]);
        assert_eq!(unknown.await.len(), 1000, "a table without the column is seen whole");
    }
}
