//! Patterns of files in an archive: what changes from one archive to the next is `*`, such as numbers, months and dates, as long as
//! no file of another kind fits.

use lake::dataset::takes_any;

use super::looks::is_month;
use super::quoted;

/// Names that are written out.
const MOST_NAMES: usize = 5;
/// What is special in a pattern.
const SPECIAL: [char; 8] = ['*', '?', '[', ']', '{', '}', '!', '\\'];

/// A part of a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Digits(String),
    Month(String),
    Word(String),
    Marks(String),
}

/// What a pattern has in place of what changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// Anything, marks around it as well, and anything behind a name.
    Any,
    /// As many letters as a month's short name has, and numbers of any size.
    Same,
}

/// The value of `entries` that takes these files and none of the others: `"orders*.csv"`, or their names.
pub(super) fn entries_of(members: &[String], others: &[String]) -> Option<String> {
    if members.is_empty() {
        return None;
    }
    let fits = |pattern: &String| {
        let patterns = std::slice::from_ref(pattern);
        members.iter().all(|name| takes_any(patterns, name)) && !others.iter().any(|name| takes_any(patterns, name))
    };
    let common = |of: &dyn Fn(&str) -> Option<String>| {
        let mut all = members.iter().map(|name| of(name));
        let first = all.next().flatten()?;
        all.all(|other| other.as_ref() == Some(&first)).then_some(first)
    };
    let candidates = [
        common(&in_folder),
        common(&|name| by_name(name, Width::Any, true)),
        if members.len() > 1 { prefixed(members) } else { None },
        common(&|name| by_name(name, Width::Any, false)),
        common(&|name| by_name(name, Width::Same, true)),
        common(&|name| by_name(name, Width::Same, false)),
    ];
    if let Some(pattern) = candidates.into_iter().flatten().find(fits) {
        return Some(quoted(&pattern));
    }
    let are_plain = members.len() <= MOST_NAMES && members.iter().all(|name| is_plain(name));
    let all: Vec<String> = members.iter().map(|name| quoted(name)).collect();
    are_plain.then(|| if all.len() == 1 { all.concat() } else { format!("[{}]", all.join(", ")) })
}

/// Whether a value of `entries` is names alone, so that it leaves out all others.
pub(super) fn are_names(entries: &str) -> bool {
    !entries.contains(['*', '?'])
}

fn is_plain(text: &str) -> bool {
    !text.contains(SPECIAL)
}

/// The folder of a name with its slash, its stem, and its ending with its dot.
fn split(name: &str) -> (&str, &str, &str) {
    let (folder, file) = name.split_at(name.rfind('/').map_or(0, |slash| slash + 1));
    let (stem, ending) = file.split_at(file.rfind('.').unwrap_or(file.len()));
    (folder, stem, ending)
}

/// All files of the folder that this one is in, if it is called by a word: `orders/*.csv`.
fn in_folder(name: &str) -> Option<String> {
    let (folder, _, ending) = split(name);
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let has_word = parts_of(last).iter().any(|part| matches!(part, Part::Word(_)));
    let folders = folders(folder, Width::Any)?;
    (has_word && is_plain(ending)).then(|| format!("{folders}*{ending}"))
}

/// Folders with what changes in them.
fn folders(folder: &str, width: Width) -> Option<String> {
    let segments = folder.split_inclusive('/').map(|segment| {
        let parts = parts_of(segment.trim_end_matches('/'));
        pattern(&parts, width, false).map(|segment| format!("{segment}/"))
    });
    segments.collect()
}

/// A name with what changes in it, in any folder or in its own: `**/orders*.csv`.
fn by_name(name: &str, width: Width, in_any: bool) -> Option<String> {
    let (folder, stem, ending) = split(name);
    let before = match folder {
        "" => String::new(),
        _ if in_any => "**/".to_owned(),
        folder => folders(folder, width)?,
    };
    let stem = pattern(&parts_of(stem), width, width == Width::Any)?;
    is_plain(ending).then(|| format!("{before}{stem}{ending}"))
}

/// What names that are no numbers, months or dates begin with, up to the end of a word: `orders*.csv` of `orders_a` and `orders_b`.
fn prefixed(members: &[String]) -> Option<String> {
    let (first, rest) = members.split_first()?;
    let (_, stem, ending) = split(first);
    let common = rest.iter().fold(stem.to_owned(), |common, name| {
        let other = split(name).1;
        common.chars().zip(other.chars()).take_while(|(one, other)| one == other).map(|(one, _)| one).collect()
    });
    let prefix = common.trim_end_matches(|c: char| !c.is_alphabetic());
    let is_cut =
        |name: &String| split(name).1.get(prefix.len()..).is_some_and(|rest| rest.starts_with(char::is_alphabetic));
    let is_word = !prefix.is_empty() && is_plain(prefix) && is_plain(ending) && !members.iter().any(is_cut);
    let is_in_folder = members.iter().any(|name| name.contains('/'));
    is_word.then(|| format!("{}{prefix}*{ending}", if is_in_folder { "**/" } else { "" }))
}

