//! Two runs at once, whose calls to the store take turns in any order, and of which one may be killed: afterwards the lake says
//! what it may say after one run and then the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use lake::store::{Backend, Condition, Failure, Object, Reading, Result, Store, StoreError};
use proptest::prelude::*;

use super::windows::{
    Accounts, Answer, LEARNERS, MONDAYS, May, Night, all, night, nights, run, start, table, try_run, without,
};
use super::*;

/// Whose turn it is, by the place of the run.
#[derive(Debug, Default)]
struct Turns {
    order: VecDeque<usize>,
    ended: [bool; 2],
    /// After how many calls a run is killed.
    dies_after: [Option<usize>; 2],
    calls: [usize; 2],
}

/// A zone in memory as one of the runs sees it; as nobody's it has no turns.
#[derive(Debug, Clone, Default)]
struct Zone {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    turns: Arc<Mutex<Turns>>,
    run: Option<usize>,
}

impl Zone {
    async fn turn(&self, key: &str) -> Result<()> {
        let Some(run) = self.run else { return Ok(()) };
        loop {
            {
                let mut turns = self.turns.lock().unwrap();
                while turns.order.front().is_some_and(|next| turns.ended[*next]) {
                    turns.order.pop_front();
                }
                if turns.order.front().is_none_or(|next| *next == run) {
                    turns.order.pop_front();
                    turns.calls[run] += 1;
                    if turns.dies_after[run].is_some_and(|calls| turns.calls[run] > calls) {
                        let (failure, url) = (Failure::Transient, self.url(key));
                        return Err(StoreError { failure, action: "do", url, why: "killed".to_owned() });
                    }
                    return Ok(());
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn object(key: &str, bytes: &Bytes) -> Object {
        let (etag, last_modified) = (lake::hash::bytes(bytes), DateTime::UNIX_EPOCH);
        Object { key: key.to_owned(), bytes: bytes.len() as u64, etag, last_modified, version: None }
    }

    fn there(&self, key: &str) -> Option<(Object, Bytes)> {
        self.objects.lock().unwrap().get(key).map(|bytes| (Self::object(key, bytes), bytes.clone()))
    }
}

#[async_trait]
impl Backend for Zone {
    fn url(&self, key: &str) -> String {
        format!("memory:{key}")
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        self.turn(prefix).await?;
        let objects = self.objects.lock().unwrap();
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, bytes)| Self::object(key, bytes)).collect())
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.turn(key).await?;
        Ok(self.there(key).map(|(object, _)| object))
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.turn(key).await?;
        Ok(self.there(key))
    }

    async fn get_range(&self, _: &str, _: &str, _: Range<u64>) -> Result<Bytes> {
        panic!("no run does this")
    }

    async fn read(&self, _: &str) -> Result<Option<Reading>> {
        panic!("no run does this")
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.turn(key).await?;
        let there = self.there(key).map(|(object, _)| object.etag);
        let holds = match condition {
            Condition::Always => true,
            Condition::Absent => there.is_none(),
            Condition::Unchanged(etag) => there == Some(etag),
        };
        if !holds {
            let why = "another writer was first".to_owned();
            return Err(StoreError { failure: Failure::Condition, action: "write", url: self.url(key), why });
        }
        let object = Self::object(key, &bytes);
        self.objects.lock().unwrap().insert(key.to_owned(), bytes);
        Ok(object)
    }

    async fn put_file(&self, _: &str, _: File, _: Condition) -> Result<Object> {
        panic!("no run does this")
    }

    async fn delete(&self, _: &str, _: Condition) -> Result<()> {
        panic!("no run does this")
    }

    async fn leftovers(&self, _: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// How two runs meet.
#[derive(Debug, Clone, Default)]
struct Meeting {
    order: Vec<usize>,
    dies_after: [Option<usize>; 2],
    /// Whether both ask in the same second; else the second one asks an hour later.
    is_same_second: bool,
}

/// What each of two runs does after the nights before it.
async fn meet(zone: &Zone, nights: [&Night; 2], accounts: [&Accounts; 2], hour: usize, meeting: &Meeting) {
    let (order, dies_after) = (meeting.order.iter().copied().collect(), meeting.dies_after);
    *zone.turns.lock().unwrap() = Turns { order, dies_after, ..Turns::default() };
    let one = async |place: usize| {
        let store = Store::of(Zone { run: Some(place), ..zone.clone() });
        let done =
            try_run(&store, nights[place], accounts[place], hour + if meeting.is_same_second { 0 } else { place })
                .await;
        zone.turns.lock().unwrap().ended[place] = true;
        assert_eq!(done.is_err(), zone.turns.lock().unwrap().calls[place] > dies_after[place].unwrap_or(usize::MAX));
    };
    tokio::join!(one(0), one(1));
}

/// The accounts after some nights, one after the other.
fn after(before: &Accounts, nights: &[(&Night, &Accounts)]) -> Accounts {
    let mut after = before.clone();
    for (night, answered) in nights {
        let lists = answered.values().zip(&night.lists);
        for (account, (answered, (_, answer))) in after.values_mut().zip(lists) {
            account.api = answered.api.clone();
            account.take(answer, night);
        }
    }
    after
}

/// The accounts with what is corrected before a night.
fn corrected(before: &Accounts, night: &Night) -> Accounts {
    let mut accounts = before.clone();
    for (account, (counts, _)) in accounts.values_mut().zip(&night.lists) {
        account.api.extend(counts.clone());
    }
    accounts
}

async fn check(earlier: &[Night], both: [Night; 2], meeting: Meeting) -> Result<(), TestCaseError> {
    let zone = Zone::default();
    let store = Store::of(zone.clone());
    let mut before = start();
    for (hour, night) in earlier.iter().enumerate() {
        let answered = corrected(&before, night);
        run(&store, night, &answered, hour).await;
        before = after(&answered, &[(night, &answered)]);
    }
    let had = table(&store).await;
    let [one, two] = &both;
    let first = corrected(&before, one);
    let second = corrected(&first, two);
    let hour = earlier.len();
    meet(&zone, [one, two], [&first, &second], hour, &meeting).await;
    let is_killed = meeting.dies_after.iter().any(Option::is_some);
    let accepts = one.accept_loss || two.accept_loss;

    let (one, two) = ((one, &first), (two, &second));
    let mut may = vec![after(&before, &[one, two]), after(&before, &[two, one])];
    if is_killed || accepts {
        may.extend([before.clone(), after(&before, &[one]), after(&before, &[two])]);
    }
    let fails = |night: &Night| Night {
        accept_loss: false,
        lists: vec![(BTreeMap::new(), Answer::Status(500)); LEARNERS.len() * 2],
        ..night.clone()
    };
    if is_killed {
        for night in &both {
            run(&store, &fails(night), &second, hour + 2).await;
        }
    }
    for pass in ["at once", "again"] {
        let rows = table(&store).await;
        for (key, account) in &before {
            for (place, week) in MONDAYS.iter().enumerate() {
                let (learner, list) = *key;
                let may: BTreeSet<May> = may.iter().map(|accounts: &Accounts| accounts[key].lake[place]).collect();
                let row = rows.get(&(learner, date(week))).map(|(_, counts)| counts[list]);
                let had = had.get(&(learner, date(week))).and_then(|(_, counts)| counts[list]);
                let may_open = may.contains(&May::Unknown) || may.contains(&May::Nothing) && (had.is_none() || accepts);
                let is_right = match row {
                    Some(Some(count)) => may.iter().any(|may| may.value() == Some(count)),
                    Some(None) => may_open,
                    None => may.iter().any(|may| !matches!(may, May::Of(_))),
                };
                let what = || format!("{learner} {list} {week}: {:?}, of {may:?} is {row:?}", account.lake[place]);
                let how = || format!("{meeting:?}\n{earlier:#?}\n{both:#?}\n{:#?}", zone.objects.lock().unwrap());
                prop_assert!(is_right, "{pass} {}\n{}", what(), how());
            }
        }
        for night in &both {
            run(&store, &fails(night), &second, hour + 3).await;
        }
    }
    Ok(())
}

fn meetings() -> impl Strategy<Value = Meeting> {
    let order = proptest::collection::vec((0..2_usize, 1..12_usize), 0..12);
    let order = order.prop_map(|turns| turns.into_iter().flat_map(|(run, calls)| vec![run; calls]).collect());
    let kill = prop_oneof![3 => Just(None), 1 => (0..40_usize).prop_map(Some)];
    (order, kill.clone(), kill, 0..4).prop_map(|(order, one, two, second)| Meeting {
        order,
        dies_after: [one, two],
        is_same_second: second == 0,
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn two_runs_at_once_say_what_one_after_the_other_would(
        earlier in proptest::collection::vec(nights(), 0..4),
        one in nights(),
        two in nights(),
        meeting in meetings(),
    ) {
        runtime().block_on(check(&earlier, [one, two], meeting))?;
    }
}

/// A run saw the object of another one between the writes of its two lists, and took the row that had one count for what is
/// known.
#[tokio::test]
async fn a_known_count_stays_wherever_one_run_comes_between_the_calls_of_another() {
    let known = night(0..2, false, (&[31, 32], all()), (&[10, 20], all()));
    for lacks in [Answer::Status(500), without([0, 1])] {
        let of = |to| night(0..to, false, (&[], Answer::Status(500)), (&[], lacks.clone()));
        for both in [[of(3), of(4)], [of(4), of(3)]] {
            for calls in 0..24 {
                let order = [vec![0; calls], vec![1; 200]].concat();
                check(from_ref(&known), both.clone(), Meeting { order, ..Meeting::default() }).await.unwrap();
            }
        }
    }
}

/// A gap in the object of a run that asked later is a row of nulls there, beside which the count of the earlier one was older.
#[tokio::test]
async fn a_row_for_a_gap_hides_no_count_of_a_run_that_ends_later() {
    let nothing = night(0..5, true, (&[], all()), (&[], all()));
    let one = night(0..6, false, (&[0, 0, 0, 0], all()), (&[], all()));
    let two = night(0..4, false, (&[], without([0, 1, 2, 3, 4, 5])), (&[], Answer::Status(500)));
    let meeting = Meeting { order: vec![1], ..Meeting::default() };
    check(&[nothing], [one, two], meeting).await.unwrap();
}
