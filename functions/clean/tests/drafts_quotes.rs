#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Drafts from CSV whose values have quotes, blanks or marks of comments in them.

mod drafting;

use self::drafting::{csv, drafted, said};

#[test]
fn quotes_of_csv_are_quotes_however_many_delimiters_lines_have() {
    for (delimiter, end) in [(",", "\n"), (";", "\n"), ("\t", "\n"), (",", "\r\n"), ("|", "\r\n")] {
        let text = |quoted: &dyn Fn(u32) -> bool| {
            let rows = |at: u32| match quoted(at) {
                true => format!("n{at}{delimiter}\"Size 5\"\" wide{end}Colour red{delimiter} blue\"{end}"),
                false => format!("n{at}{delimiter}plain{at}{end}"),
            };
            format!("name{delimiter}description{end}") + &(0..200).map(rows).collect::<String>()
        };
        for quoted in [&(|_| true) as &dyn Fn(u32) -> bool, &|at| at % 10 == 3, &|at| at == 150] {
            let draft = drafted("a.csv", text(quoted), 200, 0, &["[table.record.column.description]"]);
            assert!(!draft.dataset_toml.contains("quote = "), "{}", draft.dataset_toml);
        }
    }
    // What else stands in such values is no delimiter.
    let text = csv("id,text\n", 200, |at| format!("{at},\"a;b\"\" {at};c\nd;e;f\""));
    let draft = drafted("a.csv", text, 200, 0, &["column.text]"]);
    assert!(!draft.dataset_toml.contains("delimiter"), "{}", draft.dataset_toml);
    let text = csv("'id','text'\n", 200, |at| format!("'{at}','it''s, {at}\nd, e'"));
    drafted("a.csv", text, 200, 0, &["quote = \"'\"", "column.text]"]);
    // The text is cut within a value.
    let long = "x, \"\"y\"\"\n".repeat(900);
    let text = csv("id,text\n", 40, |at| format!("{at},\"{long}\""));
    let draft = drafted("a.csv", text, 40, 0, &["column.text]"]);
    assert!(!draft.dataset_toml.contains("quote = ") && !said(&draft, "bad_quote"), "{:?}", draft.notes);
}

#[test]
fn a_few_bad_quotes_are_rejected_and_said() {
    for bad in ["9,\"x9,9", "9,\"x9\"y,9", "9,\"Say \"hi\" 9\",9"] {
        for others in ["\"x\"", "\"x, y\"", "\"say \"\"x\"\"\""] {
            let text =
                csv("id,name,v\n", 300, |at| if at == 9 { bad.to_owned() } else { format!("{at},{others},{at}") });
            let draft = drafted("a.csv", text, 299, 1, &["column.name]"]);
            assert!(!draft.dataset_toml.contains("quote"), "{bad}: {}", draft.dataset_toml);
            assert!(said(&draft, "1 line has a quote that nothing closes, or that text follows, in line 11: rejected"));
        }
    }
    // However many they are, the others are quotes as long as a line has such.
    for (every, quoted) in [(20, "\"x, y\""), (4, "\"x\""), (2, "\"x\""), (2, "\"say \"\"x\"\"\"")] {
        let is_bad = |at: u32| at.is_multiple_of(every);
        let row = |at: u32| if is_bad(at) { format!("{at},\"{at}\" wide") } else { format!("{at},{quoted}") };
        let bad = u64::from(300 / every);
        let draft = drafted("a.csv", csv("id,name\n", 300, row), 300 - bad, bad, &["column.name]"]);
        assert!(!draft.dataset_toml.contains("quote"), "{}", draft.dataset_toml);
        let lines: Vec<String> = (0..5).map(|at| (at * every + 2).to_string()).collect();
        let named = format!(
            "{bad} lines have a quote that nothing closes, or that text follows, in lines {}",
            lines.join(", ")
        );
        assert!(said(&draft, &format!("{named} and {} more", bad - 5)), "{:?}", draft.notes);
    }
    let row = |at: u32| if at == 150 { "150,\"x\"".to_owned() } else { format!("{at},\"{at}\" wide") };
    let draft = drafted("a.csv", csv("id,name\n", 300, row), 1, 299, &["column.name]"]);
    assert!(!draft.dataset_toml.contains("quote"), "{}", draft.dataset_toml);
    assert!(said(&draft, "rejects half of its own sample or more"), "{:?}", draft.notes);
    // Where no line has such, they are characters like others, which values keep.
    let text = csv("id,name\n", 300, |at| format!("{at},\"{at}\" wide"));
    let draft = drafted("a.csv", text, 300, 0, &["quote = \"none\""]);
    assert!(!said(&draft, "bad_quote"), "{:?}", draft.notes);
    let text = csv("id\tname\n", 100, |at| format!("{at}\t\"{at} inch"));
    let draft = drafted("a.tsv", text, 100, 0, &["quote = \"none\""]);
    assert!(said(&draft, "100 lines have a value that begins with a quote which does not end it"), "{:?}", draft.notes);
    // A quote for the value above.
    let text =
        csv("id,name\n", 100, |at| if at.is_multiple_of(4) { format!("{at},n{at}") } else { format!("{at},\"") });
    drafted("a.csv", text, 100, 0, &["quote = \"none\""]);
}

