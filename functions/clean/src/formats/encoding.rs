//! Texts of other encodings as UTF-8, while they are read. What is no character becomes a byte that UTF-8 does not have, so
//! that its line alone is rejected.

use std::io::{self, ErrorKind, Read};

use lake::dataset::Encoding;

use crate::error::Stop;

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;
/// Stands for what is no character.
const NO_CHARACTER: u8 = 0xFF;

/// The characters of windows-1252 from 0x80 to 0x9F; NUL where there is none.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// How the bytes that come are characters.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Coding {
    Windows,
    Latin,
    /// UTF-16, and whether the greater byte comes first.
    Wide {
        is_big: bool,
    },
}

/// A reader of UTF-8 over bytes of another encoding.
pub(super) struct ToUtf8<R> {
    reader: R,
    coding: Coding,
    /// Bytes that came and are no whole character yet.
    pending: Vec<u8>,
    chunk: Vec<u8>,
    /// UTF-8 that waits to be read.
    text: Vec<u8>,
    read: usize,
    is_at_end: bool,
}

/// How the bytes of a text are read by its encoding and its beginning; `None` if it is UTF-8. A byte order mark decides.
fn coding(encoding: Encoding, head: &[u8]) -> Option<Coding> {
    match (encoding, head) {
        (_, [0xEF, 0xBB, 0xBF, ..]) | (Encoding::Utf8, _) => None,
        (_, [0xFF, 0xFE, ..]) => Some(Coding::Wide { is_big: false }),
        (_, [0xFE, 0xFF, ..]) => Some(Coding::Wide { is_big: true }),
        (Encoding::Utf16, [0, second, ..]) if *second != 0 => Some(Coding::Wide { is_big: true }),
        (Encoding::Utf16, _) => Some(Coding::Wide { is_big: false }),
        (Encoding::Windows1252, _) => Some(Coding::Windows),
        (Encoding::Latin1, _) => Some(Coding::Latin),
    }
}

/// How many bytes of a text show that it is UTF-8 where another encoding is declared.
pub(super) const JUDGED: usize = 64 * 1024;
/// How many characters do. In windows-1252 one may be an accident, such as a name in capitals before a sign: `CAFÉ®`.
const LEAST_CHARACTERS: usize = 3;
/// One in so many may be an unusual one, such as a tick or what another program put for what it could not read.
const MOST_UNUSUAL: usize = 10;

/// Refuses a text that is declared as one of single bytes, and is UTF-8: each character beyond ASCII would be read as two
/// others or more. It is UTF-8 if all such bytes of its beginning are that, as several usual characters; accented letters
/// of windows-1252 are followed by signs only by accident. A byte order mark decides without it.
pub(super) fn refuse_utf8(encoding: Encoding, head: &[u8]) -> Result<(), Stop> {
    let text = match std::str::from_utf8(head) {
        _ if coding(encoding, head).is_none_or(|coding| matches!(coding, Coding::Wide { .. })) => return Ok(()),
        Ok(text) => text,
        // The last character may go on behind what is judged.
        Err(error) if error.error_len().is_none() && head.len() >= JUDGED => {
            head.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default()
        }
        Err(_) => return Ok(()),
    };
    let (mut count, mut unusual, mut first, mut is_one) = (0, 0, None, true);
    for character in text.chars().filter(|character| !character.is_ascii()) {
        if !is_usual(character) {
            unusual += 1;
            continue;
        }
        count += 1;
        is_one &= *first.get_or_insert(character) == character;
    }
    // The same one each time may be that of a brand, if it begins with a letter that words have: one of those below does with
    // Â or Ã, and one of those above is three bytes.
    let is_brand = is_one && first.is_some_and(|first| ('\u{100}'..'\u{800}').contains(&first));
    if count < LEAST_CHARACTERS || is_brand || unusual * MOST_UNUSUAL > count {
        return Ok(());
    }
    let declared = if encoding == Encoding::Latin1 { "iso-8859-1" } else { "windows-1252" };
    let why = format!(
        "the table declares encoding = \"{declared}\", and the text is UTF-8: its first {count} characters beyond ASCII are, and \
         would be read as two or more each (é as Ã©): declare encoding = \"utf-8\", or upload files of both encodings to tables \
         of their own; if it is {declared} after all, save it as UTF-8 with a byte order mark, which decides"
    );
    Err(Stop::reject("wrong_encoding", why))
}

