//! Values of one physical type in Parquet's plain encoding, as the entries of a dictionary or all values of a column.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// The longest minimum or maximum that statistics have of texts.
const MAX_BOUND: usize = 64;

/// A growing list of values.
pub trait Values: Default {
    /// One value.
    type Value<'v>: Copy;

    /// Adds a value.
    fn push(&mut self, value: Self::Value<'_>);

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether two values are the same, to the bit.
    fn is_same(one: Self::Value<'_>, other: Self::Value<'_>) -> bool;

    /// Whether the value at `index` is this one, to the bit.
    fn is_at(&self, index: u32, value: Self::Value<'_>) -> bool;

    /// The value at `index`.
    fn get(&self, index: u32) -> Option<Self::Value<'_>>;

    /// A hash, the same in every process.
    fn hash(value: Self::Value<'_>) -> u64;

    /// The plain encoding of all.
    fn plain(&self) -> &[u8];

    /// Bytes held.
    fn memory(&self) -> usize;

    /// Forgets all values.
    fn clear(&mut self);
}

/// How the bits of a number are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// 32 bits, signed: days.
    Int32,
    /// 64 bits, signed: integers and instants.
    Int64,
    /// 64 bits: doubles.
    Double,
}

/// Numbers of `WIDTH` bytes, by their bits.
#[derive(Debug, Default)]
pub struct Numbers<const WIDTH: usize> {
    plain: Vec<u8>,
}

impl<const WIDTH: usize> Numbers<WIDTH> {
    fn chunks(&self) -> impl Iterator<Item = u64> {
        self.plain.as_chunks::<WIDTH>().0.iter().map(bits)
    }

    /// The least and the greatest value.
    pub fn statistics(&self, kind: Number, nulls: u64) -> Statistics {
        let nulls = Some(nulls);
        match kind {
            Number::Int32 => {
                let (min, max) = bounds(self.chunks().map(|bits| bits as u32 as i32));
                Statistics::Int32(ValueStatistics::new(min, max, None, nulls, false))
            }
            Number::Int64 => {
                let (min, max) = bounds(self.chunks().map(|bits| bits as i64));
                Statistics::Int64(ValueStatistics::new(min, max, None, nulls, false))
            }
            Number::Double => {
                let (min, max) = double_bounds(self.chunks().map(f64::from_bits));
                Statistics::Double(ValueStatistics::new(min, max, None, nulls, false))
            }
        }
    }
}

#[inline]
fn bits<const WIDTH: usize>(bytes: &[u8; WIDTH]) -> u64 {
    let mut word = [0; 8];
    if let Some(low) = word.first_chunk_mut::<WIDTH>() {
        *low = *bytes;
    }
    u64::from_le_bytes(word)
}

fn bounds<T: Ord + Copy>(mut values: impl Iterator<Item = T>) -> (Option<T>, Option<T>) {
    let Some(first) = values.next() else { return (None, None) };
    let (min, max) = values.fold((first, first), |(min, max), value| (min.min(value), max.max(value)));
    (Some(min), Some(max))
}

/// As the format wants it: NaN is no bound, and zeros include the other one.
fn double_bounds(values: impl Iterator<Item = f64>) -> (Option<f64>, Option<f64>) {
    let (min, max) = values.fold((f64::NAN, f64::NAN), |(min, max), value| (value.min(min), value.max(max)));
    if min.is_nan() {
        return (None, None);
    }
    (Some(if min == 0.0 { -0.0 } else { min }), Some(if max == 0.0 { 0.0 } else { max }))
}

impl<const WIDTH: usize> Values for Numbers<WIDTH> {
    type Value<'v> = u64;

    #[inline]
    fn push(&mut self, value: u64) {
        let bytes = value.to_le_bytes();
        self.plain.extend_from_slice(bytes.first_chunk::<WIDTH>().map_or(bytes.as_slice(), |low| low.as_slice()));
    }

    fn len(&self) -> usize {
        self.plain.len() / WIDTH
    }

    #[inline]
    fn is_same(one: u64, other: u64) -> bool {
        one == other
    }

    #[inline]
    fn is_at(&self, index: u32, value: u64) -> bool {
        self.get(index) == Some(value)
    }

    #[inline]
    fn get(&self, index: u32) -> Option<u64> {
        self.plain.as_chunks::<WIDTH>().0.get(index as usize).map(bits)
    }

    #[inline]
    fn hash(value: u64) -> u64 {
        // Bits that numbers differ in may be high (doubles) or low (integers): folded, then spread.
        let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
        product as u64 ^ (product >> 64) as u64
    }

    fn plain(&self) -> &[u8] {
        &self.plain
    }

    fn memory(&self) -> usize {
        self.plain.capacity()
    }

    fn clear(&mut self) {
        self.plain.clear();
    }
}

/// Texts: each with its length before it.
#[derive(Debug, Default)]
pub struct Texts {
    plain: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
}

/// Bytes of a text's length.
const LENGTH: usize = 4;

impl Texts {
    /// The least and the greatest text, or bounds of them where they are long.
    pub fn statistics(&self, nulls: u64) -> Statistics {
        let all = (0..self.starts.len()).filter_map(|index| self.get(index as u32));
        let (min, max) = bounds(all);
        let bound = |text: Option<&[u8]>| {
            text.filter(|text| text.len() <= MAX_BOUND).map(|text| ByteArray::from(text.to_vec()))
        };
        let (exact_min, exact_max) = (bound(min), bound(max));
        let (min_is_exact, max_is_exact) = (exact_min.is_some(), exact_max.is_some());
        let low = exact_min.or_else(|| min.and_then(lower_bound));
        let high = exact_max.or_else(|| max.and_then(upper_bound));
        let statistics = match (low, high) {
            (Some(low), Some(high)) => ValueStatistics::new(Some(low), Some(high), None, Some(nulls), false),
            _ => ValueStatistics::new(None, None, None, Some(nulls), false),
        };
        Statistics::ByteArray(statistics.with_min_is_exact(min_is_exact).with_max_is_exact(max_is_exact))
    }
}

/// The whole characters at a text's beginning.
fn beginning(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    text.get(..text.floor_char_boundary(MAX_BOUND))
}

fn lower_bound(text: &[u8]) -> Option<ByteArray> {
    beginning(text).map(|text| ByteArray::from(text.as_bytes().to_vec()))
}

/// The beginning with its last ASCII character raised by one.
fn upper_bound(text: &[u8]) -> Option<ByteArray> {
    let text = beginning(text)?.as_bytes();
    let at = text.iter().rposition(|byte| *byte < 0x7f)?;
    let (head, last) = (text.get(..at)?, text.get(at)?);
    Some(ByteArray::from([head, &[last + 1]].concat()))
}

impl Values for Texts {
    type Value<'v> = &'v [u8];

    #[inline]
    fn push(&mut self, value: &[u8]) {
        // A row group has far less than 4 GiB.
        self.starts.push(self.plain.len() as u32);
        self.plain.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(value);
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    #[inline]
    fn is_same(one: &[u8], other: &[u8]) -> bool {
        one == other
    }

    #[inline]
    fn is_at(&self, index: u32, value: &[u8]) -> bool {
        self.get(index) == Some(value)
    }

    #[inline]
    fn get(&self, index: u32) -> Option<&[u8]> {
        let start = *self.starts.get(index as usize)? as usize + LENGTH;
        let end = self.starts.get(index as usize + 1).map_or(self.plain.len(), |next| *next as usize);
        self.plain.get(start..end)
    }

    #[inline]
    fn hash(value: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64(value)
    }

    fn plain(&self) -> &[u8] {
        &self.plain
    }

    fn memory(&self) -> usize {
        self.plain.capacity() + self.starts.capacity() * size_of::<u32>()
    }

    fn clear(&mut self) {
        self.plain.clear();
        self.starts.clear();
    }
}
