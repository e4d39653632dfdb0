use super::*;

fn table(declared: &str) -> Result<Table, Mistake> {
    let declared = toml::from_str(&format!("{declared}\n[column.a]\ntype = \"int64\"\n")).unwrap();
    Table::new("t", declared, "", Tz::UTC)
}

#[test]
fn endings_count_without_regard_to_case_and_names_do_not() {
    for (from, taken, left) in [
        ("**/*.csv", &["METER.CSV", "a/b.Csv.GZ", "a.csv", "a.csv.zip", "a.csv.ZIP"][..], &["csv", "a.tsv"][..]),
        ("**/*.CSV", &["a.csv", "a.CSV", "a.Csv.zst"], &["a.tsv"]),
        ("Meters/*", &["Meters/A.CSV"], &["meters/A.CSV"]),
        ("m*.zip", &["may.ZIP", "may.zip"], &["May.zip"]),
    ] {
        let table = table(&format!("from = \"{from}\"")).unwrap();
        assert!(taken.iter().all(|path| table.takes(path)), "{from} takes {taken:?}");
        assert!(!left.iter().any(|path| table.takes(path)), "{from} leaves {left:?}");
    }
    let any = table("from = \"**\"").unwrap();
    for (name, format) in [
        ("x/A.CSV.GZ", Some(Format::Csv)),
        ("A.CSV.zip", Some(Format::Csv)),
        ("A.Xlsx", Some(Format::Xlsx)),
        ("a.parquet", Some(Format::Parquet)),
        ("a.zip", None),
    ] {
        assert_eq!(any.format_of(name), format, "{name}");
    }
}

#[test]
fn a_table_to_which_others_leave_nothing_is_refused() {
    let of = |from: &str| table(&format!("from = {from}")).unwrap();
    let before = [of("[\"a/*.csv\", \"b/*.csv\"]"), of("\"c/*.csv\"")];
    for (from, is_refused) in [
        ("\"a/*.csv\"", true),
        ("[\"b/*.csv\", \"c/*.csv\"]", true),
        ("[\"b/*.csv\", \"d/*.csv\"]", false),
        ("\"**/*.csv\"", false),
    ] {
        assert_eq!(of(from).beside(&before).is_err(), is_refused, "{from}");
    }
    assert!(of("\"a/*.csv\"").beside(&[of("\"**/*\"")]).is_err());
}

#[test]
fn a_path_is_refused_where_no_file_is_json() {
    let path = |options: &str| {
        let declared = format!("{options}\n[column.a]\ntype = \"int64\"\npath = \"/a\"\n");
        Table::new("t", toml::from_str(&declared).unwrap(), "", Tz::UTC)
    };
    for options in ["from = \"*\"\nformat = \"parquet\"", "from = [\"*.csv\", \"*.Parquet\"]"] {
        assert!(path(options).unwrap_err().to_string().contains("a path is for JSON"), "{options}");
    }
    for options in ["from = \"*\"", "from = [\"*.csv\", \"*.json\"]", "from = \"*.csv\"\nformat = \"json\""] {
        assert!(path(options).is_ok(), "{options}");
    }
}

#[test]
fn options_of_a_table_that_make_no_sense_are_refused() {
    for (declared, option, why) in [
        ("format = \"tsv\"\ndelimiter = \";\"", "delimiter", "for the formats csv"),
        ("format = \"ndjson\"\nskip_lines = 1", "skip_lines", "csv, tsv and xlsx"),
        ("format = \"json\"\nquote = \"none\"", "quote", "csv and tsv"),
        ("format = \"xlsx\"\nencoding = \"utf-16\"", "encoding", "json and ndjson"),
        ("format = \"csv\"\nsheet = 1", "sheet", "xlsx"),
        ("format = \"csv\"\nexplode = \"/a\"", "explode", "json and ndjson"),
        ("format = \"json\"\nexplode = \"a\"", "explode", "JSON pointer"),
        ("escape = \",\"", "escape", "escape and delimiter are the same"),
        ("escape = \"\\\"\"", "escape", "escape and quote are the same"),
        ("comment = \";\"\ndelimiter = \";\"", "comment", "the same"),
        ("comment = \"x\"", "comment", "one ASCII character"),
        ("quote = \"é\"", "quote", "one ASCII character"),
        ("quote = \"''\"", "quote", "a quote is one character"),
        ("quote = \",\"", "delimiter", "delimiter and quote are the same"),
        ("quote = \"'\"\ncomment = \"'\"", "comment", "comment and quote are the same"),
        ("delimiter = \"é\"", "delimiter", "one ASCII character"),
        ("delimiter = \"\\n\"", "delimiter", "one ASCII character"),
    ] {
        let mistake = table(&format!("from = \"*\"\n{declared}")).unwrap_err().to_string();
        assert!(mistake.starts_with(&format!("{option}: ")) && mistake.contains(why), "{declared}: {mistake}");
    }
    for declared in
        ["encoding = \"utf-7\"", "quote = \"x\"", "header = \"maybe\"", "sheet = 0", "skip_lines = -1", "skiplines = 1"]
    {
        assert!(table(&format!("from = \"*\"\n{declared}")).is_err(), "{declared}");
    }
    assert!(table("from = \"*\"\nescape = \"\\\"\"\nquote = \"none\"").is_ok());
}

#[test]
fn options_of_a_table_are_part_of_its_rules() {
    let of = |declared: &str| table(&format!("from = \"*\"\n{declared}")).unwrap().fingerprint;
    let plain = of("");
    for declared in [
        "encoding = \"utf-16\"",
        "skip_lines = 1",
        "header = \"find\"",
        "comment = \"#\"",
        "quote = \"none\"",
        "quote = \"'\"",
        "escape = \"\\\\\"",
        "quote = \"'\"",
        "sheet = 1",
        "trim = true",
    ] {
        assert_ne!(of(declared), plain, "{declared}");
    }
    let described = |table: &str, column: &str| {
        let column = format!("[column.v]\ntype = \"int64\"\n{column}");
        Table::new("t", toml::from_str(&format!("from = \"*\"\n{table}\n{column}")).unwrap(), "", Tz::UTC).unwrap()
    };
    let (bare, worded) = (described("", ""), described("about = \"T\"", "about = \"V\""));
    assert_eq!((worded.about.as_str(), worded.columns[0].about.as_str()), ("T", "V"));
    assert_eq!(worded.fingerprint, bare.fingerprint, "words are no rules");
    assert_ne!(described("", "min = 1").fingerprint, bare.fingerprint);
}
