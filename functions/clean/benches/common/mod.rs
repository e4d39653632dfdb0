//! What benches share.

use arrow::array::RecordBatch;
use clean::Stop;
use clean::reject::Reject;
use clean::writer::Sink;

/// Throws batches away.
#[derive(Default)]
pub struct Counter(pub u64);

impl Sink for Counter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.0 += batch.num_rows() as u64;
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}
