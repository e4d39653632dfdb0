//! The page that describes a lake: its datasets, tables, models and columns, how they hang together, and how fresh they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::html::{n, text};
use crate::locale::Locale;
use crate::page::document;

/// A dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFacts {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What is known of it as a whole: what it is, and the text.
    pub facts: Vec<(String, String)>,
    /// Its tables, then its models, views and lists.
    pub relations: Vec<RelationFacts>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RelationKind {
    /// Rows of raw objects.
    #[default]
    Table,
    /// The result of a query, kept.
    Model,
    /// A query that others read.
    View,
    /// Declared rows, or settings.
    List,
}

impl RelationKind {
    fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Model => "model",
            Self::View => "view",
            Self::List => "list",
        }
    }
}

/// A table, model, view or list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationFacts {
    /// Its name.
    pub name: String,
    /// What it is of these.
    pub kind: RelationKind,
    /// What it is.
    pub about: String,
    /// What is known of it: what it is, and the text.
    pub facts: Vec<(String, String)>,
    /// The names of the relations that it reads.
    pub reads: Vec<String>,
    /// Its columns in their order.
    pub columns: Vec<ColumnFacts>,
    /// Its query.
    pub sql: Option<String>,
    /// Its rows, where they are declared.
    pub rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What it is.
    pub about: String,
    /// What its values must be.
    pub rules: String,
    /// The columns that it is computed from, `NAME.COLUMN`.
    pub from: Vec<String>,
    /// The columns that are computed from it, `NAME.COLUMN`.
    pub to: Vec<String>,
}

/// `consumption/catalog.html`: all datasets of a lake.
pub fn render_reference(title: &str, language: &str, datasets: &[DatasetFacts]) -> String {
    let locale = Locale::new(language, &BTreeMap::new(), chrono_tz::UTC);
    let mut body = format!(
        "<header><p class=\"title\"><a class=\"up\" href=\"index.html\">↑</a></p><h1>{}</h1><nav><ul>",
        text(title)
    );
    for dataset in datasets {
        let name = text(&dataset.name);
        let _ = write!(body, "<li><a href=\"#{name}\">{name}</a></li>");
    }
    body.push_str("</ul></nav></header><main id=\"main\">");
    for dataset in datasets {
        of_dataset(&mut body, dataset);
    }
    body.push_str("</main>");
    document(&locale, title, &body)
}

fn of_dataset(body: &mut String, dataset: &DatasetFacts) {
    let name = text(&dataset.name);
    let _ = write!(body, "<h2 id=\"{name}\">{name}</h2><p class=\"lead\">{}</p>", text(&dataset.title));
    facts(body, &dataset.facts);
    graph(body, dataset);
    for relation in &dataset.relations {
        of_relation(body, dataset, relation);
    }
}

