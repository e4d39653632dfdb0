//! Which columns tell rows apart, by the values of the sample as they are stored: times are cut to microseconds, and `2000`
//! and `2,000` may be one number.
//!
//! A wrong key loses rows, so what is declared is what a sample shows and names say. Where one file may show by accident what
//! the next one does not, more columns are taken rather than less, or the key is only offered.

use std::collections::{BTreeMap, HashSet};

use lake::dataset::ColumnType;

use super::column::Guess;
use super::declare::Day;
use super::grid::Grid;
use super::names;
use super::trial::Stored;
use super::{bare, doubled, each};

/// Rows from which on what is unique is declared as the key, not only offered.
const ENOUGH_ROWS: usize = 20;
/// Columns that are compared.
const MOST_COLUMNS: usize = 32;
/// Ids, and other columns, of which combinations are looked at.
const MOST_OF_A_KIND: usize = 6;
/// So many rows of the same values would be there by accident, were a combination none that tells rows apart.
const DENSE: f64 = 3.0;
/// The share of all combinations that are there, from which on that is so; of the others a sample in no order shows too few.
const COVERED: f64 = 0.5;
/// Rows from which on what is unique in a sample is so by more than accident, in whatever order they are.
const SURE_ROWS: usize = 1000;

/// Why the key of a list's elements is only offered.
const OF_LISTS: &str = "of lists within rows, one may have several such";

/// Why one of names alone is.
const NO_NAME: &str = "no name says that it tells rows apart, as an id does";

/// What a column is to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An id of what happened once, such as an order.
    Event,
    /// An id of what is measured or does things, such as a meter or a customer.
    Entity,
    /// A number within another id, such as that of a line.
    Counter,
    /// A text that comes again.
    Name,
}

/// A column that may be part of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'g> {
    pub name: &'g str,
    pub at: usize,
    pub role: Role,
    pub different: usize,
    /// Whether it says how a row came to be, or what it is worth, and tells no things apart.
    pub describes: bool,
    pub is_personal: bool,
}

/// The lines of a declaration that are about its key, and what people should know.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub lines: Vec<String>,
    pub notes: Vec<String>,
}

/// A key that was found, and why it is only offered.
#[derive(Default)]
pub(super) struct Found {
    pub columns: Vec<String>,
    pub doubt: Option<String>,
    /// How many rows of the sample it would lose while times are read as UTC, of an hour that comes twice.
    lost: usize,
    /// What is said of columns that it does not have.
    pub notes: Vec<String>,
}

/// The columns whose values are to be kept for [`choose`].
pub(super) fn watched(guesses: &[Guess], day: Option<&Day>) -> Vec<String> {
    let may_be = |guess: &&Guess| {
        guess.required && !guess.is_quantity && !matches!(guess.kind, ColumnType::Float64 | ColumnType::Bool)
    };
    let mut parts: Vec<&Guess> = guesses.iter().filter(may_be).collect();
    let is_time = |guess: &Guess| day.is_some_and(|day| day.of.name == guess.name);
    parts.sort_by_key(|guess| (!is_time(guess), !guess.is_id && !names::is_counter(&guess.name)));
    parts.truncate(MOST_COLUMNS);
    parts.into_iter().map(|guess| Day::column_name(guess, day)).collect()
}

