//! Raw objects that no dataset or table takes, as commands show them.

use clean::Ignored;
use lake::suggest::did_you_mean;
use lake::{Lake, keys};

use crate::output::counted;

/// So many are named.
const NAMED: usize = 3;

/// A line about those that no table takes; `None` if there are none.
pub fn untaken(ignored: &Ignored, lake: Option<&Lake>) -> Option<String> {
    line(ignored, "that no table takes", &datasets(lake))
}

/// The same where hidden ones are among them.
pub fn untaken_or_hidden(ignored: &Ignored, lake: Option<&Lake>) -> Option<String> {
    line(ignored, "that no table takes, or hidden", &datasets(lake))
}

fn datasets(lake: Option<&Lake>) -> Vec<&str> {
    lake.into_iter().flat_map(|lake| lake.catalog.datasets()).map(|dataset| dataset.name.as_str()).collect()
}

fn line(ignored: &Ignored, which: &str, datasets: &[&str]) -> Option<String> {
    if ignored.count == 0 {
        return None;
    }
    let named: Vec<&str> = ignored.keys.iter().take(NAMED).map(String::as_str).collect();
    let rest = ignored.count.saturating_sub(named.len() as u64);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    // The folder of a dataset may be mistyped.
    let unknown = named.iter().map(|key| keys::dataset(key)).find(|folder| !datasets.contains(folder));
    let meant = unknown.map_or_else(String::new, |folder| did_you_mean(folder, datasets.iter().copied()));
    Some(format!("{} {which}: {}{more}{meant}", counted(ignored.count, "raw object"), named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_named_and_all_are_counted() {
        let line = |ignored: &Ignored| line(ignored, "that no table takes", &["d", "bikes"]);
        assert_eq!(line(&Ignored::default()), None);
        let ignored: Ignored = (0..12).map(|number| format!("d/{number:02}")).collect();
        assert_eq!(line(&ignored).unwrap(), "12 raw objects that no table takes: d/00, d/01, d/02 and 9 more");
        let one: Ignored = ["bike/a"].iter().collect();
        assert_eq!(line(&one).unwrap(), "1 raw object that no table takes: bike/a; did you mean \"bikes\"?");
    }
}
