//! Proofs that the keys of a part's rows differ: cheap where rows come in order, exact where they do not.
//!
//! Keys that ascend are different by that alone, and one that comes again does so at once: the row before it is left out
//! before it is written. Only where a key is less than the one before are all keys of the part hashed; those that went
//! before are read back for it at the end.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, make_comparator};
use arrow::compute::{SortOptions, filter_record_batch, take};
use arrow::datatypes::{DataType, Date32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_128;

use crate::duplicates::Duplicates;
use crate::error::Stop;
use crate::run::Run;

/// Stamps that all parts together remember, one for each series: 16 MiB.
const MAX_STAMPS: usize = 2 * 1024 * 1024;

/// The key columns of a table.
pub struct KeyColumns {
    /// Their positions, and what makes bytes of them that are the same for the same keys.
    columns: Vec<usize>,
    converter: RowConverter,
    /// Whether a series and a stamp in it are a key, or more than one.
    series_and_stamp: bool,
    /// Stamps remembered so far.
    stamps: usize,
}

/// What is known of the keys of one part.
#[derive(Default, Clone)]
pub enum Proof {
    /// Nothing: there are no rows yet.
    #[default]
    Empty,
    /// Each key is greater than the one before.
    Ascending(Ascent),
    /// Within each series, by its number, each stamp is greater than the one before; the last ones.
    AscendingSeries(Vec<i64>),
    /// Hashes of all keys are among the duplicates.
    Hashed,
    /// None: keys may be the same, and are to be hashed when all rows are there.
    Open,
}

/// Keys of which none is less than the one before.
#[derive(Clone)]
pub struct Ascent {
    /// By the columns as they are declared, and from the last to the first.
    orders: [bool; 2],
    /// Whether a column of any of them had nulls.
    has_nulls: bool,
    /// The last key.
    last: Vec<ArrayRef>,
}

impl Ascent {
    /// Whether keys ascend by the columns as they are declared, and have no nulls.
    pub fn is_by_key(&self) -> bool {
        let [by_key, _] = self.orders;
        by_key && !self.has_nulls
    }
}

/// Rows whose key the row behind them has as well.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// Whether the last row of what went before is one.
    pub before: bool,
    /// Those of the rows themselves.
    pub rows: Vec<usize>,
}

impl Repeated {
    /// The places of the rows that are left, of so many.
    pub fn left(&self, rows: usize) -> Vec<u32> {
        let mut repeated = self.rows.iter().peekable();
        (0..rows).zip(0..).filter(|(row, _)| repeated.next_if_eq(&row).is_none()).map(|(_, place)| place).collect()
    }

    /// What is left of the rows.
    pub fn without(&self, batch: &RecordBatch) -> Result<RecordBatch, Stop> {
        if self.rows.is_empty() {
            return Ok(batch.clone());
        }
        let mut keep = vec![true; batch.num_rows()];
        for row in &self.rows {
            keep.get_mut(*row).into_iter().for_each(|keep| *keep = false);
        }
        Ok(filter_record_batch(batch, &BooleanArray::from(keep))?)
    }
}

impl KeyColumns {
    /// The columns of these names; `None` without any.
    pub fn new(schema: &SchemaRef, names: &[String]) -> Result<Option<Self>, Stop> {
        let columns: Vec<usize> = names.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let series_and_stamp = [Run::SERIES, Run::STAMP].iter().all(|name| names.iter().any(|known| known == name));
        let kinds = columns.iter().map(|column| schema.field(*column).data_type().clone());
        let converter = RowConverter::new(kinds.map(SortField::new).collect())?;
        Ok(Some(Self { columns, converter, series_and_stamp, stamps: 0 }))
    }

    fn of<'b>(&'b self, batch: &'b RecordBatch) -> impl Iterator<Item = &'b ArrayRef> {
        self.columns.iter().map(|column| batch.column(*column))
    }

    /// The keys of rows as bytes.
    fn keys(&self, batch: &RecordBatch) -> Result<Rows, Stop> {
        let keys: Vec<ArrayRef> = self.of(batch).map(Arc::clone).collect();
        Ok(self.converter.convert_columns(&keys)?)
    }

    /// The hashes of the keys of rows.
    pub fn hashes(&self, batch: &RecordBatch) -> Result<Vec<u128>, Stop> {
        Ok(self.keys(batch)?.iter().map(|key| xxh3_128(key.as_ref())).collect())
    }

