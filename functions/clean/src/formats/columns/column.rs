//! One column: its declaration made ready, and its values so far.

use arrow::array::ArrayRef;
use arrow::array::builder::NullBufferBuilder;
use arrow::error::ArrowError;
use lake::dataset::{Column, Decimal, Missing};

use super::Field;
use super::cells::{Cells, end_of};
use super::number::{EXACT, Ungrouped, decimal, int, rounded, whole};
use super::stamp::Stamps;
use lake::value::Twice;
use lake::value::{Raw, Refusal, Typed, check};

/// A column of a table.
pub(super) struct TableColumn<'a> {
    declared: &'a Column,
    /// Whether its values are made of those of another column.
    pub is_day_of_another: bool,
    /// Whether its texts are matched with a pattern, which only [`check`] does.
    has_pattern: bool,
    /// Whether white space around its texts is no part of them.
    trims: bool,
    /// Whether numbers are rounded, and between which they are.
    round: bool,
    min: f64,
    max: f64,
    /// What stands before the decimals of texts, and between thousands.
    point: u8,
    mark: Option<u8>,
    missing_texts: Vec<&'a [u8]>,
    missing_numbers: Vec<f64>,
    cells: Cells<'a>,
    nulls: NullBufferBuilder,
    /// The time of the last row, if it is two instants: the earlier one is there.
    twice: Option<Twice>,
}

impl<'a> TableColumn<'a> {
    /// A column without values.
    pub(super) fn new(declared: &'a Column) -> Self {
        let texts = declared.missing.iter().filter_map(|missing| match missing {
            Missing::Text(text) => Some(text.trim().as_bytes()),
            Missing::Number(_) | Missing::Integer(_) => None,
        });
        let numbers = declared.missing.iter().filter_map(|missing| match missing {
            Missing::Number(number) => Some(*number),
            Missing::Integer(number) => Some(*number as f64),
            Missing::Text(_) => None,
        });
        Self {
            declared,
            trims: declared.trims(),
            is_day_of_another: declared.day_of.is_some(),
            round: declared.round,
            min: declared.min.unwrap_or(f64::NEG_INFINITY),
            max: declared.max.unwrap_or(f64::INFINITY),
            has_pattern: declared.extract.is_some() || declared.pattern.is_some(),
            point: if declared.decimal == Decimal::Comma { b',' } else { b'.' },
            mark: declared.thousands.and_then(|mark| u8::try_from(mark.character()).ok()),
            missing_texts: texts.collect(),
            missing_numbers: numbers.collect(),
            cells: Cells::new(declared),
            nulls: NullBufferBuilder::new(0),
            twice: None,
        }
    }

