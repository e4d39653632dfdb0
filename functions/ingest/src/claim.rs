//! One run at a time fetches what takes long: a claim in the raw zone, written conditionally.
//!
//! A claim is renewed while its run works. One that is not renewed for a minute is left by a run that was killed, and is
//! taken over; of a process of this machine that is known at once. A run whose claim was taken over all the same (its
//! machine slept, say) stops. Claims save work: that no run loses what another one adds is the conditional writes' part.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use lake::process::{Process, unique_name};
use lake::store::{Condition, Failure, Object, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::error::Result;
use crate::raw;

/// How claims live.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long a claim lives that is not renewed.
    lease: Duration,
    /// How often it is renewed: each time is a write, of which the bucket's listeners hear.
    renew: Duration,
    /// How often another run looks whether it was.
    look: Duration,
}

const PACE: Pace =
    Pace { lease: Duration::from_secs(60), renew: Duration::from_secs(15), look: Duration::from_millis(500) };
/// By this much the clocks of two machines may differ.
pub const SKEW: TimeDelta = TimeDelta::minutes(10);

/// A claim of this run.
#[derive(Debug)]
pub struct Claim<'a> {
    store: &'a Store,
    key: String,
    clock: fn() -> DateTime<Utc>,
    pace: Pace,
    claimed: Claimed,
    etag: String,
}

/// What stands in a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claimed {
    /// Another one for each claim.
    run: String,
    renewed_at: DateTime<Utc>,
    /// The process, where the system names it.
    process: Option<Process>,
}

impl<'a> Claim<'a> {
    /// Claims the key; `None` if another run holds it, and is seen to renew it. Waits for as long as that is not known.
    pub async fn take(store: &'a Store, key: String, clock: fn() -> DateTime<Utc>) -> Result<Option<Self>> {
        Self::take_at(store, key, clock, PACE).await
    }

