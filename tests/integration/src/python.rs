//! Python environments for tests that need a program or a library written for Python.
//!
//! An environment holds exactly the pinned packages it is asked for and lies below `target/python`, so the first test
//! that asks for it makes it, and later ones find it. Where it cannot be made, the test is skipped.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skip;

/// Tells the interpreter apart from others; fails where the standard library lacks a part of venv, as Debian's does.
const WHICH_PYTHON: &str = "import ensurepip, sys, venv; print(sys.version, sys.base_prefix)";

/// The Python of an environment with these packages, each written as `name==version`; `None` if there cannot be one,
/// which has then been noted. `purpose` says what it is for.
pub fn environment(purpose: &str, requirements: &[&str]) -> Option<PathBuf> {
    match make(requirements) {
        Ok(python) => Some(python),
        Err(why) => {
            skip("python", &format!("{purpose} needs {why}"));
            None
        }
    }
}

fn make(requirements: &[&str]) -> Result<PathBuf, String> {
    for requirement in requirements {
        assert!(requirement.contains("=="), "{requirement} is not pinned");
    }
    let which = output(Command::new("python3").args(["-c", WHICH_PYTHON]));
    let which = which.map_err(|why| format!("python3 with venv: {why}"))?;

    // Installed programs name their interpreter's path, so an environment cannot move.
    let root = root();
    let mut hasher = DefaultHasher::new();
    (&which, &root, requirements).hash(&mut hasher);
    let folder = root.join(format!("{:016x}", hasher.finish()));

    fs::create_dir_all(&root).expect("a folder below target");
    let lock = File::create(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let python = folder.join("bin").join("python");
    let marker = folder.join("complete");
    if !marker.exists() {
        install(&folder, &python, requirements)?;
        fs::write(&marker, requirements.join("\n")).expect("a marker");
    }
    Ok(python)
}

fn install(folder: &Path, python: &Path, requirements: &[&str]) -> Result<(), String> {
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))
        .map_err(|why| format!("python3 with venv: {why}"))?;
    output(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(requirements),
    )
    .map_err(|why| format!("{} from PyPI: {why}", requirements.join(", ")))?;
    Ok(())
}

/// `target/python`; a test lies in `target/PROFILE/deps`.
fn root() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    test.ancestors().nth(3).expect("a test lies in target/PROFILE/deps").join("python")
}

/// What a command prints, or why there is nothing.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
