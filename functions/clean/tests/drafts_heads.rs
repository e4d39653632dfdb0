#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Drafts of tables below lines about them, and of headers that come again or name dates.

mod drafting;

use self::drafting::{csv, drafted, said, tried};

#[test]
fn the_header_is_the_last_line_of_texts_above_the_rows() {
    let rows = |mark: char| csv("", 50, |at| format!("1.{at}{mark}2026-01-27 08:{at:02}:00"));
    let few = "1.5;2026-01-27 08:01:00\n1.6;2026-01-27 08:02:00\n1.7;2026-01-27 08:03:00\n";
    let names = ["header = \"find\"", "column.load_kw]\ntype = \"float64\"", "partition = \"month(day)\""];
    for head in [
        "Export;2026-11-01\nSite;Gent\n\nload_kw;time\n",
        "Export;2026-11-01\nSite;Gent\nload_kw;time\n",
        "Export;2026-11-01\n\nload_kw;time\n",
        "Export;May\nSite;Gent\nload_kw;time\n",
        "Limit;12.5\nSite;Gent\nload_kw;time\n",
    ] {
        drafted("a.csv", format!("{head}{}", rows(';')), 50, 0, &names);
        drafted("a.tsv", format!("{}{}", head.replace(';', "\t"), rows('\t')), 50, 0, &names);
        let draft = drafted("a.csv", format!("{head}{few}"), 3, 0, &["header = \"find\"", "column.load_kw]"]);
        assert!(draft.model.is_some(), "{head}");
    }
    let other = ["header = \"find\"", "column.temp_c]\ntype = \"float64\"", "column.ablesezeit]\ntype = \"timestamp\""];
    for head in [
        "Export\t2026-11-01\nSite\tGent\n\n\"temp °C\"\t\"Ablesezeit\"\n",
        "Export\t2026-11-01\nSite\tGent\ntemp °C\tAblesezeit\n",
        "Export\tMay\nSite\tGent\n\ntemp °C\tAblesezeit\n",
        "Export\tMay\nSite\tGent\ntemp °C\tAblesezeit\n",
    ] {
        drafted("a.tsv", format!("{head}{}", rows('\t')), 50, 0, &other);
    }
    // Three columns, one of them of texts; and two, of which one is.
    let three = |head: &str| csv(head, 50, |at| format!("M{at};1.{at};2026-01-27 08:{at:02}:00"));
    for head in [
        "Export;2026-11-01;x1\nSite;Gent;B\n\nmeter;load_kw;time\n",
        "Export;by me;2026-11-01\nSite;Gent;B\nmeter;load_kw;time\n",
        "Export;2026-11-01;\nSite;Gent;\nmeter;load_kw;time\n",
    ] {
        drafted(
            "a.csv",
            three(head),
            50,
            0,
            &["header = \"find\"", "column.meter]", "column.load_kw]", "column.time]"],
        );
    }
    let two = |head: &str| csv(head, 50, |at| format!("M{at};2026-01-27 08:{at:02}:00"));
    for head in ["Export;2026-11-01\nSite;Gent\n\nlabel;time\n", "Site;Gent\nExport;2026-11-01\nlabel;time\n"] {
        drafted("a.csv", two(head), 50, 0, &["header = \"find\"", "column.label]", "column.time]"]);
    }
    // Units below a header, and a header of two that are joined.
    for below in ["UTC;kW", "utc;[kW]", "datetime;float"] {
        let text = csv(&format!("Export;2026-11-01\ntime;load\n{below}\n"), 50, |at| {
            format!("2026-01-27 08:{at:02}:00;1.{at}")
        });
        let draft = drafted("a.csv", text, 50, 1, &["header = \"find\"", "column.time]", "column.load]"]);
        assert!(said(&draft, "below the header"), "{below}: {:?}", draft.notes);
    }
    // Names of one letter, and a header of years above a row of words.
    let text = csv("Site;Gent\nv;t\n", 50, |at| format!("1.{at};2026-01-27 08:{at:02}:00"));
    drafted("a.csv", text, 50, 0, &["header = \"find\"", "column.v]", "column.t]"]);
    let text = csv("land;2025;2026\nSpanje;later;later\n", 20, |at| format!("Land {at};{at};{at}"));
    drafted("a.csv", text, 20, 1, &["field = \"2025\""]);
    // Rows of texts with words in place of numbers are none.
    for text in ["v;name\n5;Jan\nabsent;Piet\n6;An\n7;Els\n", "Leerling;Punten\nJan;ziek\nPiet;6\nAn;7\nEls;8\n"] {
        let draft = tried("a.csv", text).unwrap();
        assert!(!draft.dataset_toml.contains("find"), "{}", draft.dataset_toml);
    }
    let text = "5;x;A\nJan;b;B\n6;c;C\n7;d;D\n8;e;E\n";
    let draft = tried("a.csv", text).unwrap();
    assert!(!draft.dataset_toml.contains("find"), "{}", draft.dataset_toml);
}

