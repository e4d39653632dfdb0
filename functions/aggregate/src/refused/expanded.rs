//! What is refused for its size: each WITH part is planned as often as it is named, and parts of parts multiply.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, Ident, ObjectName, Query, Visit, Visitor};

use crate::error::{Error, Result};

/// So many tables a query may read, with what stands in place of its WITH parts. Each takes some 4 kB to plan.
const MOST_TABLES: u64 = 10_000;

/// Refuses a query that would be too large once its WITH parts stand where they are named.
pub fn as_expanded(query: &ast::Statement) -> Result<()> {
    let mut counted = Tables { within: vec![0], ..Tables::default() };
    match query.visit(&mut counted) {
        ControlFlow::Break(()) => Err(Error::Query(format!(
            "the query reads more than {MOST_TABLES} tables, since its WITH parts are read as often as they are named, and so are those that they name: name fewer of them, or make models of them"
        ))),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Counts tables, the innermost query last.
#[derive(Default)]
struct Tables {
    within: Vec<u64>,
    /// The queries of WITH parts, by their place in memory, and the parts' names.
    parts: BTreeMap<usize, String>,
    /// How many tables a part reads.
    sizes: BTreeMap<String, u64>,
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for part in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.parts.insert(place(&part.query), folded(&part.alias.name));
        }
        self.within.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = self.within.pop().unwrap_or_default();
        match self.parts.remove(&place(query)) {
            Some(name) => {
                self.sizes.insert(name, tables);
                ControlFlow::Continue(())
            }
            None => self.add(tables),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = match relation.0.as_slice() {
            [part] => part.as_ident().map(folded),
            _ => None,
        };
        let tables = name.and_then(|name| self.sizes.get(&name)).copied();
        self.add(tables.unwrap_or(1).max(1))
    }
}

impl Tables {
    fn add(&mut self, tables: u64) -> ControlFlow<()> {
        let Some(last) = self.within.last_mut() else { return ControlFlow::Continue(()) };
        *last = last.saturating_add(tables);
        if *last > MOST_TABLES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query) as usize
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}
