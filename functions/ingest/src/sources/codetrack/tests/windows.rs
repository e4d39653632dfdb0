//! Runs over windows of any width, one after the other, with lists that fail, lag, end early or lack weeks, and losses that are
//! accepted: what `clean` makes of all weeks' objects is compared with a simple account of what a lake may say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use clean::Stop;
use clean::formats::{RawObject, decode};
use clean::reject::Reject;
use clean::writer::Sink;
use lake::store::Store;
use proptest::prelude::*;

use super::super::merge;
use super::*;

pub(super) const MONDAYS: [&str; 6] =
    ["2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"];
pub(super) const LEARNERS: [i64; 2] = [7, 43];

/// Points or commits of a learner by the place of the week.
pub(super) type Counts = BTreeMap<usize, i64>;

/// What the API does with one list of one learner.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The weeks as they are, but for those that it lacks.
    Without(BTreeSet<usize>),
    Status(u16),
}

/// A run: the weeks of its window, whether the loss is accepted, and by learner and list the counts that are corrected
/// before it, and the answer.
#[derive(Debug, Clone)]
pub(super) struct Night {
    pub(super) window: Range<usize>,
    pub(super) accept_loss: bool,
    pub(super) lists: Vec<(Counts, Answer)>,
    pub(super) limit: i64,
    /// By how many entries each list is turned.
    pub(super) turned: usize,
}

fn answers() -> impl Strategy<Value = Answer> {
    let some = proptest::collection::btree_set(0..MONDAYS.len(), 0..3);
    prop_oneof![
        6 => Just(Answer::Without(BTreeSet::new())),
        3 => some.prop_map(Answer::Without),
        2 => Just(Answer::Without((0..MONDAYS.len()).collect())),
        2 => (1..MONDAYS.len()).prop_map(|to| Answer::Without((0..to).collect())),
        2 => (0..MONDAYS.len()).prop_map(|from| Answer::Without((from..MONDAYS.len()).collect())),
        2 => prop_oneof![Just(500_u16), Just(404)].prop_map(Answer::Status),
    ]
}

pub(super) fn nights() -> impl Strategy<Value = Night> {
    let window = (0..MONDAYS.len(), 0..MONDAYS.len()).prop_map(|(one, other)| one.min(other)..one.max(other) + 1);
    let counts = proptest::collection::btree_map(0..MONDAYS.len(), 0..9_i64, 0..4);
    let lists = proptest::collection::vec((counts, answers()), LEARNERS.len() * 2);
    (window, 0..5, lists, prop_oneof![3 => Just(50_i64), 1 => 1..6_i64], prop_oneof![3 => Just(0), 1 => 1..6_usize])
        .prop_map(|(window, accept, lists, limit, turned)| Night {
            window,
            accept_loss: accept == 0,
            lists,
            limit,
            turned,
        })
}

/// Rows by learner and week: the time, commits and points.
pub(super) type Rows = BTreeMap<(i64, NaiveDate), (i64, [Option<i64>; 2])>;

#[derive(Default)]
struct Table(Rows);

impl Sink for Table {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let numbers = |name| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        let days = batch.column_by_name("date").unwrap().as_primitive::<Date32Type>();
        let times = batch.column_by_name("received_at").unwrap().as_primitive::<TimestampMicrosecondType>();
        let counts: Vec<[Option<i64>; 2]> =
            numbers("commits").iter().zip(numbers("points")).map(|(commits, points)| [commits, points]).collect();
        for (row, counts) in counts.into_iter().enumerate() {
            let key = (numbers("id").value(row), days.value_as_date(row).unwrap());
            self.0.insert(key, (times.value(row), counts));
        }
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

/// What `clean` makes of all objects: of each key the newest row, and of those of one time that of the greater raw key.
pub(super) async fn table(store: &Store) -> Rows {
    let dataset = CATALOG.dataset(NAME).unwrap();
    let table = dataset.table("weekly_score").unwrap();
    let mut rows = Rows::new();
    for week in MONDAYS {
        let [commits, scores] = Kind::BOTH.map(|list| key(date(week), LISTS[list]));
        let Some((_, scores_text)) = store.get(&scores).await.unwrap() else { continue };
        let (_, commits) = store.get(&commits).await.unwrap().unwrap();
        let object = RawObject { dataset, table, key: &scores, received_at: Utc::now() };
        let commits: Box<dyn Read + Send> = Box::new(Cursor::new(commits));
        let siblings = BTreeMap::from([("weekly_commits.ndjson".to_owned(), commits)]);
        let mut found = Table::default();
        assert!(decode(&object, siblings, Cursor::new(scores_text), &mut found).is_ok());
        for (key, row) in found.0 {
            let is_newer = rows.get(&key).is_none_or(|known| known.0 <= row.0);
            if is_newer {
                rows.insert(key, row);
            }
        }
    }
    rows
}

/// What the lake may say of a week, by one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum May {
    #[default]
    Unknown,
    /// Nothing, by the silence of a list.
    Nothing,
    Of(i64),
}

