#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Which keys are drafted: a wrong one loses rows.

mod drafting;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, TimestampNanosecondArray};
use clean::formats::draft::Draft;

use self::drafting::{csv, drafted, key, parquet_of, said, tried};

#[test]
fn keys_are_declared_where_enough_rows_say_so() {
    let rows = |count: usize| {
        let row = |at: usize| format!("{},2026-11-{:02}T00:00:00Z,{}.5\n", at % 2, at / 2 + 1, at % 3);
        format!("meter_id,at,kwh\n{}", (0..count).map(row).collect::<String>())
    };
    drafted("a.csv", rows(40), 40, 0, &["\nkey = [\"meter_id\", \"at\"]"]);
    drafted("a.csv", rows(4), 4, 0, &["4 rows of a sample are too few to know)\n# key = [\"meter_id\", \"at\"]"]);
    let either = "Date;Time;Tel\n01/02/2026;08:00;0470 11 22 33\n01/02/2026;09:00;0470 11 22 34\n";
    let remark = "# 01/02/2026 could be either: read with the day first. If that is wrong, exchange %d and %m.\nfields = [\"Date\", \"Time\"]";
    drafted("a.csv", either, 2, 0, &[remark, "column.tel]", "personal = true"]);
    // Which series a file has may be in its name alone.
    let series: String = (10..60).map(|minute| format!("2026-11-19T10:{minute}:00Z,1.5\n")).collect();
    drafted(
        "a.csv",
        format!("timeStamp,usedKWh\n{series}"),
        50,
        0,
        &["\n# key = [\"time_stamp\"]", "column.used_kwh]"],
    );
    let list: String = (0..30).map(|id| format!("{id},a\n")).collect();
    drafted("a.csv", format!("id,kind\n{list}"), 30, 0, &["\nkey = [\"id\"]"]);
}

#[test]
fn keys_are_judged_by_the_values_that_are_stored() {
    let nanos = |at: u32| 1_767_225_600_000_000_000_i64 + i64::from(at) * 100;
    let columns: [(&str, ArrayRef); 3] = [
        ("sensor_id", Arc::new(Int64Array::from(vec![1; 60]))),
        ("ts", Arc::new(TimestampNanosecondArray::from_iter_values((0..60).map(nanos)).with_timezone("UTC"))),
        ("v", Arc::new(Float64Array::from_iter_values((0..60).map(f64::from)))),
    ];
    let parquet = parquet_of(columns);
    let epochs = csv("sensor_id,ts,v\n", 60, |at| format!("1,{},{at}", nanos(at)));
    let texts =
        csv("sensor_id,ts,v\n", 60, |at| format!("1,2026-01-05T00:00:00.0000{:02}{:03}Z,{at}", at / 10, at % 10));
    for (file, bytes) in [("a.parquet", parquet), ("a.csv", epochs.into_bytes()), ("a.csv", texts.into_bytes())] {
        let draft = drafted(file, bytes, 60, 0, &[]);
        assert!(!key(&draft).starts_with("key"), "{file}: {}", draft.dataset_toml);
        let is_said = |note: &String| note.contains("54 of 60 rows of the sample are duplicates by sensor_id and ts");
        assert!(draft.notes.iter().any(is_said), "{file}: {:?}", draft.notes);
    }
    // Two ways to write a number.
    let text = csv("acct_id;v\n", 60, |at| match at % 2 {
        0 => format!("{}000;{at}.5", at / 2 + 2),
        _ => format!("{},000;{at}.5", at / 2 + 2),
    });
    let draft = drafted("a.csv", text, 60, 0, &["column.acct_id]\ntype = \"int64\"\nthousands = \",\""]);
    assert!(!key(&draft).starts_with("key"), "{}", draft.dataset_toml);
    assert!(draft.notes.iter().any(|note| note.contains("30 of 60 rows")), "{:?}", draft.notes);
}

