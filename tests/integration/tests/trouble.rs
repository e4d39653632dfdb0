//! Damage, odd files, full disks and short limits: each is named, stops nothing else, and is mended by the next run or
//! by `tributary verify --repair`.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use integration::{Called, TestLake, Tree, say, skip, tributary};
use serde_json::json;

/// Rounds of the test of bit flips: a bit in each zone of objects, and one in the ledger, in turn.
const FLIPS: &str = "TRIBUTARY_BIT_FLIPS";
const ZONES: [&str; 4] = ["standard", "rejection", "consumption", "ledger"];

fn lake() -> TestLake {
    TestLake::new("http://127.0.0.1:9/")
}

/// A file of readings of some days of two months, one of them bad. Its time is fixed, as part of what is made of it.
fn upload(lake: &TestLake, name: &str, customer: u32, rows: u32) {
    let mut text = "customer_id,usage_kwh,start_time\n".to_owned();
    for row in 0..rows {
        let (month, day, hour) = (5 + row % 2, 1 + row / 2 % 28, row / 56 % 24);
        text += &format!("{customer},{row}.5,2023-{month:02}-{day:02}T{hour:02}:00:00-07:00\n");
    }
    text += "x,1,2023-05-12T01:00:00-07:00\n";
    let name = format!("raw/energy_usage/{name}");
    lake.write(&name, text);
    let file = fs::File::options().write(true).open(lake.path().join(&name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
}

fn finish(lake: &TestLake) {
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Numbers of a seed that the environment may give, and that is printed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("TRIBUTARY_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0)) | 1;
        say(&format!("seed: TRIBUTARY_SEED={seed}"));
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_cut_is_no_success() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 10);
    lake.call(&["clean"]).ok();
    for command in [&["status"][..], &["describe"], &["schema", "--dialect", "duckdb"], &["query", "SELECT 1"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = lake.command(command).stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains("No space left"), "{command:?}: {stderr}");
    }
}

#[test]
fn every_flipped_bit_is_found_and_mended() {
    let lake = lake();
    for number in 0..3 {
        upload(&lake, &format!("{number}.csv"), number, 100);
    }
    finish(&lake);
    let whole = lake.tree();
    let rounds: usize = std::env::var(FLIPS).map_or(20, |count| count.parse().unwrap());
    let mut random = Random::new();
    for round in 0..rounds {
        let mut flipped = Vec::new();
        // Of an entry that cannot be read the objects are not looked at, so the ledger has its own rounds.
        let zones = if round % 2 == 0 { &ZONES[..3] } else { &ZONES[3..] };
        for zone in zones {
            let files = files_below(&lake.path().join(zone));
            let path = &files[random.below(files.len())];
            let mut bytes = fs::read(path).unwrap();
            let (at, bit) = (random.below(bytes.len()), random.below(8));
            bytes[at] ^= 1 << bit;
            fs::write(path, bytes).unwrap();
            flipped.push((path.strip_prefix(lake.path().join(zone)).unwrap().display().to_string(), at, bit));
        }
        let found = lake.call(&["verify"]);
        assert_eq!(found.status, 1, "round {round}, {flipped:?}: {found:?}");
        for (name, at, bit) in &flipped {
            assert!(found.stderr.contains(name), "round {round}, bit {bit} of byte {at}: {name}: {found:?}");
        }
        let mended = lake.call(&["verify", "--repair"]);
        assert_eq!(mended.status, 0, "round {round}, {flipped:?}: {mended:?}");
        assert_eq!(whole.differences(&lake.tree()), Vec::<String>::new(), "round {round}, {flipped:?}");
    }
}

#[test]
fn what_raw_cannot_mend_is_named_and_stays() {
    let lake = lake();
    for number in 0..3 {
        upload(&lake, &format!("{number}.csv"), number, 100);
    }
    finish(&lake);
    let before = lake.tree();
    fs::remove_file(lake.path().join("raw/energy_usage/1.csv")).unwrap();
    for number in [0, 1] {
        let damaged = format!("standard/energy_usage/reading/month=2023-05/{number}.csv.parquet");
        fs::write(lake.path().join(damaged), "damaged").unwrap();
    }
    let mended = lake.call(&["verify", "--repair"]);
    assert_eq!(mended.status, 1, "{mended:?}");
    assert!(mended.stderr.contains("energy_usage/1.csv: the raw object is gone"), "{mended:?}");
    assert!(!mended.stderr.contains("0.csv"), "{mended:?}");
    let after = lake.tree();
    let gone = ["raw/energy_usage/1.csv", "standard/energy_usage/reading/month=2023-05/1.csv.parquet"];
    assert_eq!(before.differences(&after), gone, "{mended:?}");
}

#[test]
fn orphans_are_named_and_old_ones_of_known_tables_are_removed() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 10);
    finish(&lake);
    let whole = lake.tree();
    let old = ["standard/energy_usage/reading/month=2020-01/x.parquet", "consumption/energy_usage/usage/x.parquet"];
    let kept =
        ["standard/energy_usage/other/x.parquet", "standard/other/x.parquet", "rejection/energy_usage/reading/y"];
    for name in old.iter().chain(&kept) {
        lake.write(name, "x");
        if !name.ends_with('y') {
            let file = fs::File::options().write(true).open(lake.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
        }
    }
    let found = lake.call(&["verify"]);
    assert_eq!(found.status, 1);
    for name in old.iter().chain(&kept) {
        assert!(found.stderr.contains(name), "{name}: {found:?}");
    }
    let mended = lake.call(&["verify", "--repair"]);
    assert_eq!(mended.status, 1, "{mended:?}");
    let mut left = kept.to_vec();
    left.sort_unstable();
    assert_eq!(whole.differences(&lake.tree()), left);
    for name in old {
        assert!(!mended.stderr.contains(name), "{mended:?}");
    }
}

/// Makes everything below a folder as old as sweeps want it.
fn age(folder: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(2 * 3600);
    for path in files_below(folder) {
        fs::File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
}

#[test]
fn all_partitions_again_do_not_leave_out_damaged_ones() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 100);
    finish(&lake);
    let damaged = lake.path().join("standard/energy_usage/reading/month=2023-05/a.csv.parquet");
    fs::File::options().write(true).open(&damaged).unwrap().set_len(100).unwrap();
    let all = lake.call(&["aggregate", "--all"]);
    let answer = all.json();
    assert_eq!((all.status, &answer["ok"]), (1, &json!(false)), "{answer}");
    assert!(answer["errors"][0].to_string().contains("month=2023-05"), "{answer}");
    let made = answer["aggregated"].as_array().unwrap();
    assert!(made.iter().all(|made| made["partition"] == "month=2023-06") && made.len() == 2, "{answer}");
}

