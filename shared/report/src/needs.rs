//! Which columns a page takes from each of its queries: what a query without them could not show.

use std::collections::BTreeMap;

use crate::declare::{Case, Page};
use crate::template;

/// What cannot be made of a page whose queries return these columns, by their text: one message each. A query that is not
/// among them is left out.
pub fn missing_columns(page: &Page, returned: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut problems = Vec::new();
    for (part, sql, needed) in needs(page) {
        let Some(known) = returned.get(sql) else { continue };
        let mut missing: Vec<&str> =
            needed.into_iter().filter(|name| !known.iter().any(|known| known == name)).collect();
        missing.sort_unstable();
        missing.dedup();
        problems.extend(missing.into_iter().map(|name| no_column(&part, name, known)));
    }
    problems
}

/// What is said of a column that a query does not return.
pub(crate) fn no_column(part: &str, name: &str, known: &[String]) -> String {
    format!("{part}: its query returns no column \"{name}\"; it returns {}", known.join(", "))
}

/// Each part of a page: its name, its query, and the columns it takes.
fn needs<'p>(page: &'p Page) -> Vec<(String, &'p str, Vec<&'p str>)> {
    let mut needs = Vec::new();
    if let Some(headline) = &page.headline {
        let of_case = |case: &'p Case| case.when.as_deref().into_iter().chain(template::columns(&case.text));
        let named = headline.cases.iter().flat_map(of_case).collect();
        needs.push(("headline".to_owned(), headline.sql.as_str(), named));
    }
    for number in &page.numbers {
        let named = template::columns(&number.note).chain(template::columns(&number.since));
        let named = named.chain(number.before.as_deref()).chain([number.value.as_str()]).collect();
        needs.push((format!("number \"{}\"", number.label), number.sql.as_str(), named));
    }
    for chart in page.sections.iter().flat_map(|section| &section.charts) {
        let columns = chart.columns.iter().map(|column| column.name.as_str());
        let named = chart.roles.values().map(String::as_str).chain(columns).collect();
        needs.push((format!("chart \"{}\"", chart.title), chart.sql.as_str(), named));
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Report;

    #[test]
    fn columns_that_queries_do_not_return_are_found_without_rows() {
        let text = "[[page]]\nname = 'report'\ntitle = 'T'\n[page.headline]\nsql = 'SELECT 1'\ntext = '{lat:Words} trams'\n\
            [[page.number]]\nlabel = 'Late'\nsql = 'SELECT 2'\nvalue = 'late'\nbefore = 'b'\nsince = 'since {day:long}'\n\
            [[page.section]]\n[[page.section.chart]]\nkind = 'bars'\ntitle = 'C'\nsql = 'SELECT 3'\nx = 'line'\ny = 'n'\n";
        let report = Report::parse(text).unwrap();
        let page = report.page("report").unwrap();
        let returned = |columns: [&[&str]; 3]| {
            let named = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            ["SELECT 1", "SELECT 2", "SELECT 3"].map(str::to_owned).into_iter().zip(named).collect()
        };
        assert_eq!(
            missing_columns(page, &returned([&["n"], &["late", "b"], &["lijn", "n"]])),
            [
                "headline: its query returns no column \"lat\"; it returns n",
                "number \"Late\": its query returns no column \"day\"; it returns late, b",
                "chart \"C\": its query returns no column \"line\"; it returns lijn, n",
            ]
        );
        assert!(missing_columns(page, &returned([&["lat"], &["late", "b", "day"], &["line", "n"]])).is_empty());
        assert!(missing_columns(page, &BTreeMap::new()).is_empty(), "of queries that failed something else is said");
    }
}