#[test]
fn keys_are_made_of_ids_first() {
    // Two orders may be of the same second.
    let orders = "[".to_owned()
        + &(0..15)
            .map(|order| {
                let lines: Vec<String> = (1..4)
                    .map(|line| format!("{{\"lineNo\":{line},\"sku\":\"s{}\",\"qty\":{order}}}", line * order % 7))
                    .collect();
                format!(
                    "{{\"orderId\":\"O{order:03}\",\"placedAt\":\"2026-01-05T{order:02}:00:00Z\",\"lines\":[{}]}}",
                    lines.join(",")
                )
            })
            .collect::<Vec<_>>()
            .join(",")
        + "]";
    let draft = drafted("a.json", orders, 45, 0, &["explode = \"/lines\""]);
    assert_eq!(key(&draft), "key = [\"order_id\", \"line_no\"]", "{}", draft.dataset_toml);
    let at = |order: u32| format!("2026-01-05T{:02}:{:02}:00Z", order / 60, order % 60);
    let lines = |at: u32| (at / 3, at % 3 + 1);
    for (head, row, wanted) in [
        (
            "order_id,line_no,ordered_at,customer_id,amount\n",
            Box::new(move |n: u32| {
                let (order, line) = lines(n);
                format!("{order},{line},{},{},{n}.5", at(order), order * 7 % 40)
            }) as Box<dyn Fn(u32) -> String>,
            "key = [\"order_id\", \"line_no\"]",
        ),
        // An order of one line says nothing of those of several.
        (
            "order_id,line_no,ordered_at,amount\n",
            Box::new(move |n| format!("{n},1,{},{n}.5", at(n))),
            "key = [\"order_id\", \"line_no\"]",
        ),
        (
            "order_id,sku,ordered_at,amount\n",
            Box::new(move |n| format!("{},s{},{},{n}.5", n / 3, n % 3 + n / 30, at(n / 3))),
            "key = [\"order_id\", \"sku\"]",
        ),
        // Readings.
        (
            "meter_id,at,kwh\n",
            Box::new(move |n| format!("{},{},{n}.5", n % 4, at(n / 4))),
            "key = [\"meter_id\", \"at\"]",
        ),
        (
            "station,pollutant,at,v\n",
            Box::new(move |n| format!("S{},{},{},{n}.5", n % 4, ["pm10", "no2"][n as usize / 4 % 2], at(n / 8))),
            "key = [\"station\", \"pollutant\", \"at\"]",
        ),
        // A station's number comes once in a file of one time, and again in the next one.
        ("station_id,at,v\n", Box::new(move |n| format!("{n},{},{n}.5", at(0))), "key = [\"station_id\", \"at\"]"),
        // People rate several things at the same time; things hardly are.
        (
            "user_id,movie_id,rating,at\n",
            Box::new(move |n| format!("{},{},{}.5,{}", n / 4, n * 17 % 59, n % 5, at(n / 4 + n / 4 * 13))),
            "key = [\"user_id\", \"movie_id\", \"at\"]",
        ),
        // Nothing but a name, or a number of a line.
        (
            "region,at,v\n",
            Box::new(move |n| format!("{},{},{n}.5", ["north", "south"][n as usize % 2], at(n / 2))),
            "# key = [\"region\", \"at\"]",
        ),
        ("line_no,at,v\n", Box::new(move |n| format!("{},{},{n}.5", n % 3 + 1, at(n / 3))), "# key = [\"...\"]"),
        // Without a time.
        (
            "order_id,line_no,amount\n",
            Box::new(move |n| format!("{},{},{n}.5", n / 3, n % 3 + 1)),
            "key = [\"order_id\", \"line_no\"]",
        ),
        ("index,name,v\n", Box::new(move |n| format!("{n},n{},{n}.5", n % 7)), "# key = [\"index\"]"),
        (
            "customer_id,product_id,v\n",
            Box::new(move |n| format!("{},{},{n}.5", n % 31, n * 17 % 59)),
            "# key = [\"customer_id\", \"product_id\"]",
        ),
        // The beginning of a sorted file: what is the same in all of its rows is not in the rest.
        (
            "store_id,product_id,stock\n",
            Box::new(move |n| format!("1,{n},{}", n % 9)),
            "key = [\"store_id\", \"product_id\"]",
        ),
        ("employee_id,week,hours\n", Box::new(move |n| format!("{n},1,{n}.5")), "key = [\"employee_id\", \"week\"]"),
        ("dept,employee_id,v\n", Box::new(move |n| format!("north,{n},{n}")), "key = [\"dept\", \"employee_id\"]"),
        (
            "meter_id,direction,at,kwh\n",
            Box::new(move |n| format!("{},in,{},{n}.5", n % 4, at(n / 4))),
            "key = [\"meter_id\", \"direction\", \"at\"]",
        ),
        // An id of others, which is unique by accident.
        (
            "book_id,member_id,days\n",
            Box::new(move |n| format!("{},{n},{}", n % 37, n % 5)),
            "key = [\"book_id\", \"member_id\"]",
        ),
        (
            "student_id,course_id,term\n",
            Box::new(move |n| format!("{n},{},{}", n % 7, n % 2)),
            "key = [\"student_id\", \"course_id\", \"term\"]",
        ),
        ("customer_id,amount,method\n", Box::new(move |n| format!("{n},{n}.5,card")), "# key = [\"customer_id\"]"),
        ("customer_id,name,v\n", Box::new(move |n| format!("{n},n{n},{n}.5")), "key = [\"customer_id\"]"),
    ] {
        let draft = drafted("a.csv", csv(head, 60, row), 60, 0, &[]);
        assert_eq!(key(&draft), wanted, "{head}{}", draft.dataset_toml);
    }
    // Orders of one line each: others may have several.
    let orders: Vec<String> =
        (0..60).map(|n| format!("{{\"id\":{n},\"lines\":[{{\"sku\":\"s{}\",\"qty\":{n}}}]}}", n % 7)).collect();
    let draft = drafted("a.json", format!("[{}]", orders.join(",")), 60, 0, &["explode"]);
    assert!(!key(&draft).starts_with("key"), "{}", draft.dataset_toml);
    let draft =
        drafted("a.csv", csv("meter_id,at,kwh\n", 60, |n| format!("{},{},{n}.5", n % 4, at(n / 4))), 60, 0, &[]);
    assert!(
        draft.dataset_toml.contains("# Rows with the same meter_id and at are one row, the newest counts; of 60 rows"),
        "{}",
        draft.dataset_toml
    );
}

