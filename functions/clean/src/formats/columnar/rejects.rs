//! Rejected rows of a Parquet file, with all that the file has of them.
//!
//! Only the declared columns of a file are read. A row that is rejected is noted by its number, and all noted rows are read
//! once more, with all columns, when the others are through: few files have any.

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::reader::ChunkReader;

use super::text::{self, TextColumn};
use super::{FORMAT, MAX_PAGE, broken, encrypted, refuse_large_pages, stretches};
use crate::error::Stop;
use crate::formats::cell::guarded;
use crate::reject::{MAX_LINES, Reject};
use crate::writer::Sink;

/// What is wrong with rows.
#[derive(PartialEq)]
struct Kind {
    column: Option<String>,
    reason: String,
    message: String,
}

/// Hands rows on, and keeps the numbers of those that are rejected.
pub(super) struct Held<'s> {
    sink: &'s mut dyn Sink,
    kinds: Vec<Kind>,
    /// The numbers of rows, from 1, and what is wrong with them.
    rows: Vec<(u64, usize)>,
    /// Whether so many were handed on with their text that the others are only counted.
    is_enough: bool,
}

impl<'s> Held<'s> {
    pub(super) fn new(sink: &'s mut dyn Sink) -> Self {
        Self { sink, kinds: Vec::new(), rows: Vec::new(), is_enough: false }
    }

    /// Whether the text of further rows is of use.
    pub(super) fn is_full(&self) -> bool {
        !self.is_enough && self.rows.len() as u64 >= MAX_LINES
    }

    /// Hands on the rows that were rejected, each with its text. Columns that cannot be read, or not within the memory, are
    /// left out of it: `used` are those that can.
    pub(super) fn hand_on<R: ChunkReader + 'static>(
        &mut self,
        reader: impl Fn() -> std::io::Result<R>,
        metadata: &ArrowReaderMetadata,
        used: &[usize],
    ) -> Result<(), Stop> {
        let Self { sink, kinds, rows, .. } = self;
        if rows.is_empty() {
            return Ok(());
        }
        let encrypted = encrypted(&reader()?, metadata);
        let all: Vec<usize> = (0..metadata.schema().fields().len())
            .filter(|column| {
                let is_small = || refuse_large_pages(&reader()?, metadata, &[*column], MAX_PAGE);
                let is_readable = || !encrypted.contains(column);
                used.contains(column)
                    || is_readable() && is_small().and_then(|()| stretches(metadata, &[*column])).is_ok()
            })
            .collect();
        let mut done = 0;
        let mut hand_on = |columns: &[usize]| {
            let waiting = rows.get(done..).unwrap_or_default();
            each_text(&reader, metadata, columns, waiting, |(row, kind), text| {
                let Some(Kind { column, reason, message }) = kinds.get(kind) else { return Ok(()) };
                done += 1;
                sink.reject(&Reject { row, column: column.as_deref(), reason, message: message.clone(), text })
            })
        };
        if guarded(FORMAT, || hand_on(&all)).is_err() {
            hand_on(used)?;
        }
        rows.clear();
        self.is_enough = true;
        Ok(())
    }
}

impl Sink for Held<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.sink.write(batch)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        if self.is_enough {
            return self.sink.reject(reject);
        }
        let Reject { row, column, reason, message, .. } = reject;
        let is_same =
            |kind: &Kind| kind.column.as_deref() == *column && kind.reason == *reason && kind.message == *message;
        // Few messages tell one row from another.
        let known = self.kinds.iter().rposition(is_same);
        let kind = known.unwrap_or_else(|| {
            let column = column.map(str::to_owned);
            self.kinds.push(Kind { column, reason: (*reason).to_owned(), message: message.clone() });
            self.kinds.len() - 1
        });
        self.rows.push((*row, kind));
        Ok(())
    }

    fn outside(&mut self, count: u64) {
        self.sink.outside(count);
    }
}

/// Reads rows by their numbers, which ascend, and visits each with its text.
fn each_text<R: ChunkReader + 'static>(
    reader: &impl Fn() -> std::io::Result<R>,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
    rows: &[(u64, usize)],
    mut visit: impl FnMut((u64, usize), &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let fields = metadata.schema().fields();
    let left_out: Vec<&str> = (0..fields.len())
        .filter(|column| !columns.contains(column))
        .filter_map(|column| fields.get(column).map(|field| field.name().as_str()))
        .collect();
    let (mut rows, mut before, mut text) = (rows, 1, String::new());
    for stretch in stretches(metadata, columns)? {
        for group in stretch.groups {
            let count = metadata.metadata().row_groups().get(group).map_or(0, |group| group.num_rows());
            let behind = before + u64::try_from(count).unwrap_or_default();
            let (within, others) = rows.split_at(rows.partition_point(|(row, _)| *row < behind));
            if !within.is_empty() {
                let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader()?, metadata.clone());
                let builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(stretch.rows);
                let batches = builder.with_row_selection(selection(within, before)).build().map_err(broken)?;
                let mut found = within.iter();
                for batch in batches {
                    let batch = batch.map_err(broken)?;
                    let texts = TextColumn::of(metadata, columns, &batch);
                    for at in 0..batch.num_rows() {
                        let Some(row) = found.next() else { break };
                        text::row(&texts, &left_out, at, &mut text);
                        visit(*row, text.as_bytes())?;
                    }
                }
                if found.next().is_some() {
                    return Err(broken("a row group has fewer rows than it says"));
                }
            }
            (rows, before) = (others, behind);
        }
    }
    Ok(())
}

/// The rows of a group whose first one has the number `first`.
fn selection(rows: &[(u64, usize)], first: u64) -> RowSelection {
    let mut selectors = Vec::new();
    let mut next = first;
    for (row, _) in rows {
        let skipped = usize::try_from(row.saturating_sub(next)).unwrap_or_default();
        if skipped > 0 {
            selectors.push(RowSelector::skip(skipped));
        }
        selectors.push(RowSelector::select(1));
        next = row + 1;
    }
    selectors.into()
}
