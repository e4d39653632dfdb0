//! Dates and times of a declared pattern, straight from their bytes. What is written otherwise is for a parser.

use chrono::format::{Fixed, Item, Numeric, StrftimeItems};

use super::stamp::{Local, day, decimals, four, seconds_ahead, time_of_day, two};

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// A pattern such as `%d.%m.%Y %H:%M` all of whose parts are known.
pub(super) struct Shape {
    /// Each with whether it is a number next to another one: such a one has all of its digits.
    parts: Vec<(Part, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Year,
    YearOfCentury,
    Month,
    MonthName,
    Day,
    Hour,
    /// From 1 to 12.
    HourOfHalf,
    /// AM or PM.
    Half,
    Minute,
    Second,
    /// A point and decimals of a second, so many if it says so, or nothing.
    Decimals(Option<usize>),
    /// `+0100` or `+01:00`
    Offset,
    /// The same, or `Z`
    OffsetOrZ,
    Byte(u8),
}

/// What a text of a shape says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// Days since 1970 where it was written.
    pub day: i32,
    /// Microseconds since 1970 where it was written.
    pub local: i64,
    /// How many seconds that is ahead of UTC, if the text says so.
    pub ahead: Option<i64>,
}

impl Shape {
    /// The shape of a pattern; `None` if it has not exactly a date, or a date and a time.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for item in StrftimeItems::new(pattern) {
            match item {
                Item::Literal(text) | Item::Space(text) => parts.extend(text.bytes().map(Part::Byte)),
                item => parts.push(Part::of(&item)?),
            }
        }
        let count = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
        let date = [count(Part::Year) + count(Part::YearOfCentury), count(Part::Month) + count(Part::MonthName)];
        let hours = [Part::Hour, Part::HourOfHalf, Part::Half].map(count);
        let offsets = count(Part::Offset) + count(Part::OffsetOrZ);
        let decimals = parts.iter().filter(|part| matches!(part, Part::Decimals(_))).count();
        let rest = [count(Part::Minute), count(Part::Second), decimals, offsets];
        let is_time = matches!(
            (hours, rest),
            ([0, 0, 0], [0, 0, 0, 0]) | ([1, 0, 0] | [0, 1, 1], [0 | 1, 0, 0, 0 | 1] | [1, 1, 0 | 1, 0 | 1])
        );
        let is_number = |at: Option<usize>| at.and_then(|at| parts.get(at)).is_some_and(|part| part.is_number());
        let next_to_one = |at: usize| is_number(Some(at)) && (is_number(at.checked_sub(1)) || is_number(Some(at + 1)));
        let parts = parts.iter().enumerate().map(|(at, part)| (*part, next_to_one(at))).collect();
        (date == [1, 1] && count(Part::Day) == 1 && is_time).then_some(Self { parts })
    }

    /// What a text says; `None` if it is not in the usual way of the pattern.
    pub(super) fn read(&self, text: &[u8]) -> Option<Moment> {
        let (mut year, mut month, mut dom, mut hour, mut minute, mut second) = (0, 0, 0, 0, 0, 0);
        let (mut half, mut micros, mut ahead) = (None, 0, None);
        let mut rest = text;
        for (part, is_next_to_one) in &self.parts {
            let into = match part {
                Part::Byte(wanted) => {
                    let (byte, behind) = rest.split_first()?;
                    rest = behind;
                    if byte != wanted {
                        return None;
                    }
                    continue;
                }
                Part::Year => {
                    let (digits, behind) = rest.split_first_chunk::<4>()?;
                    (year, rest) = (four(*digits)?, behind);
                    continue;
                }
                Part::YearOfCentury => {
                    let ([first, next], behind) = rest.split_first_chunk::<2>()?;
                    let short = u16::from(two(*first, *next)?);
                    (year, rest) = (if short < 70 { 2000 + short } else { 1900 + short }, behind);
                    continue;
                }
                Part::MonthName => {
                    let (name, behind) = rest.split_first_chunk::<3>()?;
                    let known = MONTHS.iter().position(|known| name.eq_ignore_ascii_case(*known))?;
                    (month, rest) = (known as u8 + 1, behind);
                    continue;
                }
                Part::Half => {
                    let (letters, behind) = rest.split_first_chunk::<2>()?;
                    (half, rest) = (Some(letters.map(|letter| letter.to_ascii_lowercase())), behind);
                    continue;
                }
                Part::Decimals(digits) => {
                    let (found, behind) = decimals(rest)?;
                    // With the point.
                    let length = rest.len() - behind.len();
                    if length > 0 && digits.is_some_and(|digits| length != digits + 1) {
                        return None;
                    }
                    (micros, rest) = (found, behind);
                    continue;
                }
                Part::Offset | Part::OffsetOrZ => {
                    let zulu = rest.split_first().filter(|(byte, _)| **byte == b'Z' && *part == Part::OffsetOrZ);
                    let (seconds, behind) = zulu.map(|(_, behind)| (0, behind)).or_else(|| offset(rest))?;
                    (ahead, rest) = (Some(seconds), behind);
                    continue;
                }
                Part::Month => &mut month,
                Part::Day => &mut dom,
                Part::Hour | Part::HourOfHalf => &mut hour,
                Part::Minute => &mut minute,
                Part::Second => &mut second,
            };
            let (number, behind) = one_or_two(rest)?;
            if *is_next_to_one && rest.len() - behind.len() < 2 {
                return None;
            }
            (*into, rest) = (number, behind);
        }
        let hour = match half {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some([b'a', b'm']) => hour % 12,
            Some([b'p', b'm']) => hour % 12 + 12,
            Some(_) => return None,
        };
        let local = Local { day: day(year, month, dom)?, time: time_of_day(hour, minute, second)? + micros };
        rest.is_empty().then(|| Moment { day: local.day, local: local.micros(), ahead })
    }
}