impl May {
    pub(super) fn value(self) -> Option<i64> {
        match self {
            May::Unknown => None,
            May::Nothing => Some(0),
            May::Of(count) => Some(count),
        }
    }
}

/// One of a learner's lists: what the API has, and what the lake may say.
#[derive(Debug, Default, Clone)]
pub(super) struct Account {
    pub(super) api: Counts,
    pub(super) lake: [May; MONDAYS.len()],
}

impl Account {
    /// The weeks of the API's answer: none if it fails.
    fn answered(&self, answer: &Answer, night: &Night) -> Option<Vec<(usize, i64)>> {
        let Answer::Without(lacking) = answer else { return None };
        let weeks = self.api.iter().rev().filter(|(week, _)| !lacking.contains(week));
        let weeks = weeks.map(|(week, count)| (*week, *count)).take(usize::try_from(night.limit).unwrap());
        let mut weeks: Vec<(usize, i64)> = weeks.collect();
        if !weeks.is_empty() {
            let by = night.turned % weeks.len();
            weeks.rotate_left(by);
        }
        Some(weeks)
    }

    /// Takes note of an answer; whether something stays that it lacks.
    pub(super) fn take(&mut self, answer: &Answer, night: &Night) -> bool {
        let Some(weeks) = self.answered(answer, night) else {
            let is_refused = matches!(answer, Answer::Status(404));
            let mut is_lost = false;
            for week in night.window.clone().filter(|_| is_refused) {
                is_lost |= matches!(self.lake[week], May::Of(_)) && !night.accept_loss;
                if night.accept_loss {
                    self.lake[week] = May::Unknown;
                }
            }
            return is_lost;
        };
        let counts: Counts = weeks.iter().copied().collect();
        let is_cut = i64::try_from(weeks.len()).unwrap() == night.limit;
        let order: Vec<usize> = weeks.iter().map(|(week, _)| *week).collect();
        let spoken = match order.as_slice() {
            [.., last] if is_cut && order.is_sorted_by(|one, other| one > other) => *last..MONDAYS.len(),
            [first, .., last] if is_cut && order.is_sorted() => *first..last + 1,
            _ if is_cut => 0..0,
            _ => 0..MONDAYS.len(),
        };
        let lacking = |lake: &[May; MONDAYS.len()], week: usize| {
            spoken.contains(&week) && !counts.contains_key(&week) && matches!(lake[week], May::Of(_))
        };
        let is_lost = !night.accept_loss && night.window.clone().any(|week| lacking(&self.lake, week));
        for week in night.window.clone() {
            match counts.get(&week) {
                Some(count) => self.lake[week] = May::Of(*count),
                None if spoken.contains(&week) && !is_lost => self.lake[week] = May::Nothing,
                None => {}
            }
        }
        is_lost
    }
}

/// By learner and list.
pub(super) type Accounts = BTreeMap<(i64, usize), Account>;

fn time(hour: usize) -> String {
    format!("2026-11-20T{hour:02}:00:00Z")
}

fn written(learner: i64, night: &Night, account: &Account, answer: &Answer, hour: usize) -> Line {
    let (from, last) = (date(MONDAYS[night.window.start]), date(MONDAYS[night.window.end - 1]));
    let request = Request { learner, limit: Some(night.limit), from: Some(from), to: Some(last + Days::new(7)) };
    let request = serde_json::to_string(&request).unwrap();
    let line = match answer {
        Answer::Status(500) => {
            let gap = Gap { what: vec![learner.to_string()], reason: "down".into(), can_retry: true };
            Line::gap(request, Some(500), gap, Utc::now())
        }
        Answer::Status(status) => Line::answer(request, *status, &Bytes::from_static(b"{}"), Utc::now()),
        Answer::Without(_) => {
            let weeks = account.answered(answer, night).unwrap();
            let weeks: Vec<(&str, i64)> = weeks.into_iter().map(|(week, count)| (MONDAYS[week], count)).collect();
            weeks::spoken_of(Line::answer(request, 200, &Bytes::from(list(&weeks)), Utc::now()))
        }
    };
    Line { received_at: time(hour), ..line }
}

/// The accounts of which nothing is known.
pub(super) fn start() -> Accounts {
    let keys = LEARNERS.into_iter().flat_map(|learner| [(learner, 0), (learner, 1)]);
    keys.map(|key| (key, Account::default())).collect()
}

/// Does what a run does; who lost commits, and points.
pub(super) async fn run(store: &Store, night: &Night, accounts: &Accounts, hour: usize) -> Part {
    try_run(store, night, accounts, hour).await.unwrap()
}