/// Chooses the key. `stored` has the values of the watched columns.
pub(super) fn choose(grid: &Grid, guesses: &[Guess], day: Option<&Day>, stored: &Stored) -> Choice {
    let names: Vec<String> = guesses.iter().map(|guess| Day::column_name(guess, day)).collect();
    let time = day.map(|day| Day::column_name(day.of, Some(day)));
    let time_at = day.and_then(|day| guesses.iter().position(|guess| guess.name == day.of.name));
    let guesses = bare::settled(guesses, &names, time.as_deref(), stored, |at, guess| counts(grid, at, guess));
    let guesses = guesses.as_slice();
    let part = |(at, guess): (usize, &Guess)| {
        let name = names.get(at)?.as_str();
        let different = stored.different(&[name])?;
        let is_text = matches!(guess.kind, ColumnType::String | ColumnType::Int64);
        let role = match guess {
            _ if !is_text || Some(at) == time_at => return None,
            // What is counted or measured may be corrected: the correction would be another row.
            guess if guess.is_quantity => return None,
            guess if counts(grid, at, guess) => Role::Counter,
            guess if guess.is_id && names::is_event(&guess.name) => Role::Event,
            guess if guess.is_id => Role::Entity,
            // Places may have numbers for names.
            guess
                if (guess.kind == ColumnType::String || names::is_place(&guess.name)) && different < stored.rows() =>
            {
                Role::Name
            }
            _ => return None,
        };
        let describes = describes(guess);
        Some(Part { name, at, role, different, describes, is_personal: guess.is_personal })
    };
    let parts: Vec<Part> = guesses.iter().enumerate().filter_map(part).collect();
    let is_local = day.is_some_and(|day| day.of.declared.contains("zone = \"dataset\""));
    let mut search = Search { grid, stored, time: time.as_deref().zip(time_at), parts, is_local, note: None };
    let own = search.own(guesses, &names);
    let is_own = own.is_some();
    let found = own.or_else(|| match search.time {
        Some(_) => search.with_time(),
        None => search.without_time(),
    });
    let alone: Vec<&str> = guesses
        .iter()
        .zip(&names)
        .filter(|(guess, name)| {
            let is_part =
                guess.is_unique && !guess.is_quantity && !matches!(guess.kind, ColumnType::Float64 | ColumnType::Bool);
            is_part && stored.different(&[name]).is_none_or(|different| different == stored.rows())
        })
        .map(|(_, name)| name.as_str())
        .collect();
    let found = found.map(|found| match is_own {
        true => found,
        false => search.guarded(found, guesses, &names, time_at),
    });
    let found = found.or_else(|| {
        let first = alone.first().filter(|_| time.is_none())?;
        let is_counter = search.parts.iter().any(|part| part.name == *first && part.role == Role::Counter);
        let doubt = match is_counter {
            true => "it counts rows: another file may begin at one again",
            false => NO_NAME,
        };
        Some(Found { columns: vec![(*first).to_owned()], doubt: Some(doubt.to_owned()), ..Found::default() })
    });
    let found = found.map(|found| each::offered(found, &alone));
    let mut notes: Vec<String> = search.note.into_iter().collect();
    notes.extend(found.iter().flat_map(|found| found.notes.clone()));
    notes.extend(found.as_ref().and_then(|found| note_constant(&found.columns, time.as_deref(), stored)));
    let has_time = |columns: &[String]| time.as_ref().is_some_and(|time| columns.contains(time));
    if let Some(Found { columns, doubt: None, .. }) = &found
        && grid.rows >= ENOUGH_ROWS
        && !has_time(columns)
    {
        notes.push(format!(
            "rows of all files with the same {} are one row, the newest counts: where such numbers begin again in another file, \
             add to key what tells them apart, such as a date",
            and(columns)
        ));
    }
    Choice { lines: lines(grid, stored, found, &alone, time.is_some()), notes }
}

/// Says why columns are in a key that are the same in all rows of the sample, and tell none of them apart.
fn note_constant(columns: &[String], time: Option<&str>, stored: &Stored) -> Option<String> {
    let is_one = |name: &&String| Some(name.as_str()) != time && stored.different(&[name]) == Some(1);
    let constant: Vec<String> = columns.iter().filter(is_one).cloned().collect();
    let (is, other, without) = match constant.len() {
        0 => return None,
        1 => ("is", "another", "it"),
        _ => ("are", "others", "them"),
    };
    (stored.rows() > 1).then(|| {
        format!(
            "{} {is} the same in all rows of the sample, and part of its key nevertheless: another file may have {other}, and \
             without {without} rows of the one would replace those of the other",
            and(&constant)
        )
    })
}