#[test]
fn blanks_around_quotes_are_skipped() {
    for row in ["#,\"x #\" ,#", "#,\"x, #\"  ,#", "#,  \"x #\",#", "#,x,\"#\" "] {
        let text = csv("id,name,v\n", 100, |at| row.replace('#', &at.to_string()));
        let draft = drafted("a.csv", text, 100, 0, &["skip_blanks = true", "column.v]\ntype = \"int64\""]);
        assert!(!draft.dataset_toml.contains("quote = "), "{}", draft.dataset_toml);
    }
}

#[test]
fn rows_that_begin_like_comments_are_rows() {
    let row =
        |at: u32| if at.is_multiple_of(2) { format!("#chan{at},topic,{at}") } else { format!("chan{at},topic,{at}") };
    for head in ["# exported\nchannel,topic,members\n", "# exported\n# by x\nchannel,topic,members\n"] {
        let draft =
            drafted("a.csv", csv(head, 100, row), 100, 0, &["header = \"find\"", "column.members]\ntype = \"int64\""]);
        assert!(!draft.dataset_toml.contains("comment"), "{}", draft.dataset_toml);
    }
    // Behind what dialects are found by.
    let late = |at: u32| if at == 4_000 { "#c,topic,1".to_owned() } else { format!("c{at},topic,{at}") };
    drafted("a.csv", csv("# exported\nchannel,topic,members\n", 5_000, late), 5_000, 0, &["header = \"find\""]);
    let text = csv("# exported\nchannel,topic,members\n", 100, |at| format!("c{at},topic,{at}")) + "# the end\n";
    drafted("a.csv", text, 100, 0, &["comment = \"#\""]);
    // Tables of InfluxDB, joined.
    let table = |at: u32| format!("#datatype,string,long\n,result,_value\n,a,{at}\n,b,{at}\n");
    drafted("a.csv", (0..20).map(table).collect::<String>(), 40, 0, &["comment = \"#\""]);
    let text = csv("# exported\nchannel\n", 100, |at| format!("{}c{at}", if at.is_multiple_of(2) { "#" } else { "" }));
    let draft = drafted("a.csv", text, 50, 0, &["comment = \"#\""]);
    assert!(said(&draft, "50 of the lines that begin with # have as many values as rows have"), "{:?}", draft.notes);
}

#[test]
fn a_header_of_texts_that_comes_again_is_one() {
    for head in ["name,city", "alpha,beta", "Foo Bar,Foo"] {
        let rows = |from: u32| csv(&format!("{head}\n"), 100, |at| format!("n{},c{}", from + at, at % 7));
        let draft = drafted("a.csv", rows(0) + &rows(100), 200, 0, &["header = \"always\"", "type = \"string\""]);
        assert!(said(&draft, "the header comes again once"), "{head}: {:?}", draft.notes);
    }
    // Rows that come again.
    let text = csv("", 100, |at| format!("n{},c{}", at % 50, at % 50));
    drafted("a.csv", text, 100, 0, &["header = \"never\""]);
}

#[test]
fn blanks_within_quotes_are_part_of_values() {
    for value in ["\"  code block #  \"", "\u{a0}x #\u{a0}", "\" x #\""] {
        let text = csv("id,text\n", 40, |at| format!("{at},{}", value.replace('#', &at.to_string())));
        let draft = drafted("a.csv", text, 40, 0, &["column.text]"]);
        assert!(!draft.dataset_toml.contains("trim"), "{value}: {}", draft.dataset_toml);
    }
    let text = csv("id,text,n\n", 40, |at| format!("{at}, x{at} , \"{at}\""));
    drafted("a.csv", text, 40, 0, &["trim = true", "skip_blanks = true"]);
    let text = csv("id,text\n", 40, |at| format!("{at}, x{at} ")) + "40,\" y \"\n";
    let draft = drafted("a.csv", text, 41, 0, &["trim = true"]);
    assert!(said(&draft, "texts lose these by trim = true, those within quotes in 1 row as well"), "{:?}", draft.notes);
}