#[test]
fn a_zone_that_is_gone_is_an_error_until_all_of_it_is_asked_for() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 100);
    finish(&lake);
    let before = lake.tree();
    fs::rename(lake.path().join("standard"), lake.path().join("elsewhere")).unwrap();
    for command in ["aggregate", "clean", "status"] {
        let called = lake.call(&[command]);
        assert!(called.status == 1 && called.stdout.contains("STANDARD_URL"), "{command}: {called:?}");
    }
    fs::remove_dir_all(lake.path().join("elsewhere")).unwrap();
    lake.call(&["clean", "--all"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.tree().differences(&before), Vec::<String>::new());

    let again: [&[&str]; 2] = [&["aggregate", "--all"], &["verify", "--repair"]];
    for again in again {
        fs::remove_dir_all(lake.path().join("consumption")).unwrap();
        let commands: [&[&str]; 4] = [&["aggregate"], &["aggregate", "--plan"], &["status"], &["report"]];
        for command in commands {
            let called = lake.call(command);
            let says = called.status == 1 && called.stdout.contains("CONSUMPTION_URL");
            assert!(says && !lake.path().join("consumption").exists(), "{command:?}: {called:?}");
        }
        lake.call(again).ok();
        assert_eq!(lake.tree().differences(&before), Vec::<String>::new());
    }
}

