//! Tries of requests, and what a failed write means after another try.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::super::{Failure, StoreError};

/// How often a request is tried again. The SDK's own retries are switched off: it knows neither a write's race (409) nor
/// a list that cannot be read, and does not report that a write was tried before, which decides what a 412 means.
const RETRIES: usize = 9;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// A try of a write that failed, and whether the write may have taken effect all the same.
pub struct Tried {
    pub error: StoreError,
    pub in_doubt: bool,
}

impl From<StoreError> for Tried {
    fn from(error: StoreError) -> Self {
        Self { error, in_doubt: false }
    }
}

/// The delays between tries.
pub fn delays() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_max_delay(LONGEST_DELAY)
        .with_max_times(RETRIES)
        .with_jitter()
}

/// The tries of one write.
pub struct Tries {
    delays: ExponentialBackoff,
    /// Whether an earlier try may have taken effect.
    in_doubt: bool,
}

/// What follows on a try that failed.
pub enum Next {
    Again,
    Failed(StoreError),
    /// The condition does not hold by now, perhaps because an earlier try took effect.
    Doubt(StoreError),
}

impl Default for Tries {
    fn default() -> Self {
        Self { delays: delays().build(), in_doubt: false }
    }
}

impl Tries {
    /// Waits before another try, if there is one.
    pub async fn next(&mut self, tried: Tried) -> Next {
        let Tried { error, in_doubt } = tried;
        if error.failure == Failure::Condition && self.in_doubt {
            return Next::Doubt(error);
        }
        self.in_doubt |= in_doubt;
        let delay = if error.can_retry() { self.delays.next() } else { None };
        let Some(delay) = delay else { return Next::Failed(error) };
        tracing::debug!(%error, ?delay, "trying again");
        tokio::time::sleep(delay).await;
        Next::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(failure: Failure, in_doubt: bool) -> Tried {
        let error = StoreError { failure, action: "write", url: String::new(), why: String::new() };
        Tried { error, in_doubt }
    }

    #[tokio::test]
    async fn a_condition_that_fails_is_doubted_only_after_a_try_that_may_have_taken_effect() {
        let condition = || tried(Failure::Condition, false);
        assert!(matches!(Tries::default().next(condition()).await, Next::Failed(_)));
        let mut refused = Tries::default();
        assert!(matches!(refused.next(tried(Failure::Transient, false)).await, Next::Again));
        assert!(matches!(refused.next(condition()).await, Next::Failed(_)));
        let mut lost = Tries::default();
        assert!(matches!(lost.next(tried(Failure::Transient, true)).await, Next::Again));
        assert!(matches!(lost.next(condition()).await, Next::Doubt(_)));
    }

    #[tokio::test]
    async fn what_cannot_be_mended_is_not_tried_again() {
        for failure in [Failure::Denied, Failure::Setting, Failure::NotFound, Failure::Other] {
            assert!(matches!(Tries::default().next(tried(failure, false)).await, Next::Failed(_)));
        }
    }

    #[test]
    fn tries_end() {
        assert_eq!(delays().build().count(), RETRIES);
        assert!(delays().build().all(|delay| delay <= 2 * LONGEST_DELAY));
    }
}
