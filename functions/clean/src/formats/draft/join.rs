//! Times of day that are read together with a date beside them.

use chrono::NaiveTime;

use super::column::{Guess, note_finer};
use super::grid::{Field, Grid, Origin};
use super::{names, naming, times};

/// A time of day beside a date is read together with it: with the one that is called alike, else with the nearest one to its
/// left. Returns what people should know of it.
pub(super) fn join_times(grid: &Grid, guesses: &mut [Guess]) -> Vec<String> {
    let is_plain = |guess: &Guess| !matches!(guess.origin, Origin::Path(_)) && guess.missing.is_empty();
    let places = |is_of: fn(&Guess) -> bool| -> Vec<usize> {
        guesses.iter().enumerate().filter(|(_, guess)| is_plain(guess) && is_of(guess)).map(|(at, _)| at).collect()
    };
    let (dates, clocks) = (places(|guess| guess.date_pattern.is_some()), places(|guess| guess.time_of_day.is_some()));
    // Nobody is born at the time that stands beside, and no duration is a time of a day.
    let label = |at: &usize| grid.fields.get(*at).map(|field| field.label.as_str()).unwrap_or_default();
    let dates: Vec<usize> = dates.into_iter().filter(|at| !names::is_birth(label(at))).collect();
    let (durations, clocks): (Vec<usize>, Vec<usize>) =
        clocks.into_iter().partition(|at| names::is_duration(label(at)));
    let labels: Vec<&str> = grid.fields.iter().map(|field| field.label.as_str()).collect();
    let pairs = pairs(&labels, &dates, &clocks);
    let mut notes = join_brackets(grid, guesses);
    let of_clock = |at: &usize| guesses.get(*at).map(|guess| guess.name.clone()).unwrap_or_default();
    for duration in durations.iter().map(of_clock) {
        notes.push(format!(
            "column {duration}: by its name its values are durations, no times of a day, and are text; a model may make numbers \
             of them"
        ));
    }
    for clock in clocks.iter().filter(|at| !pairs.iter().any(|(clock, _)| clock == *at)).map(of_clock) {
        notes.push(format!(
            "column {clock}: its values look like times of day without a date, and are no times by themselves"
        ));
    }
    let mut of_dates: Vec<(usize, usize)> = Vec::new();
    for (clock, day) in pairs {
        let (Some(date), Some(guess)) = (guesses.get(day).cloned(), guesses.get_mut(clock)) else { continue };
        let (Some(time), Some(pattern)) = (guess.time_of_day, &date.date_pattern) else { continue };
        let (Some(of_date), Some(of_clock)) = (grid.fields.get(day), grid.fields.get(clock)) else { continue };
        let declared = times::joined(pattern, time);
        let joined = joined(of_date, of_clock);
        let texts: Vec<&str> = joined.iter().flatten().map(String::as_str).collect();
        if joined.is_none() || !times::all_fit(&declared, &texts) {
            notes.push(format!(
                "column {}: its times of day stand beside the date {}, and are texts, as not each row has both",
                guess.name, date.name
            ));
            continue;
        }
        // What is not known of the date is not known of the time that is joined with it.
        guess.notes.extend(date.notes.iter().cloned());
        guess.notes.extend(note_finer(&declared, &texts));
        guess.remarks.clone_from(&date.remarks);
        guess.joined = Some((source(&date), source(guess)));
        guess.declared = declared;
        guess.kind = lake::dataset::ColumnType::Timestamp;
        notes.push(format!("column {}: the time of day is read together with the date {}", guess.name, date.name));
        let earlier = of_dates.iter().find(|(_, other)| *other == day).map(|(clock, _)| *clock);
        if let Some(earlier) = earlier.filter(|earlier| goes_back(grid, *earlier, clock, time)) {
            let name = guesses.get(earlier).map(|guess| guess.name.clone()).unwrap_or_default();
            let of = guesses.get(clock).map(|guess| guess.name.clone()).unwrap_or_default();
            notes.push(format!(
                "column {of} is of the same date as {name}, and before it in some rows: where it is of the next day, add a day \
                 to it in a model"
            ));
        }
        of_dates.push((clock, day));
    }
    notes
}

/// A time in brackets, as logs of servers have it, that the blank before its offset cuts in two: `[01/Nov/2026:00:00:00` and
/// `+0100]`. Returns what people should know of it.
fn join_brackets(grid: &Grid, guesses: &mut [Guess]) -> Vec<String> {
    const DECLARED: &str = "type = \"timestamp\"\nformat = \"[%d/%b/%Y:%H:%M:%S %z]\"";
    let mut notes = Vec::new();
    for (at, pair) in grid.fields.windows(2).enumerate() {
        let [begin, end] = pair else { continue };
        let is_begun = begin.values.iter().flatten().next().is_some_and(|value| value.text.starts_with('['));
        let texts = if is_begun { joined(begin, end) } else { None };
        let texts: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
        if texts.is_empty() || !times::all_fit(DECLARED, &texts) {
            continue;
        }
        let Some([date, time]) = guesses.get_mut(at..at + 2) else { continue };
        date.notes.clear();
        time.notes.clear();
        time.joined = Some((source(date), source(time)));
        time.declared = DECLARED.to_owned();
        time.kind = lake::dataset::ColumnType::Timestamp;
        notes.push(format!("column {}: the time in brackets is read of two columns, it and {}", time.name, date.name));
    }
    notes
}