#[test]
fn a_key_without_a_time_says_what_becomes_of_numbers_that_begin_again() {
    let is_said = |draft: &Draft| draft.notes.iter().any(|note| note.contains("begin again in another file"));
    let orders = csv("order_id,line_no,placed_at,amount\n", 60, |n| {
        format!("{},{},2026-01-05T{:02}:00:00Z,{n}.5", n / 3, n % 3 + 1, n / 3)
    });
    let draft = drafted("a.csv", orders, 60, 0, &["key = [\"order_id\", \"line_no\"]"]);
    assert!(is_said(&draft), "{:?}", draft.notes);
    let model = &draft.model.as_ref().unwrap().1;
    assert!(model.contains("average_amount") && !model.contains("line_no"), "{model}");
    let readings = csv("meter_id,at,kwh\n", 60, |n| format!("{},2026-01-05T{:02}:00:00Z,{n}.5", n % 3, n / 3));
    let draft = drafted("a.csv", readings, 60, 0, &["key = [\"meter_id\", \"at\"]"]);
    assert!(!is_said(&draft), "{:?}", draft.notes);
}

/// Rows in another order, the same for the same seed.
fn shuffled(rows: &[String], seed: u64) -> Vec<String> {
    let mut keyed: Vec<(u64, &String)> = (0_u64..)
        .zip(rows)
        .map(|(at, row)| (xxhash_rust::xxh3::xxh3_64_with_seed(&at.to_le_bytes(), seed), row))
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, row)| row.clone()).collect()
}