#[test]
fn the_line_that_would_be_the_header_is_said() {
    let text = "a;5\nb;6\nc;7\nd;8\nlabel_nr;count\ne;9\nf;10\ng;11\nh;12\ni;13\nj;14\nk;15\nl;16\nm;17\nn;18\n";
    let draft = tried("a.csv", text).unwrap();
    assert!(said(&draft, "if line 5 is one, write header = \"find\""), "{:?}", draft.notes);
    let draft = tried("a.csv", "a;5\nb;6\n").unwrap();
    assert!(said(&draft, "if line 1 is one, write header = \"always\""), "{:?}", draft.notes);
}

#[test]
fn a_header_that_comes_again_among_rows_that_repeat_is_one() {
    let names = ["Jan", "Piet", "An", "Els"];
    let pick = |at: u32, all: &[&str]| all[(at as usize * 7 + at as usize / 3) % all.len()].to_owned();
    let street = |at: u32| pick(at / 2, &["Dorp", "Markt", "Kerk"]);
    let row = |at: u32| format!("{},{},{}", pick(at, &names), pick(at + 1, &["Gent", "Brugge"]), street(at));
    for every in [20, 7, 3] {
        let text = csv("", 60, |at| if at % every == 0 { format!("name,city,street\n{}", row(at)) } else { row(at) });
        let draft = drafted("a.csv", &text, 60, 0, &["header = \"always\"", "column.street]"]);
        assert!(said(&draft, "the header comes again"), "{every}: {:?}", draft.notes);
    }
    let two = |head: &str, mark: char, first: &[&str], second: &[&str]| {
        csv("", 60, |at| {
            let row = format!("{}{mark}{}", pick(at, first), pick(at / 2, second));
            if [0, 11, 40].contains(&at) { format!("{head}\n{row}") } else { row }
        })
    };
    let text = two("active\taddress", '\t', &["true", "false"], &["Dorp 1", "Kerk 2", "Markt 3"]);
    drafted("a.tsv", text, 60, 0, &["column.active]\ntype = \"bool\"", "column.address]"]);
    let text = two("Omschrijving|title", '|', &["rood", "24\" geel", "\"TV\" set"], &["Dr", "Mr", "Mw"]);
    drafted("a.csv", text, 60, 0, &["quote = \"none\"", "column.omschrijving]", "column.title]"]);
    let text = two("kleur;aantal", ';', &["rood", "geel", "blauw"], &["1", "2", "30"]);
    drafted("a.csv", text, 60, 0, &["column.kleur]", "column.aantal]\ntype = \"int64\""]);
    // Rows that come again are rows: each has values of its own.
    let text = csv("", 60, |at| pick(at, &["be,Belgium", "nl,Netherlands", "fr,France"]));
    drafted("a.csv", text, 60, 0, &["header = \"never\""]);
    let text = csv("Jan Maes,jan@ex.be\n", 60, |at| if at == 20 { "Jan Maes,jan@ex.be".to_owned() } else { row(at) });
    assert!(!tried("a.csv", text).unwrap().dataset_toml.contains("column.jan"));
}

