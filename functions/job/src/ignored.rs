//! Raw objects that no dataset or table takes, as commands show them.

use serde::Serialize;

use crate::output::counted;

/// Keys that are shown.
const SHOWN: usize = 10;

/// How many there are, and the first of them.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ignored {
    count: u64,
    keys: Vec<String>,
}

impl Ignored {
    /// Of all their keys.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a String>) -> Self {
        let mut ignored = Self::default();
        for key in keys {
            ignored.count += 1;
            if ignored.keys.len() < SHOWN {
                ignored.keys.push(key.clone());
            }
        }
        ignored
    }

    /// A line about them; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        let (first, rest) = (self.keys.first()?, self.count.saturating_sub(1));
        let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
        let objects = counted(self.count, "raw object");
        Some(format!("{objects} that no table takes, or hidden: {first}{more}"))
    }

    /// A line about them where hidden ones are not among them.
    pub fn untaken(&self) -> Option<String> {
        self.text().map(|text| text.replacen(", or hidden", "", 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_all_are_counted() {
        assert_eq!(Ignored::new(&[]).text(), None);
        let keys: Vec<String> = (0..12).map(|number| format!("d/{number:02}")).collect();
        let ignored = Ignored::new(&keys);
        assert_eq!((ignored.count, ignored.keys.len()), (12, SHOWN));
        assert_eq!(ignored.text().unwrap(), "12 raw objects that no table takes, or hidden: d/00 and 11 more");
    }
}