    pub(super) fn declared(&self) -> &'a Column {
        self.declared
    }

    /// Adds a value.
    #[inline]
    pub(super) fn push(&mut self, field: Field<'_>, stamps: &mut Stamps) -> Result<(), Refusal> {
        let is_taken = match field {
            Field::Text(text) => return self.push_text(Some(text), stamps),
            Field::Missing => return self.push_text(None, stamps),
            Field::Number(digits) => self.take::<true>(digits, stamps),
            Field::Bool(truth) => self.take::<false>(if truth { b"true" } else { b"false" }, stamps),
            Field::Nested => false,
        };
        if is_taken {
            self.nulls.append_non_null();
            return Ok(());
        }
        self.push_general(field)
    }

    /// Adds the value of a text, or a missing one.
    #[inline]
    pub(super) fn push_text(&mut self, text: Option<&[u8]>, stamps: &mut Stamps) -> Result<(), Refusal> {
        match text {
            Some(text) => {
                let is_missing = !self.missing_texts.is_empty()
                    && trimmed(text).is_some_and(|text| self.missing_texts.contains(&text));
                if !is_missing && self.take::<false>(text, stamps) {
                    self.nulls.append_non_null();
                    return Ok(());
                }
            }
            None if self.declared.required => {}
            None => {
                self.cells.push_null();
                self.nulls.append_null();
                return Ok(());
            }
        }
        self.push_general(text.map_or(Field::Missing, Field::Text))
    }

    #[cold]
    #[inline(never)]
    fn push_general(&mut self, field: Field<'_>) -> Result<(), Refusal> {
        self.push_checked(raw(field)?)
    }

    /// Adds a value by the rules in full.
    pub(super) fn push_checked(&mut self, raw: Raw<'_>) -> Result<(), Refusal> {
        self.push_typed(check(self.declared, raw)?);
        Ok(())
    }

    /// Adds a value that was checked.
    pub(super) fn push_typed(&mut self, typed: Typed<'_>) {
        let typed = match typed {
            Typed::Twice(twice) => {
                self.twice = Some(twice);
                Typed::Int(twice.earlier)
            }
            typed => typed,
        };
        let is_there = self.cells.push(typed);
        self.nulls.append(is_there);
    }

    /// The two instants of the last row's time, if it has two; asked for once.
    pub(super) fn take_twice(&mut self) -> Option<Twice> {
        self.twice.take()
    }

    /// Puts another instant in place of a row's.
    pub(super) fn set_instant(&mut self, row: usize, micros: i64) {
        self.cells.set_instant(row, micros);
    }

    /// Puts another day in place of a row's.
    pub(super) fn set_day(&mut self, row: usize, day: i32) {
        self.cells.set_day(row, day);
    }

    /// Whether a row has no value.
    pub(super) fn is_null(&self, row: usize) -> bool {
        !self.nulls.is_valid(row)
    }

    /// Appends what a row's value is among others of the column.
    pub(super) fn append_key(&self, row: usize, key: &mut Vec<u8>) {
        if self.is_null(row) {
            key.push(0);
            return;
        }
        key.push(1);
        self.cells.append_key(row, key);
    }

    /// Adds the value of a text or a JSON number, if it has a common shape and is acceptable.
    #[inline(always)]
    fn take<const IS_NUMBER: bool>(&mut self, text: &[u8], stamps: &mut Stamps) -> bool {
        let Self { declared, missing_numbers, min, max, round, trims, cells, .. } = self;
        let (point, mark) = if IS_NUMBER { (b'.', None) } else { (self.point, self.mark) };
        // Whether a number stands for itself, and is neither too small nor too great.
        let accepts = |number| !(number < *min || number > *max || missing_numbers.contains(&number));
        match cells {
            Cells::Int(values) => {
                match int(unpadded(text)).or_else(|| other_int(unpadded(text), point, mark, *round)) {
                    Some(number) if accepts(number as f64) && is_decided(number, *min, *max) => values.push(number),
                    _ => return false,
                }
            }
            Cells::Float(values) => {
                let text = unpadded(text);
                let number = match mark {
                    Some(mark) => Ungrouped::of(text, mark, point).and_then(|text| decimal(text.bytes(), point)),
                    None => decimal(text, point).or_else(|| parsed(text, point)),
                };
                match number {
                    Some(number) if !*round && accepts(number) => values.push(number),
                    Some(number) if *round && accepts(number.round_ties_even()) => {
                        if missing_numbers.contains(&number) {
                            return false;
                        }
                        values.push(number.round_ties_even());
                    }
                    _ => return false,
                }
            }
            // A number may stand for "missing" in columns of other types as well.
            _ if IS_NUMBER && !missing_numbers.is_empty() => return false,
            Cells::Text { bytes, ends, known } => {
                let text = if *trims { trimmed(text) } else { Some(text) };
                let Some(text) = text else { return false };
                if self.has_pattern || known.as_ref().is_some_and(|known| known.binary_search(&text).is_err()) {
                    return false;
                }
                bytes.extend_from_slice(text);
                ends.push(end_of(bytes));
            }
            Cells::Bool(values) => match truth(declared, unpadded(text)) {
                Some(truth) => values.append(truth),
                None => return false,
            },
            Cells::Date { values, times, first } => match times.date(unpadded(text), stamps) {
                Some(day) if day >= *first => values.push(day),
                _ => return false,
            },
            Cells::Instant { values, times } => match times.instant(unpadded(text), stamps) {
                Some(micros) => values.push(micros),
                None => return false,
            },
        }
        true
    }

    /// The integer, days or microseconds of a row; `None` for a null or another type.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        self.cells.int(row).filter(|_| self.nulls.is_valid(row))
    }

    /// Takes back all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows);
        self.nulls.truncate(rows);
        self.twice = None;
    }

    /// The column so far; it is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        self.cells.finish(nulls)
    }
}

/// Whether an integer is between two bounds where the doubles nearest to all three are: beyond 2^53 they may be the same.
#[inline]
fn is_decided(number: i64, min: f64, max: f64) -> bool {
    number.unsigned_abs() < EXACT || min < number as f64 && (number as f64) < max
}

/// The integer of a text with marks between thousands, or with decimals.
#[inline(never)]
fn other_int(text: &[u8], point: u8, mark: Option<u8>, round: bool) -> Option<i64> {
    let number = |text: &[u8]| {
        let decimals = || whole(text, point).or_else(|| rounded(text, point).filter(|_| round));
        int(text).or_else(decimals)
    };
    match mark {
        Some(mark) => number(Ungrouped::of(text, mark, point)?.bytes()),
        None => number(text),
    }
}