#[test]
fn a_ledger_and_a_raw_zone_that_are_lost_together_empty_nothing() {
    let lake = lake();
    for number in 0..12 {
        upload(&lake, &format!("{number}.csv"), number, 2);
    }
    finish(&lake);
    lake.call(&["aggregate"]).ok();
    age(&lake.path().join("standard"));
    age(&lake.path().join("consumption"));
    let before = (files_below(&lake.path().join("standard")), files_below(&lake.path().join("consumption")));
    let move_away = |name: &str| fs::rename(lake.path().join(name), lake.path().join(format!("{name}-lost"))).unwrap();
    move_away("ledger");
    for arguments in [vec!["status"], vec!["aggregate"], vec!["query", "SELECT count(*) FROM energy_usage.reading"]] {
        let called = lake.call(&arguments);
        assert_eq!(called.status, 1, "{arguments:?}: {called:?}");
        assert!(called.stderr.contains("LEDGER_URL"), "{arguments:?}: {called:?}");
    }
    move_away("raw");
    for arguments in [vec!["verify", "--repair"], vec!["clean", "--all"], vec!["aggregate", "--all"]] {
        assert_eq!(lake.call(&arguments).status, 1, "{arguments:?}");
        let now = (files_below(&lake.path().join("standard")), files_below(&lake.path().join("consumption")));
        assert_eq!(now, before, "{arguments:?}");
    }
}

#[test]
fn damaged_entries_of_raw_objects_that_are_gone_at_once_are_kept_with_what_was_made() {
    let lake = lake();
    for number in 0..12 {
        upload(&lake, &format!("{number}.csv"), number, 2);
    }
    finish(&lake);
    lake.call(&["aggregate"]).ok();
    let made = || (files_below(&lake.path().join("standard")), files_below(&lake.path().join("consumption")));
    let before = made();
    let raw = lake.path().join("raw/energy_usage");
    fs::rename(&raw, lake.path().join("raw-lost")).unwrap();
    fs::create_dir(&raw).unwrap();
    for number in 0..12 {
        lake.write(&format!("ledger/raw/energy_usage/{number}.csv.json"), "x");
    }
    for arguments in [vec!["verify", "--repair"], vec!["clean"], vec!["clean", "--all"], vec!["aggregate"]] {
        let called = lake.call(&arguments);
        assert_eq!(called.status, 1, "{arguments:?}: {called:?}");
        assert_eq!(made(), before, "{arguments:?}");
    }
    let repair = lake.call(&["verify", "--repair"]);
    assert!(repair.stderr.contains("12 of 12 raw objects of dataset energy_usage are gone at once"), "{repair:?}");

    fs::remove_dir(&raw).unwrap();
    fs::rename(lake.path().join("raw-lost"), &raw).unwrap();
    lake.call(&["verify", "--repair"]).ok();
    assert_eq!(made(), before);
}

#[test]
fn an_entry_under_another_key_is_named_and_removed() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 10);
    finish(&lake);
    let whole = lake.tree();
    let entry = whole.bytes("ledger/raw/energy_usage/a.csv.json").unwrap();
    lake.write("ledger/raw/energy_usage/b.csv.json", entry);
    let found = lake.call(&["verify"]);
    assert_eq!(found.status, 1);
    assert!(
        found.stderr.contains("raw/energy_usage/b.csv.json") && found.stderr.contains("another object"),
        "{found:?}"
    );
    lake.call(&["verify", "--repair"]).ok();
    assert_eq!(whole.differences(&lake.tree()), Vec::<String>::new());
}

#[test]
fn a_lake_that_does_not_exist_is_an_error() {
    let lake = lake();
    let nowhere = format!("file:{}/nowhere", lake.path().display());
    lake.write("a.csv", "a file is no lake");
    let file = format!("file:{}/a.csv", lake.path().display());
    let commands: [&[&str]; 6] =
        [&["verify"], &["verify", "--repair"], &["status"], &["query", "SELECT 1"], &["aggregate"], &["replay"]];
    for (url, arguments) in [&nowhere, &file].into_iter().flat_map(|url| commands.map(|command| (url, command))) {
        let called = lake.call(&[&["--lake", url], arguments].concat());
        assert_eq!(called.status, 1, "{called:?}");
        assert!(called.stderr.contains(&format!("there is no lake at {url}")), "{called:?}");
        assert_eq!(called.json()["ok"], false);
    }
    std::fs::remove_file(lake.path().join("a.csv")).unwrap();
    let called = lake.call(&["--lake", &nowhere, "clean"]);
    assert_eq!(called.status, 1, "{called:?}");
    assert!(called.stderr.contains(&format!("there is nothing at {nowhere}/raw")), "{called:?}");
    assert!(lake.tree().names().is_empty(), "nothing is made");
}

