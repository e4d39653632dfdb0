//! Changed partitions are copied into Snowflake, each in one transaction: against a small SQL API over fakesnow, which
//! checks tokens as Snowflake does. Nothing here has seen a real account.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use integration::{Called, TestLake, python, skip};
use serde_json::{Value, json};
use tempfile::TempDir;

const PACKAGES: [&str; 3] = ["fakesnow==0.12.1", "snowflake-connector-python==4.8.1", "duckdb==2.0.1"];
const MODEL: &str = "energy_usage.usage_by_customer_day";

/// The server, the key pair, and what the server was asked.
struct Snowflake {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    port: u16,
}

impl Drop for Snowflake {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Snowflake {
    fn start() -> Option<Self> {
        let python = python::environment("copying into Snowflake", &PACKAGES)?;
        let folder = tempfile::tempdir().unwrap();
        for name in ["key", "other"] {
            if !make_key(folder.path(), name) {
                skip("snowflake", "copying into Snowflake needs openssl, to make a key pair");
                return None;
            }
        }
        let log = std::fs::File::create(folder.path().join("requests")).unwrap();
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql_api.py"))
            .arg(folder.path().join("key.pub"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let log = || std::fs::read_to_string(folder.path().join("requests")).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the server does not start: {}", log()));
        Some(Self { process, input, output, folder, port })
    }

    /// What a query in Snowflake answers, as texts.
    fn ask(&mut self, sql: &str) -> Value {
        writeln!(self.input, "{}", json!(sql)).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{sql}: {line}"))
    }

    /// What the model has in Snowflake, by partition: customers, kWh.
    fn rows(&mut self) -> Value {
        self.ask(
            "SELECT lake_partition, month, customer_id, daily_usage_kwh, day, first_start_time_utc \
             FROM energy_usage.usage_by_customer_day ORDER BY 1, 3",
        )
    }

    /// Statements of requests so far.
    fn requests(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join("requests")).unwrap();
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line.is_object())
            .collect()
    }

    fn set(&self, fault: &str) {
        std::fs::write(self.folder.path().join(fault), "").unwrap();
    }

    fn copy(&self, lake: &TestLake, key: &str, arguments: &[&str]) -> Called {
        let mut command = lake.command(&["--output", "json", "snowflake-copy", MODEL]);
        command
            .args(arguments)
            .env("SNOWFLAKE_URL", format!("http://127.0.0.1:{}", self.port))
            .env("SNOWFLAKE_ACCOUNT", "test.eu-west-1")
            .env("SNOWFLAKE_USER", "loader")
            .env("SNOWFLAKE_DATABASE", "LAKE")
            .env("SNOWFLAKE_WAREHOUSE", "SMALL")
            .env("SNOWFLAKE_ROLE", "LOADER")
            .env("SNOWFLAKE_PRIVATE_KEY_FILE", self.folder.path().join(key));
        command.output().unwrap().into()
    }
}

fn make_key(folder: &Path, name: &str) -> bool {
    let (private, public) = (folder.join(name), folder.join(format!("{name}.pub")));
    let openssl = |arguments: &[&str], from: Option<&Path>, to: &Path| {
        let mut command = Command::new("openssl");
        command.args(arguments).arg("-out").arg(to);
        if let Some(from) = from {
            command.arg("-in").arg(from);
        }
        command.output().is_ok_and(|output| output.status.success())
    };
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], None, &private)
        && openssl(&["pkey", "-pubout"], Some(&private), &public)
}

fn usage(lake: &TestLake, name: &str, rows: &[(&str, f64)]) {
    let rows = rows.iter().map(|(time, kwh)| format!("7,{kwh},{time}T01:00:00+01:00\n")).collect::<String>();
    lake.write(&format!("raw/energy_usage/{name}"), format!("customer_id,usage_kwh,start_time\n{rows}"));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
}

fn done(called: Called) -> (Value, Value) {
    let answer = called.ok().json();
    (answer["copied"][0]["copied"].clone(), answer["copied"][0]["deleted"].clone())
}

