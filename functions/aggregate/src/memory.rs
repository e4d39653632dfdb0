//! What the parts of one query hold.
//!
//! What can go on in temporary files (sorts, groups) does so at the same size on every machine: when it does decides the order
//! in which doubles are added up. What must be in memory (the built side of a hash join) may take what there is.

use std::fmt;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// What sorts and groups of one query hold before they spill.
const SPILLING: usize = 256 * 1024 * 1024;

/// The memory of one query.
#[derive(Debug)]
pub struct Pool {
    spilling: FairSpillPool,
    others: GreedyMemoryPool,
}

impl Pool {
    /// A pool for a process that may hold `bytes`: half of it is for what cannot spill.
    pub fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self { spilling: FairSpillPool::new(bytes.min(SPILLING)), others: GreedyMemoryPool::new(bytes / 2) }
    }

    fn of(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        if consumer.can_spill() { &self.spilling } else { &self.others }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.spilling, self.others)
    }
}

impl MemoryPool for Pool {
    fn name(&self) -> &'static str {
        "lake"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.of(consumer).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.of(consumer).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.of(reservation.consumer()).grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.of(reservation.consumer()).shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.of(reservation.consumer()).try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.others.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        match (self.spilling.memory_limit(), self.others.memory_limit()) {
            (MemoryLimit::Finite(spilling), MemoryLimit::Finite(others)) => {
                MemoryLimit::Finite(spilling.saturating_add(others))
            }
            _ => MemoryLimit::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_cannot_spill_takes_what_there_is_and_what_can_takes_the_same_everywhere() {
        const GB: u64 = 1_000_000_000;
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(4 * GB));
        let join = MemoryConsumer::new("join").register(&pool);
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        join.try_grow(1_900_000_000).unwrap();
        assert!(join.try_grow(200_000_000).is_err());
        sort.try_grow(SPILLING).unwrap();
        assert!(sort.try_grow(1).is_err());
        assert_eq!(pool.reserved(), 1_900_000_000 + SPILLING);
        drop((join, sort));
        assert_eq!(pool.reserved(), 0);
        let small: Arc<dyn MemoryPool> = Arc::new(Pool::new(100));
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&small);
        assert!(sort.try_grow(101).is_err(), "but never more than there is");
    }
}