fn facts(body: &mut String, facts: &[(String, String)]) {
    if facts.is_empty() {
        return;
    }
    body.push_str("<div class=\"scroll\" tabindex=\"0\"><table><tbody>");
    for (what, is) in facts {
        let _ = write!(body, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", text(what), text(is));
    }
    body.push_str("</tbody></table></div>");
}

fn of_relation(body: &mut String, dataset: &DatasetFacts, relation: &RelationFacts) {
    let (of, name) = (text(&dataset.name), text(&relation.name));
    let _ = write!(
        body,
        "<article id=\"{of}.{name}\"><h3>{of}.{name} <span class=\"quiet\">{}</span></h3><p>{}</p>",
        relation.kind.word(),
        text(&relation.about)
    );
    facts(body, &relation.facts);
    if !relation.columns.is_empty() {
        columns(body, dataset, relation);
    }
    if !relation.rows.is_empty() {
        body.push_str(
            "<details><summary>Rows</summary><div class=\"scroll\" tabindex=\"0\"><table class=\"main\"><thead><tr>",
        );
        for column in &relation.columns {
            let _ = write!(body, "<th scope=\"col\">{}</th>", text(&column.name));
        }
        body.push_str("</tr></thead><tbody>");
        for row in &relation.rows {
            let cell = |(value, column): (&String, &ColumnFacts)| {
                format!("<td data-label=\"{}\"><span>{}</span></td>", text(&column.name), text(value))
            };
            let cells: String = row.iter().zip(&relation.columns).map(cell).collect();
            let _ = write!(body, "<tr>{cells}</tr>");
        }
        body.push_str("</tbody></table></div></details>");
    }
    if let Some(sql) = &relation.sql {
        let _ = write!(body, "<details><summary>SQL</summary><pre>{}</pre></details>", text(sql.trim()));
    }
    body.push_str("</article>");
}

fn columns(body: &mut String, dataset: &DatasetFacts, relation: &RelationFacts) {
    let is_model = relation.kind == RelationKind::Model;
    let computed = if is_model { "<th scope=\"col\">computed from</th>" } else { "" };
    let _ = write!(
        body,
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"main\"><thead><tr><th scope=\"col\">column</th>\
         <th scope=\"col\">type</th><th scope=\"col\">what it is</th>{computed}<th scope=\"col\">read by</th></tr></thead><tbody>"
    );
    for column in &relation.columns {
        let words = [column.about.as_str(), column.rules.as_str()];
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        let computed = match is_model {
            true => format!("<td data-label=\"computed from\"><span>{}</span></td>", links(dataset, &column.from)),
            false => String::new(),
        };
        // Which models is enough: each says of which of its columns.
        let readers: BTreeSet<String> = column.to.iter().map(|column| relation_of(column).to_owned()).collect();
        let _ = write!(
            body,
            "<tr><th scope=\"row\">{}</th><td data-label=\"type\"><span>{}</span></td>\
             <td data-label=\"what it is\"><span>{}</span></td>{computed}\
             <td data-label=\"read by\"><span>{}</span></td></tr>",
            text(&column.name),
            text(&column.kind),
            text(words.join("; ")),
            links(dataset, &readers.into_iter().collect::<Vec<_>>())
        );
    }
    body.push_str("</tbody></table></div>");
}

/// The relation of `NAME.COLUMN`.
fn relation_of(column: &str) -> &str {
    column.split_once('.').map_or(column, |(relation, _)| relation)
}

/// Relations and columns of the same dataset, each with a way to its relation, if the page has it.
fn links(dataset: &DatasetFacts, names: &[String]) -> String {
    let link = |name: &String| match dataset.relations.iter().any(|known| known.name == relation_of(name)) {
        true => format!("<a href=\"#{}.{}\">{}</a>", text(&dataset.name), text(relation_of(name)), text(name)),
        false => text(name).to_string(),
    };
    names.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// Width and height of a box of the graph, and the room from one to the next.
const BOX: (f64, f64) = (250.0, 26.0);
const STEP: (f64, f64) = (310.0, 36.0);

/// What reads what: tables on the left, and each model to the right of all that it reads.
fn graph(body: &mut String, dataset: &DatasetFacts) {
    let places = places(dataset);
    if dataset.relations.iter().all(|relation| relation.reads.is_empty()) {
        return;
    }
    let columns = places.values().map(|(column, _)| column + 1).max().unwrap_or_default();
    let rows = places.values().map(|(_, row)| row + 1).max().unwrap_or_default();
    let corner = |(column, row): (usize, usize)| (column as f64 * STEP.0 + 2.0, row as f64 * STEP.1 + 2.0);
    let (width, height) = (columns as f64 * STEP.0 - STEP.0 + BOX.0 + 4.0, rows as f64 * STEP.1 + 2.0);
    let _ = write!(
        body,
        "<details open><summary>What reads what</summary><div class=\"scroll\" tabindex=\"0\"><svg class=\"graph\" viewBox=\"0 0 {} {}\" width=\"{}\" \
         height=\"{}\" role=\"img\" aria-label=\"Which models read which tables and models; each says so below\">",
        n(width),
        n(height),
        n(width),
        n(height)
    );
    for relation in &dataset.relations {
        let Some((x, y)) = places.get(relation.name.as_str()).map(|place| corner(*place)) else { continue };
        for read in &relation.reads {
            let Some((from_x, from_y)) = places.get(read.as_str()).map(|place| corner(*place)) else { continue };
            let (from_x, from_y, y) = (from_x + BOX.0, from_y + BOX.1 / 2.0, y + BOX.1 / 2.0);
            let half = f64::midpoint(from_x, x);
            let _ = write!(
                body,
                "<path class=\"zero grid\" d=\"M{} {}C{} {} {} {} {} {}\"/>",
                n(from_x),
                n(from_y),
                n(half),
                n(from_y),
                n(half),
                n(y),
                n(x),
                n(y)
            );
        }
    }
    for relation in &dataset.relations {
        let Some((x, y)) = places.get(relation.name.as_str()).map(|place| corner(*place)) else { continue };
        let (name, dataset) = (text(&relation.name), text(&dataset.name));
        let bold = if relation.kind == RelationKind::Model { "" } else { " bold" };
        let _ = write!(
            body,
            "<a href=\"#{dataset}.{name}\"><rect class=\"land\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\
             <text class=\"ink{bold}\" x=\"{}\" y=\"{}\">{name}</text></a>",
            n(x),
            n(y),
            n(BOX.0),
            n(BOX.1),
            n(x + 8.0),
            n(y + 18.0)
        );
    }
    body.push_str("</svg></div></details>");
}

/// Whether the graph shows a relation: views and lists would hide the way of rows.
fn is_drawn(relation: &RelationFacts) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::Model)
}