#[test]
fn a_key_that_is_drafted_from_a_part_of_a_file_loses_no_row_of_it() {
    let hour = |at: u32| format!("2026-01-{:02}T{:02}:00:00Z", at / 24 % 28 + 1, at % 24);
    let day = |at: u32| format!("2026-{:02}-{:02}", at / 28 % 12 + 1, at % 28 + 1);
    let files: Vec<(&str, Vec<String>)> = vec![
        (
            "invoice_no,line,description,amount",
            (0..1200).map(|n| format!("{},{},item {},{n}.5", n / 3, n % 3 + 1, n % 9)).collect(),
        ),
        (
            "order_id,product_id,qty,price",
            (0..2400).map(|n| format!("{},{},{},{n}.5", n / 3, n * 7 % 90, n % 4 + 1)).collect(),
        ),
        (
            "store_id,receipt_no,date,total",
            (0..3000).map(|n| format!("{},{},{},{n}.5", n % 10, n / 10 % 60, day(n / 600))).collect(),
        ),
        (
            "station_id,valid_time,run_time,temp",
            (0..1440)
                .map(|n| format!("{},{},{},{n}.5", n / 48 % 5, hour(n % 48 + n / 240 * 6), hour(n / 240 * 6)))
                .collect(),
        ),
        (
            "parcel_id,status,status_time,depot_id",
            (0..2400)
                .map(|n| {
                    format!(
                        "{},s{},2026-01-{:02}T{:02}:{:02}:00Z,{}",
                        n / 4,
                        n % 4,
                        n / 100 % 28 + 1,
                        n / 7 % 24,
                        n * 13 % 60,
                        n % 6
                    )
                })
                .collect(),
        ),
        (
            "meter_id,timestamp,channel,value",
            (0..2700).map(|n| format!("{},{},c{},{n}.5", n / 3 % 5, hour(n / 15), n % 3)).collect(),
        ),
        (
            "site_id,date,product,amount",
            (0..3000).map(|n| format!("{},{},p{},{n}.5", n % 10, day(n / 10 % 100), n / 1000)).collect(),
        ),
    ];
    for (head, rows) in &files {
        let names: Vec<&str> = head.split(',').collect();
        for (seed, size) in (0..5).flat_map(|seed| [20, 60, 200, 500].map(|size| (seed, size))) {
            // The first one is the file's beginning.
            let sample = if seed == 0 { rows.clone() } else { shuffled(rows, seed) };
            let draft = tried("a.csv", format!("{head}\n{}\n", sample[..size].join("\n"))).unwrap();
            let Some(columns) = key(&draft).strip_prefix("key = ") else { continue };
            let places: Vec<usize> = serde_json::from_str::<Vec<String>>(columns)
                .unwrap()
                .iter()
                .map(|column| names.iter().position(|name| name == column).unwrap())
                .collect();
            let of = |row: &String| {
                let values: Vec<&str> = row.split(',').collect();
                places.iter().map(|at| values[*at].to_owned()).collect::<Vec<_>>()
            };
            let different: std::collections::BTreeSet<_> = rows.iter().map(of).collect();
            assert_eq!(different.len(), rows.len(), "{head}, {size} rows, seed {seed}: {columns}");
        }
    }
}

#[test]
fn a_date_of_birth_is_no_day_of_a_row() {
    for name in ["dob", "geboortedatum", "Geburtsdatum", "birth_date"] {
        let text = csv(&format!("customer_id,{name},created_at\n"), 60, |n| {
            format!("{n},19{:02}-0{}-11,2026-01-{:02}T10:00:00Z", n % 60 + 30, n % 9 + 1, n % 28 + 1)
        });
        let draft = drafted("a.csv", text, 60, 0, &["partition = \"month(day)\"", "day_of = \"created_at\""]);
        assert!(!key(&draft).contains(&name.to_lowercase()), "{}", draft.dataset_toml);
        assert!(draft.notes.iter().any(|note| note.contains("a date cannot be personal")), "{:?}", draft.notes);
        let text = csv(&format!("customer_id,{name}\n"), 60, |n| format!("{n},19{:02}-0{}-11", n % 60 + 30, n % 9 + 1));
        let draft = drafted("a.csv", text, 60, 0, &["key = [\"customer_id\"]"]);
        assert!(!draft.dataset_toml.contains("partition =") && draft.model.is_none(), "{}", draft.dataset_toml);
    }
}

