//! The form of a query: which clauses it may have, and how often its parts stand in it.
//!
//! What is not known is refused. A part that is named with `WITH` stands in the plan as often as it is read, so that a few
//! lines could make a plan of any size.

use sqlparser::ast::{
    Expr, Ident, LimitClause, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, SetOperator, TableAlias,
    TableFactor, TableWithJoins, Value, Visit, Visitor,
};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Tables that a query reads, once each of its parts is put in.
const TABLES_MAX: usize = 64;

/// What is wrong, and what to do.
type Complaint = (String, &'static str);

/// Complains about a query that is not of a known form.
pub(super) fn check(query: &Query) -> Result<(), Complaint> {
    let mut forms = Forms { n_queries: 0 };
    if let ControlFlow::Break(complaint) = query.visit(&mut forms) {
        return Err(complaint);
    }
    let mut parts = HashMap::new();
    for part in query.with.iter().flat_map(|with| &with.cte_tables) {
        let n_tables = n_tables(&part.query, &parts);
        parts.insert(read_as(&part.alias.name), n_tables);
    }
    if n_tables(query, &parts) > TABLES_MAX {
        return Err(("it is too large once its parts are put in".into(), "name each part once"));
    }
    Ok(())
}

/// How many tables a query reads, of which some are parts that read so many.
fn n_tables(query: &Query, parts: &HashMap<String, usize>) -> usize {
    let mut tables = Tables { parts, n_tables: 0 };
    let _ = query.body.visit(&mut tables);
    let _ = query.order_by.visit(&mut tables);
    tables.n_tables
}

/// A name as it is read: without quotes small letters stand for large ones.
fn read_as(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

struct Tables<'p> {
    parts: &'p HashMap<String, usize>,
    n_tables: usize,
}

impl Visitor for Tables<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let own = match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => self.parts.get(&read_as(name)).copied(),
            _ => None,
        };
        self.n_tables = self.n_tables.saturating_add(own.unwrap_or(1));
        ControlFlow::Continue(())
    }
}

struct Forms {
    n_queries: usize,
}

impl Visitor for Forms {
    type Break = Complaint;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Complaint> {
        let is_outermost = self.n_queries == 0;
        self.n_queries += 1;
        match form(query, is_outermost) {
            Ok(()) => ControlFlow::Continue(()),
            Err(complaint) => ControlFlow::Break(complaint),
        }
    }
}

/// Looks at one query, without those in it.
fn form(query: &Query, is_outermost: bool) -> Result<(), Complaint> {
    let plain = "write a plain SELECT";
    if !is_outermost && query.with.is_some() {
        return Err(("`WITH` stands inside of another query".into(), "name all parts at the beginning"));
    }
    if query.with.as_ref().is_some_and(|with| with.recursive) {
        return Err(("a part reads itself".into(), plain));
    }
    let at_the_end = [("ORDER BY", query.order_by.is_some()), ("LIMIT", query.limit_clause.is_some())];
    if let Some((word, _)) = at_the_end.into_iter().find(|(_, is_there)| *is_there && !is_outermost) {
        return Err((format!("`{word}` stands inside of another query"), "put it at the end"));
    }
    let is_other = query.fetch.is_some()
        || !query.locks.is_empty()
        || query.for_clause.is_some()
        || query.settings.is_some()
        || query.format_clause.is_some()
        || !query.pipe_operators.is_empty();
    if is_other {
        return Err(("it ends with something that cannot be asked here".into(), "end it with `ORDER BY` and `LIMIT`"));
    }
    for part in query.with.iter().flat_map(|with| &with.cte_tables) {
        table_name(&part.alias)?;
    }
    if !query.limit_clause.as_ref().is_none_or(is_of_numbers) {
        return Err(("`LIMIT` or `OFFSET` is no number".into(), "write it as in `LIMIT 10`"));
    }
    body(&query.body)
}

/// Whether a limit is written out.
fn is_of_numbers(limit: &LimitClause) -> bool {
    let is_number = |one: &Expr| matches!(one, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    match limit {
        LimitClause::LimitOffset { limit, offset, limit_by } => {
            let offset = offset.as_ref().map(|offset| &offset.value);
            limit.iter().chain(offset).all(is_number) && limit_by.is_empty()
        }
        LimitClause::OffsetCommaLimit { .. } => false,
    }
}

/// A name that is given: a word, and none that is put in later.
fn name(name: &Ident) -> Result<(), Complaint> {
    if !matches!(name.quote_style, None | Some('"')) {
        return Err((format!("the name {name} stands in single quotes"), "write names plain, or in double quotes"));
    }
    if name.value.starts_with("__") {
        return Err((format!("`{}` begins with two underscores", name.value), "take another name"));
    }
    Ok(())
}

fn table_name(alias: &TableAlias) -> Result<(), Complaint> {
    if !alias.columns.is_empty() {
        return Err((format!("`{alias}` names columns"), "name them in the SELECT, as in `SELECT a AS b`"));
    }
    name(&alias.name)
}

fn body(body: &SetExpr) -> Result<(), Complaint> {
    match body {
        SetExpr::Select(select) => {
            let is_other = select.into.is_some()
                || select.top.is_some()
                || select.qualify.is_some()
                || select.prewhere.is_some()
                || !select.lateral_views.is_empty()
                || !select.named_window.is_empty()
                || !select.cluster_by.is_empty()
                || !select.distribute_by.is_empty()
                || !select.sort_by.is_empty();
            if is_other {
                return Err(("it has a clause that cannot be asked here".into(), "write a plain SELECT"));
            }
            for item in &select.projection {
                match item {
                    SelectItem::UnnamedExpr(_) => {}
                    SelectItem::ExprWithAlias { alias, .. } => name(alias)?,
                    _ => return Err(("it names several columns at once".into(), "name each column")),
                }
            }
            match select.from.as_slice() {
                [] => Err(("it reads no table".into(), "write a SELECT with a FROM")),
                [from] => tables(from),
                _ => Err(("its tables stand side by side".into(), "write `a JOIN b ON b.person = a.person`")),
            }
        }
        SetExpr::SetOperation { op: SetOperator::Except | SetOperator::Intersect | SetOperator::Minus, .. } => {
            let hint = "write `person NOT IN (SELECT person FROM ...)`, or `person IN (...)`";
            Err(("`EXCEPT` and `INTERSECT` cannot be asked here".into(), hint))
        }
        SetExpr::SetOperation { left, right, .. } => {
            self::body(left)?;
            self::body(right)
        }
        SetExpr::Query(_) => Ok(()),
        SetExpr::Values(_) => Err(("it reads values instead of a table".into(), "read tables of the contracts")),
        _ => Err(("it is not a SELECT".into(), "questions change nothing: write a SELECT")),
    }
}

fn tables(from: &TableWithJoins) -> Result<(), Complaint> {
    let joined = from.joins.iter().map(|join| &join.relation);
    for table in std::iter::once(&from.relation).chain(joined) {
        let is_known = match table {
            TableFactor::Table {
                args, with_hints, version, with_ordinality, partitions, json_path, sample, ..
            } => {
                args.is_none()
                    && with_hints.is_empty()
                    && version.is_none()
                    && !with_ordinality
                    && partitions.is_empty()
                    && json_path.is_none()
                    && sample.is_none()
            }
            TableFactor::Derived { lateral, sample, .. } => !lateral && sample.is_none(),
            _ => false,
        };
        if let TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } = table {
            table_name(alias)?;
        }
        if !is_known {
            let hint = "read tables by their names, or queries in brackets";
            return Err((format!("`{table}` cannot be read"), hint));
        }
    }
    Ok(())
}