/// Which time of day goes with which date, by the places of columns.
fn pairs(labels: &[&str], dates: &[usize], clocks: &[usize]) -> Vec<(usize, usize)> {
    // A time of day before each date.
    let is_before = dates.len() == clocks.len() && clocks.iter().zip(dates).all(|(clock, date)| clock < date);
    let is_between = clocks.iter().skip(1).zip(dates).all(|(clock, date)| clock > date);
    let goes_with = |(order, clock): (usize, &usize)| {
        let words = |at: usize| labels.get(at).map(|label| words(label)).unwrap_or_default();
        let own = words(*clock);
        let alike = |date: usize| words(date).iter().filter(|word| own.contains(word)).count();
        let most = dates.iter().map(|date| alike(*date)).max().filter(|most| *most > 0);
        let by_name: Vec<usize> = dates.iter().copied().filter(|date| Some(alike(*date)) == most).collect();
        if let [only] = by_name.as_slice() {
            return Some((*clock, *only));
        }
        let among = if by_name.is_empty() { dates } else { by_name.as_slice() };
        if is_before && is_between {
            return dates.get(order).map(|date| (*clock, *date));
        }
        let nearest = among.iter().rfind(|date| *date < clock).or_else(|| among.first());
        nearest.map(|date| (*clock, *date))
    };
    clocks.iter().enumerate().filter_map(goes_with).collect()
}

/// What a column is known by among the fields of another one.
fn source(guess: &Guess) -> String {
    match &guess.origin {
        Origin::Named(name) => name.clone(),
        Origin::InOrder | Origin::Path(_) => guess.name.clone(),
    }
}

/// The words and numbers of a name that say what its date or time is of.
fn words(label: &str) -> Vec<String> {
    const PLAIN: [&str; 16] = [
        "day", "dag", "tag", "jour", "dia", "tijd", "tijdstip", "uur", "uhr", "zeit", "uhrzeit", "hour", "hora", "of",
        "de", "h",
    ];
    let name = naming::column_name(label, 0);
    let mut words: Vec<String> = Vec::new();
    for part in name.split('_') {
        let digits = part.find(|character: char| character.is_ascii_digit()).unwrap_or(part.len());
        let (word, number) = part.split_at(digits);
        words.extend([word, number].into_iter().filter(|word| !word.is_empty()).map(str::to_owned));
    }
    // `startdate` and `starttime`.
    let bare = |word: String| {
        let end = ["date", "time", "datum", "tijd", "zeit"].into_iter().find_map(|end| word.strip_suffix(end));
        end.map(str::to_owned).unwrap_or(word)
    };
    let words = words.into_iter().map(bare);
    words.filter(|word| !word.is_empty() && !PLAIN.contains(&word.as_str()) && !names::is_date(word)).collect()
}

/// The texts of both columns of each row that has them; none if a row has one of them alone.
fn joined(date: &Field, clock: &Field) -> Option<Vec<String>> {
    let mut joined = Vec::new();
    for row in date.values.iter().zip(&clock.values) {
        match row {
            (Some(day), Some(time)) => {
                joined.push(format!("{} {}", day.text.trim_end_matches("T00:00:00"), time.text));
            }
            (None, None) => {}
            _ => return None,
        }
    }
    Some(joined)
}

/// Whether a time of day is before another one in some rows.
fn goes_back(grid: &Grid, from: usize, to: usize, pattern: &str) -> bool {
    let clock = |at: usize| {
        let texts = grid.fields.get(at).map(|field| field.values.as_slice()).unwrap_or_default();
        texts.iter().map(move |value| NaiveTime::parse_from_str(&value.as_ref()?.text, pattern).ok())
    };
    clock(from).zip(clock(to)).any(|(from, to)| to.zip(from).is_some_and(|(to, from)| to < from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_go_with_their_own_dates() {
        for (header, wanted) in [
            ("Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip)", &[(1, 0), (3, 2)][..]),
            ("start_date;start_time;end_date;end_time", &[(1, 0), (3, 2)]),
            ("start_date;end_date;start_time;end_time", &[(2, 0), (3, 1)]),
            ("date;start time;date2;end time", &[(1, 0), (3, 2)]),
            ("date1;date2;time1;time2", &[(2, 0), (3, 1)]),
            ("StartDate;EndDate;StartTime;EndTime", &[(2, 0), (3, 1)]),
            ("startdate;enddate;starttime;endtime", &[(2, 0), (3, 1)]),
            ("date;start time;end time", &[(1, 0), (2, 0)]),
            ("birth date;date;start time;end time", &[(2, 1), (3, 1)]),
            ("time;date", &[(0, 1)]),
            ("time;date;time 2;date 2", &[(0, 1), (2, 3)]),
            ("uur;datum;uur b;datum c", &[(0, 1), (2, 3)]),
            ("start time;end time", &[]),
        ] {
            let labels: Vec<&str> = header.split(';').collect();
            let is_date = |label: &str| ["date", "datum"].iter().any(|part| label.to_lowercase().contains(part));
            let of = |wanted: bool| -> Vec<usize> {
                (0..labels.len()).filter(|at| is_date(labels[*at]) == wanted).collect()
            };
            assert_eq!(pairs(&labels, &of(true), &of(false)), wanted, "{header}");
        }
    }
}