/// Whether a character of UTF-8 is one of Latin, Greek or Cyrillic, or a sign that is often beside them. Others are likelier
/// to be two or three of windows-1252.
fn is_usual(character: char) -> bool {
    matches!(character,
        '\u{a0}'..='\u{17f}' | '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{45f}' | '\u{1e00}'..='\u{1eff}'
        | '\u{2010}'..='\u{2044}' | '\u{20a0}'..='\u{20bf}' | '\u{2100}'..='\u{214f}' | '\u{2190}'..='\u{22ff}'
        | '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{1f300}'..='\u{1faff}')
}

/// The text as UTF-8. `head` are its first bytes, which `reader` begins with as well.
pub(super) fn to_utf8<'r>(encoding: Encoding, head: &[u8], reader: impl Read + 'r) -> Box<dyn Read + 'r> {
    match coding(encoding, head) {
        None => Box::new(reader),
        Some(coding) => Box::new(ToUtf8 {
            reader,
            coding,
            pending: Vec::new(),
            chunk: vec![0; CHUNK],
            text: Vec::new(),
            read: 0,
            is_at_end: false,
        }),
    }
}

impl<R: Read> Read for ToUtf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() && !self.is_at_end {
            (self.read, self.is_at_end) = (0, false);
            self.text.clear();
            match self.reader.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
                Ok(0) => self.is_at_end = true,
                Ok(count) => self.pending.extend_from_slice(self.chunk.get(..count).unwrap_or_default()),
            }
            self.convert();
        }
        let text = self.text.get(self.read..).unwrap_or_default();
        let count = text.len().min(buffer.len());
        let into = buffer.get_mut(..count).unwrap_or_default();
        into.copy_from_slice(text.get(..count).unwrap_or_default());
        self.read += count;
        Ok(count)
    }
}

impl<R> ToUtf8<R> {
    /// Makes UTF-8 of what is pending.
    fn convert(&mut self) {
        match self.coding {
            Coding::Windows | Coding::Latin => {
                let mut rest = self.pending.as_slice();
                while !rest.is_empty() {
                    let (ascii, others) = rest.split_at_checked(ascii_bytes(rest)).unwrap_or((rest, &[]));
                    self.text.extend_from_slice(ascii);
                    let count = others.iter().take_while(|byte| !byte.is_ascii()).count();
                    let (others, behind) = others.split_at_checked(count).unwrap_or((others, &[]));
                    others.iter().for_each(|byte| push(&mut self.text, self.coding.character(*byte)));
                    rest = behind;
                }
                self.pending.clear();
            }
            Coding::Wide { is_big } => self.convert_wide(is_big),
        }
    }

    fn convert_wide(&mut self, is_big: bool) {
        let (units, _) = self.pending.as_chunks::<2>();
        let unit = |bytes: &[u8; 2]| if is_big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) };
        let is_high = |unit: u16| (0xD800..0xDC00).contains(&unit);
        let mut whole = units.len();
        // The other half of the last pair may be still to come.
        if units.last().is_some_and(|last| is_high(unit(last))) && !self.is_at_end {
            whole -= 1;
        }
        let mut rest = units.get(..whole).unwrap_or_default();
        while !rest.is_empty() {
            let (ascii, others) = rest.split_at_checked(ascii_units(rest, is_big)).unwrap_or((rest, &[]));
            self.text.extend(ascii.iter().map(|bytes| unit(bytes) as u8));
            // Both halves of a pair are here, or none.
            let count = others.iter().take_while(|bytes| unit(bytes) >= 0x80).count();
            let (others, behind) = others.split_at_checked(count).unwrap_or((others, &[]));
            char::decode_utf16(others.iter().map(unit)).for_each(|character| push(&mut self.text, character.ok()));
            rest = behind;
        }
        self.pending.drain(..whole * 2);
        if self.is_at_end && !self.pending.is_empty() {
            self.text.push(NO_CHARACTER);
        }
    }
}