#[test]
fn ids_keep_the_zeros_behind_their_decimals() {
    let says = "names such as 1.10";
    for name in ["sku", "part_no", "item_number", "account", "article_no", "Artikelnr", "Kontonummer", "numero compte"]
    {
        let text = csv(&format!("k,{name}\n"), 40, |at| format!("r{at},{}.{}0", 100 + at, at % 10));
        let draft = drafted("a.csv", text, 40, 0, &["column.k]\ntype = \"string\""]);
        assert!(!draft.dataset_toml.contains("float64") && said(&draft, says), "{name}: {}", draft.dataset_toml);
        let text = csv(&format!("k;{name}\n"), 40, |at| format!("r{at};{},{}0", 100 + at, at % 10));
        let draft = drafted("a.csv", text, 40, 0, &[]);
        assert!(!draft.dataset_toml.contains("float64"), "{name}: {}", draft.dataset_toml);
    }
    for name in ["price", "amount", "item_price", "account_balance", "price_per_item", "weight", "total"] {
        let text = csv(&format!("k,{name}\n"), 40, |at| format!("r{at},{}.{}0", 100 + at, at % 10));
        let draft = drafted("a.csv", text, 40, 0, &["type = \"float64\""]);
        assert!(!said(&draft, says), "{name}: {:?}", draft.notes);
    }
    // A share, and nitrogen oxide: what has no zeros behind loses none.
    for (name, is_said) in [("part", false), ("no", true)] {
        let whole = if is_said { 7 } else { 0 };
        let text = csv(&format!("k,{name}\n"), 40, |at| format!("r{at},{whole}.{at:02}0"));
        let draft = drafted("a.csv", text, 40, 0, &["type = \"float64\""]);
        assert_eq!(said(&draft, "may be names such as 1.10"), is_said, "{name}: {:?}", draft.notes);
    }
    drafted("a.csv", csv("k,account\n", 40, |at| format!("r{at},{at}.5")), 40, 0, &["type = \"float64\""]);
    drafted(
        "a.csv",
        csv("k,id\n", 40, |at| format!("r{at},\"{},{}00\"", at + 1, at % 10)),
        40,
        0,
        &["thousands = \",\""],
    );
}

#[test]
fn quotes_are_found_wherever_a_line_has_them_right() {
    // Behind the lines by which dialects are found.
    let row = |at: u32| match at {
        2_500 => "\"p, q\",2500".to_owned(),
        1 | 2 => format!("\"{at}\" pipe,{at}"),
        _ => format!("{at} pipe,{at}"),
    };
    let draft = drafted("a.csv", csv("name,n\n", 3_000, row), 2_998, 2, &["column.name]"]);
    assert!(!draft.dataset_toml.contains("quote"), "{}", draft.dataset_toml);
    assert!(said(&draft, "2 lines have a quote that nothing closes, or that text follows, in lines 3, 4: rejected"));
    // A quote within a value without quotes is a character of it.
    for bad in ["5\" pipe,#", "the \"best\" pipe,#"] {
        let row = |at: u32| if at.is_multiple_of(3) { "\"p, q\",#" } else { bad }.replace('#', &at.to_string());
        let draft = drafted("a.csv", csv("name,n\n", 90, row), 90, 0, &["column.n]\ntype = \"int64\""]);
        assert!(!draft.dataset_toml.contains("quote"), "{bad}: {}", draft.dataset_toml);
    }
}

#[test]
fn quotes_that_no_row_has_right_are_kept_and_named() {
    let says =
        "lines have values with a quote that text follows, where no value ends, in lines 2, 3, 4, 5, 6 and 55 more";
    for head in ["name,n\n", "\"name\",\"n\"\n"] {
        for bad in ["\"abc\"x,#", "\"5\" pipe\"s,#", "\"5\" pipe\",#"] {
            let text = csv(head, 60, |at| bad.replace('#', &at.to_string()));
            let draft = drafted("a.csv", text, 60, 0, &["quote = \"none\"", "column.n]\ntype = \"int64\""]);
            assert!(said(&draft, &format!("60 {says}")), "{bad}: {:?}", draft.notes);
            assert!(!said(&draft, "which does not end it"), "{bad}: {:?}", draft.notes);
            // Names in quotes are no rows.
            let row = |at: u32| if at.is_multiple_of(2) { bad } else { "plain,#" }.replace('#', &at.to_string());
            drafted("a.csv", csv(head, 60, row), 60, 0, &["quote = \"none\""]);
        }
    }
    // A name that has what stands between values in it, and few bad ones.
    let text =
        csv(
            "\"name, short\",n\n",
            60,
            |at| if at.is_multiple_of(2) { format!("\"abc\"x,{at}") } else { format!("p,{at}") },
        );
    drafted("a.csv", text, 30, 30, &["field = \"name, short\""]);
    let text = csv("\"name\",\"n\"\n", 60, |at| if at == 9 { format!("\"abc\"x,{at}") } else { format!("p,{at}") });
    let draft = drafted("a.csv", text, 59, 1, &["column.name]"]);
    assert!(!draft.dataset_toml.contains("quote"), "{}", draft.dataset_toml);
    let draft = drafted("a.csv", "name,n\n\"abc\"x,3\n\"abc\"y,4\nplain,5\n", 3, 0, &["quote = \"none\""]);
    assert!(said(&draft, "2 lines have values with a quote that text follows, where no value ends, in lines 2, 3:"));
}