fn lines(grid: &Grid, stored: &Stored, found: Option<Found>, alone: &[&str], has_time: bool) -> Vec<String> {
    let mut lines =
        vec!["# The columns that tell rows apart; where a key comes again, the newest row counts:".to_owned()];
    if !alone.is_empty() {
        let again = if has_time { "; on another day what is unique here may come again" } else { "" };
        lines.push(format!("# (each by itself is unique in the sample: {}{again})", alone.join(", ")));
    }
    let Some(Found { columns, doubt, lost, .. }) = found else {
        lines.push("# (nothing that looks like a key is unique in the sample)".to_owned());
        lines.push("# key = [\"...\"]".to_owned());
        return lines;
    };
    let doubt = doubt.or_else(|| match grid.rows {
        1 => Some("1 row of a sample is too few to know".to_owned()),
        rows if rows < ENOUGH_ROWS => Some(format!("{rows} rows of a sample are too few to know")),
        _ => None,
    });
    let rows = stored.rows();
    let read = match lost {
        0 => format!("of {rows} rows that were read none is lost so"),
        _ => format!("of {rows} rows that were read {lost} would be lost so while times are read as UTC"),
    };
    lines.push(format!("# Rows with the same {} are one row, the newest counts; {read}", and(&columns)));
    let offered = if doubt.is_some() { "# " } else { "" };
    let is_unique = if lost == 0 { "unique in the sample, and " } else { "" };
    lines.extend(doubt.map(|doubt| format!("# ({is_unique}only offered: {doubt})")));
    let quoted: Vec<String> = columns.iter().map(|column| super::quoted(column)).collect();
    lines.push(format!("{offered}key = [{}]", quoted.join(", ")));
    lines
}

/// `a, b and c`
pub(super) fn and(names: &[String]) -> String {
    match names {
        [names @ .., last] if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        names => names.join(""),
    }
}

/// Whether a column is of what is said of a row, and may be corrected.
fn describes(guess: &Guess) -> bool {
    (guess.kind == ColumnType::String || guess.is_id) && names::describes(&guess.name)
}

/// Where the first column is of what is counted or measured, as what follows it may be said of: of decimals, or by its name; of whole
/// numbers where there are no such.
fn measured(guesses: &[Guess]) -> Option<usize> {
    let is_sure = |guess: &Guess| guess.is_quantity || guess.kind == ColumnType::Float64;
    let is_sure = |guess: &Guess| is_sure(guess) && names::coordinate(&guess.name).is_none();
    let is_other = |guess: &Guess| names::is_dimension(&guess.name) || names::is_counter(&guess.name);
    let may_be = |guess: &Guess| guess.kind == ColumnType::Int64 && !guess.is_id && !is_other(guess);
    guesses.iter().position(is_sure).or_else(|| guesses.iter().position(may_be))
}

/// Whether a column numbers rows, or those within something else.
fn counts(grid: &Grid, at: usize, guess: &Guess) -> bool {
    if names::is_counter(&guess.name) {
        return true;
    }
    if !names::may_be_counter(&guess.name) {
        return false;
    }
    let texts = grid.fields.get(at).into_iter().flat_map(|field| field.values.iter().flatten());
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    for text in texts {
        let Ok(number) = text.text.parse() else { return false };
        *times.entry(number).or_default() += 1;
    }
    let first = times.keys().next().copied();
    // Where there is a third one, there is a second one.
    let is_gapless =
        first.is_some_and(|first| first <= 1 && times.keys().copied().eq(first..first + times.len() as u64));
    is_gapless && times.values().zip(times.values().skip(1)).all(|(before, next)| before >= next)
}

struct Search<'g> {
    grid: &'g Grid,
    stored: &'g Stored,
    /// The name and the place of the time of each row.
    time: Option<(&'g str, usize)>,
    parts: Vec<Part<'g>>,
    /// Whether its times have no offset, and are read as UTC until somebody says of which zone they are.
    is_local: bool,
    /// What is said of a key that its texts alone would be.
    note: Option<String>,
}

