use super::*;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;
/// The minute, or what a row says in place of one: the hour before or behind.
const BEFORE: i64 = -15;
const BEHIND: i64 = 75;

/// When clocks are set back in Brussels: 25 October 2026, 00:00 UTC is the first 02:00.
const TWO: i64 = 1_792_886_400_000_000;

/// Minutes of rows and their series; the minutes after 00:00 UTC that they are, where the hour comes twice.
fn read(rule: Rule, rows: &[(u64, i64)], batch: usize) -> Vec<i64> {
    let mut clock = Clock::of(0, Vec::new(), chrono_tz::Europe::Brussels, rule);
    let mut done: Vec<i64> = Vec::new();
    for chunk in rows.chunks(batch) {
        let mut instants = Vec::new();
        for (row, (series, minute)) in chunk.iter().enumerate() {
            let earlier = TWO + minute * 60_000_000;
            let twice = (0..60).contains(minute).then_some(Twice { earlier, later: earlier + HOUR });
            // 03:15 there is two hours and a quarter behind the first 02:00.
            let micros = if *minute >= 60 { earlier + HOUR } else { earlier };
            instants.push(micros);
            clock.note(row, Some(micros), twice, |key| key.extend_from_slice(&series.to_le_bytes()));
        }
        let is_end = done.len() + chunk.len() == rows.len();
        clock.settle(is_end).into_iter().for_each(|(row, micros)| instants[row] = micros);
        assert!(!clock.is_open());
        done.extend(instants);
    }
    done.iter().map(|micros| (micros - TWO) / 60_000_000).collect()
}

fn one(minutes: &[i64]) -> Vec<i64> {
    let rows: Vec<(u64, i64)> = minutes.iter().map(|minute| (1, *minute)).collect();
    read(Rule::Key, &rows, 1000)
}

#[test]
fn the_constant_is_that_hour() {
    let time = DateTime::from_timestamp_micros(TWO).unwrap();
    assert_eq!(time.to_rfc3339(), "2026-10-25T00:00:00+00:00");
}

#[test]
fn pairs_have_both_instants_however_they_are_sorted() {
    assert_eq!(one(&[0, 30, 0, 30]), [0, 30, 60, 90], "as clocks run");
    assert_eq!(one(&[0, 0, 30, 30]), [0, 60, 30, 90], "by local time");
    assert_eq!(one(&[0, 0, 15, 15, 30, 30, 45, 45]), [0, 60, 15, 75, 30, 90, 45, 105]);
    assert_eq!(one(&[30, 0, 30, 0]), [90, 60, 30, 0], "backwards as clocks run");
    assert_eq!(one(&[30, 30, 0, 0]), [90, 30, 60, 0], "backwards by local time");
    assert_eq!(one(&[BEHIND, 0, 0, BEFORE]), [135, 60, 0, BEFORE], "one pair, backwards by the rows about it");
    assert_eq!(one(&[0, 0, BEFORE]), [60, 0, BEFORE], "by the row behind it");
    assert_eq!(one(&[0, 0]), [0, 60], "by nothing");
}

#[test]
fn what_comes_once_is_of_its_pass() {
    assert_eq!(
        one(&[BEFORE, 0, 15, 45, 0, 30, 45, BEHIND]),
        [BEFORE, 0, 15, 45, 60, 90, 105, 135],
        "each pass lacks one"
    );
    assert_eq!(one(&[0, 30, 30]), [0, 30, 90]);
    assert_eq!(one(&[0, 0, 30]), [0, 60, 90], "the first pass ends early");
    assert_eq!(one(&[0, 0, 15, 30, 30, 45, 45]), [0, 60, 15, 30, 90, 45, 105], "by local time it is the earlier one");
    assert_eq!(one(&[0, 30]), [0, 30], "no second pass");
    assert_eq!(one(&[BEHIND, 30, 0, BEFORE]), [135, 30, 0, BEFORE], "nor backwards");
    assert_eq!(one(&[30, 0]), [30, 60], "begins again");
}

#[test]
fn times_that_come_more_often_alternate_or_are_of_their_pass() {
    assert_eq!(one(&[0, 0, 0]), [0, 60, 0]);
    assert_eq!(one(&[0, 30, 0, 30, 0, 30, 0, 30]), [0, 30, 60, 90, 0, 30, 60, 90], "the file is there twice");
    assert_eq!(one(&[0, 0, 0, 30, 30, 30, 0, 30]), [0, 0, 0, 30, 30, 30, 60, 90], "corrections in the first pass");
}

#[test]
fn what_is_settled_before_the_others_is_what_they_go_on_with() {
    // All first readings of a time, then all second ones, of more series than rows may wait.
    for series in [3_usize, 5, 8] {
        for forwards in [true, false] {
            let times = if forwards { [0, 15, 30, 45] } else { [45, 30, 15, 0] };
            let each = |minute: i64| (0..2 * series).map(move |at| ((at % series) as u64, minute));
            let rows: Vec<(u64, i64)> = times.into_iter().flat_map(each).collect();
            let second = |at: usize| at / series % 2 == 1;
            let expected: Vec<i64> = rows
                .iter()
                .enumerate()
                .map(|(at, (_, minute))| minute + if second(at) == forwards { 60 } else { 0 })
                .collect();
            for batch in 2 * series..=8 * series {
                if forwards {
                    assert_eq!(read(Rule::Key, &rows, batch), expected, "{series} series, {batch} rows at once");
                } else {
                    let whole: Vec<(u64, i64)> =
                        (0..series).map(|at| (at as u64, BEHIND)).chain(rows.iter().copied()).collect();
                    let found = read(Rule::Key, &whole, batch + series);
                    assert_eq!(found[series..], expected, "{series} series, {batch} rows at once, backwards");
                }
            }
        }
    }
}

