//! Names of tables and columns in a text in SQL that nothing bears, each looked up where it stands.
//!
//! Only what is surely unknown is told here, with its place and what may have been meant; where a query cannot be followed,
//! its names are left to the planner. Names that conditions of other questions could lack as well make a refusal with a
//! nearest yes, all others a diagnostic.

use super::{POINTER, sql_columns};
use crate::definitions::Definitions;
use crate::diagnostic::Issue;
use crate::examine::Examiner;
use crate::names::{did_you_mean, nearest};
use crate::question::sql::query;
use crate::rename::Change;
use crate::sql_text::SqlText;
use spec::{EventSelector, Role, SqlQuestion};
use sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart, OrderBy, Query, Select, SelectItem, SetExpr, TableAlias,
    TableFactor, Visit, Visitor,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The columns of something that is read; none where they are not known.
type Columns = Option<BTreeSet<String>>;
/// What the parts are that a query names with `WITH`.
type Parts = BTreeMap<String, Columns>;
/// Line and column.
type Place = (u64, u64);

/// Tells of every unknown name; whether there was any.
pub(super) fn examine(examiner: &mut Examiner<'_>, text: &str) -> bool {
    let (Some(query), Some(pieces)) = (query(text), SqlText::new(text)) else { return false };
    let (definitions, role) = (examiner.definitions, examiner.role);
    let mut names = Names { definitions, role, unknown: BTreeMap::new(), wrong: Vec::new() };
    names.query(&query, &Parts::new(), &[]);
    let is_any = !(names.unknown.is_empty() && names.wrong.is_empty());
    for issue in names.wrong {
        examiner.wrong_at(POINTER, issue);
    }
    for ((subject, kind), Unknown { near, places }) in names.unknown {
        let numbers = pieces.numbers_of(&places);
        let change = |to: String| (to.clone(), Change::Words { numbers: numbers.clone(), to });
        examiner.unknown(subject, kind, near.into_iter().map(change).collect());
    }
    is_any
}

/// A name that nothing bears: what is near it, and where it stands.
struct Unknown {
    near: Vec<String>,
    places: Vec<Place>,
}

/// Something in `FROM`.
struct Source {
    /// What its columns may be written with.
    called: String,
    /// The table of the contracts that it is.
    table: Option<String>,
    columns: Columns,
}

struct Names<'d> {
    definitions: &'d Definitions,
    /// Whom names that may be meant are for.
    role: Option<&'d Role>,
    /// By what they are called and what they should be.
    unknown: BTreeMap<(String, &'static str), Unknown>,
    wrong: Vec<Issue>,
}