    /// Goes on with rows, of which there are some, in an order that those before had; `None` if they have none of these.
    pub fn ascend(&self, before: Option<&Ascent>, batch: &RecordBatch) -> Result<Option<(Ascent, Repeated)>, Stop> {
        let columns: Vec<Vec<Ordering>> = self.of(batch).map(steps).collect::<Result<_, _>>()?;
        let mut orders = before.map_or([true; 2], |before| before.orders);
        let mut repeated = Repeated::default();
        for row in 0..batch.num_rows().saturating_sub(1) {
            let of_columns = || columns.iter().filter_map(|steps| steps.get(row)).copied();
            if note(of_columns, &mut orders) {
                repeated.rows.push(row);
            }
        }
        if let Some(before) = before {
            let mut steps = Vec::with_capacity(before.last.len());
            for (last, next) in before.last.iter().zip(self.of(batch)) {
                steps.push(make_comparator(last, next, SortOptions::default())?(0, 0));
            }
            repeated.before = note(|| steps.iter().copied(), &mut orders);
        }
        if orders == [false; 2] {
            return Ok(None);
        }
        let has_nulls =
            before.is_some_and(|before| before.has_nulls) || self.of(batch).any(|column| column.null_count() > 0);
        let last = Self::last(self.of(batch), batch.num_rows())?;
        Ok(Some((Ascent { orders, has_nulls, last }, repeated)))
    }

    /// A copy of the last of so many rows, which holds nothing else of them.
    pub fn last<'b>(columns: impl Iterator<Item = &'b ArrayRef>, rows: usize) -> Result<Vec<ArrayRef>, Stop> {
        let last = UInt32Array::from(vec![u32::try_from(rows.saturating_sub(1)).unwrap_or(u32::MAX)]);
        columns.map(|column| Ok(take(column, &last, None)?)).collect()
    }

    /// Adds rows to a part that is number `part` and has `row` rows already. Returns those whose key the next row has, as
    /// far as that was found: they are to be left out.
    pub fn add(
        &self,
        proof: &mut Proof,
        batch: &RecordBatch,
        (part, row): (usize, u64),
        duplicates: &mut Duplicates,
    ) -> Result<Repeated, Stop> {
        let before = match proof {
            _ if batch.num_rows() == 0 => return Ok(Repeated::default()),
            Proof::Empty => None,
            Proof::Ascending(before) => Some(&*before),
            Proof::AscendingSeries(_) | Proof::Open => {
                *proof = Proof::Open;
                return Ok(Repeated::default());
            }
            Proof::Hashed => {
                hash(&self.keys(batch)?, part, row, duplicates)?;
                return Ok(Repeated::default());
            }
        };
        if let Some((ascent, repeated)) = self.ascend(before, batch)? {
            *proof = Proof::Ascending(ascent);
            return Ok(repeated);
        }
        if before.is_some() {
            *proof = Proof::Open;
        } else {
            *proof = Proof::Hashed;
            hash(&self.keys(batch)?, part, row, duplicates)?;
        }
        Ok(Repeated::default())
    }

    /// Takes note of rows of a part whose keys ascend with those of all other parts.
    pub fn follow(&self, proof: &mut Proof, whole: &Ascent, batch: &RecordBatch) -> Result<(), Stop> {
        if batch.num_rows() > 0 {
            let last = Self::last(self.of(batch), batch.num_rows())?;
            *proof = Proof::Ascending(Ascent { last, ..whole.clone() });
        }
        Ok(())
    }

    /// The same for a run of rows.
    pub fn add_run(&mut self, proof: &mut Proof, run: &Run) {
        if matches!(proof, Proof::Empty) {
            *proof = Proof::AscendingSeries(Vec::new());
        }
        let ascends = match proof {
            Proof::AscendingSeries(last) if self.series_and_stamp => self.follows(last, run),
            _ => false,
        };
        if !ascends {
            *proof = Proof::Open;
        }
    }

    /// Whether a run is after the last stamp of its series, and in order; its last stamp is remembered.
    fn follows(&mut self, last: &mut Vec<i64>, run: &Run) -> bool {
        let at = run.series as usize;
        if last.len() <= at {
            self.stamps += at + 1 - last.len();
            if self.stamps > MAX_STAMPS {
                return false;
            }
            last.resize(at + 1, i64::MIN);
        }
        let Some(before) = last.get_mut(at) else { return false };
        let (Some(first), Some(newest)) = (run.stamps.first(), run.stamps.last()) else { return true };
        let follows = *first > *before && run.stamps.is_sorted_by(|one, next| one < next);
        *before = *newest;
        follows
    }
}

/// Takes note of the step from one key to the next, by its columns, in each of the orders; whether it is no step.
#[inline]
fn note<I: DoubleEndedIterator<Item = Ordering>>(columns: impl Fn() -> I, orders: &mut [bool; 2]) -> bool {
    let first = columns().find(|step| step.is_ne()).unwrap_or(Ordering::Equal);
    let last = columns().rev().find(|step| step.is_ne()).unwrap_or(Ordering::Equal);
    let [forwards, backwards] = orders;
    *forwards &= first.is_le();
    *backwards &= last.is_le();
    first.is_eq()
}

