#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Which columns are in no key, so that a corrected file's rows take the place of those they correct.

mod drafting;

use self::drafting::{csv, drafted, key, said};

fn hour(n: u32) -> String {
    format!("2026-01-{:02}T{:02}:00:00Z", n / 24 + 1, n % 24)
}

/// Numbers in no order.
fn some(n: u32) -> u32 {
    500 + n * 977 % 2011
}

#[test]
fn a_number_without_a_word_is_no_id_where_each_time_comes_once() {
    for (head, wanted) in [
        ("time,NO,temperature\n", "# key = [\"time\"]"),
        ("date,number,remark\n", "# key = [\"date\"]"),
        ("time,Nr,pressure\n", "# key = [\"time\"]"),
        ("time,num,v\n", "# key = [\"time\"]"),
        ("time,Nummer,v\n", "# key = [\"time\"]"),
        ("time,ids,v\n", "# key = [\"time\"]"),
        ("time,last_id,v\n", "# key = [\"time\"]"),
    ] {
        let rest = |n: u32| if head.contains("remark") { "ok".to_owned() } else { format!("{n}.5") };
        // Another in each row, and few different ones.
        for of in [some, |n| 70 + n * 7 % 5] {
            let text = csv(head, 60, |n| format!("{},{},{}", hour(n), of(n), rest(n)));
            assert_eq!(key(&drafted("a.csv", text, 60, 0, &[])), wanted, "{head}");
        }
    }
    let week = |n: u32| format!("{}-W{:02}", 2025 + n / 52, n % 52 + 1);
    let draft = drafted("a.csv", csv("week,number\n", 60, |n| format!("{},{}", week(n), some(n))), 60, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"week\"]", "{}", draft.dataset_toml);
}

#[test]
fn how_many_ids_there_are_is_in_no_key() {
    let names = ["n_ids", "num_ids", "nr_ids", "count_ids", "unique_ids", "distinct_user_ids", "max_id", "avg_id"];
    let may_be = ["ids", "user_ids", "last_id", "first_order_id"];
    for name in names.into_iter().chain(may_be) {
        // Another in each row, few different ones, and one.
        for of in [some, |n| n * 7 % 5, |_| 0] {
            let row = |n: u32| format!("S{},{},{}", n % 3, hour(n / 3), of(n));
            let draft = drafted("a.csv", csv(&format!("site_id,time,{name}\n"), 120, row), 120, 0, &[]);
            assert_eq!(key(&draft), "key = [\"site_id\", \"time\"]", "{name}: {}", draft.dataset_toml);
        }
    }
    // An id of several things may be one of them, which a note says.
    let row = |n: u32| format!("S{},{},{}", n % 3, hour(n / 3), some(n));
    let draft = drafted("a.csv", csv("site_id,time,visits_id\n", 120, row), 120, 0, &[]);
    assert_eq!(key(&draft), "key = [\"site_id\", \"time\"]", "{}", draft.dataset_toml);
    assert!(said(&draft, "visits_id is not in the key"), "{:?}", draft.notes);
    let row = |n: u32| format!("1048,{},{n}.5", hour(n));
    let draft = drafted("a.csv", csv("STATIONS_ID,MESS_DATUM,TT_TU\n", 120, row), 120, 0, &[]);
    assert_eq!(key(&draft), "key = [\"stations_id\", \"mess_datum\"]", "{}", draft.dataset_toml);
    // Where nothing else tells rows of a time apart, ids do.
    let row = |n: u32| format!("{},{},{n}.5", 70 + n % 3, hour(n / 3));
    let draft = drafted("a.csv", csv("ids,time,v\n", 120, row), 120, 0, &[]);
    assert_eq!(key(&draft), "key = [\"ids\", \"time\"]", "{}", draft.dataset_toml);
}