impl Coding {
    /// The character of a byte that is not of ASCII.
    fn character(self, byte: u8) -> Option<char> {
        match byte {
            0x80..=0x9F if self == Self::Windows => {
                WINDOWS.get(usize::from(byte - 0x80)).copied().filter(|known| *known != '\0')
            }
            _ => Some(char::from(byte)),
        }
    }
}

/// How many bytes at the beginning are ASCII, found eight at a time.
fn ascii_bytes(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let mut found = words.iter().map(|word| u64::from_le_bytes(*word) & 0x8080_8080_8080_8080).enumerate();
    match found.find(|(_, others)| *others != 0) {
        Some((at, others)) => at * 8 + others.trailing_zeros() as usize / 8,
        None => words.len() * 8 + bytes.iter().skip(words.len() * 8).take_while(|byte| byte.is_ascii()).count(),
    }
}

/// How many units at the beginning are ASCII, found four at a time.
fn ascii_units(units: &[[u8; 2]], is_big: bool) -> usize {
    let mask = u64::from_le_bytes(if is_big {
        [0xFF, 0x80, 0xFF, 0x80, 0xFF, 0x80, 0xFF, 0x80]
    } else {
        [0x80, 0xFF, 0x80, 0xFF, 0x80, 0xFF, 0x80, 0xFF]
    });
    let (words, _) = units.as_flattened().as_chunks::<8>();
    let mut found = words.iter().map(|word| u64::from_le_bytes(*word) & mask).enumerate();
    match found.find(|(_, others)| *others != 0) {
        Some((at, others)) => at * 4 + others.trailing_zeros() as usize / 16,
        None => {
            let rest = units.iter().skip(words.len() * 4);
            let is_ascii = |unit: &&[u8; 2]| matches!((is_big, unit), (true, [0, 0..0x80]) | (false, [0..0x80, 0]));
            words.len() * 4 + rest.take_while(is_ascii).count()
        }
    }
}

