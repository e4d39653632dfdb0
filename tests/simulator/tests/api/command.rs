//! The command, as a script sees it.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_url_file_holds_one_url_and_its_neighbour_all() {
    let path = format!("{}/{}.url", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    let mut running = command.args(["--url-file", &path]).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let url = loop {
        match std::fs::read_to_string(&path) {
            Ok(url) => break Some(url),
            Err(_) if begun.elapsed() > Duration::from_secs(300) => break None,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let environment = std::fs::read_to_string(format!("{path}.env"));
    running.kill().unwrap();
    running.wait().unwrap();
    let (url, environment) = (url.unwrap(), environment.unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(format!("{path}.env")).unwrap();
    let server = url.strip_suffix("/sos/api/v1/\n").unwrap();
    let assigned: BTreeMap<&str, &str> = environment.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(assigned["IRCELINE_URL"], url.trim_end());
    assert_eq!(assigned["ILLUMINATE_URL"], format!("{server}/live/"));
    assert_eq!(assigned["ILLUMINATE_CLIENT_ID"], simulator::CLIENT_ID);
    assert_eq!(assigned["ILLUMINATE_CLIENT_SECRET"], simulator::CLIENT_SECRET);
    assert_eq!(assigned["CODETRACK_URL"], format!("{server}/codetrack"));
}
