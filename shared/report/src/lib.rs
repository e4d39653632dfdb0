//! Report pages: a `report.toml` and the answers to its queries become self-contained HTML files.
//!
//! ```
//! use std::collections::BTreeMap;
//! use report::{Report, Rows, Setting};
//!
//! let report = Report::parse(r#"
//!     [[page]]
//!     name = "report"
//!     title = "Trams"
//!     [page.headline]
//!     sql = "SELECT count(*) AS late FROM delay WHERE minutes > 5"
//!     text = "{late:Words} {late:tram|trams} were late yesterday."
//! "#)?;
//! let page = report.page("report").ok_or("no page")?;
//! let mut answers = BTreeMap::new();
//! for sql in page.queries() {
//!     answers.insert(sql.to_owned(), Rows::from_json_lines("{\"late\":3}")?);
//! }
//! let rendered = report::render(page, &answers, &Setting::default());
//! assert!(rendered.html.contains("Three trams were late yesterday."));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A page has no script and asks for nothing: charts are SVG that is drawn here, values are text, and the content security
//! policy allows the page's own style and no more. The same answers give the same bytes. This crate runs no query and
//! writes no file.

mod charts;
mod csp;
mod declare;
mod html;
mod index;
mod locale;
mod mistake;
mod needs;
mod outline;
mod page;
mod reference;
mod rows;
mod template;

pub use charts::MOST_MARKS;
pub use declare::{Page, Report};
pub use index::{Entry, render_index};
pub use mistake::Mistake;
pub use needs::missing_columns;
pub use page::{Answers, MOST_BYTES, Rendered, Setting, render};
pub use reference::{ColumnFacts, DatasetFacts, RelationFacts, RelationKind, render_reference};
pub use rows::Rows;