/// The column and row of each relation in the graph.
fn places(dataset: &DatasetFacts) -> BTreeMap<&str, (usize, usize)> {
    let relations: BTreeMap<&str, &RelationFacts> =
        dataset.relations.iter().filter(|it| is_drawn(it)).map(|it| (it.name.as_str(), it)).collect();
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    for relation in dataset.relations.iter().filter(|relation| is_drawn(relation)) {
        column_of(&relation.name, &relations, &mut columns, &mut BTreeSet::new());
    }
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for relation in &dataset.relations {
        let Some(column) = columns.get(relation.name.as_str()) else { continue };
        let row = rows.entry(*column).or_default();
        places.insert(relation.name.as_str(), (*column, *row));
        *row += 1;
    }
    places
}

fn column_of<'d>(
    name: &'d str,
    relations: &BTreeMap<&'d str, &'d RelationFacts>,
    columns: &mut BTreeMap<&'d str, usize>,
    above: &mut BTreeSet<&'d str>,
) -> usize {
    if let Some(column) = columns.get(name) {
        return *column;
    }
    let Some(relation) = relations.get(name) else { return 0 };
    // What reads itself ends here.
    if !above.insert(name) {
        return 0;
    }
    let reads = relation.reads.iter().filter(|read| relations.contains_key(read.as_str()));
    let column = reads.map(|read| 1 + column_of(read, relations, columns, above)).max().unwrap_or_default();
    above.remove(name);
    columns.insert(name, column);
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str, reads: &[&str]) -> RelationFacts {
        let reads: Vec<String> = reads.iter().map(|read| (*read).to_owned()).collect();
        let kind = if reads.is_empty() { RelationKind::Table } else { RelationKind::Model };
        RelationFacts { name: name.to_owned(), kind, reads, ..RelationFacts::default() }
    }

    fn dataset() -> DatasetFacts {
        let column = ColumnFacts {
            name: "x<y".to_owned(),
            kind: "int64".to_owned(),
            about: "A & B".to_owned(),
            rules: "required".to_owned(),
            to: vec!["late.n".to_owned()],
            ..ColumnFacts::default()
        };
        let ride = RelationFacts { columns: vec![column], ..relation("ride", &[]) };
        let late = RelationFacts { sql: Some("SELECT 1 < 2\n".to_owned()), ..relation("late", &["ride"]) };
        DatasetFacts {
            name: "trams".to_owned(),
            title: "Trams".to_owned(),
            facts: vec![("newest data".to_owned(), "2026-11-18".to_owned())],
            relations: vec![
                ride,
                late,
                relation("worst", &["late", "ride", "calendar"]),
                relation("other", &["worst"]),
            ],
        }
    }

    #[test]
    fn models_stand_to_the_right_of_what_they_read() {
        let dataset = dataset();
        let places = places(&dataset);
        let wanted = [("late", (1, 0)), ("other", (3, 0)), ("ride", (0, 0)), ("worst", (2, 0))];
        assert_eq!(places, BTreeMap::from(wanted));
        let round = DatasetFacts { relations: vec![relation("a", &["b"]), relation("b", &["a"])], ..dataset.clone() };
        assert_eq!(super::places(&round).len(), 2, "it ends");
    }

    #[test]
    fn everything_is_text_and_has_its_place() {
        let html = render_reference("The <lake>", "en", &[dataset()]);
        for part in [
            "<h1>The &lt;lake&gt;</h1>",
            "href=\"#trams.ride\"",
            "id=\"trams.ride\"",
            "<th scope=\"row\">x&lt;y</th><td data-label=\"type\"><span>int64</span></td>\
             <td data-label=\"what it is\"><span>A &amp; B; required</span></td>",
            "<a href=\"#trams.late\">late</a>",
            "<pre>SELECT 1 &lt; 2</pre>",
            "<th scope=\"row\">newest data</th><td>2026-11-18</td>",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert_eq!(html.matches("<path class=\"zero grid\"").count(), 4, "the calendar is no relation");
        assert!(!html.contains("<script") && html.contains("Content-Security-Policy"));
    }
}