/// The double of a text that has another shape than most.
#[inline(never)]
fn parsed(text: &[u8], point: u8) -> Option<f64> {
    if point != b'.' {
        return None;
    }
    fast_float2::parse(text).ok().filter(|number: &f64| number.is_finite())
}

#[inline(never)]
fn truth(declared: &Column, text: &[u8]) -> Option<bool> {
    let is_in = |known: &[String]| known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(text));
    if is_in(&declared.true_values) {
        return Some(true);
    }
    is_in(&declared.false_values).then_some(false)
}

/// The value as [`check`] takes it.
fn raw(field: Field<'_>) -> Result<Raw<'_>, Refusal> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| ("not_utf8", "the value is not UTF-8 text".to_owned()));
    Ok(match field {
        Field::Missing => Raw::Missing,
        Field::Text(bytes) => Raw::Text(text(bytes)?.into()),
        Field::Number(bytes) => Raw::Number(text(bytes)?),
        Field::Bool(truth) => Raw::Bool(truth),
        Field::Nested => Raw::Nested,
    })
}

/// A text without ASCII's white space around it.
#[inline]
fn unpadded(text: &[u8]) -> &[u8] {
    if is_inked(text.first()) && is_inked(text.last()) { text } else { text.trim_ascii() }
}

/// A text without white space around it. Only at ASCII's other characters there is certainly none.
#[inline]
pub(super) fn trimmed(text: &[u8]) -> Option<&[u8]> {
    if is_inked(text.first()) && is_inked(text.last()) {
        return Some(text);
    }
    std::str::from_utf8(text).ok().map(|text| text.trim().as_bytes())
}

/// Whether the bytes are white space, or nothing.
#[inline]
pub(in crate::formats) fn is_blank(text: &[u8]) -> bool {
    !is_inked(text.first()) && trimmed(text).is_some_and(<[u8]>::is_empty)
}