#[test]
fn dates_and_a_year_are_names() {
    let head = "meter,2026-11-01,2026-11-02,2026\n";
    let draft = drafted("a.csv", csv(head, 20, |at| format!("m{at},0,0,0")), 20, 0, &["field = \"2026-11-01\""]);
    assert!(said(&draft, "by years, dates"), "{:?}", draft.notes);
    // Rows that have a date and a year.
    let rows = csv("", 20, |at| format!("m{at},2026-11-{:02},2026", at + 1));
    drafted("a.csv", rows, 20, 0, &["header = \"never\""]);
    let rows = csv("m,2026-11-01,2026\n", 20, |at| format!("m{at},,{}", 2000 + at));
    drafted("a.csv", rows, 21, 0, &["header = \"never\""]);
    // Where it is taken for a row, it is said to be a date.
    let text = csv("a;2026-11-01\n", 40, |at| format!("b;{at}"));
    let draft = drafted("a.csv", text, 40, 1, &["header = \"never\""]);
    assert!(draft.tried.reasons["not_an_integer"].message.contains("it is a date"), "{:?}", draft.tried);
}

#[test]
fn numbers_above_a_table_of_texts_are_no_rows_without_a_word() {
    let towns = ["Gent", "Brugge", "Aalst", "Leuven", "Mechelen", "Oostende"];
    let kinds = ["tram", "bus", "boat"];
    let two = |head: &str| csv(head, 30, |at| format!("{} {at},{}", towns[at as usize % 6], kinds[at as usize % 3]));
    let three = |head: &str| {
        csv(head, 30, |at| format!("{} {at},{},x{}", towns[at as usize % 6], kinds[at as usize % 3], at % 7))
    };
    // Told by the words that columns are called by.
    for (text, header) in [
        (two("Year,2026\nname,city\n"), 2),
        (two("Class,5\nname,city\n"), 2),
        (two("Year,2026\nClass,5\nname,city\n"), 3),
        (three("Report,Stations,2026\nCreated,2026-11-01,admin\nname,city,kind\n"), 3),
        (three("Report,Stations,2026\nCreated,date,admin\nname,city,kind\n"), 3),
        (two("Year,2026\nSTATION_NAME,MODE\n"), 2),
    ] {
        let draft = drafted("a.csv", &text, 30, 0, &["header = \"find\"", "type = \"string\""]);
        assert_eq!(draft.tried.preamble, header - 1, "{:?}", draft.tried);
        let wanted = format!("taken for what is about the table, down to line {}, and line {header}", header - 1);
        assert!(said(&draft, &wanted), "{text}\n{:?}", draft.notes);
        assert!(!draft.dataset_toml.contains("2026\""), "{}", draft.dataset_toml);
    }
    // By nothing: which lines, and what to write, is said.
    let plain = |head: &str| csv(head, 30, |at| format!("{},{}", towns[at as usize % 6], kinds[at as usize % 3]));
    let draft = drafted("a.csv", plain("Year,2026\nWest,boat\n"), 32, 0, &["header = \"never\""]);
    assert!(said(&draft, "there is line 1, which has a number, a date or a time: nothing tells"), "{:?}", draft.notes);
    assert!(said(&draft, "write skip_lines = 1"), "{:?}", draft.notes);
    let draft = drafted("a.csv", plain("Year,2026\nClass,5\nWest,boat\n"), 33, 0, &["header = \"never\""]);
    assert!(said(&draft, "lines 1 to 2, of which some have") && said(&draft, "skip_lines = 2"), "{:?}", draft.notes);
    // A header that has a year.
    let draft = drafted("a.csv", plain("region_of,2026\n"), 30, 0, &["field = \"2026\""]);
    assert!(said(&draft, "line 1 has a number, a date or a time, as no line below it has"), "{:?}", draft.notes);
    // A header above a row that has one, a column of numbers, and tables of texts alone.
    for text in [
        two("name,city\nAnn,5\n"),
        csv("name,v\n", 30, |at| format!("n{at},{at}")),
        two("name,city\n"),
        csv("", 30, |at| format!("n{at},{at}")),
    ] {
        let draft = tried("a.csv", &text).unwrap();
        assert!(!said(&draft, "a number, a date or a time"), "{text}\n{:?}", draft.notes);
    }
}

