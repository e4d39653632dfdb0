//! Numbers without a word of what they are of: `no`, `nr`, `number`. They may be ids, or how many there are, or nitrogen oxide:
//! what stands beside them tells. So may `ids` be how many there are, and `last_id` is of another row.

use lake::dataset::ColumnType;

use super::column::Guess;
use super::naming::column_name;
use super::trial::Stored;
use super::{names, quantities};

const NUMBERS: [&str; 6] = ["no", "nr", "num", "number", "nummer", "numero"];
/// What is measured in air beside nitrogen oxide.
const GASES: [&str; 18] = [
    "no2", "nox", "n2o", "o3", "ozone", "so2", "co", "co2", "ch4", "nh3", "h2s", "pm", "pm1", "pm2", "pm10", "pm25",
    "voc", "benzene",
];
/// What may stand behind the name of such.
const BEHIND: [&str; 8] = ["5", "ug", "mg", "m3", "ppm", "ppb", "avg", "mean"];
/// Columns that are looked at.
const MOST: usize = 6;

/// The columns, of which numbers without a word are quantities where gases stand beside them, or where each time comes once, or
/// others tell rows of a time apart without them. `counts` says of which values number rows.
pub(super) fn settled(
    guesses: &[Guess],
    names: &[String],
    time: Option<&str>,
    stored: &Stored,
    counts: impl Fn(usize, &Guess) -> bool,
) -> Vec<Guess> {
    let is_bare = |guess: &Guess| {
        let name = column_name(&guess.name, 0);
        let may_be_other = NUMBERS.contains(&name.as_str()) || quantities::may_count_ids(&name);
        guess.is_id && guess.kind == ColumnType::Int64 && may_be_other
    };
    if !guesses.iter().any(is_bare) {
        return guesses.to_vec();
    }
    let has_gas = guesses.iter().any(is_gas);
    let tells = |guess: &Guess| {
        let is_name = guess.kind == ColumnType::String && !names::describes(&guess.name);
        let may_tell = guess.required && !is_bare(guess) && !guess.is_quantity && !guess.is_personal;
        may_tell && (guess.is_id || is_name) && !names::is_kind(&guess.name)
    };
    let others: Vec<&str> =
        guesses.iter().zip(names).filter(|(guess, _)| tells(guess)).map(|(_, name)| name.as_str()).take(MOST).collect();
    let mut periods = guesses.iter().zip(names).filter(|(guess, _)| guess.required && names::is_period(&guess.name));
    let is_of_period = time.is_none() && periods.any(|(_, name)| stored.is_unique(&[name]));
    let is_told = is_of_period
        || time.is_some_and(|time| {
            let mut pairs = others.iter().flat_map(|one| others.iter().map(move |other| [*one, *other, time]));
            // One with itself is that one.
            stored.is_unique(&[time])
                || pairs.any(|[one, other, time]| match one == other {
                    true => stored.is_unique(&[one, time]),
                    false => stored.is_unique(&[one, other, time]),
                })
        });
    let settle = |(at, guess): (usize, &Guess)| {
        let is_quantity = is_bare(guess) && (has_gas || is_told && !counts(at, guess));
        match is_quantity {
            true => Guess { is_id: false, is_quantity, ..guess.clone() },
            false => guess.clone(),
        }
    };
    guesses.iter().enumerate().map(settle).collect()
}

/// Whether a column is of amounts of a gas, or of dust.
fn is_gas(guess: &Guess) -> bool {
    let is_number = matches!(guess.kind, ColumnType::Int64 | ColumnType::Float64);
    let mut words = guess.name.split('_');
    is_number && words.next().is_some_and(|word| GASES.contains(&word)) && words.all(|word| BEHIND.contains(&word))
}