#[test]
fn changed_partitions_are_copied_whole_or_not_at_all() {
    let Some(mut snowflake) = Snowflake::start() else { return };
    let lake = TestLake::new("http://127.0.0.1:9/");
    usage(&lake, "a.csv", &[("2026-10-12", 1.5), ("2026-11-12", 2.5)]);
    let zone = lake.path().join("consumption");
    snowflake.ask("CREATE SCHEMA TRIBUTARY");
    snowflake.ask(&format!("CREATE STAGE TRIBUTARY.CONSUMPTION URL = 'file://{}/'", zone.display()));

    let plan = snowflake.copy(&lake, "key", &["--plan"]);
    assert_eq!(done(plan).0, json!(["month=2026-10", "month=2026-11"]));
    assert!(snowflake.requests().is_empty(), "a plan sends nothing");

    // A busy server and one that answers later are waited for; a request that is sent again has the same id.
    snowflake.set("busy");
    snowflake.set("slow");
    assert_eq!(done(snowflake.copy(&lake, "key", &[])).0, json!(["month=2026-10", "month=2026-11"]));
    let requests = snowflake.requests();
    assert_eq!(requests[0]["id"], requests[1]["id"]);
    assert_eq!(
        (&requests[0]["database"], &requests[0]["warehouse"], &requests[0]["role"]),
        (&json!("LAKE"), &json!("SMALL"), &json!("LOADER"))
    );
    let row = |month: &str, kwh: &str| {
        json!([format!("month={month}"), month, "7", kwh, format!("{month}-12"), format!("{month}-12 00:00:00+00:00")])
    };
    assert_eq!(snowflake.rows(), json!([row("2026-10", "1.5"), row("2026-11", "2.5")]));

    // A second copy asks Snowflake for nothing.
    let before = snowflake.requests().len();
    assert_eq!(done(snowflake.copy(&lake, "key", &[])), (json!([]), json!([])));
    assert_eq!(snowflake.requests().len(), before);

    // A correction copies its partition and no other. A fault in the middle leaves what was there, and the next copy
    // does it.
    usage(&lake, "b.csv", &[("2026-11-12", 3.5)]);
    snowflake.set("fail");
    let failed = snowflake.copy(&lake, "key", &[]);
    assert!(failed.status == 1 && failed.stderr.contains("a fault after the copy"), "{}", failed.stderr);
    assert!(failed.stderr.contains("usage_by_customer_day month=2026-11"), "{}", failed.stderr);
    assert_eq!(snowflake.rows(), json!([row("2026-10", "1.5"), row("2026-11", "2.5")]));
    assert_eq!(done(snowflake.copy(&lake, "key", &[])).0, json!(["month=2026-11"]));
    assert_eq!(snowflake.rows(), json!([row("2026-10", "1.5"), row("2026-11", "3.5")]));

    // What is copied again replaces what is there.
    assert_eq!(done(snowflake.copy(&lake, "key", &["--all"])).0, json!(["month=2026-10", "month=2026-11"]));
    assert_eq!(snowflake.rows(), json!([row("2026-10", "1.5"), row("2026-11", "3.5")]));

    // A partition that is gone goes in Snowflake, too.
    usage(&lake, "a.csv", &[("2026-11-13", 1.0)]);
    assert_eq!(done(snowflake.copy(&lake, "key", &[])), (json!(["month=2026-11"]), json!(["month=2026-10"])));
    assert_eq!(snowflake.rows().as_array().unwrap().len(), 2);

    // Another key is refused.
    usage(&lake, "b.csv", &[("2026-11-12", 4.5)]);
    let refused = snowflake.copy(&lake, "other", &[]);
    assert!(refused.status == 1 && refused.stderr.contains("RSA_PUBLIC_KEY"), "{}", refused.stderr);

    // All gone at once is most likely a wrong lake.
    std::fs::remove_dir_all(lake.path().join("ledger/consumption/energy_usage")).unwrap();
    let gone = snowflake.copy(&lake, "key", &[]);
    assert!(gone.status == 1 && gone.stderr.contains("--prune"), "{}", gone.stderr);
    assert_eq!(snowflake.rows().as_array().unwrap().len(), 2);
    assert_eq!(done(snowflake.copy(&lake, "key", &["--prune"])).1, json!(["month=2026-11"]));
    assert_eq!(snowflake.rows(), json!([]));
    let problems = lake.call(&["verify"]).json();
    assert!(!problems.to_string().contains("copied/"), "what was copied is no orphan: {problems}");
}

#[test]
fn settings_that_are_missing_or_wrong_are_named() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("raw/keep", "");
    let call = |settings: &[(&str, &str)]| -> Called {
        let mut command = lake.command(&["snowflake-copy"]);
        command.envs(settings.iter().copied()).output().unwrap().into()
    };
    let account = [
        ("SNOWFLAKE_ACCOUNT", "a"),
        ("SNOWFLAKE_USER", "u"),
        ("SNOWFLAKE_DATABASE", "d"),
        ("SNOWFLAKE_WAREHOUSE", "w"),
    ];
    for (settings, name) in [
        (&account[..0], "SNOWFLAKE_ACCOUNT"),
        (&account[..3], "SNOWFLAKE_WAREHOUSE"),
        (&account[..], "SNOWFLAKE_PRIVATE_KEY_FILE"),
    ] {
        let called = call(settings);
        assert!(called.status == 2 && called.stderr.contains(name), "{name}: {}", called.stderr);
    }
    let file = lake.path().join("key");
    std::fs::write(&file, "sesame").unwrap();
    let wrong = [account.as_slice(), &[("SNOWFLAKE_PRIVATE_KEY_FILE", file.to_str().unwrap())]].concat();
    let called = call(&wrong);
    assert!(called.status == 2 && called.stderr.contains("no private key"), "{}", called.stderr);
    assert!(!called.stderr.contains("sesame"), "{}", called.stderr);
}