/// The parts of a name.
fn parts_of(text: &str) -> Vec<Part> {
    let kind = |c: char| {
        if c.is_ascii_digit() {
            0
        } else if c.is_alphabetic() {
            1
        } else {
            2
        }
    };
    let mut runs: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        match runs.last_mut().filter(|_| last == Some(kind(c))) {
            Some(run) => run.push(c),
            None => runs.push(c.to_string()),
        }
        last = Some(kind(c));
    }
    let part = |run: String| match run.chars().next().map(kind) {
        Some(0) => Part::Digits(run),
        Some(1) if is_month(&run.to_lowercase()) => Part::Month(run),
        Some(1) => Part::Word(run),
        _ => Part::Marks(run),
    };
    let mut parts: Vec<Part> = runs.into_iter().map(part).collect();
    // Of a time, a week or a quarter: `20261119T100000Z`, `2026W47`, `2026Q4`.
    for at in 1..parts.len() {
        let is_of_date = matches!(parts.get(at - 1), Some(Part::Digits(digits)) if digits.len() >= 4)
            && matches!(parts.get(at), Some(Part::Word(word)) if ["t", "w", "q", "z"].contains(&word.to_lowercase().as_str()));
        if is_of_date && let Some(part) = parts.get_mut(at) {
            *part = Part::Digits(String::new());
        }
    }
    parts
}

/// The pattern of a name; none if something in it would be special.
fn pattern(parts: &[Part], width: Width, is_open: bool) -> Option<String> {
    let mut found = String::new();
    let is_changing = |part: Option<&Part>| matches!(part, Some(Part::Digits(_) | Part::Month(_)));
    for (at, part) in parts.iter().enumerate() {
        let (before, next) = (at.checked_sub(1).and_then(|at| parts.get(at)), parts.get(at + 1));
        match (part, width) {
            (Part::Digits(_) | Part::Month(_), Width::Any) => star(&mut found),
            // Behind a number, and before another one, marks are of a date.
            (Part::Marks(_), Width::Any) if is_changing(next) || next.is_none() && is_open => star(&mut found),
            (Part::Marks(_), Width::Same) if is_changing(before) && is_changing(next) => {}
            (Part::Digits(_), Width::Same) if is_changing(before) || found.ends_with('*') => {}
            (Part::Digits(_), Width::Same) => found.push_str("[0-9]*"),
            (Part::Month(month), Width::Same) if found.ends_with('*') || month.chars().count() != 3 => star(&mut found),
            (Part::Month(_), Width::Same) => found.push_str("???"),
            (Part::Word(text) | Part::Marks(text), _) if is_plain(text) => found.push_str(text),
            _ => return None,
        }
    }
    if is_open {
        star(&mut found);
    }
    (!found.is_empty()).then_some(found)
}

fn star(found: &mut String) {
    if !found.ends_with('*') {
        found.push('*');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_what_changes() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (members, others, wanted) in [
            (&["orders.csv"][..], &["customers.csv"][..], "orders*.csv"),
            (&["orders/jan.csv"], &["customers/jan.csv"], "orders/*.csv"),
            (&["x/orders/jan.csv"], &["x/customers/jan.csv"], "x/orders/*.csv"),
            (&["2026-11/orders.csv"], &["2026-11/customers.csv"], "**/orders*.csv"),
            (&["2026/orders/a.csv"], &["2026/customers/a.csv"], "*/orders/*.csv"),
            (&["export_jan.csv"], &["export_customers_jan.csv"], "export_???.csv"),
            (&["export_january.csv"], &["customers_january.csv"], "export*.csv"),
            (&["export_jan.csv", "export_feb.csv"], &["export_customers_jan.csv"], "export_???.csv"),
            (&["20261101.csv"], &["customers.csv"], "[0-9]*.csv"),
            (&["2026-11-01.csv"], &["customers.csv"], "[0-9]*.csv"),
            (&["20261119T100000Z.csv"], &["customers.csv"], "[0-9]*.csv"),
            (&["20261101.csv"], &["customers.json"], "*.csv"),
            (&["20261101_m.csv", "20261102_m.csv"], &["20261101_c.csv"], "*_m*.csv"),
            (&["orders_2026_01.csv", "orders_2026_02.csv"], &["people.csv"], "orders*.csv"),
            (&["orders_a.csv", "orders_b.csv"], &["people.csv"], "orders*.csv"),
            (&["orders [1].csv"], &["customers [1].csv"], "orders*.csv"),
            (&["data.csv"], &["data_legend.csv"], "data.csv"),
            (&["1.csv"], &["2.csv"], "1.csv"),
            (&["May.csv"], &["maybe.csv"], "???.csv"),
        ] {
            let found = entries_of(&names(members), &names(others));
            assert_eq!(found, Some(quoted(wanted)), "{members:?} beside {others:?}");
            assert_eq!(are_names(wanted), !wanted.contains(['*', '?']));
        }
        let several = entries_of(&names(&["gent.csv", "brugge.csv"]), &names(&["people.csv"]));
        assert_eq!(several.as_deref(), Some("[\"gent.csv\", \"brugge.csv\"]"));
        assert_eq!(entries_of(&names(&["{a}.csv"]), &names(&["b.csv"])), None);
    }
}