pub(super) async fn try_run(store: &Store, night: &Night, accounts: &Accounts, hour: usize) -> Result<Part> {
    let mut new: Both<BTreeMap<i64, Vec<Line>>> = Both::default();
    for (place, ((learner, list), account)) in accounts.iter().enumerate() {
        let line = written(*learner, night, account, &night.lists[place].1, hour);
        new[Kind::BOTH[*list]].insert(*learner, vec![line]);
    }
    let to = date(MONDAYS[night.window.end - 1]) + Days::new(7);
    let merge = terms(Weeks { from: date(MONDAYS[night.window.start]), to }, night.accept_loss);
    let mut done = Part::new(NAME, "week", String::new());
    merge::join(store, merge, &LEARNERS, &new, &mut done).await?;
    Ok(done)
}

async fn check(nights: Vec<Night>) -> Result<(), TestCaseError> {
    let (_folder, store) = store();
    let mut accounts = start();
    for (hour, night) in nights.iter().enumerate() {
        for (account, (counts, _)) in accounts.values_mut().zip(&night.lists) {
            account.api.extend(counts.clone());
        }
        let before = accounts.clone();
        let mut lost = [BTreeSet::new(), BTreeSet::new()];
        for (((learner, list), account), (_, answer)) in accounts.iter_mut().zip(&night.lists) {
            if account.take(answer, night) {
                lost[*list].insert(learner.to_string());
            }
        }
        let earlier = table(&store).await;
        let may_open = |learner: i64, list: usize, week: &str| {
            let had = earlier.get(&(learner, date(week))).and_then(|(_, counts)| counts[list]);
            had.is_none() || night.accept_loss
        };
        let done = run(&store, night, &before, hour).await;
        let rows = table(&store).await;
        let what = || format!("night {hour} of {nights:#?}\n{rows:#?}");
        for (list, route) in Kind::BOTH.map(|list| LISTS[list]).into_iter().enumerate() {
            let named =
                done.missing.iter().filter(|missing| missing.raw_key.ends_with(&format!("{}.ndjson", route.file)));
            let named: BTreeSet<String> = named.flat_map(|missing| missing.what.clone()).collect();
            prop_assert_eq!(&named, &lost[list], "{}", what());
        }
        for ((learner, list), account) in &accounts {
            for (place, week) in MONDAYS.iter().enumerate() {
                let wanted = account.lake[place];
                match rows.get(&(*learner, date(week))) {
                    Some((_, counts)) if counts[*list] == wanted.value() => {}
                    None if !matches!(wanted, May::Of(_)) => {}
                    // What is a row for a gap stays.
                    Some((_, counts))
                        if counts[*list].is_none() && wanted == May::Nothing && may_open(*learner, *list, week) => {}
                    found => prop_assert!(false, "{learner} {list} {week}: {wanted:?} is {found:?}, {}", what()),
                }
            }
        }
        // The same again writes nothing.
        let again = run(&store, &Night { accept_loss: false, ..night.clone() }, &before, hour + 1).await;
        prop_assert_eq!((again.ingested.objects, table(&store).await), (0, rows.clone()), "{}", what());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_lake_says_what_is_known_of_each_week_and_list(nights in proptest::collection::vec(nights(), 1..7)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(nights))?;
    }
}

/// A run that learner 43 has some counts in, and 7 all: commits and points of 43.
pub(super) fn night(
    window: Range<usize>,
    accept_loss: bool,
    commits: (&[i64], Answer),
    points: (&[i64], Answer),
) -> Night {
    let of = |(counts, answer): (&[i64], Answer)| (counts.iter().copied().enumerate().collect::<Counts>(), answer);
    let other = || of((&[6, 6, 6, 6, 6, 6], all()));
    Night { window, accept_loss, lists: vec![other(), other(), of(commits), of(points)], limit: 50, turned: 0 }
}

pub(super) fn all() -> Answer {
    Answer::Without(BTreeSet::new())
}

pub(super) fn without<const N: usize>(weeks: [usize; N]) -> Answer {
    Answer::Without(weeks.into())
}

/// What is left of learner 43, with points, after runs that [`check`] has found to do what they should.
async fn left(nights: &[Night]) -> Vec<[Option<i64>; 2]> {
    check(nights.to_vec()).await.unwrap();
    let (_folder, store) = store();
    let mut accounts = start();
    for (hour, night) in nights.iter().enumerate() {
        for (account, (counts, _)) in accounts.values_mut().zip(&night.lists) {
            account.api.extend(counts.clone());
        }
        run(&store, night, &accounts, hour).await;
    }
    table(&store).await.into_iter().filter(|((learner, _), _)| *learner == 43).map(|(_, (_, counts))| counts).collect()
}

