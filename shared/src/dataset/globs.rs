//! Which raw objects feed a table, by their names.

use std::sync::OnceLock;

use globset::{Glob, GlobBuilder, GlobSet};

/// What may follow a raw object's name, and stands for its compression.
pub const COMPRESSIONS: [&str; 2] = [".gz", ".zst"];

/// The same of an archive, whose files are the parts of the object.
pub const ARCHIVE: &str = ".zip";

/// A pattern of more characters is compiled at once: what cannot be compiled would take nothing. Nothing short is too large.
const SHORT: usize = 256;

/// Globs in which `*` stays within one segment; `.gz`, `.zst` and `.zip` may follow each. Plain endings also match in
/// lower case.
#[derive(Debug, Clone)]
pub(super) struct Globs(Vec<Pattern>);

/// One of them. It is compiled when a path is asked for that begins and ends as it does: that takes a millisecond, and most
/// commands ask for paths of few tables.
#[derive(Debug, Clone)]
struct Pattern {
    glob: Glob,
    /// What stands before and behind all that is special in it.
    begins: String,
    ends: String,
    compiled: OnceLock<GlobSet>,
}

impl Globs {
    pub(super) fn new(patterns: &[String]) -> Result<Self, String> {
        let mut globs = Vec::new();
        for pattern in patterns {
            let lower = with_lower_endings(pattern);
            let is_plain =
                pattern.rsplit('.').next().is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let lower = Some(&lower).filter(|lower| is_plain && *lower != pattern);
            for pattern in [pattern].into_iter().chain(lower) {
                for ending in ["", ".gz", ".zst", ARCHIVE] {
                    globs.push(Pattern::new(&format!("{pattern}{ending}")).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(Self(globs))
    }

    pub(super) fn takes(&self, path: &str) -> bool {
        let lower = with_lower_endings(path);
        self.0.iter().any(|pattern| pattern.takes(path) || lower != path && pattern.takes(&lower))
    }
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, globset::Error> {
        const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];
        let begins = pattern.split(SPECIAL).next().unwrap_or_default();
        let ends = pattern.rsplit(SPECIAL).next().unwrap_or_default();
        // Where `**/` stands for nothing, its slash is not there.
        let ends = ends.strip_prefix('/').unwrap_or(ends);
        let (begins, ends) = (begins.to_owned(), ends.to_owned());
        let glob = GlobBuilder::new(pattern).literal_separator(true).build()?;
        let compiled = OnceLock::new();
        if pattern.len() > SHORT {
            let _ = compiled.set(GlobSet::new([&glob])?);
        }
        Ok(Self { glob, begins, ends, compiled })
    }

    fn takes(&self, path: &str) -> bool {
        let is_likely = path.starts_with(&self.begins) && path.ends_with(&self.ends);
        is_likely && self.compiled.get_or_init(|| GlobSet::new([&self.glob]).unwrap_or_default()).is_match(path)
    }
}

/// Whether one of these globs takes a path, as those of a declaration do; none does that is no glob.
pub fn takes_any(patterns: &[String], path: &str) -> bool {
    Globs::new(patterns).is_ok_and(|globs| globs.takes(path))
}

/// The path, with the endings of the name (`.CSV`, `.Csv.GZ`) in lower case.
pub(super) fn with_lower_endings(path: &str) -> String {
    let (folder, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let packed = COMPRESSIONS.iter().chain([&ARCHIVE]).find(|ending| ends_in(name, ending));
    let plain = name.get(..name.len() - packed.map_or(0, |ending| ending.len())).unwrap_or(name);
    let start = plain.rfind('.').unwrap_or(plain.len());
    let (stem, endings) = name.split_at(start);
    format!("{folder}{stem}{}", endings.to_ascii_lowercase())
}

/// Whether a name's last ending is this one, such as `.gz`, without regard to case.
pub fn ends_in(name: &str, ending: &str) -> bool {
    let start = name.len().checked_sub(ending.len());
    start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_may_take_a_path_is_compiled() {
        let patterns = ["date=*/values.ndjson", "date=*/stations.json", "meters/**/*.csv"].map(str::to_owned);
        let globs = Globs::new(&patterns).unwrap();
        let compiled = || globs.0.iter().filter(|pattern| pattern.compiled.get().is_some()).count();
        assert!(!globs.takes("date=2026-11-19/other.json") && compiled() == 0);
        assert!(globs.takes("date=2026-11-19/values.ndjson") && compiled() == 1);
        assert!(!globs.takes("date=2026-11-19/x/values.ndjson") && compiled() == 1);
        assert!(globs.takes("meters/a.CSV.gz") && compiled() == 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_a_glob_takes_it_takes_with_its_ends(
            pattern in "(a|b|/|\\*|\\*\\*/|/\\*\\*|\\?|\\[ab\\]|\\[!a\\]|\\{a,b/\\}|\\\\a|\\.c){0,6}",
            path in "(a|b|/|\\.c){0,8}",
        ) {
            let Ok(glob) = GlobBuilder::new(&pattern).literal_separator(true).build() else { return Ok(()) };
            let known = Pattern::new(&pattern).unwrap();
            prop_assert_eq!(known.takes(&path), glob.compile_matcher().is_match(&path), "{} {}", pattern, path);
        }
    }
}