#[test]
fn an_id_that_is_another_in_each_row_is_in_the_key() {
    // Several readings of a site at the same time, of which a sample has none.
    let row = |n: u32| format!("{},S{},2026-01-{:02}T00:00:00Z,{n}.5", 700 + n * 3, n % 4, n / 4 + 1);
    for (name, wanted) in [
        ("reading_id", "\"reading_id\""),
        ("record number", "\"record_number\""),
        ("event_no", "\"event_no\""),
        ("Row ID", "key = [\"row_id\"]"),
        ("id", "key = [\"id\"]"),
    ] {
        for site in ["site", "site_id", "meter_no"] {
            let draft = drafted("a.csv", csv(&format!("{name},{site},at,v\n"), 60, row), 60, 0, &[]);
            let key = key(&draft);
            assert!(key.starts_with("key = ") && key.contains(wanted), "{name}, {site}: {}", draft.dataset_toml);
        }
    }
    // What numbers rows begins again in another file, and a code is of a kind.
    for name in ["line_no", "seq", "status_code"] {
        let row = |n: u32| format!("{},S{},2026-01-{:02}T00:00:00Z,{n}.5", n + 1, n % 4, n / 4 + 1);
        let draft = drafted("a.csv", csv(&format!("{name},meter_id,at,v\n"), 60, row), 60, 0, &[]);
        assert!(!key(&draft).contains(name), "{name}: {}", draft.dataset_toml);
    }
}

#[test]
fn a_number_of_things_is_in_no_key() {
    for name in ["numberOfCalls", "number_sold", "units_number", "n_calls", "num_sold", "qty"] {
        let row = |n: u32| format!("S{},2026-01-{:02}T00:00:00Z,{}", n % 4, n / 4 + 1, 100 + n * 7);
        let draft = drafted("a.csv", csv(&format!("site_id,at,{name}\n"), 60, row), 60, 0, &[]);
        assert_eq!(key(&draft), "key = [\"site_id\", \"at\"]", "{name}: {}", draft.dataset_toml);
        let draft = drafted("a.csv", csv(&format!("{name},v\n"), 60, |n| format!("{},{n}.5", 100 + n * 7)), 60, 0, &[]);
        assert_eq!(key(&draft), "# key = [\"...\"]", "{name}: {}", draft.dataset_toml);
    }
    let draft = drafted(
        "a.csv",
        csv("unit_number,at,v\n", 60, |n| format!("{},2026-01-{:02},{n}.5", n % 4, n / 4 + 1)),
        60,
        0,
        &[],
    );
    assert!(key(&draft).contains("unit_number"), "{}", draft.dataset_toml);
}

#[test]
fn an_id_that_is_another_in_each_row_pushes_nothing_out() {
    let hour = |n: u32| format!("2026-01-{:02}T{:02}:00:00Z", n / 24 + 1, n % 24);
    let text = |name: &str, rows: u32| {
        csv(&format!("site,datetime,{name}\n"), rows, |n| format!("R{},{},{}", n % 2, hour(n / 2), 700 + n * 37 % 997))
    };
    for (name, wanted) in [
        ("case_number", "# key = [\"site\", \"case_number\", \"datetime\"]"),
        ("crowd_number", "# key = [\"site\", \"crowd_number\", \"datetime\"]"),
        ("event_id", "key = [\"site\", \"event_id\", \"datetime\"]"),
        ("id", "key = [\"id\"]"),
        // By itself it may be how many there are.
        ("no", "# key = [\"site\", \"datetime\"]"),
        ("nr", "# key = [\"site\", \"datetime\"]"),
        ("number", "# key = [\"site\", \"datetime\"]"),
        ("passengers_nr", "# key = [\"site\", \"datetime\"]"),
        ("volume_no", "# key = [\"site\", \"datetime\"]"),
    ] {
        for rows in [24, 200] {
            let draft = drafted("a.csv", text(name, rows), u64::from(rows), 0, &[]);
            assert_eq!(key(&draft), wanted, "{name}: {}", draft.dataset_toml);
        }
    }
    // Of several names the ones that tell rows of a time apart, and places where no two rows are of the same time.
    let row = |n: u32| format!("{},R{},{},{},{n}.5", 900 - n, n % 2, ["in", "out"][n as usize / 2 % 2], hour(n / 4));
    let draft = drafted("a.csv", csv("case_number,hall,way,at,v\n", 60, row), 60, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"case_number\", \"hall\", \"way\", \"at\"]", "{}", draft.dataset_toml);
    let row = |n: u32| format!("{},R{},{},{},{n}.5", 900 - n, n % 2, ["low", "high"][n as usize / 2 % 2], hour(n));
    let draft = drafted("a.csv", csv("case_number,site,urgency,at,v\n", 60, row), 60, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"case_number\", \"site\", \"at\"]", "{}", draft.dataset_toml);
    // An order's lines have what they are of as well.
    let row = |n: u32| format!("{},{},s{},{},{n}.5", 900 - n, n / 3, n % 3, hour(n / 3));
    let draft = drafted("a.csv", csv("parcel_id,order_id,sku,ordered_at,v\n", 60, row), 60, 0, &[]);
    assert_eq!(key(&draft), "key = [\"parcel_id\", \"order_id\", \"sku\"]", "{}", draft.dataset_toml);
}