/// How each value of a column compares with the next one: nulls first, doubles by their bits.
fn steps(column: &ArrayRef) -> Result<Vec<Ordering>, Stop> {
    fn of<T: Ord>(values: &[T]) -> Vec<Ordering> {
        values.iter().zip(values.iter().skip(1)).map(|(one, next)| one.cmp(next)).collect()
    }
    let has_nulls = column.null_count() > 0;
    Ok(match column.data_type() {
        DataType::Int64 if !has_nulls => of(column.as_primitive::<Int64Type>().values()),
        DataType::Date32 if !has_nulls => of(column.as_primitive::<Date32Type>().values()),
        DataType::Timestamp(TimeUnit::Microsecond, _) if !has_nulls => {
            of(column.as_primitive::<TimestampMicrosecondType>().values())
        }
        DataType::Utf8 if !has_nulls => {
            let texts = column.as_string::<i32>();
            texts.iter().zip(texts.iter().skip(1)).map(|(one, next)| one.cmp(&next)).collect()
        }
        _ => {
            let compare = make_comparator(column, column, SortOptions::default())?;
            (1..column.len()).map(|next| compare(next - 1, next)).collect()
        }
    })
}

fn hash(keys: &Rows, part: usize, row: u64, duplicates: &mut Duplicates) -> Result<(), Stop> {
    let too_many = || Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
    let part = u32::try_from(part).map_err(|_| too_many())?;
    for (key, row) in keys.iter().zip(row..) {
        duplicates.add(xxh3_128(key.as_ref()), part, u32::try_from(row).map_err(|_| too_many())?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    type Cells = (Option<i64>, Option<f64>, Option<String>, i64);

    fn batch(rows: &[Cells]) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.2.clone()).collect::<StringArray>()),
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.3))),
        ];
        let fields = columns.iter().zip(["a", "b", "c", "d"]);
        let fields: Vec<Field> =
            fields.map(|(column, name)| Field::new(name, column.data_type().clone(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn cells() -> impl Strategy<Value = Cells> {
        let double = prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(1.5), Just(-1.5)];
        let text = prop::sample::select(vec!["", "a", "ab", "b", "é"]).prop_map(str::to_owned);
        (
            prop::option::weighted(0.9, 0_i64..3),
            prop::option::weighted(0.9, double),
            prop::option::weighted(0.9, text),
            0_i64..3,
        )
    }

    proptest! {
        /// Rows as bytes are the slow way.
        #[test]
        fn keys_ascend_as_their_bytes_do(
            mut rows in prop::collection::vec(cells(), 1..30),
            columns in prop::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4).prop_shuffle(),
            sorted in 0_usize..3,
            cut in 0_usize..30,
        ) {
            let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
            let all = batch(&rows);
            let keys = KeyColumns::new(&all.schema(), &names).unwrap().unwrap();
            let mut backwards = keys.columns.clone();
            backwards.reverse();
            let bytes = |batch: &RecordBatch, columns: &[usize]| {
                let columns: Vec<ArrayRef> = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
                let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
                let rows = RowConverter::new(fields).unwrap().convert_columns(&columns).unwrap();
                rows.iter().map(|row| row.as_ref().to_vec()).collect::<Vec<_>>()
            };
            if sorted > 0 {
                let by = bytes(&all, if sorted == 1 { &keys.columns } else { &backwards });
                let mut order: Vec<usize> = (0..rows.len()).collect();
                order.sort_by(|one, other| by[*one].cmp(&by[*other]));
                rows = order.into_iter().map(|at| rows[at].clone()).collect();
            }
            let all = batch(&rows);
            let cut = cut.min(rows.len() - 1);
            let (first, second) = (all.slice(0, cut), all.slice(cut, rows.len() - cut));

            let (forwards, back) = (bytes(&all, &keys.columns), bytes(&all, &backwards));
            let before = if cut == 0 { None } else { keys.ascend(None, &first).unwrap() };
            if cut > 0 {
                prop_assert_eq!(before.is_some(), forwards[..cut].is_sorted() || back[..cut].is_sorted());
            }
            if cut > 0 && before.is_none() {
                return Ok(());
            }
            let found = keys.ascend(before.as_ref().map(|(ascent, _)| ascent), &second).unwrap();
            let orders = [forwards.is_sorted(), back.is_sorted()];
            prop_assert_eq!(found.as_ref().map_or([false; 2], |(ascent, _)| ascent.orders), orders);
            if let Some((_, repeated)) = found {
                prop_assert_eq!(repeated.before, cut > 0 && forwards[cut - 1] == forwards[cut]);
                let wanted: Vec<usize> = (cut..rows.len() - 1).filter(|at| forwards[*at] == forwards[at + 1]).map(|at| at - cut).collect();
                prop_assert_eq!(&repeated.rows, &wanted);
                prop_assert_eq!(repeated.without(&second).unwrap().num_rows(), second.num_rows() - wanted.len());
                prop_assert_eq!(repeated.left(second.num_rows()).len(), second.num_rows() - wanted.len());
            }
        }
    }
}