#[test]
fn a_code_that_describes_a_row_is_in_no_key() {
    let anywhere = ["status_code", "quality_code", "quality_id", "status_id", "flag_id", "Remark code", "QC no"];
    let behind =
        ["valid", "error_code", "error_no", "alarm_id", "event_code", "operator_id", "version", "source", "comment_id"];
    for value in ["0", "ok"] {
        for name in anywhere.into_iter().chain(behind) {
            let row = |n: u32| format!("S{},{},{n}.5,{value}", n % 3, hour(n / 3));
            let draft = drafted("a.csv", csv(&format!("station_id,time,level,{name}\n"), 90, row), 90, 0, &[]);
            assert_eq!(key(&draft), "key = [\"station_id\", \"time\"]", "{name}: {}", draft.dataset_toml);
            let says = "the same in all rows of the sample, and not in the key";
            assert!(said(&draft, says), "{name}: {:?}", draft.notes);
        }
        for name in anywhere {
            let row = |n: u32| format!("{value},S{},{},{n}.5", n % 3, hour(n / 3));
            let draft = drafted("a.csv", csv(&format!("{name},station_id,time,level\n"), 90, row), 90, 0, &[]);
            assert_eq!(key(&draft), "key = [\"station_id\", \"time\"]", "{name}: {}", draft.dataset_toml);
        }
    }
    // What rows may be of stands before what is measured, and what is of a thing is none of a value.
    for (head, row, wanted) in [
        ("source,station_id,time,level\n", "a,S@,#,1.5", "key = [\"source\", \"station_id\", \"time\"]"),
        ("source,lat,station_id,time,level\n", "a,5.5,S@,#,1.5", "key = [\"source\", \"station_id\", \"time\"]"),
        ("station_id,time,lat,source,n,v\n", "S@,#,5.5,a,7,1.5", "key = [\"station_id\", \"source\", \"time\"]"),
        ("device_id,time,alarm_code\n", "S@,#,5", "key = [\"device_id\", \"alarm_code\", \"time\"]"),
        ("station_id,time,level,meter_no\n", "S@,#,1.5,7", "key = [\"station_id\", \"meter_no\", \"time\"]"),
        ("station_id,time,level,unit_id\n", "S@,#,1.5,7", "key = [\"station_id\", \"unit_id\", \"time\"]"),
        ("station_id,time,level,parameter\n", "S@,#,1.5,pm10", "key = [\"station_id\", \"parameter\", \"time\"]"),
    ] {
        let text = csv(head, 90, |n| row.replace('@', &(n % 3).to_string()).replace('#', &hour(n / 3)));
        let draft = drafted("a.csv", text, 90, 0, &[]);
        assert_eq!(key(&draft), wanted, "{}", draft.dataset_toml);
        assert!(said(&draft, "is the same in all rows of the sample, and part of its key"), "{:?}", draft.notes);
    }
    // Nor where it is another in some rows, and a period tells rows apart.
    let row = |n: u32| format!("S{},{},{n}.5,{}", n % 30, 2000 + n / 30, n * 7 % 3);
    let draft = drafted("a.csv", csv("station_id,year,level,status_code\n", 90, row), 90, 0, &[]);
    assert!(!key(&draft).contains("status_code"), "{}", draft.dataset_toml);
}

#[test]
fn an_id_is_offered_before_a_number_that_may_be_counted() {
    let row = |n: u32| format!("{},{},{}", 1000 + n * 3, 5000 + n * 977 % 20_011, 1000 + n * 311 % 7001);
    let draft = drafted("a.csv", csv("postcode,population_number,households_nr\n", 40, row), 40, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"postcode\"]", "{}", draft.dataset_toml);
    let draft =
        drafted("a.csv", csv("population_number,households_nr\n", 40, |n| format!("{},{n}", some(n))), 40, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"population_number\"]", "{}", draft.dataset_toml);
    let row = |n: u32| format!("{},{},{n}.5", 70 + n, some(n));
    let draft = drafted("a.csv", csv("employee_no,zip,v\n", 40, row), 40, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"employee_no\"]", "{}", draft.dataset_toml);
}