#[test]
fn rows_of_other_series_do_not_decide() {
    assert_eq!(read(Rule::Key, &[(1, 30), (1, 30), (2, 0), (2, 0)], 100), [30, 90, 0, 60]);
    assert_eq!(read(Rule::Key, &[(1, BEHIND), (2, 0), (2, 0)], 100), [135, 0, 60]);
}

#[test]
fn rows_of_other_days_do_not_decide() {
    let far = 60 * 24 * 2;
    assert_eq!(one(&[far, 0, 0]), [far + 60, 0, 60]);
    assert_eq!(one(&[0, 0, -far]), [0, 60, -far]);
}

#[test]
fn without_a_key_rows_next_to_each_other_are_a_series() {
    let read = |minutes: &[i64]| {
        let rows: Vec<(u64, i64)> = minutes.iter().map(|minute| (0, *minute)).collect();
        read(Rule::Rows, &rows, 100)
    };
    assert_eq!(read(&[0, 0, 30, 30]), [0, 60, 30, 90]);
    assert_eq!(read(&[0, 30, 0, 30]), [0, 30, 60, 90]);
    assert_eq!(read(&[0, 0, BEHIND, 0, 0, BEHIND]), [0, 60, 135, 0, 60, 135], "one behind the other");
    let far = 60 * 24 * 2;
    assert_eq!(read(&[0, 0, far, 0, 0]), [0, 60, far + 60, 0, 60]);
    assert_eq!(read(&[BEFORE, BEFORE, 0, 0, BEHIND, BEHIND]), [BEFORE, BEFORE, 0, 0, 135, 135], "of two series");
    assert_eq!(read(&[BEFORE, BEFORE, 0, 0, 30, 30, 0, 0]), [BEFORE, BEFORE, 0, 0, 30, 30, 60, 60], "and both passes");
    assert_eq!(read(&[5, 20, 20, 40]), [5, 20, 20, 40], "events at the same time");
    assert_eq!(read(&[5, 20, 20, 40, 10]), [5, 20, 20, 40, 70]);
}

#[test]
fn what_is_remembered_is_bounded_and_goes_on() {
    // As clocks run, five in a second: more readings than are remembered, in batches.
    let mut clock = Clock::of(0, Vec::new(), chrono_tz::Europe::Brussels, Rule::Key);
    let (count, batch, step) = (18_000_i64, 1000, 200_000);
    for (pass, ahead) in [(0, 0), (1, HOUR)] {
        for at in 0..count {
            let earlier = TWO + at * step;
            clock.note((at % batch) as usize, Some(earlier), Some(Twice { earlier, later: earlier + HOUR }), |_| {});
            if at % batch == batch - 1 {
                let wrong = clock
                    .settle(false)
                    .into_iter()
                    .filter(|(row, micros)| *micros != TWO + (at + 1 - batch + *row as i64) * step + ahead);
                assert_eq!(wrong.count(), 0, "pass {pass}, {at}");
                assert!(clock.readings <= MAX_READINGS + batch as usize);
            }
        }
    }
}

proptest! {
    /// Series that have each time twice, interleaved in any way, in batches of any size from a pair on.
    #[test]
    fn no_reading_of_a_pair_is_lost(
        seconds in prop::collection::btree_set(0_i64..60, 1..12),
        series in 1_u64..4,
        by_time in any::<bool>(),
        backwards in any::<bool>(),
        about in any::<bool>(),
        interleave in any::<bool>(),
        batch in prop::sample::select(vec![1_usize, 2, 3, 7, 1000]),
    ) {
        let minutes: Vec<i64> = seconds.into_iter().collect();
        // Each with the instant that it is meant to be.
        let mut all: Vec<(i64, i64)> = Vec::new();
        if by_time {
            all.extend(minutes.iter().flat_map(|minute| [(*minute, *minute), (*minute, *minute + 60)]));
        } else {
            all.extend(minutes.iter().map(|minute| (*minute, *minute)));
            all.extend(minutes.iter().map(|minute| (*minute, *minute + 60)));
        }
        if about {
            all.insert(0, (BEFORE, BEFORE));
            all.push((BEHIND, BEHIND + 60));
        }
        if backwards {
            all.reverse();
        }
        let rows: Vec<(u64, (i64, i64))> = if interleave {
            all.iter().flat_map(|row| (0..series).map(|series| (series, *row))).collect()
        } else {
            (0..series).flat_map(|series| all.iter().map(move |row| (series, *row))).collect()
        };
        let given: Vec<(u64, i64)> = rows.iter().map(|(series, (minute, _))| (*series, *minute)).collect();
        let wanted: Vec<i64> = rows.iter().map(|(_, (_, instant))| *instant).collect();
        let found = read(Rule::Key, &given, batch);
        // A pair alone does not show a direction, and small batches do not see what follows.
        let is_shown = about || minutes.len() > 1 || !backwards;
        if batch == 1000 && is_shown {
            prop_assert_eq!(&found, &wanted);
        }
        let mut keys: Vec<(u64, i64)> = given.iter().map(|(series, _)| *series).zip(found).collect();
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
    }
}