/// An object that is there was compared with itself alone, and what other weeks' objects have was forgotten.
#[tokio::test]
async fn a_wider_window_forgets_nothing_that_other_objects_know() {
    let (commits, points): (&[i64], &[i64]) = (&[7, 8, 9, 6], &[1, 2, 3, 4]);
    for answer in [without([0, 1, 2]), without([0, 1]), without([1, 2]), without([1, 2, 3]), without([0, 1, 2, 3])]
        .into_iter()
        .chain([500, 404].map(Answer::Status))
    {
        let nights = [
            night(0..3, false, (commits, all()), (points, all())),
            night(3..4, false, (&[], all()), (&[], all())),
            night(0..4, false, (&[], answer), (&[], all())),
        ];
        let wanted = [[7, 1], [8, 2], [9, 3], [6, 4]].map(|counts| counts.map(Some));
        assert_eq!(left(&nights).await, wanted, "{nights:?}");
    }
}

/// What was kept was what the older object had, and with the time of its new points it was the newest.
#[tokio::test]
async fn a_narrower_window_brings_no_corrected_count_back() {
    for answer in [Answer::Status(500), without([0, 1, 2, 3]), without([0, 1])] {
        let nights = [
            night(0..3, false, (&[8, 8, 8], all()), (&[2, 3, 4], all())),
            night(0..4, false, (&[3, 3, 3, 3], all()), (&[2, 3, 4, 4], all())),
            night(0..3, false, (&[], answer), (&[2, 5], all())),
        ];
        let wanted = [[3, 2], [3, 5], [3, 4], [3, 4]].map(|counts| counts.map(Some));
        assert_eq!(left(&nights).await, wanted, "{nights:?}");
    }
}

/// What went from one object came back from another.
#[tokio::test]
async fn an_accepted_loss_is_not_asked_back_from_other_objects() {
    let points: &[i64] = &[1, 2, 3, 4];
    for answer in [Answer::Status(404), Answer::Status(500)] {
        let nights = [
            night(0..3, false, (&[7, 8, 9], all()), (points, all())),
            night(0..4, true, (&[], Answer::Status(404)), (&[], all())),
            night(0..4, false, (&[], answer), (&[], all())),
        ];
        assert_eq!(left(&nights).await, [1, 2, 3, 4].map(|points| [None, Some(points)]), "{nights:?}");
    }
}

/// The row of a week that both lists have lost was the other object's, and stayed.
#[tokio::test]
async fn an_accepted_loss_of_both_lists_goes_from_all_objects() {
    let rows = [[Some(7), Some(5)], [Some(3), Some(9)], [Some(4), Some(6)]];
    for to in [2, 3] {
        let lost = |accept_loss| night(0..to, accept_loss, (&[], without([0])), (&[], without([0])));
        let first = night(0..2, false, (&[7, 3, 4], all()), (&[5, 9, 6], all()));
        let kept = [first.clone(), lost(false)];
        assert_eq!(left(&kept).await, rows[..to]);
        let accepted = [first, lost(false), lost(true), lost(false)];
        assert_eq!(left(&accepted).await, rows[1..to]);
    }
}

/// With one list unanswered the row is no newer than another object's, which is to say the same.
#[tokio::test]
async fn an_accepted_loss_beside_a_gap_is_0_in_all_objects() {
    let nights = [
        night(0..3, false, (&[7, 8, 9], all()), (&[1, 2, 3], all())),
        night(0..2, true, (&[], without([0, 1])), (&[], Answer::Status(500))),
    ];
    assert_eq!(left(&nights).await, [[Some(0), Some(1)], [Some(0), Some(2)], [Some(9), Some(3)]]);
}

/// A correction that is taken back by an answer that an older object has already.
#[tokio::test]
async fn an_answer_that_an_older_object_has_already_is_the_newest_all_the_same() {
    let nights = [
        night(0..3, false, (&[8, 8, 8], all()), (&[2, 2, 2], all())),
        night(0..4, false, (&[3, 3, 3], all()), (&[2, 2, 2], all())),
        night(0..3, false, (&[8, 8, 8], all()), (&[2, 2, 2], all())),
    ];
    assert_eq!(left(&nights).await, [[8, 2], [8, 2], [8, 2]].map(|counts| counts.map(Some)));
}

/// A silence makes no row newer, so that the other object's row, with less, stayed the table's.
#[tokio::test]
async fn a_silence_beside_a_gap_is_0_though_another_object_has_the_row() {
    let nights = [
        night(0..3, false, (&[], Answer::Status(500)), (&[1, 2, 3], all())),
        night(0..2, false, (&[7], all()), (&[], Answer::Status(500))),
    ];
    assert_eq!(left(&nights).await, [[Some(7), Some(1)], [Some(0), Some(2)], [None, Some(3)]]);
}
