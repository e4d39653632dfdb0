//! Renders pages from a `report.toml` and a folder of answers, to look at them while they are written.
//!
//! ```sh
//! cargo run -p report --example render -- queries report.toml out   # out/N.sql for each query
//! cargo run -p report --example render -- pages report.toml out Europe/Brussels   # from out/N.json: out/*.html
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use report::{Entry, Report, Rows, Setting};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, file, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: render queries|pages report.toml FOLDER [TIME-ZONE]".into());
    };
    let report = Report::parse(&fs::read_to_string(file)?).map_err(|mistake| format!("{file}: {mistake}"))?;
    let out = Path::new(out);
    fs::create_dir_all(out.join("_personal"))?;
    let mut queries: Vec<&str> = report.pages.iter().flat_map(|page| page.queries()).collect();
    queries.sort_unstable();
    queries.dedup();
    let mut answers = BTreeMap::new();
    for (place, sql) in queries.into_iter().enumerate() {
        if what == "queries" {
            fs::write(out.join(format!("{place:02}.sql")), sql)?;
        } else if let Ok(text) = fs::read_to_string(out.join(format!("{place:02}.json"))) {
            answers.insert(sql.to_owned(), Rows::from_json_lines(&text)?);
        }
    }
    if what == "queries" {
        return Ok(());
    }
    let zone = rest.first().map_or(Ok(chrono_tz::UTC), |zone| zone.parse())?;
    let mut entry = Entry { title: String::new(), headline: String::new(), newest: String::new(), pages: Vec::new() };
    for page in &report.pages {
        let setting = Setting { zone, ..Setting::default() };
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