#[test]
fn footers_of_tables_of_texts_are_said() {
    let rows = |head: &str, commas: &str, last: &str| {
        csv(head, 30, |at| format!("Town {at},{}{commas}", ["tram", "bus", "boat"][at as usize % 3])) + last
    };
    let says = "the last line looks like no row (totals or a footer)";
    for last in ["Source: the city", "Bron: NMBS", "Quelle: DB", "Fuente: Renfe", "Total", "Total: 30", "© City", ""] {
        for (head, commas) in [("name,kind\n", ""), ("name,kind,remark\n", ",x")] {
            let blank = if commas.is_empty() { "," } else { ",," };
            let draft = tried("a.csv", rows(head, commas, &format!("{last}{blank}\n"))).unwrap();
            assert!(said(&draft, says), "{last}: {:?}", draft.notes);
            assert_eq!(draft.tried.clean + draft.tried.rejected, 31, "{last}: {:?}", draft.tried);
        }
    }
    // A last row with its name alone, also where the name has such a word, or others have such a mark.
    for last in ["Town 31,", "Total Energies,", "Source of the Seine,", "Page,"] {
        let draft = drafted("a.csv", rows("name,kind\n", "", &format!("{last}\n")), 31, 0, &[]);
        assert!(!said(&draft, "looks like no row"), "{last}: {:?}", draft.notes);
    }
    let text = csv("text,kind\n", 30, |at| format!("Note: {at},{}", ["a", "b"][at as usize % 2])) + "Note: 31,\n";
    let draft = drafted("a.csv", text, 31, 0, &[]);
    assert!(!said(&draft, "looks like no row"), "{:?}", draft.notes);
}

#[test]
fn a_first_column_without_a_name_is_read_where_it_has_values() {
    let says = "the header has no name for the first column, which has values";
    for (head, row) in [
        (",2026-01-01,2026-02-01\n", "Gent #,1.5,2"),
        (",2025,2026\n", "Gent #,1.5,2"),
        (",total,mean\n", "Gent #,1.5,2"),
        (",total,mean\n", "2026-01-#,1.5,2"),
        (",total,mean\n", "7#4,1.5,2"),
    ] {
        let text = csv(head, 20, |at| row.replace('#', &format!("{:02}", at + 1)));
        let lines = ["header = \"never\"\nskip_lines = 1", "[table.record.column.column_1]"];
        let draft = tried("a.csv", &text).unwrap();
        assert!(said(&draft, says), "{head}: {:?}", draft.notes);
        assert_eq!(said(&draft, "2 columns by years, dates"), head.contains("202"), "{head}: {:?}", draft.notes);
        assert_eq!((draft.tried.clean, draft.tried.rejected), (20, 0), "{}", draft.dataset_toml);
        let is_there = lines.iter().all(|line| draft.dataset_toml.contains(line)) || row.starts_with("2026");
        assert!(is_there, "{}", draft.dataset_toml);
    }
    // What counts rows is left out, as pandas writes it.
    for from in [0, 1] {
        let text = csv(",total,mean\n", 20, |at| format!("{},1.5,2", at + from));
        let draft = drafted("a.csv", text, 20, 0, &["column.total]"]);
        assert!(said(&draft, "no name for 1 column: left out") && !said(&draft, says), "{:?}", draft.notes);
    }
    // Dates and a year alone.
    let text = csv("2026-01-01,2026-02-01,2026\n", 20, |at| format!("{at},{},{}", at * 3, at * 4));
    let draft = drafted("a.csv", text, 20, 0, &["field = \"2026-01-01\"", "field = \"2026\""]);
    assert!(said(&draft, "3 columns by years, dates"), "{:?}", draft.notes);
    // And of columns of which the first one has no place in the header.
    let text = csv("2026-01-01,2026-02-01,2026\n", 20, |at| format!("Gent {at},{at},{},{}", at * 3, at * 4));
    let lines = ["skip_lines = 1", "column.column_1]\ntype = \"string\"", "column.column_2026]\ntype = \"int64\""];
    let draft = drafted("a.csv", text, 20, 0, &lines);
    assert!(said(&draft, "a name less") && said(&draft, "3 columns by years, dates"), "{:?}", draft.notes);
    let text = csv("", 20, |at| format!("2026-01-{:02},2026-02-{:02},2026", at + 1, at + 1));
    drafted("a.csv", text, 20, 0, &["header = \"never\""]);
}