#[test]
fn what_no_table_takes_is_shown_without_obeying_it() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 10);
    finish(&lake);
    let ignored = ["energy_usage/.DS_Store", "energy_usage/_SUCCESS", "energy_usage/a\u{1b}[2J.pdf", "unknown/x.csv"];
    for key in ignored {
        lake.write(&format!("raw/{key}"), "x");
    }
    let wanted = json!({"count": 4, "keys": ignored});
    assert_eq!(lake.call(&["status"]).ok().json()["ignored"], wanted);
    assert_eq!(lake.call(&["verify"]).ok().json()["report"]["ignored"], wanted);
    fs::remove_file(lake.path().join("raw/energy_usage/.DS_Store")).unwrap();
    fs::remove_file(lake.path().join("raw/energy_usage/_SUCCESS")).unwrap();
    for arguments in [["status"], ["verify"]] {
        let text: Called = lake.command(&arguments).output().unwrap().into();
        assert!(
            text.stdout.contains("2 raw objects that no table takes, or hidden: energy_usage/a\\u{1b}[2J.pdf"),
            "{text:?}"
        );
        assert!(!text.stdout.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn odd_things_in_the_raw_zone_stop_nothing_else() {
    let lake = lake();
    upload(&lake, "good.csv", 1, 10);
    upload(&lake, "kept/a.csv", 2, 10);
    finish(&lake);
    upload(&lake, "new.csv", 3, 10);
    let raw = lake.path().join("raw/energy_usage");
    let made = Command::new("mkfifo").arg(raw.join("pipe.csv")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(raw.join("socket.csv")).unwrap();
    symlink("/dev/zero", raw.join("device.csv")).unwrap();
    symlink("loop.csv", raw.join("loop.csv")).unwrap();
    symlink("nothing", raw.join("nothing.csv")).unwrap();
    symlink("..", raw.join("parent")).unwrap();
    fs::write(raw.join(std::ffi::OsStr::from_bytes(b"\xff.csv")), "x").unwrap();
    upload(&lake, "late.csv", 4, 10);
    let late = fs::File::options().write(true).open(raw.join("late.csv")).unwrap();
    let mut odd = vec!["pipe.csv", "socket.csv", "device.csv", "loop.csv", "nothing.csv", "parent/", "\u{fffd}.csv"];
    // Few file systems keep such a time.
    let year_300_000 = SystemTime::UNIX_EPOCH + Duration::from_secs(298_000 * 31_556_952);
    let far = year_300_000 - Duration::from_secs(31_556_952);
    if late.set_modified(year_300_000).is_ok() && late.metadata().unwrap().modified().unwrap() > far {
        odd.push("late.csv");
    } else {
        fs::remove_file(raw.join("late.csv")).unwrap();
    }

    let cleaned = lake.call(&["clean"]);
    assert_eq!(cleaned.status, 1, "{cleaned:?}");
    let summary = cleaned.json();
    let keys: Vec<&str> =
        summary["cleaned"].as_array().unwrap().iter().map(|done| done["raw_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["energy_usage/new.csv"], "{cleaned:?}");
    assert_eq!(summary["retracted"], json!([]));
    assert_eq!(summary["errors"].as_array().unwrap().len(), odd.len(), "{cleaned:?}");
    let verified = lake.call(&["verify"]);
    assert_eq!(verified.status, 1, "{verified:?}");
    let status = lake.call(&["status"]).ok();
    for name in &odd {
        assert!(status.stdout.contains(&format!("energy_usage/{name}")), "{name}: {status:?}");
        assert!(cleaned.stderr.contains(&format!("energy_usage/{name}")), "{name}: {cleaned:?}");
        assert!(verified.stderr.contains(&format!("energy_usage/{name}")), "{name}: {verified:?}");
    }
    lake.call(&["aggregate"]).ok();
    lake.call(&["status"]).ok();
    assert_eq!(lake.query("SELECT count(*) AS n FROM energy_usage.reading")[0]["n"], 30);
}

/// A user that file modes hold back, for tests that run as root; `None` where there is no way to be one.
fn as_nobody(lake: &TestLake, arguments: &[&str]) -> Option<Called> {
    fs::set_permissions(lake.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let plain = lake.command(arguments);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(tributary()).args(plain.get_args());
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let probe = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(tributary())
        .arg("--version")
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        skip("other-user", "no other user can run the program here (setpriv as root)");
        return None;
    }
    Some(command.output().unwrap().into())
}

#[test]
fn an_unreadable_folder_hides_its_objects_and_deletes_nothing() {
    let lake = lake();
    upload(&lake, "a.csv", 1, 10);
    upload(&lake, "locked/b.csv", 2, 10);
    finish(&lake);
    let whole = lake.tree();
    let locked = lake.path().join("raw/energy_usage/locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let cleaned = as_nobody(&lake, &["clean"]);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    let Some(cleaned) = cleaned else { return };
    assert_eq!(cleaned.status, 1, "{cleaned:?}");
    assert!(cleaned.stderr.contains("energy_usage/locked/"), "{cleaned:?}");
    assert_eq!(whole.differences(&lake.tree()), Vec::<String>::new());
}

#[test]
fn a_read_only_lake_is_named_and_the_next_run_completes() {
    let (lake, quiet) = (lake(), lake());
    for lake in [&lake, &quiet] {
        upload(lake, "a.csv", 1, 10);
    }
    finish(&quiet);
    let before = lake.tree();
    let Some(cleaned) = as_nobody(&lake, &["clean"]) else { return };
    assert_eq!(cleaned.status, 1, "{cleaned:?}");
    assert!(cleaned.stderr.contains("failed to write") && cleaned.stderr.contains("denied"), "{cleaned:?}");
    assert_eq!(before.differences(&lake.tree()), Vec::<String>::new());
    finish(&lake);
    assert_eq!(quiet.tree().differences(&lake.tree()), Vec::<String>::new());
}

#[test]
fn files_have_the_mode_of_the_umask() {
    for (umask, mode) in [("077", 0o600), ("022", 0o644), ("002", 0o664)] {
        let lake = lake();
        upload(&lake, "a.csv", 1, 10);
        for step in ["clean", "aggregate"] {
            shell(&lake, &format!("umask {umask}; exec \"$0\" {step}")).ok();
        }
        let mut files = 0;
        for file in ZONES.iter().flat_map(|zone| files_below(&lake.path().join(zone))) {
            let found = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{}: {found:o}", file.display());
            files += 1;
        }
        assert!(files > 5, "{files} files");
    }
}

/// Runs a line of a shell in which `$0` is the program.
fn shell(lake: &TestLake, line: &str) -> Called {
    let plain = lake.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", line]).arg(tributary()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    command.output().unwrap().into()
}

#[test]
fn the_longest_names_work_and_leave_nothing() {
    let lake = lake();
    for name in
        [format!("{}.csv", "a".repeat(247)), format!("{}.csv", "b".repeat(251)), format!("{}.csv", "é".repeat(120))]
    {
        upload(&lake, &name, 1, 10);
    }
    finish(&lake);
    assert_eq!(lake.call(&["status"]).ok().json()["ignored"]["count"], 0);
    let again = lake.call(&["clean"]).ok().json();
    assert_eq!((&again["cleaned"], &again["up_to_date"]), (&json!([]), &json!(3)));
}

#[test]
fn few_file_descriptors_are_enough_or_named() {
    let (lake, quiet) = (lake(), lake());
    for number in 0..150 {
        for lake in [&lake, &quiet] {
            upload(lake, &format!("{number}.csv"), number, 4);
        }
    }
    finish(&quiet);
    for step in ["clean", "aggregate"] {
        let called = shell(&lake, &format!("ulimit -n 64; exec \"$0\" {step}"));
        let is_named = called.status == 1 && called.stderr.contains("open files");
        assert!(called.status == 0 || is_named, "{called:?}");
    }
    finish(&lake);
    assert_eq!(quiet.tree().differences(&lake.tree()), Vec::<String>::new());
}

#[test]
fn a_size_limit_is_named_and_the_next_run_completes() {
    let (lake, quiet) = (lake(), lake());
    for lake in [&lake, &quiet] {
        upload(lake, "a.csv", 1, 3_000);
    }
    finish(&quiet);
    let called = shell(&lake, "ulimit -f 4; exec \"$0\" clean");
    assert_eq!(called.status, 1, "{called:?}");
    assert!(called.stderr.contains("File too large"), "{called:?}");
    finish(&lake);
    assert_eq!(quiet.tree().differences(&lake.tree()), Vec::<String>::new());
}

#[test]
fn too_little_room_for_threads_is_named_and_the_next_run_completes() {
    let (lake, quiet) = (lake(), lake());
    for lake in [&lake, &quiet] {
        upload(lake, "a.csv", 1, 3_000);
    }
    finish(&quiet);
    // Threads reserve 128 MiB each: the first limit has no room for two.
    for (kilobytes, may_do) in [(300_000, false), (400_000, true), (600_000, true)] {
        let called = shell(&lake, &format!("ulimit -v {kilobytes}; exec \"$0\" clean --all"));
        let is_named = called.status == 1 && called.stderr.contains("a thread cannot be started");
        assert!(is_named || may_do && called.status == 0, "{kilobytes}: {called:?}");
        assert!(!called.stderr.contains("bug"), "{called:?}");
    }
    finish(&lake);
    assert_eq!(quiet.tree().differences(&lake.tree()), Vec::<String>::new());
}

/// A full file system of its own.
struct Full(PathBuf);

impl Full {
    /// Mounts it; `None` where that is not allowed.
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k,mode=1777", "tmpfs"]).arg(&folder).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skip("full-disk", "no file system can be mounted here");
            return None;
        }
        let full = Self(folder);
        let filled = fs::write(full.filler(), vec![0; 1024 * 1024]);
        assert!(filled.is_err(), "a small file system takes no megabyte");
        Some(full)
    }

    fn filler(&self) -> PathBuf {
        self.0.join(".filler")
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn full_disks_are_named_and_the_next_run_completes() {
    let quiet = lake();
    upload(&quiet, "a.csv", 1, 100);
    finish(&quiet);
    let wanted = quiet.tree();
    for place in ["standard", "rejection", "consumption", "ledger", "tmp"] {
        let lake = TestLake::new("http://127.0.0.1:9/");
        let temporary = lake.path().join("tmp");
        let lake = lake.with("TMPDIR", &temporary.display().to_string());
        fs::create_dir_all(&temporary).unwrap();
        upload(&lake, "a.csv", 1, 100);
        let Some(full) = Full::mount(lake.path().join(place)) else { return };
        let called = match place {
            // A small object is cleaned in memory, without a temporary file.
            "consumption" | "tmp" => {
                lake.call(&["clean"]).ok();
                lake.call(&["aggregate"])
            }
            _ => lake.call(&["clean"]),
        };
        assert_eq!(called.status, 1, "{place}: {called:?}");
        assert!(called.stderr.contains("No space left on device"), "{place}: {called:?}");
        fs::remove_file(full.filler()).unwrap();
        finish(&lake);
        let made = |tree: &Tree| tree.below(&ZONES);
        assert_eq!(made(&wanted).differences(&made(&lake.tree())), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn settings_that_are_missing_or_wrong_exit_with_2_and_are_named() {
    let lake = lake().with("TMPDIR", "/no/such/folder");
    upload(&lake, "a.csv", 1, 10);
    let called = lake.call(&["clean"]);
    assert_eq!(called.status, 2, "{called:?}");
    assert!(called.stderr.contains("TMPDIR") && called.stderr.contains("/no/such/folder"), "{called:?}");

    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let region = ("AWS_REGION", "eu-west-1");
    for (variables, part) in [
        (keys.to_vec(), "AWS_REGION"),
        (vec![region], "AWS_ACCESS_KEY_ID"),
        (vec![keys[0], keys[1], region, ("AWS_ENDPOINT_URL", "localhost:4566")], "AWS_ENDPOINT_URL"),
        (vec![keys[0], keys[1], region, ("AWS_ENDPOINT_URL", "http://u:sesame@bad host")], "AWS_ENDPOINT_URL"),
    ] {
        let lake =
            TestLake::new("http://127.0.0.1:9/").at("s3://no-such-lake/x").with("AWS_EC2_METADATA_DISABLED", "true");
        let lake = variables.iter().fold(lake, |lake, (name, value)| lake.with(name, value));
        let called = lake.call(&["status"]);
        assert_eq!(called.status, 2, "{called:?}");
        assert!(called.stderr.contains(part), "{part}: {called:?}");
        assert!(!called.stderr.contains("sesame") && !called.stdout.contains("sesame"), "{called:?}");
    }
}
