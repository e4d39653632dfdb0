//! Many processes at once on one lake, some of them killed, while its raw objects change: in the end every zone is as one
//! quiet run makes it.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::process::Child;

use integration::fault::{KINDS, Seed};
use integration::{TestLake, copy_with_times};

/// What the processes do.
const COMMANDS: [&[&str]; 5] =
    [&["clean"], &["aggregate"], &["clean", "--all"], &["aggregate", "--all"], &["verify", "--repair"]];
const FILES: usize = 6;

/// Writes a raw object anew, or deletes it; the first one stays, as a dataset that is gone as a whole is not removed.
fn change(lake: &TestLake, seed: &mut Seed) {
    let name = format!("raw/energy_usage/{}.csv", seed.below(FILES));
    if seed.below(5) == 0 && !name.ends_with("/0.csv") {
        let _ = fs::remove_file(lake.path().join(name));
        return;
    }
    let mut text = "customer_id,usage_kwh,start_time\n".to_owned();
    for _ in 0..seed.below(40) {
        let (customer, month, day) = (seed.below(4), 5 + seed.below(3), 1 + seed.below(28));
        // Some are below the minimum.
        let usage = seed.below(20) as i64 - 2;
        text += &format!("{customer},{usage},2023-{month:02}-{day:02}T10:00:00Z\n");
    }
    lake.write(&name, text);
}

fn crowd(processes: usize, rounds: usize) {
    let mut seed = Seed::of(&format!("crowd of {processes}"));
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("raw/energy_usage/0.csv", "customer_id,usage_kwh,start_time\n1,2,2023-05-01T10:00:00Z\n");
    for _ in 0..rounds {
        let mut running: Vec<Child> = Vec::new();
        for _ in 0..processes {
            change(&lake, &mut seed);
            let command = COMMANDS[seed.below(COMMANDS.len())];
            let step = format!("{} {}", KINDS[seed.below(KINDS.len())], 1 + seed.below(12));
            // A third of them die at that step, if they come to it.
            running.push(lake.start_until(command, if seed.below(3) == 0 { &step } else { "" }));
        }
        change(&lake, &mut seed);
        for mut child in running {
            // 0, 1 (another one was always first) or killed: no panic.
            assert_ne!(child.wait().unwrap().code(), Some(101));
        }
    }
    lake.call(&["clean", "--max-rejected", "1"]).ok();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();

    let quiet = TestLake::new("http://127.0.0.1:9/");
    copy_with_times(&lake.path().join("raw"), &quiet.path().join("raw"));
    quiet.call(&["clean", "--max-rejected", "1"]).ok();
    quiet.call(&["aggregate"]).ok();
    let zones = ["standard/", "rejection/", "consumption/"];
    assert_eq!(lake.tree().below(&zones).differences(&quiet.tree().below(&zones)), Vec::<String>::new());
}

#[test]
fn two_processes_at_once_end_as_one() {
    crowd(2, 3);
}

#[test]
fn four_processes_at_once_end_as_one() {
    crowd(4, 2);
}

#[test]
fn eight_processes_at_once_end_as_one() {
    crowd(8, 1);
}