#[test]
fn a_line_of_units_below_a_header_of_texts_is_no_row() {
    for units in [",m,", "-,m,-", ",[m],", "-,cm,text"] {
        let text =
            csv(&format!("name,height,remark\n{units}\n"), 40, |at| format!("n{at},about {at} high,seen {}", at % 7));
        let draft = tried("a.csv", &text).unwrap();
        assert!(said(&draft, "the line below the header is no row (units or marks)"), "{units}: {:?}", draft.notes);
        let (all, blank) = (draft.tried.clean + draft.tried.rejected, units.starts_with(','));
        assert_eq!((all, draft.tried.rejected), (41, u64::from(blank)), "{units}: {:?}", draft.tried);
        assert_eq!(said(&draft, "but fits the columns"), !blank, "{units}: {:?}", draft.notes);
    }
    // Letters that other rows have as well, and rows of nothing but such, are values.
    for first in ["n0,m,x", ",m,", "a,m,"] {
        let row =
            |at: u32| if at == 0 { first.to_owned() } else { format!("n{at},{},seen", ["F", "M"][at as usize % 2]) };
        let draft = drafted("a.csv", csv("name,sex,remark\n", 40, row), 40, 0, &["column.sex]"]);
        assert!(!said(&draft, "below the header"), "{first}: {:?}", draft.notes);
    }
    let text = csv("name,grade\n", 40, |at| ["a,c", "t,f", "k,l", "m,s"][at as usize % 4].to_owned());
    let draft = tried("a.csv", text).unwrap();
    assert!(!said(&draft, "below the header"), "{:?}", draft.notes);
}

#[test]
fn columns_without_a_name_are_said_by_their_places() {
    let text = csv("station_id,at,v,,w,\n", 20, |at| format!("S1,2026-01-{:02},1.5,late,2.5,", at + 1));
    let draft = drafted("a.csv", text, 20, 0, &["column.w]"]);
    assert!(said(&draft, "no name for 1 column: left out; with values: column 4; to read such"), "{:?}", draft.notes);
    assert!(said(&draft, "header = \"never\" and skip_lines = 1"), "{:?}", draft.notes);
    let text = csv("station_id,,at,,v\n", 20, |at| format!("S1,,2026-01-{:02},a,1.5", at + 1));
    let draft = drafted("a.csv", text, 20, 0, &["column.v]"]);
    let says = "no name for 2 columns: left out; without a value: column 2; with values: column 4; to read such";
    assert!(said(&draft, says), "{:?}", draft.notes);
    let text = csv(",total,mean\n", 20, |at| format!("{at},1.5,2"));
    let draft = drafted("a.csv", text, 20, 0, &["column.total]"]);
    assert!(said(&draft, "left out; with values: column 1;"), "{:?}", draft.notes);
}

#[test]
fn the_header_of_names_and_values_is_one() {
    for (head, rows) in [
        ("key,value", "version,3\nauthor,Bert"),
        ("key,value", "version,3\nauthor,Bert\ncity,Gent\nlang,nl\nlicense,MIT"),
        ("key,value", "author,Bert\nversion,3\nname,x\ncity,Gent\nlang,nl"),
        ("Key,Value", "Version,3\nDate,2026-01-02\nAuthor,Bert\nName,Gent\nCity,Gent\nTown,x"),
        ("setting,value", "version,3\nauthor,Bert\ncity,Gent\nlang,nl\nlicense,MIT"),
        ("sleutel,waarde", "versie,3\nauteur,Bert\nstad,Gent\ntaal,nl"),
        ("section,key,value", "a,version,3\na,author,Bert\nb,city,Gent\nb,lang,nl\nb,license,MIT"),
    ] {
        let names: Vec<String> = head.to_lowercase().split(',').map(|name| format!("column.{name}]")).collect();
        let lines: Vec<&str> = names.iter().map(String::as_str).chain(["header = \"always\""]).collect();
        let count = rows.lines().count() as u64;
        let draft = drafted("a.csv", format!("{head}\n{rows}\n"), count, 0, &lines);
        assert!(!said(&draft, "about the table"), "{head}: {:?}", draft.notes);
    }
    // Names and values above a table are about it.
    let text = csv("key,value\nSite,Gent\nExport,2026-11-01\n\ntime,load\n", 40, |at| {
        format!("2026-01-27 08:{at:02}:00,1.{at}")
    });
    drafted("a.csv", text, 40, 0, &["header = \"find\"", "column.time]", "column.load]"]);
}