#[inline]
fn is_inked(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_shapes_are_taken_straight_from_the_bytes() {
        for (options, texts) in [
            ("type = 'int64'\nmin = 0", &["0", " 42", "123456789012345678"][..]),
            ("type = 'float64'\nmissing = [-1]", &["1.5", "-0", "12345678901234567890.5", "1e-7"]),
            ("type = 'float64'\ndecimal = ','", &["1,5", "3"]),
            ("type = 'float64'\ndecimal = ','\nthousands = '.'", &["1.234,5", "-12.345.678,9", "1234,5", "7"]),
            ("type = 'float64'\nthousands = ' '", &["1 234.5", "1\u{a0}234", "1\u{202f}234\u{2009}567.25"]),
            ("type = 'float64'\nthousands = \"'\"", &["1'234.5", "1\u{2019}234"]),
            ("type = 'int64'\nthousands = ','", &["1,234", "-1,234,567", "1,234.0", "12"]),
            ("type = 'int64'", &["18.0", "+18.00", "-0.0"]),
            ("type = 'int64'\nround = true", &["18.5", "-18.4999"]),
            ("type = 'bool'", &["t", "FALSE"]),
            ("type = 'string'", &["", "x", " é\u{a0}"]),
            ("type = 'string'\none_of = ['a', 'é']", &["a ", "é"]),
            ("type = 'date'", &["2026-02-28"]),
            ("type = 'date'\nformat = ['%d/%m/%Y', '%d.%m.%Y', 'rfc3339']", &["28/02/2026", "28.02.2026"]),
            ("type = 'timestamp'", &["2026-02-28T01:02:03Z", "2026-02-28 01:02:03.123456789-07:00"]),
            ("type = 'timestamp'\nzone = 'Europe/Brussels'", &["2026-02-28T01:02:03.5"]),
            (
                "type = 'timestamp'\nformat = ['epoch_s', '%Y%m%d %H:%M']\nzone = 'Europe/Brussels'",
                &["-1795042800", "1795042800.0", "20260228 23:59"],
            ),
            ("type = 'timestamp'\nformat = ['epoch_us', 'epoch_ns']", &["1795042800000000", "-1.0"]),
            ("type = 'timestamp'\nformat = 'epoch_ns'", &["1795042800000000999", "-1"]),
            ("type = 'timestamp'\nformat = 'excel'\nzone = 'Europe/Brussels'", &["46344.958333", "59", "61.5"]),
            ("type = 'date'\nformat = 'excel'", &["46344.0", "1"]),
            (
                "type = 'timestamp'\nformat = '%m/%d/%Y %I:%M:%S %p'\nzone = 'Europe/Brussels'",
                &["11/19/2026 01:02:03 PM", "1/9/2026 12:00:00 am"],
            ),
            (
                "type = 'timestamp'\nformat = ['%d.%m.%y %H:%M', '%d-%b-%Y %H:%M']\nzone = 'Europe/Brussels'",
                &["19.11.26 01:02", "1.2.69 1:02", "19.11.70 01:02", "19-NOV-2026 01:02"],
            ),
            (
                "type = 'timestamp'\nformat = ['%Y-%m-%d %H:%M:%S%.f%z', '%Y-%m-%d %H:%M:%S%z']",
                &["2026-11-19 01:02:03.5+0100", "2026-11-19 01:02:03-07:30"],
            ),
            (
                "type = 'timestamp'\nformat = ['%d/%m/%Y %H:%M', '%d/%m/%Y %H:%M:%S', '%d.%m.%Y']\nzone = 'UTC'",
                &["19/11/2026 01:02", "19/11/2026 01:02:03", "19.11.2026"],
            ),
        ] {
            let declared = Column::from_declaration(options).unwrap();
            let mut column = TableColumn::new(&declared);
            for text in texts {
                assert!(column.take::<false>(text.as_bytes(), &mut Stamps::default()), "{options}: {text}");
            }
        }
    }

    #[test]
    fn what_is_refused_or_missing_is_not_taken() {
        for (options, texts) in [
            ("type = 'int64'\nmin = 0\nmax = 9\nmissing = [5]", &["-1", "10", "5", "5.0", "", "x", "1.5", "1e1"][..]),
            (
                "type = 'int64'\nthousands = ','",
                &["1,23", "1234,567", ",123", "12,", "1,234,5", "1,234.5", "1.234,0", "0,123", "-01,234"],
            ),
            (
                "type = 'float64'\ndecimal = ','\nthousands = '.'",
                &["1.23", "1234.567", "1.234,567.8", "1,234.5", "0.123", "-0.500", "00.001", "000.123,5"],
            ),
            ("type = 'int64'\nmissing = [9007199254740993]", &["9007199254740992", "9007199254740993"]),
            ("type = 'int64'\nmin = 9007199254740993", &["9007199254740992"]),
            ("type = 'date'\nformat = 'excel'", &["2958466", "46344.958333"]),
            ("type = 'float64'\nmin = 0\nmissing = [0.5]", &["-0.1", "0.5", "nan", "inf", "1,5", "1e999"]),
            ("type = 'bool'", &["", "ja"]),
            ("type = 'string'\none_of = ['a']", &["b", ""]),
            ("type = 'string'\npattern = 'a'", &["a"]),
            ("type = 'date'\nnull_before = '2001-01-01'", &["2000-12-31", "2026-02-29", "0000-01-01"]),
            ("type = 'timestamp'", &["2026-02-28T01:02:03", "2026-02-28T24:00:00Z", "2026-02-28T01:02:03+24:00"]),
            // The hours around a change of clocks.
            ("type = 'timestamp'\nzone = 'Europe/Brussels'", &["2026-03-29T02:30:00", "2026-10-25T02:30:00"]),
        ] {
            let declared = Column::from_declaration(options).unwrap();
            let mut column = TableColumn::new(&declared);
            for text in texts {
                assert!(!column.take::<false>(text.as_bytes(), &mut Stamps::default()), "{options}: {text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn numbers_with_marks_are_those_of_the_rules(
            text in "[-+]?[0-9]{1,4}([,.' \u{a0}\u{2019}_][0-9]{2,4}){0,3}([,.][0-9]{0,4})?",
            kind in prop::sample::select(vec!["int64", "float64"]),
            round in prop::sample::select(vec!["", "round = true"]),
            thousands in prop::sample::select(vec!["", "thousands = '.'", "thousands = \"'\"", "thousands = ' '", "thousands = ','"]),
            decimal in prop::sample::select(vec![".", ","]),
        ) {
            let declared = Column::from_declaration(&format!("type = '{kind}'\n{round}\n{thousands}\ndecimal = '{decimal}'"));
            // The same mark for both is refused.
            let Ok(declared) = declared else { return Ok(()) };
            let mut column = TableColumn::new(&declared);
            let wanted = check(&declared, Raw::Text(text.as_str().into()));
            if column.take::<false>(text.as_bytes(), &mut Stamps::default()) {
                match (&column.cells, wanted) {
                    (Cells::Int(values), Ok(Typed::Int(number))) => prop_assert_eq!(values.last(), Some(&number)),
                    (Cells::Float(values), Ok(Typed::Float(number))) => {
                        prop_assert_eq!(values.last().map(|value| value.to_bits()), Some(number.to_bits()));
                    }
                    (_, wanted) => prop_assert!(false, "{text}: {wanted:?}"),
                }
            }
        }
    }
}
