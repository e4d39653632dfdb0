//! Raw objects that no dataset or table takes, as commands show them.

use clean::Ignored;

use crate::output::counted;

/// So many are named.
const NAMED: usize = 3;

/// A line about those that no table takes; `None` if there are none.
pub fn untaken(ignored: &Ignored) -> Option<String> {
    line(ignored, "that no table takes")
}

/// The same where hidden ones are among them.
pub fn untaken_or_hidden(ignored: &Ignored) -> Option<String> {
    line(ignored, "that no table takes, or hidden")
}

fn line(ignored: &Ignored, which: &str) -> Option<String> {
    if ignored.count == 0 {
        return None;
    }
    let named: Vec<&str> = ignored.keys.iter().take(NAMED).map(String::as_str).collect();
    let rest = ignored.count.saturating_sub(named.len() as u64);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    Some(format!("{} {which}: {}{more}", counted(ignored.count, "raw object"), named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_named_and_all_are_counted() {
        assert_eq!(untaken(&Ignored::default()), None);
        let ignored: Ignored = (0..12).map(|number| format!("d/{number:02}")).collect();
        assert_eq!(untaken(&ignored).unwrap(), "12 raw objects that no table takes: d/00, d/01, d/02 and 9 more");
        let one: Ignored = ["d/a"].iter().collect();
        assert_eq!(untaken_or_hidden(&one).unwrap(), "1 raw object that no table takes, or hidden: d/a");
    }
}