impl Names<'_> {
    /// Looks at a query within others, and gives what its columns are called.
    fn query(&mut self, query: &Query, parts: &Parts, outer: &[Source]) -> Columns {
        let mut parts = parts.clone();
        for part in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns = self.query(&part.query, &parts, &[]);
            parts.insert(read_as(&part.alias.name), columns);
        }
        self.body(&query.body, query.order_by.as_ref(), &parts, outer)
    }

    fn body(&mut self, body: &SetExpr, order: Option<&OrderBy>, parts: &Parts, outer: &[Source]) -> Columns {
        match body {
            SetExpr::Select(select) => self.select(select, order, parts, outer),
            SetExpr::SetOperation { left, right, .. } => {
                // Both sides are called as the first one is.
                let columns = self.body(left, None, parts, outer);
                self.body(right, None, parts, outer);
                columns
            }
            SetExpr::Query(query) => self.query(query, parts, outer),
            _ => None,
        }
    }

    fn select(&mut self, select: &Select, order: Option<&OrderBy>, parts: &Parts, outer: &[Source]) -> Columns {
        let mut sources = Vec::new();
        let mut words = Words::default();
        for from in &select.from {
            sources.push(self.source(&from.relation, parts));
            for join in &from.joins {
                sources.push(self.source(&join.relation, parts));
                words.look(&join.join_operator);
            }
        }
        let given: BTreeSet<String> = select.projection.iter().filter_map(given_name).collect();
        words.look(&select.projection);
        words.look(&select.selection);
        words.look(&select.having);
        if let GroupByExpr::Expressions(groups, _) = &select.group_by {
            words.look(groups);
        }
        words.look(&order.cloned());
        for name in &words.names {
            match name.as_slice() {
                [column] if given.contains(&read_as(column)) => {}
                [column] => self.column(column, &sources, outer),
                [of, column] => self.column_of(of, column, &sources, outer),
                _ => {}
            }
        }
        for inner in &words.queries {
            self.query(inner, parts, &sources);
        }
        select.projection.iter().map(shown_as).collect()
    }

    fn source(&mut self, factor: &TableFactor, parts: &Parts) -> Source {
        let called =
            |alias: &Option<TableAlias>, name: String| alias.as_ref().map_or(name, |alias| read_as(&alias.name));
        match factor {
            TableFactor::Table { name, alias, .. } => match name.0.as_slice() {
                [ObjectNamePart::Identifier(own)] => {
                    let table = read_as(own);
                    let (columns, is_table) = match parts.get(&table) {
                        Some(columns) => (columns.clone(), false),
                        None => (self.table(own), true),
                    };
                    let known = columns.is_some() && is_table;
                    Source { called: called(alias, table.clone()), table: known.then_some(table), columns }
                }
                _ => {
                    self.in_schema(name);
                    Source { called: called(alias, String::new()), table: None, columns: None }
                }
            },
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = self.query(subquery, parts, &[]);
                Source { called: called(alias, String::new()), table: None, columns }
            }
            _ => Source { called: String::new(), table: None, columns: None },
        }
    }

    /// The columns of a table of the contracts; one that is not there is noted.
    fn table(&mut self, name: &Ident) -> Columns {
        let table = read_as(name);
        if let Some(columns) = columns_of(&table, self.definitions) {
            return Some(columns);
        }
        let near = nearest(&table, tables(self.definitions));
        self.note(table, "event", near, name);
        None
    }

    /// A table has one name, without that of a schema before it.
    fn in_schema(&mut self, name: &ObjectName) {
        let Some(ObjectNamePart::Identifier(last)) = name.0.last() else { return };
        let Some(ObjectNamePart::Identifier(first)) = name.0.first() else { return };
        let known = tables(self.definitions);
        let hint = did_you_mean(&read_as(last), &known, "tables");
        self.tell(first, format!("there is no table `{name}`"), hint);
    }

    /// A column that is written without its table.
    fn column(&mut self, column: &Ident, sources: &[Source], outer: &[Source]) {
        let name = read_as(column);
        let has = |source: &Source| source.columns.as_ref().is_none_or(|columns| columns.contains(&name));
        if sources.is_empty() || sources.iter().chain(outer).any(has) {
            return;
        }
        let own =
            |source: &&Source| source.table.is_some() && !self.near(&name, std::slice::from_ref(source)).is_empty();
        let fallback = sources.iter().find(|source| source.table.is_some());
        let source = sources.iter().find(own).or(fallback);
        self.no_column(column, source.unwrap_or(&sources[0]), sources);
    }

    /// A column that is written with its table.
    fn column_of(&mut self, of: &Ident, column: &Ident, sources: &[Source], outer: &[Source]) {
        let called = read_as(of);
        let mut all = sources.iter().chain(outer);
        match all.find(|source| source.called == called) {
            Some(source) => {
                let is_there = source.columns.as_ref().is_none_or(|columns| columns.contains(&read_as(column)));
                if !is_there {
                    self.no_column(column, source, std::slice::from_ref(source));
                }
            }
            None => {
                let known: Vec<&str> = sources.iter().map(|source| source.called.as_str()).collect();
                // A table with another name is called by that one.
                let renamed = sources.iter().find(|source| source.table.as_ref() == Some(&called));
                let hint = match renamed {
                    Some(source) => format!("did you mean `{}.{column}`?", source.called),
                    None => did_you_mean(&called, &known, "tables here"),
                };
                self.tell(of, format!("no table is called `{called}` here"), hint);
            }
        }
    }

    /// A column that a source does not have; what it may be is looked for in all of some sources.
    fn no_column(&mut self, column: &Ident, source: &Source, among: &[Source]) {
        let name = read_as(column);
        let near = self.near(&name, among);
        if near.is_empty() && column.quote_style.is_some() {
            let hint = format!("text stands in single quotes: '{}'", column.value.replace('\'', "''"));
            return self.tell(column, format!("there is no column `{}`", column.value), hint);
        }
        match source.table.as_deref() {
            Some(SqlQuestion::PEOPLE) => self.note(name, "trait", near, column),
            Some(SqlQuestion::EVENTS) => self.note(format!("event.{name}"), "property", near, column),
            Some(event) => self.note(format!("{event}.{name}"), "property", near, column),
            None => {
                let known = source.columns.iter().flatten().map(String::as_str).filter(|name| self.is_shown(name));
                let hint = did_you_mean(&name, &known.collect::<Vec<_>>(), "columns");
                self.tell(column, format!("there is no column `{name}`"), hint);
            }
        }
    }

    /// Columns of these that may have been meant.
    fn near(&self, name: &str, among: &[Source]) -> Vec<String> {
        let columns = among.iter().filter_map(|source| source.columns.as_ref()).flatten().map(String::as_str);
        nearest(name, columns.filter(|name| self.is_shown(name)))
    }

    /// Whether a column may be offered: of the fields of its name, if there are any, the catalogue shows one.
    fn is_shown(&self, column: &str) -> bool {
        let Some(role) = self.role else { return true };
        let traits = self.definitions.traits().into_iter().map(|(_, _, field)| field);
        let properties = self.definitions.properties(&EventSelector::Any).into_iter();
        let mut fields = properties.chain(traits).filter(|field| field.name == column).peekable();
        fields.peek().is_none() || fields.any(|field| role.may_ask(field))
    }

    fn note(&mut self, subject: String, kind: &'static str, near: Vec<String>, at: &Ident) {
        let unknown = self.unknown.entry((subject, kind)).or_insert_with(|| Unknown { near, places: Vec::new() });
        unknown.places.push((at.span.start.line, at.span.start.column));
    }

    fn tell(&mut self, at: &Ident, message: String, hint: String) {
        let place = |number: u64| usize::try_from(number).unwrap_or(1).max(1);
        let start = at.span.start;
        self.wrong.push(Issue { line: place(start.line), column: place(start.column), message, hint });
    }
}

