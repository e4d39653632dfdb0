//! Proofs that the keys of a part's rows differ: cheap where rows come in order, exact where they do not.
//!
//! Keys that ascend are different by that alone. Only where one does not follow the one before are all keys of the part
//! hashed; those that went before are read back for it at the end.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, Row, RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_128;

use crate::duplicates::Duplicates;
use crate::error::Stop;
use crate::run::Run;

/// Stamps that all parts together remember, one for each series: 16 MiB.
const MAX_STAMPS: usize = 2 * 1024 * 1024;

/// The key columns of a table.
pub struct KeyColumns {
    /// Orders in which rows may come: by the columns as they are declared, and from the last to the first.
    orders: Vec<(RowConverter, Vec<usize>)>,
    /// Whether a series and a stamp in it are a key, or more than one.
    series_and_stamp: bool,
    /// Stamps remembered so far.
    stamps: usize,
}

/// What is known of the keys of one part.
#[derive(Default)]
pub enum Proof {
    /// Nothing: there are no rows yet.
    #[default]
    Empty,
    /// Each key is greater than the one before, in each order that has a last key here.
    Ascending(Vec<Option<OwnedRow>>),
    /// Within each series, by its number, each stamp is greater than the one before; the last ones.
    AscendingSeries(Vec<i64>),
    /// Hashes of all keys are among the duplicates.
    Hashed,
    /// None: keys may be the same, and are to be hashed when all rows are there.
    Open,
}

impl KeyColumns {
    /// The columns of these names; `None` without any.
    pub fn new(schema: &SchemaRef, names: &[String]) -> Result<Option<Self>, Stop> {
        let columns: Vec<usize> = names.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let series_and_stamp = [Run::SERIES, Run::STAMP].iter().all(|name| names.iter().any(|known| known == name));
        let backwards: Vec<usize> = columns.iter().rev().copied().collect();
        let mut orders = vec![columns];
        if backwards.len() > 1 {
            orders.push(backwards);
        }
        let converter = |columns: &Vec<usize>| {
            let kinds = columns.iter().map(|column| schema.field(*column).data_type().clone());
            RowConverter::new(kinds.map(SortField::new).collect())
        };
        let orders =
            orders.into_iter().map(|columns| Ok((converter(&columns)?, columns))).collect::<Result<_, Stop>>()?;
        Ok(Some(Self { orders, series_and_stamp, stamps: 0 }))
    }

    /// The keys of rows, to be compared in one of the orders.
    fn keys(&self, order: usize, batch: &RecordBatch) -> Result<Rows, Stop> {
        let (converter, columns) =
            self.orders.get(order).ok_or_else(|| Stop::Broken("a key has no order".to_owned()))?;
        let keys: Vec<ArrayRef> = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        Ok(converter.convert_columns(&keys)?)
    }

    /// Adds rows to a part that is number `part` and has `row` rows already.
    pub fn add(
        &self,
        proof: &mut Proof,
        batch: &RecordBatch,
        (part, row): (usize, u64),
        duplicates: &mut Duplicates,
    ) -> Result<(), Stop> {
        if batch.num_rows() == 0 || matches!(proof, Proof::Open) {
            return Ok(());
        }
        match proof {
            Proof::Empty => {
                let last = (0..self.orders.len()).map(|order| self.ascends(order, None, batch));
                let last = last.collect::<Result<Vec<_>, _>>()?;
                *proof = if last.iter().any(Option::is_some) { Proof::Ascending(last) } else { Proof::Hashed };
            }
            Proof::Ascending(orders) => {
                for (order, last) in orders.iter_mut().enumerate() {
                    if let Some(before) = last.take() {
                        *last = self.ascends(order, Some(before.row()), batch)?;
                    }
                }
                if orders.iter().all(Option::is_none) {
                    *proof = Proof::Open;
                }
            }
            Proof::AscendingSeries(_) => *proof = Proof::Open,
            Proof::Hashed | Proof::Open => {}
        }
        if matches!(proof, Proof::Hashed) { hash(&self.keys(0, batch)?, part, row, duplicates) } else { Ok(()) }
    }

    /// The hashes of the keys of rows.
    pub fn hashes(&self, batch: &RecordBatch) -> Result<Vec<u128>, Stop> {
        Ok(self.keys(0, batch)?.iter().map(|key| xxh3_128(key.as_ref())).collect())
    }

    /// The last key of rows that ascend, after the key `before`.
    fn ascends(&self, order: usize, before: Option<Row>, batch: &RecordBatch) -> Result<Option<OwnedRow>, Stop> {
        let keys = self.keys(order, batch)?;
        let ascends = before.into_iter().chain(&keys).is_sorted_by(|one, next| one < next);
        Ok(if ascends { keys.iter().next_back().map(|last| last.owned()) } else { None })
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

fn hash(keys: &Rows, part: usize, row: u64, duplicates: &mut Duplicates) -> Result<(), Stop> {
    let too_many = || Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
    let part = u32::try_from(part).map_err(|_| too_many())?;
    for (key, row) in keys.iter().zip(row..) {
        duplicates.add(xxh3_128(key.as_ref()), part, u32::try_from(row).map_err(|_| too_many())?)?;
    }
    Ok(())
}
