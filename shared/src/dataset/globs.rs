//! Which raw objects feed a table, by their names.

use std::sync::OnceLock;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::table::{ARCHIVE, COMPRESSIONS, ends_in};

/// Patterns of so many characters together are compiled only when they are needed.
const SHORT: usize = 256;

/// Globs in which `*` stays within one segment; `.gz`, `.zst` and `.zip` may follow each. Plain endings also match in
/// lower case. They are compiled when the first path is asked for: most commands ask for those of few tables.
#[derive(Debug, Clone)]
pub(super) struct Globs {
    globs: Vec<Glob>,
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
                    let glob = GlobBuilder::new(&format!("{pattern}{ending}")).literal_separator(true).build();
                    globs.push(glob.map_err(|error| error.to_string())?);
                }
            }
        }
        let globs = Self { globs, compiled: OnceLock::new() };
        // What cannot be compiled would take nothing. Nothing short is too large.
        if patterns.iter().map(String::len).sum::<usize>() > SHORT {
            globs.compile().map_err(|error| error.to_string())?;
        }
        Ok(globs)
    }

    fn compile(&self) -> Result<GlobSet, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for glob in &self.globs {
            set.add(glob.clone());
        }
        set.build()
    }

    pub(super) fn takes(&self, path: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| self.compile().unwrap_or_default());
        compiled.is_match(path) || compiled.is_match(with_lower_endings(path))
    }
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