#[test]
fn nitrogen_oxide_beside_other_gases_is_no_number() {
    let hour = |n: u32| format!("2026-01-{:02}T{:02}:00:00Z", n / 24 + 1, n % 24);
    for (head, wanted) in [
        ("station_id,datetime,NO,NO2,O3\n", "key = [\"station_id\", \"datetime\"]"),
        ("site,datetime,NO,PM10 (µg/m³)\n", "# key = [\"site\", \"datetime\"]"),
        ("datetime,NO,NO2\n", "# key = [\"datetime\"]"),
    ] {
        let columns = head.matches(',').count();
        let has_site = !head.starts_with("datetime");
        let text = csv(head, 48, |n| {
            let mut row = match has_site {
                true => vec![format!("S{}", n % 2), hour(n / 2)],
                false => vec![hour(n)],
            };
            row.push((500 + n * 7).to_string());
            row.resize(columns + 1, (n % 9 * 3).to_string());
            row.join(",")
        });
        let draft = drafted("a.csv", text, 48, 0, &[]);
        assert_eq!(key(&draft), wanted, "{head}{}", draft.dataset_toml);
    }
    // Of what nothing else tells apart it is the id, and of the lines of an order their number.
    let draft =
        drafted("a.csv", csv("number,at,v\n", 60, |n| format!("{},{},{n}.5", 70 + n % 4, hour(n / 4))), 60, 0, &[]);
    assert_eq!(key(&draft), "key = [\"number\", \"at\"]", "{}", draft.dataset_toml);
    let row = |n: u32| format!("{},{},s{},{},{n}.5", n / 3, n % 3 + 1, n % 7, hour(n / 3));
    let draft = drafted("a.csv", csv("order_id,no,sku,at,v\n", 60, row), 60, 0, &[]);
    assert_eq!(key(&draft), "key = [\"order_id\", \"no\"]", "{}", draft.dataset_toml);
}

#[test]
fn what_describes_a_row_is_in_no_key_that_is_unique_without_it() {
    let at = |n: u32| format!("2026-01-{:02}T00:00:00Z", n / 4 + 1);
    let names = ["status", "remark", "comment", "note", "quality", "quality_flag", "unit", "state", "Einheit"];
    for name in names {
        let behind = csv(&format!("station_id,at,v,{name}\n"), 60, |n| format!("S{},{},{n}.5,some", n % 4, at(n)));
        let before = csv(&format!("{name},station_id,at,v\n"), 60, |n| format!("some,S{},{},{n}.5", n % 4, at(n)));
        for text in [behind, before] {
            let draft = drafted("a.csv", text, 60, 0, &[]);
            assert_eq!(key(&draft), "key = [\"station_id\", \"at\"]", "{name}: {}", draft.dataset_toml);
        }
    }
    // Of what is measured a sample may have one, and what tells it apart is taken before what describes it.
    let draft = drafted(
        "a.csv",
        csv("station_id,parameter,at,v\n", 60, |n| format!("S{},pm10,{},{n}.5", n % 4, at(n))),
        60,
        0,
        &[],
    );
    assert_eq!(key(&draft), "key = [\"station_id\", \"parameter\", \"at\"]", "{}", draft.dataset_toml);
    let row = |n: u32| {
        let (unit, what) = [("ug", "pm10"), ("ppb", "o3")][n as usize / 4 % 2];
        format!("S{},{unit},{what},2026-01-{:02}T00:00:00Z,{n}.5", n % 4, n / 8 + 1)
    };
    let draft = drafted("a.csv", csv("station_id,unit,compound,at,v\n", 64, row), 64, 0, &[]);
    assert_eq!(key(&draft), "key = [\"station_id\", \"compound\", \"at\"]", "{}", draft.dataset_toml);
    // Where nothing else does, it tells rows apart.
    let row = |n: u32| {
        let state = ["sent", "seen"][n as usize / 4 % 2];
        format!("S{},{state},2026-01-{:02}T00:00:00Z,{n}.5", n % 4, n / 8 + 1)
    };
    let draft = drafted("a.csv", csv("station_id,status,at,v\n", 64, row), 64, 0, &[]);
    assert_eq!(key(&draft), "key = [\"station_id\", \"status\", \"at\"]", "{}", draft.dataset_toml);
}

