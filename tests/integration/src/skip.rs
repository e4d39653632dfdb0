//! What a test run leaves out is seen: `make test` lists it in its last lines, and where `CI` is set it is a failure.
//!
//! `tests/skip.sh` does the same for shell scripts.

use std::fs::File;
use std::io::Write;

/// Writes to stderr what must be seen: the test runner hides what the macros print when a test passes.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Notes that the tests called `name` are left out, in the file that `TRIBUTARY_SKIPPED` names.
///
/// # Panics
///
/// Where the variable `CI` is set and `ALLOW_SKIP` does not have the name.
pub fn skip(name: &str, why: &str) {
    say(&format!("{name}: SKIPPED: {why}"));
    let variable = |name| std::env::var(name).unwrap_or_default();
    let file = variable("TRIBUTARY_SKIPPED");
    if !file.is_empty() {
        // One write, so that lines of tests that run at the same time stay whole.
        let mut file = File::options().append(true).create(true).open(file).expect("the file of skipped tests");
        file.write_all(format!("{name}: {why}\n").as_bytes()).expect("a line in the file of skipped tests");
    }
    let allowed = is_allowed(name, &variable("CI"), &variable("ALLOW_SKIP"));
    assert!(allowed, "{name}: SKIPPED: {why}; that is a failure, as CI is set and ALLOW_SKIP does not have \"{name}\"");
}

fn is_allowed(name: &str, ci: &str, allowed: &str) -> bool {
    matches!(ci, "" | "false") || allowed.split([',', ' ', '\n']).any(|one| one == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    #[test]
    fn in_ci_only_named_skips_are_allowed_by_programs_and_scripts_alike() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../skip.sh");
        for (name, ci, allowed, expected) in [
            ("image", "", "", true),
            ("image", "false", "", true),
            ("image", "true", "", false),
            ("image", "1", "recorded", false),
            ("image", "true", "recorded,image", true),
            ("image", "true", "recorded image", true),
            ("image", "true", "image-of-something", false),
            ("im", "true", "image", false),
        ] {
            assert_eq!(is_allowed(name, ci, allowed), expected, "{name} {ci} {allowed}");
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("skipped");
            let status = Command::new("sh")
                .args(["-c", r#". "$0"; skipped "$1" "it is not there""#])
                .arg(&script)
                .arg(name)
                .envs([("CI", ci), ("ALLOW_SKIP", allowed)])
                .env("TRIBUTARY_SKIPPED", &file)
                .status();
            assert_eq!(status.expect("sh").success(), expected, "{name} {ci} {allowed}");
            let noted = std::fs::read_to_string(&file).expect("the file of skipped tests");
            assert_eq!(noted, format!("{name}: it is not there\n"));
        }
    }
}