fn push(text: &mut Vec<u8>, character: Option<char>) {
    match character {
        Some(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.push(NO_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::tests::Dribble;

    fn read(encoding: Encoding, bytes: &[u8], step: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let head = &bytes[..bytes.len().min(4)];
        to_utf8(encoding, head, Dribble(bytes, step)).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn utf_8_under_another_encoding_is_refused_and_an_accident_is_not() {
        let is_refused = |text: &[u8]| refuse_utf8(Encoding::Windows1252, text).is_err();
        let ticked = format!("{}✓ \u{200b}\n", "café\n".repeat(30));
        for text in [
            ticked.as_str(),
            "€ 5\n€ 6\n€ 7\n",
            "21 °C\n22 °C\n23 °C\n",
            "É\nÉ\nÉ\n",
            "naam\ncafé\ncafé\nthé\n",
            "é é é",
            "23,5 °C µg/m³",
            "Zoë, Jürgen, José",
            "€ – ’",
            "Ελλ",
            "Київ",
        ] {
            assert!(is_refused(text.as_bytes()), "{text}");
            assert!(!is_refused(format!("\u{feff}{text}").as_bytes()), "{text}: a mark decides");
        }
        // One byte that is no UTF-8 is enough, and so are few characters.
        let single = [
            &b"caf\xe9, caf\xe9, caf\xe9"[..],
            b"caf\xc3\xa9 th\xc3\xa9 \xc3\xa0 et th\xe9",
            b"caf\xc3\xa9 th\xc3\xa9",
        ];
        for text in single {
            assert!(!is_refused(text), "{text:?}");
        }
        // `NESTLÉ®` and `CAFÉ…` in each row, and `Å®`.
        for text in [&b"NESTL\xc9\xae\n"[..], b"CAF\xc9\x85\n", b"\xc5\xae\n"] {
            assert!(!is_refused(&text.repeat(1000)), "{text:?}");
        }
        // A character that goes on behind what is judged.
        let mut long = "é".repeat(JUDGED / 2).into_bytes();
        long.insert(0, b'x');
        long.truncate(JUDGED);
        assert!(is_refused(&long));
        let refused = refuse_utf8(Encoding::Latin1, "é é è".as_bytes());
        let Err(Stop::Reject(reject)) = refused else { panic!("{refused:?}") };
        assert!(reject.reason == "wrong_encoding" && reject.message.contains("encoding = \"utf-8\""), "{reject:?}");
    }

    #[test]
    fn each_encoding_has_its_characters_and_a_mark_decides() {
        assert_eq!(read(Encoding::Windows1252, b"Zo\xEB \x80 \x93", 2), "Zoë € “".as_bytes());
        assert_eq!(read(Encoding::Latin1, b"Zo\xEB \x80", 2), "Zoë \u{80}".as_bytes());
        assert_eq!(read(Encoding::Windows1252, b"a\x81b", 2), b"a\xFFb");
        assert_eq!(read(Encoding::Windows1252, "\u{feff}é".as_bytes(), 2), "\u{feff}é".as_bytes());
        assert_eq!(read(Encoding::Windows1252, b"\xFF\xFEa\0", 2), "\u{feff}a".as_bytes());
        assert_eq!(read(Encoding::Utf16, b"a\0\xEB\0", 1), "aë".as_bytes());
        assert_eq!(read(Encoding::Utf16, b"\0a\0\xEB", 1), "aë".as_bytes());
        assert_eq!(read(Encoding::Utf16, b"\x3D\xD8\x00\xDEa\0", 3), "\u{1F600}a".as_bytes());
        assert_eq!(read(Encoding::Utf16, b"a\0\x3D\xD8b\0c", 3), b"a\xFFb\xFF");
    }

    proptest! {
        #[test]
        fn what_was_written_in_one_byte_each_is_read(text in "[a-z;\u{a0}-\u{ff}]{0,100}", step in 1_usize..50) {
            let bytes: Vec<u8> = text.chars().map(|character| character as u8).collect();
            prop_assert_eq!(read(Encoding::Latin1, &bytes, step), text.as_bytes());
            prop_assert_eq!(read(Encoding::Windows1252, &bytes, step), text.into_bytes());
        }

        #[test]
        fn units_that_are_no_characters_are_so_one_by_one(
            units in prop::collection::vec(prop_oneof![0_u16..0x80, 0x80_u16..0x900, 0xD700_u16..0xE100], 0..60),
            step in 1_usize..50,
        ) {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let mut wanted = Vec::new();
            char::decode_utf16(units.clone()).for_each(|character| push(&mut wanted, character.ok()));
            // At first a greater byte of 0 would be taken for the other order.
            let (bytes, wanted) = ([b"\xFF\xFE".to_vec(), bytes].concat(), ["\u{feff}".as_bytes().to_vec(), wanted].concat());
            prop_assert_eq!(read(Encoding::Utf16, &bytes, step), wanted);
        }

        #[test]
        fn what_was_written_as_utf_16_is_read(text in "\\PC{0,200}", is_big in any::<bool>(), step in 1_usize..50) {
            let units = [0xFEFF].into_iter().chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(|unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            prop_assert_eq!(read(Encoding::Utf16, &bytes, step), format!("\u{feff}{text}").into_bytes());
        }
    }
}