    async fn take_at(store: &'a Store, key: String, clock: fn() -> DateTime<Utc>, pace: Pace) -> Result<Option<Self>> {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            let there = store.get(&key).await?;
            let Some((object, bytes)) = there else {
                if let Some(claim) = Self::write(store, &key, clock, pace, None).await? {
                    return Ok(Some(claim));
                }
                continue;
            };
            let first_look = seen.is_none();
            let (etag, since) = seen.get_or_insert_with(|| (object.etag.clone(), Instant::now()));
            if *etag != object.etag {
                return Ok(None);
            }
            if is_left(&bytes, clock()) || since.elapsed() >= pace.lease {
                if let Some(claim) = Self::write(store, &key, clock, pace, Some(object)).await? {
                    return Ok(Some(claim));
                }
                continue;
            }
            if first_look {
                tracing::warn!(key, "another run may be fetching this: waiting until it is known");
            }
            sleep(pace.look).await;
        }
    }

    /// Writes a claim in place of what is there; `None` if another run was first.
    async fn write(
        store: &'a Store,
        key: &str,
        clock: fn() -> DateTime<Utc>,
        pace: Pace,
        there: Option<Object>,
    ) -> Result<Option<Self>> {
        let claimed = Claimed { run: unique_name(), renewed_at: clock(), process: Process::this() };
        let mut claim = Self { store, key: key.to_owned(), clock, pace, claimed, etag: String::new() };
        Ok(claim.put(raw::condition(there)).await?.then_some(claim))
    }

    /// Reports whether it was written.
    async fn put(&mut self, condition: Condition) -> Result<bool> {
        let text = Bytes::from(serde_json::to_vec(&self.claimed).unwrap_or_default());
        match self.store.put(&self.key, text, condition).await {
            Ok(object) => {
                self.etag = object.etag;
                Ok(true)
            }
            Err(error) if error.failure == Failure::Condition => self.is_mine().await,
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the claim that is there is this run's: the answer to an earlier write of it may have been lost.
    async fn is_mine(&mut self) -> Result<bool> {
        let Some((object, bytes)) = self.store.get(&self.key).await? else { return Ok(false) };
        let there: Option<Claimed> = serde_json::from_slice(&bytes).ok();
        let is_mine = there.is_some_and(|there| there.run == self.claimed.run);
        if is_mine {
            self.etag = object.etag;
        }
        Ok(is_mine)
    }

    /// Works while the claim is renewed; `None` if another run has taken it over. The claim is given up at the end.
    pub async fn hold<T>(mut self, work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        let (pace, done, lost) = (self.pace, Notify::new(), Notify::new());
        let working = async {
            tokio::select! {
                biased;
                outcome = work => {
                    done.notify_one();
                    Some(outcome)
                }
                () = lost.notified() => None,
            }
        };
        let renewing = async {
            loop {
                tokio::select! {
                    biased;
                    () = done.notified() => break Ok(()),
                    () = sleep(pace.renew) => {}
                }
                if let stop @ (Ok(false) | Err(_)) = self.renew().await {
                    lost.notify_one();
                    break stop.map(drop);
                }
            }
        };
        let (outcome, renewed) = tokio::join!(working, renewing);
        match outcome {
            None => renewed.map(|()| None),
            Some(outcome) => {
                let released = self.release().await;
                let outcome = outcome?;
                released.map(|()| Some(outcome))
            }
        }
    }

    /// Says that this run is at work; false if another one has taken over. A store that has a bad moment is not the end: there
    /// is time for another try.
    async fn renew(&mut self) -> Result<bool> {
        self.claimed.renewed_at = (self.clock)();
        match self.put(Condition::Unchanged(self.etag.clone())).await {
            Err(crate::Error::Lake(error)) if error.can_retry() => Ok(true),
            other => other,
        }
    }

    async fn release(mut self) -> Result<()> {
        if !self.is_mine().await? {
            return Ok(());
        }
        match self.store.delete(&self.key, Condition::Unchanged(self.etag)).await {
            Err(error) if error.failure != Failure::Condition => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether a claim is that of a run that has ended.
fn is_left(bytes: &[u8], now: DateTime<Utc>) -> bool {
    let Ok(claimed) = serde_json::from_slice::<Claimed>(bytes) else { return true };
    let lease = TimeDelta::from_std(PACE.lease).unwrap_or_default();
    now - claimed.renewed_at > lease + SKEW || claimed.process.is_some_and(|process| process.has_ended())
}

#[cfg(test)]
mod tests {
    use lake::store::S3Client;

    use super::*;

    const KEY: &str = "source/_progress/claim.json";

    fn open(folder: &tempfile::TempDir) -> Store {
        Store::open(&format!("file:{}", folder.path().display()).parse().unwrap(), &S3Client::default())
    }

    fn claim(process: Option<Process>, renewed_at: DateTime<Utc>) -> Bytes {
        let claimed = Claimed { run: "another".to_owned(), renewed_at, process };
        serde_json::to_vec(&claimed).unwrap().into()
    }

    #[tokio::test]
    async fn a_claim_is_there_while_its_run_works_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let mine = Claim::take(&store, KEY.to_owned(), Utc::now).await.unwrap().unwrap();
        let held = mine.hold(async { Ok(store.head(KEY).await?.is_some()) });
        assert_eq!(held.await.unwrap(), Some(true));
        assert!(store.head(KEY).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_a_killed_run_left_is_taken_over_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let this = Process::this().unwrap();
        assert!(!this.has_ended());
        let ended = Process { started: "1".to_owned(), ..this.clone() };
        for (left, is_left_behind) in [
            (claim(Some(ended.clone()), Utc::now()), true),
            (claim(Some(Process { machine: "another".to_owned(), ..ended }), Utc::now()), false),
            (claim(None, Utc::now() - TimeDelta::hours(1)), true),
            (claim(Some(this), Utc::now()), false),
            (Bytes::from_static(b"nonsense"), true),
        ] {
            assert_eq!(is_left(&left, Utc::now()), is_left_behind, "{left:?}");
            if is_left_behind {
                store.put(KEY, left, Condition::Always).await.unwrap();
                assert!(Claim::take(&store, KEY.to_owned(), Utc::now).await.unwrap().is_some());
            }
        }
    }

    const QUICK: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn a_claim_that_is_renewed_is_left_alone_and_one_that_is_not_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let take = |pace| Claim::take_at(&store, KEY.to_owned(), Utc::now, pace);
        let often = Pace { renew: QUICK, look: QUICK, ..PACE };
        let first = take(often).await.unwrap().unwrap();
        // The first run works until the second one has seen it renew its claim.
        let seen = Notify::new();
        let working = first.hold(async {
            seen.notified().await;
            Ok(())
        });
        let second = async {
            let second = take(often).await.unwrap();
            seen.notify_one();
            second
        };
        let (first, second) = tokio::join!(working, second);
        assert!(first.unwrap().is_some() && second.is_none());

        let machine = Process { machine: "another".to_owned(), number: 1, started: "1".to_owned() };
        store.put(KEY, claim(Some(machine), Utc::now()), Condition::Always).await.unwrap();
        assert!(take(Pace { lease: QUICK, look: QUICK, ..PACE }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_run_whose_claim_was_taken_over_stops() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let pace = Pace { renew: QUICK, ..PACE };
        let first = Claim::take_at(&store, KEY.to_owned(), Utc::now, pace).await.unwrap().unwrap();
        store.put(KEY, claim(None, Utc::now()), Condition::Always).await.unwrap();
        let stopped = first.hold(std::future::pending::<Result<()>>()).await.unwrap();
        assert!(stopped.is_none());
        assert!(store.head(KEY).await.unwrap().is_some(), "it is the other run's");
    }
}