impl<'g> Search<'g> {
    fn of(&self, is_of: impl Fn(Role) -> bool) -> Vec<Part<'g>> {
        self.of_any(is_of).take(MOST_OF_A_KIND).collect()
    }

    fn of_any(&self, is_of: impl Fn(Role) -> bool) -> impl Iterator<Item = Part<'g>> {
        self.parts.iter().copied().filter(move |part| is_of(part.role))
    }

    /// Whether a combination is unique as it is stored. Where only its texts are, that is noted.
    fn is_unique(&mut self, parts: &[Part<'g>], has_time: bool) -> bool {
        let time = self.time.filter(|_| has_time);
        let mut columns: Vec<&str> = parts.iter().map(|part| part.name).collect();
        columns.extend(time.map(|(name, _)| name));
        let rows = self.stored.rows();
        if rows == 0 || self.stored.is_unique(&columns) {
            return rows > 0;
        }
        if self.note.is_none() {
            let mut places: Vec<usize> = parts.iter().map(|part| part.at).collect();
            places.extend(time.map(|(_, at)| at));
            // Of several files in an archive, the texts are those of the first one.
            if rows <= self.grid.rows
                && texts_are_unique(self.grid, &places)
                && let Some(different) = self.stored.different(&columns)
            {
                let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
                self.note = Some(format!(
                    "{} of {rows} rows of the sample are duplicates by {}, as values are stored (times to the microsecond, \
                     numbers without marks between digits), though they are written differently: it is not drafted as the key",
                    rows - different,
                    and(&names)
                ));
            }
        }
        false
    }

    /// Whether the values of columns are there in so many combinations that some rows would be the same by accident.
    fn is_dense(&self, parts: &[Part<'g>], has_time: bool) -> bool {
        let time = self.time.filter(|_| has_time).and_then(|(name, _)| self.stored.different(&[name]));
        let rows = self.stored.rows() as f64;
        let all = parts.iter().map(|part| part.different as f64).product::<f64>() * time.unwrap_or(1) as f64;
        rows * rows / (2.0 * all).max(1.0) >= DENSE && (!has_time || rows / all.max(1.0) >= COVERED)
    }

    fn found(&self, parts: &[Part<'g>], has_time: bool, doubt: Option<&str>) -> Option<Found> {
        let mut columns: Vec<String> = parts.iter().map(|part| part.name.to_owned()).collect();
        columns.extend(self.time.filter(|_| has_time).map(|(name, _)| name.to_owned()));
        Some(Found { columns, doubt: doubt.map(str::to_owned), ..Found::default() })
    }

    /// The key with what may tell rows of other files apart, though it does not in the sample; or a doubt about it.
    ///
    /// A sample is the beginning of a file, which is often sorted: of what is the same in all of its rows, ids, periods,
    /// directions and the like are added, and what stands before the key. Where a table has such columns, it has no row per id but
    /// several: all ids are. Beside a time, ids are that are another in each row. An id by itself beside amounts may be another
    /// table's, and come again.
    fn guarded(&self, mut found: Found, guesses: &[Guess], names: &[String], time_at: Option<usize>) -> Found {
        let is_in = |name: &String| found.columns.contains(name);
        let first = names.iter().position(is_in).unwrap_or_default();
        let has_time = time_at.and_then(|at| names.get(at)).is_some_and(is_in);
        let is_fact = guesses.iter().any(|guess| names::is_period(&guess.name));
        let measured = measured(guesses).map(|measured| measured.max(first));
        let is_of_value = |at, guess: &Guess| {
            measured.is_some_and(|measured| measured < at) && names::describes_values(&guess.name) && !guess.is_quantity
        };
        let ids = guesses.iter().filter(|guess| guess.is_id).count();
        let is_lone = found.columns.len() == 1 && !has_time;
        let is_wanted = |(at, guess): (usize, &Guess)| {
            let name = names.get(at).filter(|name| !is_in(name))?;
            let different = self.stored.different(&[name])?;
            let is_one = different == 1 && self.stored.rows() > 1;
            let is_text = matches!(guess.kind, ColumnType::String | ColumnType::Int64);
            let may_be = Some(at) != time_at && is_text && !guess.is_quantity;
            // It may be corrected: the correction would stand beside the row.
            let describes = describes(guess) || is_of_value(at, guess);
            let tells =
                guess.is_id || names::is_dimension(&guess.name) || guess.kind == ColumnType::String && at < first;
            let is_free =
                !has_time && (is_fact || is_lone && at < first) && (guess.is_id || names::is_period(&guess.name));
            // Of what is measured in several ways a sample may have one.
            let is_of_measured = has_time && guess.kind == ColumnType::String && !guess.is_personal;
            // A customer may have two orders on a day, and a site two readings at a time, though the sample has none such.
            let is_of_row = has_time && !guess.is_personal && self.is_of_each_row(name);
            let is_alike = is_one && !describes && (tells || is_of_measured);
            (may_be && (is_alike || is_free && !describes || is_of_row)).then(|| name.clone())
        };
        let more: Vec<String> = guesses.iter().enumerate().filter_map(is_wanted).take(MOST_OF_A_KIND).collect();
        let is_left_out = |(at, guess): &(usize, &Guess)| {
            let is_said = guess.is_id && describes(guess) || guess.kind != ColumnType::Bool && is_of_value(*at, guess);
            let is_one = |name: &String| self.stored.different(&[name]) == Some(1) && !is_in(name);
            is_said && names.get(*at).is_some_and(is_one) && self.stored.rows() > 1
        };
        let left_out = guesses.iter().enumerate().filter(is_left_out).filter_map(|(at, _)| names.get(at)).cloned();
        found.notes.extend(each::note_left_out(&left_out.collect::<Vec<_>>()));
        let has_amounts = guesses.iter().any(|guess| guess.kind == ColumnType::Float64 || guess.is_quantity);
        let is_name = |guess: &Guess| guess.kind == ColumnType::String && !guess.is_id && !guess.is_quantity;
        let has_name = guesses.iter().any(|guess| is_name(guess) && guess.is_unique);
        let is_own = found.columns.first().is_some_and(|name| names::is_own_id(name));
        if found.doubt.is_none() && is_lone && more.is_empty() && ids < 2 && has_amounts && !has_name && !is_own {
            found.doubt = Some("if it is the id of another table, it comes again".to_owned());
        }
        let is_counted = found.columns.iter().any(|name| names::is_counter(name));
        if found.doubt.is_none() && self.is_exploded() && !is_counted && more.is_empty() {
            found.doubt = Some(OF_LISTS.to_owned());
        }
        // Rows in no order show little of what comes several times.
        let stands_beside = |(guess, name): &(&Guess, &String)| {
            let varies = || self.stored.different(&[name]).is_some_and(|different| different > 1);
            let may_count = guess.kind == ColumnType::Int64 && names::may_be_counter(&guess.name) && !guess.is_quantity;
            !is_in(name) && !more.contains(name) && (guess.is_id || may_count) && !names::is_kind(name) && varies()
        };
        let beside = guesses.iter().zip(names).find(stands_beside).map(|(_, name)| name);
        if let (None, true, Some(beside)) = (&found.doubt, is_lone && !is_own && !has_name, beside)
            && self.stored.rows() < SURE_ROWS
        {
            found.doubt = Some(format!("it may come again with another {beside}, as so few rows do not show"));
        }
        // When something was said, beside the time that it is said of.
        let all: f64 =
            found.columns.iter().filter_map(|name| self.stored.different(&[name])).map(|n| n as f64).product();
        let shows_all = self.stored.rows() >= SURE_ROWS || self.stored.rows() as f64 >= all * COVERED;
        let is_said_at = |(at, guess): &(usize, &Guess)| {
            let is_time = matches!(guess.kind, ColumnType::Date | ColumnType::Timestamp);
            let is_one = names.get(*at).is_some_and(|name| self.stored.different(&[name]) == Some(1));
            let is_other = !names::is_of_record(&guess.name) && !names::is_end(&guess.name);
            Some(*at) != time_at && is_time && is_other && (is_one || !shows_all)
        };
        let said_at = guesses.iter().enumerate().find(is_said_at).map(|(_, guess)| &guess.name);
        if let (None, true, Some(said_at)) = (&found.doubt, has_time && self.stored.rows() > 1, said_at) {
            found.doubt = Some(format!("it may come again with another {said_at}, as the sample does not show"));
        }
        // In the order of the table, a time last.
        let at = |name: &String| names.iter().position(|known| known == name).filter(|at| Some(*at) != time_at);
        found.columns.extend(more);
        if let Some((time, _)) = self.time.filter(|_| has_time) {
            found = each::settled(found, self.grid, self.stored, &self.parts, time);
        }
        found.columns.sort_by_key(|name| at(name).unwrap_or(usize::MAX));
        found
    }

    /// An id that is unique, unless it is one of an order that has numbers of lines beside it: another file may have several.
    fn with_counter(&self, id: Part<'g>) -> Vec<Part<'g>> {
        let counter = self.of(|role| role == Role::Counter).into_iter().find(|part| names::is_counter(part.name));
        [id].into_iter().chain(counter.filter(|_| id.role == Role::Event)).collect()
    }

    /// Whether a column is an id, of what rows are of or of what happened in them, that is another in each row: a key has it, by
    /// itself or beside others. What counts rows begins again, and a code is of a kind.
    fn is_of_each_row(&self, name: &str) -> bool {
        let rows = self.stored.rows();
        let mut ids = self.of_any(|role| matches!(role, Role::Event | Role::Entity));
        ids.any(|id| id.name == name && rows > 0 && id.different == rows && !names::is_kind(name))
    }

    /// The id of the table's own rows, alone, if it is another in each: nothing else tells them apart better. It is only offered
    /// where the sample may be of one time, or of one row of several in a list.
    fn own(&self, guesses: &[Guess], names: &[String]) -> Option<Found> {
        let rows = self.stored.rows();
        let mut own = guesses.iter().zip(names).filter(|(guess, _)| guess.is_of_row && guess.required);
        let (own, name) = own.find(|(_, name)| self.is_of_each_row(name))?;
        let is_one = |name: &str| rows > 1 && self.stored.different(&[name]) == Some(1);
        let one_time = self.time.map(|(name, _)| name).filter(|name| is_one(name) && !names::is_of_record(name));
        let mut periods = guesses.iter().zip(names).filter(|(guess, _)| names::is_period(&guess.name));
        let one = one_time.or_else(|| periods.find(|(_, name)| is_one(name)).map(|(_, name)| name.as_str()));
        let doubt = match one {
            _ if self.is_exploded() => Some(OF_LISTS.to_owned()),
            Some(one) if !own.is_of_all => {
                Some(format!("the sample has one {one}: with another, the same {name} may come again"))
            }
            _ => None,
        };
        Some(Found { columns: vec![name.clone()], doubt, ..Found::default() })
    }

    fn is_exploded(&self) -> bool {
        self.grid.options.iter().any(|option| option.starts_with("explode"))
    }

    fn without_time(&mut self) -> Option<Found> {
        let ids = self.of(|role| matches!(role, Role::Event | Role::Entity));
        if let Some(id) = ids.iter().find(|id| self.is_unique(&[**id], false)) {
            return self.found(&self.with_counter(*id), false, None);
        }
        let counters = self.of(|role| role == Role::Counter);
        for pair in pairs(&ids, &counters) {
            if self.is_unique(&pair, false) {
                return self.found(&pair, false, None);
            }
        }
        let mut sets = pairs_of(&ids);
        sets.extend(pairs_of(&ids).iter().flat_map(|pair| pairs_with(pair, &counters)));
        sets.extend(threes_of(&ids));
        for set in sets {
            if self.is_unique(&set, false) {
                let doubt = "in so few rows that may be by accident";
                return self.found(&set, false, if self.is_dense(&set, false) { None } else { Some(doubt) });
            }
        }
        None
    }

    /// Ids of which each has one time, and that come again: the time is said of them, as an order's is of its lines.
    fn parents(&self, ids: &[Part<'g>]) -> Vec<Part<'g>> {
        let Some((time, _)) = self.time else { return Vec::new() };
        let times = self.stored.different(&[time]).unwrap_or_default();
        let is_parent = |id: &&Part<'g>| {
            // Of a number, few that come twice may be so by accident.
            let is_nearly = id.role != Role::Event && each::is_nearly(id.different, self.stored.rows());
            let comes_again = id.different < self.stored.rows() && id.different > 1 && !is_nearly;
            comes_again && times > 1 && self.stored.different(&[id.name, time]) == Some(id.different)
        };
        let mut parents: Vec<Part> = ids.iter().filter(is_parent).copied().collect();
        parents.sort_by_key(|id| (id.role != Role::Event, std::cmp::Reverse(id.different)));
        parents
    }

    fn with_time(&mut self) -> Option<Found> {
        let ids = self.of(|role| matches!(role, Role::Event | Role::Entity));
        let counters = self.of(|role| role == Role::Counter);
        let mut texts: Vec<Part> = self.of_any(|role| role == Role::Name).collect();
        texts.sort_by_key(|text| text.describes);
        texts.truncate(MOST_OF_A_KIND);
        let parents = self.parents(&ids);
        // An id that is another in each row stands beside what tells things apart, and never for it: the next file may show that it
        // is none.
        let rows = self.stored.rows();
        let of_things: Vec<Part> = ids.iter().copied().filter(|id| !each::is_nearly(id.different, rows)).collect();
        let is_of_row = |id: &Part| !id.is_personal && each::is_nearly(id.different, rows) && !names::is_kind(id.name);
        let of_rows: Vec<Part> = ids.iter().copied().filter(is_of_row).collect();
        for parent in &parents {
            let mut others: Vec<Part> = ids.iter().copied().filter(|id| id.name != parent.name).collect();
            others.sort_by_key(|id| id.different == rows);
            let one = [*parent];
            let mut sets = pairs_with(&one, &counters);
            sets.extend(pairs_with(&one, &others));
            sets.extend(pairs_of(&others).iter().map(|pair| [&one[..], pair].concat()));
            for mut set in sets {
                let is_counted = set.iter().any(|part| part.role == Role::Counter);
                // What is measured comes again at another time.
                let has_time = parent.role == Role::Entity && !is_counted;
                if self.is_unique(&set, has_time) {
                    let is_new = |id: &&Part| !is_counted && set.iter().all(|part| part.name != id.name);
                    let more: Vec<Part> = of_rows.iter().filter(is_new).copied().collect();
                    set.extend(more);
                    return self.found(&set, has_time, None);
                }
            }
        }
        let is_of_parent = |set: &[Part]| {
            parents.is_empty() || set.iter().any(|part| parents.iter().any(|parent| parent.name == part.name))
        };
        let sets = |ids: &[Part<'g>]| {
            let mut sets: Vec<Vec<Part>> = ids.iter().map(|id| vec![*id]).collect();
            sets.extend(pairs_of(ids));
            sets.extend(pairs(ids, &counters));
            sets.extend(threes_of(ids));
            sets.extend(pairs(ids, &texts));
            sets.extend(pairs_of(ids).iter().flat_map(|pair| pairs_with(pair, &texts)));
            sets.retain(|set| is_of_parent(set));
            // What describes rows is taken where nothing else tells them apart.
            sets.sort_by_key(|set| set.iter().any(|part| part.describes));
            sets
        };
        let (sure, mut sparse) = self.told(sets(&of_things));
        if sure.is_some() {
            return sure;
        }
        let of_lines = |id: &&Part<'g>| is_of_parent(&[**id]) && self.with_counter(**id).len() > 1;
        if let Some(id) = of_rows.iter().find(of_lines) {
            return self.found(&self.with_counter(*id), false, None);
        }
        if let Some(set) = each::grid([of_things, counters.clone(), texts.clone()].concat(), self.stored, self.time) {
            let doubt = set.iter().any(|part| part.role == Role::Name).then_some(NO_NAME);
            // What is another in each row is said to be so, or is an id.
            return match doubt {
                Some(_) if !of_rows.is_empty() => self.found(&[set, of_rows].concat(), true, None),
                doubt => self.found(&set, true, doubt),
            };
        }
        if sparse.is_none() {
            if !of_rows.is_empty()
                && let Some(set) = self.named(&texts)
            {
                return self.found(&[set, of_rows].concat(), true, None);
            }
            let (sure, other) = self.told(sets(&ids));
            if sure.is_some() {
                return sure;
            }
            sparse = other;
        }
        if let Some(set) = sparse {
            // Another id, or what there may be several of, may be what tells rows of the same time apart.
            let tells = |text: &&Part| names::is_dimension(text.name) || names::is_place(text.name);
            let more = ids.iter().chain(&counters).chain(texts.iter().filter(tells)).copied().filter(|other| {
                let is_known = set.iter().any(|part| part.name == other.name);
                let tells = !other.describes && !names::is_kind(other.name);
                !is_known && tells && set.iter().all(|part| self.is_free(part, other))
            });
            let all: Vec<Part> = set.iter().copied().chain(more.take(MOST_OF_A_KIND)).collect();
            return self.found(&all, true, None);
        }
        self.doubled([ids, texts.clone()].concat()).or_else(|| self.offered(&texts))
    }

    /// The key that would be unique were no local times of a series twice there in an hour in which clocks are set back.
    fn doubled(&mut self, parts: Vec<Part<'g>>) -> Option<Found> {
        let (time, _) = self.time.filter(|_| self.is_local)?;
        let parts: Vec<Part> = parts.into_iter().filter(|part| !part.describes).take(MOST_OF_A_KIND).collect();
        let sets = std::iter::once(Vec::new()).chain(parts.iter().map(|part| vec![*part])).chain(pairs_of(&parts));
        let (set, lost) = sets.into_iter().find_map(|set| {
            let others: Vec<&str> = set.iter().map(|part| part.name).collect();
            doubled::rows(self.stored, &others, time).map(|lost| (set, lost))
        })?;
        let found = self.found(&set, true, Some(doubled::DOUBT))?;
        self.note = Some(doubled::note(lost, &and(&found.columns)));
        Some(Found { lost, ..found })
    }

    /// The key of the first combination that is unique with the time, if there are enough rows to be sure; or that combination.
    fn told(&mut self, sets: Vec<Vec<Part<'g>>>) -> (Option<Found>, Option<Vec<Part<'g>>>) {
        let mut sparse: Option<Vec<Part>> = None;
        for set in sets {
            let describes = set.iter().any(|part| part.describes);
            if sparse.is_some() && describes {
                break;
            }
            if !self.is_unique(&set, true) {
                continue;
            }
            if let [id] = set.as_slice()
                && self.with_counter(*id).len() > 1
            {
                return (self.found(&self.with_counter(*id), false, None), None);
            }
            if self.is_dense(&set, true) {
                return (self.found(&set, true, None), None);
            }
            sparse = sparse.or(Some(set));
        }
        (None, sparse)
    }

    /// The names that tell things of the same time apart. Where no two rows are of the same time, those that are of places and
    /// the like.
    fn named(&mut self, texts: &[Part<'g>]) -> Option<Vec<Part<'g>>> {
        let is_time_unique = self.is_unique(&[], true);
        let tells = |text: &&Part| {
            let is_of_things = !text.describes && !text.is_personal && !names::is_kind(text.name);
            is_of_things && (!is_time_unique || names::is_place(text.name) || names::is_dimension(text.name))
        };
        let texts: Vec<Part> = texts.iter().filter(tells).copied().collect();
        let mut sets: Vec<Vec<Part>> = texts.iter().map(|text| vec![*text]).collect();
        sets.extend(pairs_of(&texts));
        sets.extend(threes_of(&texts));
        sets.into_iter().find(|set| self.is_unique(set, true))
    }

    /// Whether an id may have several of another one: some have, or nearly all come once.
    fn is_free(&self, id: &Part<'g>, other: &Part<'g>) -> bool {
        let comes_once = id.different * 10 > self.stored.rows() * 9;
        comes_once || self.stored.different(&[id.name, other.name]).is_some_and(|pairs| pairs > id.different)
    }

    /// Times with names beside them, or by themselves.
    fn offered(&mut self, texts: &[Part<'g>]) -> Option<Found> {
        if self.is_unique(&[], true) {
            // Which series a file has may be in its name alone: another file's rows would be lost.
            return self.found(&[], true, Some("another file may have rows of the same times"));
        }
        let mut sets: Vec<Vec<Part>> = texts.iter().map(|text| vec![*text]).collect();
        sets.extend(pairs_of(texts));
        sets.sort_by_key(|set| set.iter().any(|text| text.describes));
        for set in sets {
            if self.is_unique(&set, true) {
                return self.found(&set, true, Some(NO_NAME));
            }
        }
        None
    }
}

fn pairs<'g>(some: &[Part<'g>], others: &[Part<'g>]) -> Vec<Vec<Part<'g>>> {
    some.iter().flat_map(|one| pairs_with(&[*one], others)).collect()
}

fn pairs_with<'g>(set: &[Part<'g>], others: &[Part<'g>]) -> Vec<Vec<Part<'g>>> {
    others.iter().map(|other| set.iter().copied().chain([*other]).collect()).collect()
}

pub(super) fn pairs_of<'g>(parts: &[Part<'g>]) -> Vec<Vec<Part<'g>>> {
    let of = |(at, one): (usize, &Part<'g>)| pairs_with(&[*one], parts.get(at + 1..).unwrap_or_default());
    parts.iter().enumerate().flat_map(of).collect()
}

pub(super) fn threes_of<'g>(parts: &[Part<'g>]) -> Vec<Vec<Part<'g>>> {
    let of = |(at, one): (usize, &Part<'g>)| {
        let pairs = pairs_of(parts.get(at + 1..).unwrap_or_default());
        pairs.into_iter().map(|pair| [vec![*one], pair].concat()).collect::<Vec<_>>()
    };
    parts.iter().enumerate().flat_map(of).collect()
}

/// Whether no two rows of the sample have the same texts in columns.
fn texts_are_unique(grid: &Grid, columns: &[usize]) -> bool {
    let mut known = HashSet::new();
    (0..grid.rows).all(|row| {
        let value = |at: &usize| {
            grid.fields.get(*at).and_then(|field| field.values.get(row)?.as_ref()).map(|value| &value.text)
        };
        known.insert(columns.iter().map(value).collect::<Vec<_>>())
    })
}