/// Names in expressions, without those of queries within them, which are kept apart.
#[derive(Default)]
struct Words {
    names: Vec<Vec<Ident>>,
    queries: Vec<Query>,
    depth: usize,
}

impl Words {
    fn look(&mut self, part: &impl Visit) {
        let _ = part.visit(self);
    }
}

impl Visitor for Words {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.queries.push(query.clone());
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(name) if self.depth == 0 => self.names.push(vec![name.clone()]),
            Expr::CompoundIdentifier(parts) if self.depth == 0 => self.names.push(parts.clone()),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The tables that there are.
fn tables(definitions: &Definitions) -> Vec<&str> {
    let events = definitions.events().into_iter().map(|(_, object)| object.name.as_str());
    events.chain([SqlQuestion::PEOPLE, SqlQuestion::EVENTS]).collect()
}

/// What a table has, also what may not be asked: of that something else is told.
fn columns_of(table: &str, definitions: &Definitions) -> Columns {
    let fields: Vec<&spec::Field> = match table {
        SqlQuestion::PEOPLE => definitions.traits().into_iter().map(|(_, _, field)| field).collect(),
        SqlQuestion::EVENTS => definitions.properties(&EventSelector::Any),
        event => {
            definitions.event(event)?;
            definitions.properties(&EventSelector::Named(event.to_owned()))
        }
    };
    let own = sql_columns(table, definitions, None).into_iter();
    Some(own.chain(fields.into_iter().map(|field| field.name.clone())).collect())
}

/// A name as it is read: without quotes small letters stand for large ones.
fn read_as(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// The name that an item of a list is given.
fn given_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(read_as(alias)),
        _ => None,
    }
}

/// What an item of a list is called; nothing where the planner gives it a name.
fn shown_as(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(read_as(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(read_as),
        item => given_name(item),
    }
}