impl Part {
    fn is_number(self) -> bool {
        use Part::{Day, Hour, HourOfHalf, Minute, Month, Second, Year, YearOfCentury};
        matches!(self, Year | YearOfCentury | Month | Day | Hour | HourOfHalf | Minute | Second)
    }

    fn of(item: &Item) -> Option<Self> {
        Some(match item {
            Item::Numeric(Numeric::Year, _) => Self::Year,
            Item::Numeric(Numeric::YearMod100, _) => Self::YearOfCentury,
            Item::Numeric(Numeric::Month, _) => Self::Month,
            Item::Numeric(Numeric::Day, _) => Self::Day,
            Item::Numeric(Numeric::Hour, _) => Self::Hour,
            Item::Numeric(Numeric::Hour12, _) => Self::HourOfHalf,
            Item::Numeric(Numeric::Minute, _) => Self::Minute,
            Item::Numeric(Numeric::Second, _) => Self::Second,
            Item::Fixed(Fixed::ShortMonthName) => Self::MonthName,
            Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm) => Self::Half,
            Item::Fixed(Fixed::Nanosecond) => Self::Decimals(None),
            Item::Fixed(Fixed::Nanosecond3) => Self::Decimals(Some(3)),
            Item::Fixed(Fixed::Nanosecond6) => Self::Decimals(Some(6)),
            Item::Fixed(Fixed::Nanosecond9) => Self::Decimals(Some(9)),
            Item::Fixed(Fixed::TimezoneOffset | Fixed::TimezoneOffsetColon) => Self::Offset,
            // Its item has no name of its own.
            item if StrftimeItems::new("%#z").next().as_ref() == Some(item) => Self::OffsetOrZ,
            _ => return None,
        })
    }
}

/// A number of one or two digits, as many as there are.
#[inline]
fn one_or_two(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [first, next, rest @ ..] if next.is_ascii_digit() => Some((two(*first, *next)?, rest)),
        [only, rest @ ..] => Some((two(b'0', *only)?, rest)),
        [] => None,
    }
}

fn offset(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [sign, h1, h2, b':', m1, m2, rest @ ..] | [sign, h1, h2, m1, m2, rest @ ..] => {
            Some((seconds_ahead(*sign, [*h1, *h2], [*m1, *m2])?, rest))
        }
        _ => None,
    }
}

/// The bytes that stand in a pattern as such, and so in each text of it.
pub(super) struct Literals {
    /// Which, and how often. No digits: those of a midnight at 24:00 are changed before it is read.
    counts: Vec<(u8, usize)>,
    /// Those that nothing else in a text of the pattern can be, and how often they are in it.
    separators: Vec<(u8, usize)>,
}

impl Literals {
    /// Those of a pattern, whose shape this is.
    pub(super) fn of(pattern: &str, shape: Option<&Shape>) -> Self {
        let mut counts: Vec<(u8, usize)> = Vec::new();
        let literal = |item| if let Item::Literal(text) = item { Some(text.bytes()) } else { None };
        for byte in StrftimeItems::new(pattern).filter_map(literal).flatten().filter(|byte| !byte.is_ascii_digit()) {
            match counts.iter_mut().find(|(known, _)| *known == byte) {
                Some((_, count)) => *count += 1,
                None => counts.push((byte, 1)),
            }
        }
        let has_own = shape
            .is_some_and(|shape| !shape.parts.iter().any(|(part, _)| matches!(part, Part::Offset | Part::OffsetOrZ)));
        let count = |byte| counts.iter().find(|(known, _)| *known == byte).map_or(0, |(_, count)| *count);
        let separators = if has_own { [b':', b'/'].map(|byte| (byte, count(byte))).to_vec() } else { Vec::new() };
        Self { counts, separators }
    }

    /// Whether they are in a text: if not, it is none of the pattern.
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        let count = |wanted: u8| text.iter().filter(|byte| **byte == wanted).count();
        self.counts.iter().all(|(byte, least)| count(*byte) >= *least)
            && self.separators.iter().all(|(byte, exactly)| count(*byte) == *exactly)
    }
}
