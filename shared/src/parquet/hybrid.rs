//! Runs of small numbers, and Parquet's run-length and bit-packed hybrid encoding of them.

/// A sequence of numbers in which neighbours are often equal: pairs of a number and how often it comes.
#[derive(Debug, Clone, Default)]
pub struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// Adds a number `count` times.
    #[inline]
    pub fn push(&mut self, number: u32, count: u32) {
        match self.0.last_mut() {
            Some((last, known)) if *last == number => *known += count,
            _ => self.0.push((number, count)),
        }
    }

    /// The pairs.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().copied()
    }

    /// Forgets all numbers.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.0.capacity() * size_of::<(u32, u32)>()
    }

    /// Appends the hybrid encoding, `width` bits for each number.
    pub fn encode(&self, width: u32, out: &mut Vec<u8>) {
        let mut encoder = Encoder { width, out, packed: Vec::new(), bits: 0, held: 0, in_group: 0 };
        for (number, count) in self.iter() {
            encoder.add(number, count);
        }
        encoder.finish();
    }
}

/// Bits that tell apart numbers below `count`.
pub fn width_of(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// Numbers of a bit-packed group.
const GROUP: u32 = 8;

struct Encoder<'o> {
    width: u32,
    out: &'o mut Vec<u8>,
    /// Whole groups of numbers that are packed, without their header yet.
    packed: Vec<u8>,
    /// Bits of the last group that make no byte yet.
    bits: u64,
    held: u32,
    /// Numbers in the last group.
    in_group: u32,
}

impl Encoder<'_> {
    fn add(&mut self, number: u32, mut count: u32) {
        // What was begun as a group is filled up first. Numbers of no bits are all the same one.
        while count > 0 && self.width > 0 && (self.in_group > 0 || count < GROUP) {
            self.pack(number);
            count -= 1;
        }
        if count > 0 {
            self.end_packed();
            varint(self.out, u64::from(count) << 1);
            let bytes = number.to_le_bytes();
            self.out.extend(bytes.iter().take(self.width.div_ceil(8) as usize));
        }
    }

    #[inline]
    fn pack(&mut self, number: u32) {
        self.bits |= u64::from(number) << self.held;
        self.held += self.width;
        if self.held >= u32::BITS {
            self.packed.extend_from_slice(&(self.bits as u32).to_le_bytes());
            self.bits >>= u32::BITS;
            self.held -= u32::BITS;
        }
        self.in_group = (self.in_group + 1) % GROUP;
        if self.in_group == 0 {
            // Eight numbers are whole bytes.
            while self.held > 0 {
                self.packed.push(self.bits as u8);
                self.bits >>= u8::BITS;
                self.held -= u8::BITS;
            }
        }
    }

    fn end_packed(&mut self) {
        if self.packed.is_empty() {
            return;
        }
        let groups = self.packed.len() as u64 / u64::from(self.width.max(1));
        varint(self.out, groups << 1 | 1);
        self.out.append(&mut self.packed);
    }

    fn finish(&mut self) {
        while self.in_group > 0 {
            self.pack(0);
        }
        self.end_packed();
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes by the letter of the format.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let (value, rest) = bytes.split_at(width.div_ceil(8) as usize);
                let number = value.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
                numbers.extend(std::iter::repeat_n(number, (header >> 1) as usize));
                bytes = rest;
            } else {
                let numbers_here = (header >> 1) as usize * 8;
                let (packed, rest) = bytes.split_at((header >> 1) as usize * width as usize);
                for at in 0..numbers_here {
                    let bit = |bit: usize| u32::from(packed[bit / 8] >> (bit % 8) & 1);
                    let first = at * width as usize;
                    numbers.push((0..width as usize).fold(0, |number, at| number | bit(first + at) << at));
                }
                bytes = rest;
            }
        }
        assert!(bytes.is_empty());
        numbers.truncate(count);
        numbers
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            numbers in prop::collection::vec((any::<u32>(), prop_oneof![1_u32..20, Just(1)]), 0..60),
            most in prop_oneof![Just(1_usize), Just(2), Just(9), Just(300), Just(70_000), Just(1 << 31)],
        ) {
            let mut runs = Runs::default();
            let mut plain = Vec::new();
            for (number, count) in numbers {
                let number = (number as usize % most) as u32;
                runs.push(number, count);
                plain.extend(std::iter::repeat_n(number, count as usize));
            }
            let mut bytes = Vec::new();
            runs.encode(width_of(most), &mut bytes);
            prop_assert_eq!(decode(&bytes, width_of(most), plain.len()), plain);
        }
    }
}
