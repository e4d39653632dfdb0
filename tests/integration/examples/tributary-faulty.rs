//! `tributary`, killed as by `kill -9` after a counted step of its work on a local lake. An example and no binary, so that it
//! is built for tests only.
//!
//! * `FAULT_LOG`: a file that gets a line for each step that was taken;
//! * `FAULT_STEP`: the step after which the process ends, like `Renamed 3` for the third of this kind; unset: never.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;

use lake::store::steps::observe;
use rustix::process::{Signal, getpid, kill_process};

struct Log {
    file: File,
    /// Steps of the kind that is counted.
    counted: u64,
}

fn main() -> ExitCode {
    let last = std::env::var("FAULT_STEP").unwrap_or_default();
    let file = std::env::var("FAULT_LOG").map_err(|error| error.to_string());
    let file = match file.and_then(|path| File::create(path).map_err(|error| error.to_string())) {
        Ok(file) => file,
        Err(why) => {
            eprintln!("FAULT_LOG must name a file: {why}");
            return ExitCode::FAILURE;
        }
    };
    let log = Mutex::new(Log { file, counted: 0 });
    observe(move |step, path| {
        // Held until the process has ended: no other thread takes a step after the last one.
        let Ok(mut log) = log.lock() else { return };
        let kind = format!("{step:?}");
        let _ = writeln!(log.file, "{kind} {}", path.display());
        log.counted += u64::from(last.split(' ').next() == Some(&kind));
        if format!("{kind} {}", log.counted) == last {
            let _ = kill_process(getpid(), Signal::KILL);
        }
    });
    job::main()
}
