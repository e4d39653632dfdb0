//! How much memory a process may use: what bounds answers, queries and writers.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::settings::Environment;

/// The setting that decides.
const VARIABLE: &str = "MEMORY_BYTES";
/// Where Lambda says how much memory a function has, in MB.
const FUNCTION: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
/// A container's limit, by control groups version 2 and 1.
const CGROUP_LIMITS: [&str; 2] = ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"];
/// Where the system says nothing.
const FALLBACK: u64 = 1024 * MIB;
const MIB: u64 = 1024 * 1024;

/// What queries, writers and answers may hold together, in bytes: `MEMORY_BYTES`; else the function's memory, or the
/// container's, less a quarter of it as a reserve; else half of the machine's.
pub fn limit(environment: &Environment) -> Result<u64> {
    limit_below(environment, Path::new("/"))
}

fn limit_below(environment: &Environment, root: &Path) -> Result<u64> {
    if let Some(bytes) = number(environment, VARIABLE)? {
        return Ok(bytes);
    }
    if let Some(megabytes) = number(environment, FUNCTION)? {
        return Ok(less_reserve(megabytes.saturating_mul(MIB)));
    }
    let machine = machine(root);
    let container = CGROUP_LIMITS.iter().find_map(|file| fs::read_to_string(root.join(file)).ok()?.trim().parse().ok());
    // Without a limit of its own, a control group has "max", or a number beyond any machine's memory.
    match (container, machine) {
        (Some(container), Some(machine)) if container < machine => Ok(less_reserve(container)),
        (_, Some(machine)) => Ok(machine / 2),
        (_, None) => Ok(FALLBACK),
    }
}

fn less_reserve(bytes: u64) -> u64 {
    bytes - bytes / 4
}

/// The machine's memory.
fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024).filter(|bytes| *bytes > 0)
}

fn number(environment: &Environment, name: &str) -> Result<Option<u64>> {
    let Some(text) = environment.text(name)? else { return Ok(None) };
    match text.parse() {
        Ok(number @ 1..) => Ok(Some(number)),
        _ => Err(Error::Setting { name: name.to_owned(), why: "must be a whole number above 0".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system whose files are these.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_setting_goes_before_the_function_and_the_function_before_the_machine() {
        let machine = ("proc/meminfo", "MemTotal:        8192 kB\nMemFree: 1 kB\n");
        let group = ("sys/fs/cgroup/memory.max", "4194304\n");
        for (variables, files, wanted) in [
            (vec![(VARIABLE, "1000"), (FUNCTION, "256")], vec![machine, group], 1000),
            (vec![(FUNCTION, "256")], vec![machine, group], 192 * MIB),
            (vec![], vec![machine, group], 3 * MIB),
            (vec![], vec![machine, ("sys/fs/cgroup/memory.max", "max\n")], 4 * MIB),
            (vec![], vec![machine, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")], 4 * MIB),
            (vec![], vec![machine, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4194304")], 3 * MIB),
            (vec![], vec![], FALLBACK),
        ] {
            let root = system(&files);
            assert_eq!(
                limit_below(&Environment::of(&variables), root.path()).unwrap(),
                wanted,
                "{variables:?} {files:?}"
            );
        }
    }

    #[test]
    fn this_machine_has_some_memory() {
        assert!(limit(&Environment::default()).unwrap() > 16 * MIB);
    }

    #[test]
    fn values_that_are_no_number_are_refused_by_name() {
        for value in ["", "0", "-1", "2 GB", "1e9"] {
            let error = limit(&Environment::of(&[(VARIABLE, value)])).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(VARIABLE), "{error}");
        }
    }
}
