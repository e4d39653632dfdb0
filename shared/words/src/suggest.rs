//! Known names that a mistyped one may have meant.

/// From here on a name is taken for a slip of the pen: 1 is the same, 0 has nothing in common.
const LIKELY: f64 = 0.8;
/// How like a name is that differs in one letter, or by two that changed places.
const SLIP: f64 = 0.9;

/// The known name that is most like the one that was found, if a slip of the pen lies between them.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        // In short names, one letter is much of it.
        let is_slip = found.chars().count() > 2 && strsim::osa_distance(&found, &name) == 1;
        strsim::jaro_winkler(&found, &name).max(if is_slip { SLIP } else { 0.0 })
    };
    known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) > LIKELY)
}

/// `; did you mean "NAME"?`, or nothing: to be put behind a message.
pub fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_recognised() {
        let known = ["measurement", "station", "shard_bytes"];
        assert_eq!(nearest("cvs", ["csv", "tsv"]), Some("csv"));
        for (found, wanted) in
            [("mesurement", Some("measurement")), ("Station", Some("station")), ("shardbytes", Some("shard_bytes"))]
        {
            assert_eq!(nearest(found, known), wanted);
        }
        assert_eq!(nearest("ride", known), None);
        assert_eq!(did_you_mean("ride", known), "");
        assert_eq!(did_you_mean("stations", known), "; did you mean \"station\"?");
    }
}