#[test]
fn lines_below_a_table_are_footers_by_their_shape_and_words() {
    let rows = |head: &str, rows: u32, commas: &str| {
        csv(head, rows, |at| format!("Town {at},{}{commas}", ["tram", "bus", "boat"][at as usize % 3]))
    };
    let below = ["* provisional", "Legend: x = closed", "40 rows", "Page 1 of 1", "End of report", "Source: the city"];
    // By their shape, of a table of few rows as well.
    for (head, commas) in [("name,kind\n", ""), ("name,kind,remark\n", ",seen"), ("name,kind,v\n", ",5")] {
        for count in [3, 40] {
            let text = rows(head, count, commas) + &below.join("\n") + "\n";
            let draft = drafted("a.csv", text, u64::from(count), 6, &["column.name]", "column.kind]"]);
            assert!(
                said(&draft, "the last 6 lines look like no rows (totals or a footer): rejected"),
                "{:?}",
                draft.notes
            );
            // By their words, where blanks fill them up.
            let blanks = head.matches(',').map(|_| ",").collect::<String>();
            let lines: String = below.iter().map(|line| format!("{line}{blanks}\n")).collect();
            let draft = tried("a.csv", rows(head, count, commas) + &lines).unwrap();
            assert!(said(&draft, "the last 6 lines look like no rows (totals or a footer)"), "{:?}", draft.notes);
        }
    }
    // Sentences whose commas cut them in two.
    for (head, commas) in [("name,kind\n", ""), ("name,v\n", ",5")] {
        let text = if commas.is_empty() { rows(head, 30, "") } else { csv(head, 30, |at| format!("Town {at},{at}")) };
        for (line, count) in [("Legend: x = closed, y = open", 1), ("Note: a, b, and c\nSource: d, e", 2)] {
            let draft = tried("a.csv", format!("{text}{line}\n")).unwrap();
            let says =
                if count == 1 { "the last line looks like no row" } else { "the last 2 lines look like no rows" };
            assert!(said(&draft, says), "{line}: {:?}", draft.notes);
        }
    }
    // Names that are no more than like them, and marks that other rows have.
    for last in ["End of the World,", "5 items left behind,", "Page Turner,", "Legend,", "Rows,"] {
        let draft = tried("a.csv", rows("name,kind\n", 30, "") + last + "\n").unwrap();
        assert!(!said(&draft, "look like no row") && !said(&draft, "looks like no row"), "{last}: {:?}", draft.notes);
    }
    let text = csv("name,kind\n", 30, |at| format!("*{at},a b")) + "*31,\n";
    assert!(!said(&drafted("a.csv", text, 31, 0, &[]), "looks like no row"));
    // A text of lines with commas is no table with footers.
    let text = "one,two\nthree,four\nfive,six\nplain\nlines\nthat\ngo\non\n";
    assert!(!said(&tried("a.csv", text).unwrap(), "look like no rows"));
}

#[test]
fn a_line_of_types_below_the_header_is_no_row() {
    let says = "the line below the header is no row (types of columns)";
    let row = |at: u32| format!("S{},2026-11-{:02},{at}.5", at % 3, at % 28 + 1);
    for types in [
        "string,timestamp,float",
        "text,date,number",
        "text,datetime,decimal",
        "varchar(20),timestamptz,double",
        "category,time,number",
    ] {
        for head in ["station,at,value", "id,gemeten,v"] {
            let draft = drafted("a.csv", csv(&format!("{head}\n{types}\n"), 40, row), 40, 1, &["type = \"float64\""]);
            let first = head.split(',').next().unwrap();
            assert!(draft.dataset_toml.contains(&format!("column.{first}]")), "{types}: {}", draft.dataset_toml);
            assert!(said(&draft, says), "{types}: {:?}", draft.notes);
        }
    }
    // Of a table of texts, and of columns that are called so.
    let text = csv("name,kind\nstring,varchar(20)\n", 40, |at| format!("Town {at},seen {}", at % 3));
    assert!(said(&tried("a.csv", text).unwrap(), says));
    let text = csv("Site,Gent\ndate,number\n", 40, |at| format!("2026-11-{:02},{at}.5", at % 28 + 1));
    drafted("a.csv", text, 40, 0, &["header = \"find\"", "column.date]", "column.number]"]);
    let text = csv("date,number\n", 40, |at| format!("2026-11-{:02},{at}.5", at % 28 + 1));
    assert!(!said(&drafted("a.csv", text, 40, 0, &["column.date]"]), "below the header"));
}
