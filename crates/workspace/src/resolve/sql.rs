//! Which tables and columns a text in SQL may name.
//!
//! Words are held against the names of events, properties and traits, whatever stands around them: a word too many makes a
//! question need more than it uses, and one that is missed is in no table that the text is read against.

mod names;

use crate::definitions::Definitions;
use crate::diagnostic::Issue;
use crate::examine::Examiner;
use crate::names::{listed, nearest};
use crate::question::sql::names as words_of;
use crate::sql_text::SqlText;
use spec::{EventSelector, Field, FieldClass, Role, SqlQuestion};
use std::collections::{BTreeMap, BTreeSet};

const POINTER: &str = "/question/text";

/// The tables with their columns besides those that every table has.
pub(super) fn examine(examiner: &mut Examiner<'_>, sql: &SqlQuestion) -> BTreeMap<String, Vec<String>> {
    let words: BTreeSet<String> = words_of(&sql.text).into_iter().collect();
    let definitions = examiner.definitions;
    let mut tables = BTreeMap::new();
    for (_, object) in definitions.events() {
        if words.contains(&object.name) && !is_ours(&object.name) {
            tables.insert(object.name.clone(), EventSelector::Named(object.name.clone()));
        }
    }
    if words.contains(SqlQuestion::EVENTS) {
        tables.insert(SqlQuestion::EVENTS.to_owned(), EventSelector::Any);
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, event) in tables {
        examiner.event(&event);
        let known: BTreeSet<&str> =
            definitions.properties(&event).into_iter().map(|field| field.name.as_str()).collect();
        let named = known.into_iter().filter(|name| words.contains(*name) && !is_own_column(name));
        let kept = named.filter(|name| examiner.property_of(&event, name, POINTER).is_some());
        found.insert(table, kept.map(str::to_owned).collect());
    }
    if words.contains(SqlQuestion::PEOPLE) {
        let known: BTreeSet<&str> = definitions.traits().into_iter().map(|(_, _, field)| field.name.as_str()).collect();
        let named = known.into_iter().filter(|name| words.contains(*name) && !is_own_column(name));
        let kept = named.filter(|name| match examiner.keep_trait(name) {
            Some(field) if field.class == FieldClass::Direct => {
                let (line, column) = SqlText::new(&sql.text).and_then(|text| text.place_of(name)).unwrap_or((1, 1));
                let message = format!("`{name}` names people and is kept out of questions");
                examiner.wrong_at(POINTER, Issue { line, column, message, hint: "leave it out".to_owned() });
                false
            }
            kept => kept.is_some(),
        });
        found.insert(SqlQuestion::PEOPLE.to_owned(), kept.map(str::to_owned).collect());
    }
    let is_told = names::examine(examiner, &sql.text);
    if found.is_empty() && !is_told {
        let events = definitions.events();
        let all =
            || events.iter().map(|(_, object)| object.name.as_str()).chain([SqlQuestion::PEOPLE, SqlQuestion::EVENTS]);
        let near = words.iter().flat_map(|word| nearest(word, all())).next();
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("tables: {}", listed(&all().collect::<Vec<_>>())),
        };
        examiner.wrong(POINTER, "none of the tables that it reads is there".into(), &hint);
    }
    found
}

/// The columns of a table, those that every table has included; for a role, of the others those that its catalogue shows.
pub fn sql_columns(table: &str, definitions: &Definitions, role: Option<&Role>) -> Vec<String> {
    let event = match table {
        SqlQuestion::PEOPLE => None,
        SqlQuestion::EVENTS => Some(EventSelector::Any),
        event => Some(EventSelector::Named(event.to_owned())),
    };
    let mut columns = vec![SqlQuestion::PERSON.to_owned()];
    columns.extend(event.is_some().then(|| SqlQuestion::TIME.to_owned()));
    columns.extend((table == SqlQuestion::EVENTS).then(|| SqlQuestion::EVENT.to_owned()));
    let fields: Vec<&Field> = match &event {
        Some(event) => definitions.properties(event),
        None => definitions.traits().into_iter().map(|(_, _, field)| field).collect(),
    };
    let shown = fields.into_iter().filter(|field| role.is_none_or(|role| role.may_ask(field)));
    let asked = shown.filter(|field| field.class != FieldClass::Direct && !is_own_column(&field.name));
    let names: BTreeSet<String> = asked.map(|field| field.name.clone()).collect();
    columns.extend(names);
    columns
}

fn is_ours(name: &str) -> bool {
    [SqlQuestion::PEOPLE, SqlQuestion::EVENTS].contains(&name)
}

/// Columns of ours come before properties and traits of the same name.
fn is_own_column(name: &str) -> bool {
    [SqlQuestion::PERSON, SqlQuestion::TIME, SqlQuestion::EVENT].contains(&name)
}
