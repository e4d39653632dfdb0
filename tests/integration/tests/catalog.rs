//! Partitions are registered in Glue after the commit; what fails there fails no commit, and a later run catches up.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::collections::BTreeMap;

use integration::TestLake;
use integration::emulator::Emulator;
use serde_json::{Value, json};

const DATABASE: &str = "our_lake";
const READING: &str = "energy_usage_reading";
const MODEL: &str = "energy_usage_usage_by_customer_day";

struct Bed {
    emulator: Emulator,
    bucket: String,
}

impl Bed {
    fn new() -> Option<Self> {
        let emulator = Emulator::start_own()?;
        let bucket = "tributary-catalog".to_owned();
        emulator.create_bucket(&bucket);
        let bed = Self { emulator, bucket };
        bed.glue("CreateDatabase", json!({"DatabaseInput": {"Name": DATABASE}}));
        for (zone, name) in
            [("standard/energy_usage/reading", READING), ("consumption/energy_usage/usage_by_customer_day", MODEL)]
        {
            let columns = [json!({"Name": "customer_id", "Type": "bigint"})];
            let storage =
                json!({"Location": bed.url(&format!("{zone}/")), "Columns": columns, "InputFormat": "parquet"});
            let keys = [json!({"Name": "month", "Type": "string"})];
            let table = json!({"Name": name, "StorageDescriptor": storage, "PartitionKeys": keys});
            bed.glue("CreateTable", json!({"DatabaseName": DATABASE, "TableInput": table}));
        }
        Some(bed)
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/lake/{key}", self.bucket)
    }

    fn lake(&self, database: Option<&str>) -> TestLake {
        let lake = TestLake::new("http://127.0.0.1:9/").at(self.url("").trim_end_matches('/'));
        let lake = self.emulator.environment().iter().fold(lake, |lake, (name, value)| lake.with(name, value));
        database.into_iter().fold(lake, |lake, database| lake.with("GLUE_DATABASE", database))
    }

    fn upload(&self, name: &str, month: &str) {
        let rows = format!("customer_id,usage_kwh,start_time\n7,2.5,{month}-12T01:00:00+01:00\n");
        let path = format!("/{}/lake/raw/energy_usage/{name}", self.bucket);
        assert_eq!(self.emulator.call("s3", "PUT", &path, rows.as_bytes()).status, 200);
    }

    fn glue(&self, operation: &str, input: Value) -> Value {
        self.emulator.json("glue", &format!("AWSGlue.{operation}"), &input)
    }

    /// What is registered of a table: values and places.
    fn registered(&self, table: &str) -> BTreeMap<String, String> {
        let answer = self.glue("GetPartitions", json!({"DatabaseName": DATABASE, "TableName": table}));
        let read = |partition: &Value| {
            let storage = &partition["StorageDescriptor"];
            assert_eq!((&storage["InputFormat"], storage["Columns"].as_array().unwrap().len()), (&json!("parquet"), 1));
            (partition["Values"][0].as_str().unwrap().to_owned(), storage["Location"].as_str().unwrap().to_owned())
        };
        answer["Partitions"].as_array().unwrap().iter().map(read).collect()
    }

    fn wanted(&self, folder: &str, months: &[&str]) -> BTreeMap<String, String> {
        let place = |month: &&str| ((*month).to_owned(), self.url(&format!("{folder}/month={month}/")));
        months.iter().map(place).collect()
    }
}

#[test]
fn partitions_are_registered_after_the_commit_and_a_later_run_catches_up() {
    let Some(bed) = Bed::new() else { return };
    let standard = "standard/energy_usage/reading";
    let consumption = "consumption/energy_usage/usage_by_customer_day";
    let run = |lake: &TestLake| {
        lake.call(&["clean"]).ok();
        lake.call(&["aggregate"]).ok()
    };
    // Off where no database is set.
    bed.upload("october.csv", "2026-10");
    run(&bed.lake(None));
    assert!(bed.registered(READING).is_empty() && bed.registered(MODEL).is_empty());

    // A catalog that does not answer: everything is committed, and the failure is said.
    bed.upload("november.csv", "2026-11");
    let lake = bed.lake(Some(DATABASE)).with("AWS_ENDPOINT_URL_GLUE", "http://127.0.0.1:9");
    let called = run(&lake);
    assert!(called.stderr.contains("failed to register partitions"), "{}", called.stderr);
    assert_eq!(lake.query("SELECT count(*) AS days FROM energy_usage.usage_by_customer_day")[0]["days"], 2);
    let failed = lake.call(&["catalog"]);
    assert!(failed.status == 1 && failed.stderr.contains("GLUE_DATABASE"), "{}", failed.stderr);

    // The next run, with nothing to make, registers what there is.
    let lake = bed.lake(Some(DATABASE));
    let made = lake.call(&["aggregate"]).ok().json();
    assert_eq!(made["aggregated"], json!([]), "{made}");
    let both = ["2026-10", "2026-11"];
    assert_eq!(bed.registered(READING), bed.wanted(standard, &both));
    assert_eq!(bed.registered(MODEL), bed.wanted(consumption, &both));
    let again = lake.call(&["catalog"]).ok().json();
    assert_eq!((&again["registered"]["added"], &again["registered"]["removed"]), (&json!(0), &json!(0)), "{again}");
    assert!(again["registered"]["unknown_tables"].as_u64() > Some(3), "only two tables are there: {again}");

    // What a hand removes, moves or adds is put right.
    let place = |month: &str| json!({"DatabaseName": DATABASE, "TableName": READING, "PartitionValues": [month]});
    bed.glue("DeletePartition", place("2026-10"));
    bed.glue("DeletePartition", place("2026-11"));
    for month in ["2026-11", "1999-01"] {
        let storage = json!({"Location": "s3://elsewhere/", "Columns": []});
        let partition = json!({"Values": [month], "StorageDescriptor": storage});
        bed.glue(
            "CreatePartition",
            json!({"DatabaseName": DATABASE, "TableName": READING, "PartitionInput": partition}),
        );
    }
    let mended = lake.call(&["catalog", "--dataset", "energy_usage"]).ok().json();
    assert_eq!((&mended["registered"]["added"], &mended["registered"]["removed"]), (&json!(2), &json!(2)), "{mended}");
    assert_eq!(bed.registered(READING), bed.wanted(standard, &both));

    // A partition that is gone is no longer registered.
    let path = format!("/{}/lake/raw/energy_usage/october.csv", bed.bucket);
    assert!(bed.emulator.call("s3", "DELETE", &path, b"").status < 300);
    run(&lake);
    assert_eq!(bed.registered(MODEL), bed.wanted(consumption, &["2026-11"]));
    assert_eq!(bed.registered(READING), bed.wanted(standard, &["2026-11"]));
}

#[test]
fn a_local_lake_has_nothing_to_register() {
    let lake = TestLake::new("http://127.0.0.1:9/").with("GLUE_DATABASE", DATABASE);
    lake.write("raw/energy_usage/a.csv", "customer_id,usage_kwh,start_time\n7,2.5,2026-11-12T01:00:00+01:00\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let called = lake.call(&["catalog"]);
    assert!(called.status == 2 && called.stderr.contains("must be on S3"), "{}", called.stderr);
}
