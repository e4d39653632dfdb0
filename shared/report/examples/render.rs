//! Renders pages from a `report.toml` and answers, to look at them while they are written, and for the browser test.
//!
//! ```sh
//! cargo run -p report --example render -- queries report.toml   # a JSON array of the queries
//! cargo run -p report --example render -- pages report.toml answers.json out Europe/Brussels
//! ```
//!
//! `answers.json` is an object: a query's text, and its rows as an array of objects. A query that is not there has failed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use report::{Answers, Entry, Report, Rows, Setting};

type Objects = Vec<serde_json::Map<String, serde_json::Value>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["queries", file] => queries(&read(file)?),
        ["pages", file, answers, out] => pages(&read(file)?, answers, out, "UTC"),
        ["pages", file, answers, out, zone] => pages(&read(file)?, answers, out, zone),
        _ => Err("usage: render queries report.toml | render pages report.toml answers.json FOLDER [TIME-ZONE]".into()),
    }
}

fn read(file: &str) -> Result<Report, Box<dyn Error>> {
    Report::parse(&fs::read_to_string(file)?).map_err(|mistake| format!("{file}, {mistake}").into())
}

fn queries(report: &Report) -> Result<(), Box<dyn Error>> {
    let mut all: Vec<&str> = report.pages.iter().flat_map(|page| page.queries()).collect();
    all.sort_unstable();
    all.dedup();
    println!("{}", serde_json::to_string(&all)?);
    Ok(())
}

fn pages(report: &Report, answers: &str, out: &str, zone: &str) -> Result<(), Box<dyn Error>> {
    let answers: BTreeMap<String, Objects> = serde_json::from_str(&fs::read_to_string(answers)?)?;
    let answers: Answers = answers.into_iter().map(|(sql, rows)| (sql, Rows::from_objects(rows))).collect();
    let out = Path::new(out);
    fs::create_dir_all(out.join("_personal"))?;
    let setting = Setting { zone: zone.parse()?, ..Setting::default() };
    let mut entry = Entry { title: String::new(), headline: String::new(), newest: String::new(), pages: Vec::new() };
    for page in &report.pages {
        let rendered = report::render(page, &answers, &setting);
        println!("{}: {} bytes: {}", page.path(), rendered.html.len(), rendered.headline);
        rendered.problems.iter().for_each(|problem| println!("  {problem}"));
        if entry.pages.is_empty() {
            entry.title.clone_from(&page.title);
            entry.headline.clone_from(&rendered.headline);
            entry.newest.clone_from(&rendered.newest);
        }
        entry.pages.push((page.title.clone(), page.path()));
        fs::write(out.join(page.path()), rendered.html)?;
    }
    fs::write(out.join("index.html"), report::render_index("Data", "en", &[entry]))?;
    Ok(())
}