#[test]
fn what_is_the_same_in_all_rows_of_a_key_is_said() {
    let says = "parameter is the same in all rows of the sample, and part of its key nevertheless: another file may have another";
    for (head, row) in [
        ("station,parameter,at,value\n", "S@,NO2,2026-11-01 #:00:00,#.5"),
        ("parameter,station_id,value\n", "NO2,#,#.5"),
    ] {
        let text = csv(head, 60, |at| row.replace('@', &(at % 3).to_string()).replace('#', &format!("{:02}", at / 3)));
        let text = if head.starts_with('p') { csv(head, 60, |at| row.replace('#', &at.to_string())) } else { text };
        let draft = drafted("a.csv", text, 60, 0, &[]);
        assert!(
            key(&draft).contains("\"parameter\"") && said(&draft, says),
            "{head}: {} {:?}",
            key(&draft),
            draft.notes
        );
    }
    let text = csv("station,parameter,at,value\n", 60, |at| {
        format!("S{},{},2026-11-01 {:02}:00:00,{at}.5", at % 3, ["NO2", "O3"][at as usize / 3 % 2], at / 6)
    });
    let draft = drafted("a.csv", text, 60, 0, &["key = [\"station\", \"parameter\", \"at\"]"]);
    assert!(!said(&draft, "is the same in all rows"), "{:?}", draft.notes);
}

#[test]
fn an_hour_that_comes_twice_is_said_and_its_key_offered() {
    // The hours of local time about the end of summer time.
    let hour = |at: u32| {
        let local = if at > 26 { at - 1 } else { at };
        format!("2026-10-{:02} {:02}:00:00", 24 + local / 24, local % 24)
    };
    let draft =
        drafted("a.csv", csv("at,load\n", 72, |at| format!("{},{at}.5", hour(at))), 72, 0, &["# key = [\"at\"]"]);
    assert!(said(&draft, "1 time comes twice by at, and it is of an hour of a night in which clocks are set back"));
    assert!(said(&draft, "declare in time_zone of which zone times are, such as Europe/Brussels"), "{:?}", draft.notes);
    let lines =
        ["72 rows that were read 1 would be lost so while times are read as UTC", "with time_zone both are kept"];
    assert!(lines.iter().all(|line| draft.dataset_toml.contains(line)), "{}", draft.dataset_toml);
    let text = csv("meter,at,load\n", 144, |at| format!("m{},{},{at}.5", at % 2, hour(at / 2)));
    let draft = drafted("a.csv", text, 144, 0, &["# key = [\"meter\", \"at\"]"]);
    assert!(said(&draft, "2 times come twice by meter and at, and all are of an hour"), "{:?}", draft.notes);
    // Times with an offset, and times that come twice on any day.
    let text = csv("at,load\n", 72, |at| format!("{}Z,{at}.5", hour(at).replace(' ', "T")));
    assert!(!said(&drafted("a.csv", text, 72, 0, &[]), "comes twice"));
    let text = csv("at,load\n", 72, |at| format!("{},{at}.5", hour(at).replace("2026-10", "2026-06")));
    assert!(!said(&drafted("a.csv", text, 72, 0, &[]), "comes twice"));
}
