//! What is refused by its words: the engine passes over clauses that it does not know, or reads them otherwise.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, Expr, GroupByExpr, Ident, OrderByKind, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableFactor, Visit, Visitor, WildcardAdditionalOptions, WindowSpec, WindowType,
};

use crate::error::{Error, Result};

/// Refuses a query by what stands in it.
pub fn as_written(query: &ast::Statement) -> Result<()> {
    let checked = query.visit(&mut Written);
    if let ControlFlow::Break(why) = checked { Err(Error::Query(why)) } else { Ok(()) }
}

struct Written;

impl Visitor for Written {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let Query { locks, for_clause, settings, format_clause, pipe_operators, .. } = query;
        passed_over(!locks.is_empty() || for_clause.is_some(), "FOR behind a query")?;
        passed_over(settings.is_some(), "SETTINGS")?;
        passed_over(format_clause.is_some(), "FORMAT")?;
        passed_over(!pipe_operators.is_empty(), "|>")?;
        check_sets(&query.body)?;
        check_order(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        passed_over(!select.connect_by.is_empty(), "CONNECT BY")?;
        passed_over(select.prewhere.is_some(), "PREWHERE")?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = &select.group_by;
        if !modifiers.is_empty() {
            return ControlFlow::Break(
                "GROUP BY ... WITH ROLLUP, CUBE or TOTALS is not answered: write GROUP BY ROLLUP (a, b) or CUBE (a, b)"
                    .to_owned(),
            );
        }
        for ast::NamedWindowDefinition(name, window) in &select.named_window {
            match window {
                ast::NamedWindowExpr::WindowSpec(window) => check_window(window)?,
                ast::NamedWindowExpr::NamedWindow(other) => return of_other_window(name, other),
            }
        }
        let is_all = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_));
        let has_all = select.projection.iter().any(is_all);
        for item in &select.projection {
            if let SelectItem::Wildcard(WildcardAdditionalOptions { opt_ilike: Some(_), .. })
            | SelectItem::QualifiedWildcard(_, WildcardAdditionalOptions { opt_ilike: Some(_), .. }) = item
            {
                passed_over(true, "* ILIKE")?;
            }
        }
        for join in select.from.iter().flat_map(|from| &from.joins) {
            check_key(&join.join_operator, has_all)?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                for join in &table_with_joins.joins {
                    // Whether all columns are taken is said outside of it.
                    check_key(&join.join_operator, true)?;
                }
            }
            TableFactor::Table { with_hints, version, with_ordinality, partitions, index_hints, sample, .. } => {
                passed_over(!with_hints.is_empty() || !index_hints.is_empty(), "a hint behind a table")?;
                passed_over(version.is_some(), "a version behind a table")?;
                passed_over(*with_ordinality, "WITH ORDINALITY")?;
                passed_over(!partitions.is_empty(), "PARTITION behind a table")?;
                passed_over(sample.is_some(), "TABLESAMPLE")?;
            }
            TableFactor::Derived { sample, .. } => passed_over(sample.is_some(), "TABLESAMPLE")?,
            TableFactor::UNNEST { with_ordinality, .. } | TableFactor::Function { with_ordinality, .. } => {
                passed_over(*with_ordinality, "WITH ORDINALITY")?;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(function) => match &function.over {
                Some(WindowType::WindowSpec(window)) => check_window(window),
                _ => ControlFlow::Continue(()),
            },
            // Columns of the same name on both sides would be taken for one.
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } if matches!(right.as_ref(), Expr::Subquery(_)) => {
                ControlFlow::Break(
                    "ANY, SOME and ALL over a SELECT are not answered: write x IN (SELECT y ...) for x = ANY, EXISTS (SELECT 1 ... WHERE x > y) for x > ANY (SELECT y ...), NOT EXISTS (SELECT 1 ... WHERE (x > y) IS NOT TRUE) for x > ALL (SELECT y ...)"
                        .to_owned(),
                )
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Refuses a clause that the engine would leave out without a word.
fn passed_over(is_there: bool, clause: &str) -> ControlFlow<String> {
    if is_there {
        ControlFlow::Break(format!("{clause} is not known here: leave it out"))
    } else {
        ControlFlow::Continue(())
    }
}

/// A window that builds on a named one would lose what that one says.
fn check_window(window: &WindowSpec) -> ControlFlow<String> {
    match &window.window_name {
        Some(name) => ControlFlow::Break(format!(
            "a window that builds on another one is not answered: write all of it, PARTITION BY and ORDER BY, in place of ({name} ...)"
        )),
        None => ControlFlow::Continue(()),
    }
}

fn of_other_window(name: &Ident, other: &Ident) -> ControlFlow<String> {
    ControlFlow::Break(format!("the window {name} is another name of {other}: write {other} where it is used"))
}

/// INTERSECT ALL and EXCEPT ALL would not count how often a row comes.
fn check_sets(body: &SetExpr) -> ControlFlow<String> {
    let SetExpr::SetOperation { left, op, set_quantifier, right } = body else { return ControlFlow::Continue(()) };
    let is_all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
    if is_all && matches!(op, SetOperator::Intersect | SetOperator::Except | SetOperator::Minus) {
        return ControlFlow::Break(format!(
            "{op} ALL is not answered: number equal rows in both queries, by row_number() OVER (PARTITION BY all columns), and write {op}"
        ));
    }
    check_sets(left)?;
    check_sets(right)
}

/// An order by an expression would take a name that SELECT gives for the column of the same name that it is made of.
fn check_order(query: &Query) -> ControlFlow<String> {
    let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &query.order_by) else {
        return ControlFlow::Continue(());
    };
    let OrderByKind::Expressions(keys) = &order.kind else { return ControlFlow::Continue(()) };
    let names = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if !matches!(expr, Expr::Identifier(_)) && has_name(expr, alias) => {
            Some(alias)
        }
        _ => None,
    });
    for name in names {
        if keys.iter().any(|key| !matches!(key.expr, Expr::Identifier(_)) && has_name(&key.expr, name)) {
            return ControlFlow::Break(format!(
                "in ORDER BY {name} may be the column or what SELECT makes of it: give what SELECT makes another name"
            ));
        }
    }
    ControlFlow::Continue(())
}

/// Whether a name stands in an expression by itself.
fn has_name(expr: &Expr, name: &Ident) -> bool {
    let found = ast::visit_expressions(expr, |part| match part {
        Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case(&name.value) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Refuses joins by USING or NATURAL whose key the engine would take from the side that may lack it: of outer joins it takes
/// the first table's where the key is named, and for `*` that of the name that comes first in the alphabet.
fn check_key(join: &ast::JoinOperator, has_all: bool) -> ControlFlow<String> {
    use ast::JoinOperator::{FullOuter, Left, LeftOuter, Right, RightOuter};
    let (constraint, is_sure) = match join {
        Left(constraint) | LeftOuter(constraint) => (constraint, !has_all),
        Right(constraint) | RightOuter(constraint) | FullOuter(constraint) => (constraint, false),
        _ => return ControlFlow::Continue(()),
    };
    let is_named = matches!(constraint, ast::JoinConstraint::Using(_) | ast::JoinConstraint::Natural);
    if !is_named || is_sure {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(
        "the key of an outer join by USING or NATURAL could be that of the side without a row: write ON a.key = b.key, and name \
         the columns in place of *: a.key of LEFT JOIN, coalesce(a.key, b.key) of FULL JOIN"
            .to_owned(),
    )
}
