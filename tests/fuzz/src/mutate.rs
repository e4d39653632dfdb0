//! Inputs made of a corpus: flipped, cut, repeated, spliced, and sprinkled with what parsers trip over.

/// Inputs do not grow above this.
const LONGEST: usize = 64 * 1024;

/// What parsers trip over, in any format.
const TOKENS: [&[u8]; 40] = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\"",
    b"\"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b",",
    b";",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"-0",
    b"1e999",
    b"-1e-999",
    b"9223372036854775808",
    b"18446744073709551615",
    b"0.1e",
    b"%2F",
    b"%",
    b"..",
    b"//",
    b"=",
    b"-262143-01-01T00:00:00Z",
    b"9999-12-31T24:00:00+14:00",
];

/// A generator of inputs: the same seed gives the same inputs.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The generator of one input.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut mutator = Self { state: seed.rotate_left(32) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
        mutator.bits();
        mutator
    }

    /// SplitMix64.
    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number up to and with `limit`.
    fn up_to(&mut self, limit: usize) -> usize {
        (self.bits() % (limit as u64 + 1)) as usize
    }

    /// Two places in order.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let (a, b) = (self.up_to(length), self.up_to(length));
        (a.min(b), a.max(b))
    }

    /// An input of a corpus that is not empty, changed in one to eight places.
    pub fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let at = self.up_to(corpus.len() - 1);
        let mut input = corpus[at].clone();
        for _ in 0..=self.up_to(3) + self.up_to(4) {
            self.change(&mut input, corpus);
            input.truncate(LONGEST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.up_to(input.len());
        let (from, to) = self.range(input.len());
        match self.up_to(9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.up_to(7);
                }
            }
            1 => {
                let byte = self.up_to(255) as u8;
                if let Some(there) = input.get_mut(at) {
                    *there = byte;
                }
            }
            2 => input.truncate(at),
            3 => drop(input.drain(from..to)),
            // A part again, many times: depth and length.
            4 => {
                let part = input[from..to.min(from + 64)].to_vec();
                let times = 1 << self.up_to(10);
                drop(input.splice(at..at, part.repeat(times).into_iter().take(LONGEST)));
            }
            5 => {
                let other = &corpus[self.up_to(corpus.len() - 1)];
                let (from, to) = self.range(other.len());
                drop(input.splice(at..at, other[from..to].iter().copied()));
            }
            6 => {
                let other = &corpus[self.up_to(corpus.len() - 1)];
                let (start, _) = self.range(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[start..]);
            }
            7 => {
                // A number becomes another one.
                let digits: Vec<usize> = (0..input.len()).filter(|at| input[*at].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    let at = digits[self.up_to(digits.len() - 1)];
                    input[at] = b'0' + self.up_to(9) as u8;
                }
            }
            _ => {
                let token = TOKENS[self.up_to(TOKENS.len() - 1)];
                let end = if self.up_to(1) == 0 { at } else { (at + token.len()).min(input.len()) };
                drop(input.splice(at..end, token.iter().copied()));
            }
        }
    }
}
