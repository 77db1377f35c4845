//! A change of a definition -> the text of its file with the change made, for somebody to look at and to save.
//!
//! Only what the change needs is written: comments, order and layout of everything else stay byte for byte. A text of a
//! form that is not understood is not guessed at. Names of a change come from addresses that anybody can write, so that
//! only what is a name gets into a file.

use crate::names::is_name;
use crate::node::{Node, NodeKind};
use page::{Page, item_with, text_in, value_in};
use spec::{Change, FieldClass, Release, ValueType};
use std::slice;

mod page;
#[cfg(test)]
mod tests;

/// The longest title of a new definition.
const TITLE_LENGTH_MAX: usize = 200;

/// The text of a definition's file with a change made as a small edit; empty stands for a file that is not there yet.
///
/// A change that was made before leaves the text as it is. `None` when the text is not of a form that is understood, or
/// when the change is none of this sort of file.
pub fn proposed(text: &str, path: &str, change: &Change) -> Option<String> {
    let (folder, file) = path.split_once('/')?;
    let edited = match (folder, change) {
        ("contracts", Change::AllowField { object, field, purpose }) => allow_field(text, (object, field), purpose),
        ("contracts", Change::DeclareField { object, field, value_type, purpose }) => {
            declare_field(text, (object, field), *value_type, purpose)
        }
        ("contracts", Change::DeclareEvent { event }) => declare_event(text, event),
        ("roles", Change::AllowPurpose { purpose, release }) => allow_purpose(text, purpose, *release),
        ("roles", Change::ShowClass { class }) => show_class(text, *class),
        ("purposes", Change::ShowDifferences) => {
            let page = Page::read(text)?;
            page.set(page.root(), "differences", "shown")
        }
        ("purposes", Change::AllowQuestions { per_day }) => {
            let page = Page::read(text)?;
            page.set(page.root(), "questions_per_day", &per_day.to_string())
        }
        (_, Change::Define { title, purpose }) if text.trim().is_empty() => {
            is_name(file.strip_suffix(".yaml")?).then(|| skeleton(folder, title, purpose))?
        }
        _ => None,
    }?;
    Page::read(&edited).is_some().then_some(edited)
}

/// A name as it stands in YAML; `None` if it is none.
fn word(name: &str) -> Option<String> {
    let is_plain = !matches!(name, "true" | "false" | "null");
    is_name(name).then(|| if is_plain { name.to_owned() } else { format!("'{name}'") })
}

/// A field without a class may be used for nothing, so it gets the one that it counts as: to allow a field makes none more open.
fn allow_field(text: &str, (object, field): (&str, &str), purpose: &str) -> Option<String> {
    let page = Page::read(text)?;
    let property = field_in(&page, object, field)?;
    if value_in(property, "classification").is_none() {
        let classified = page.set(property, "classification", FieldClass::Sensitive.name())?;
        let page = Page::read(&classified)?;
        return allow_purpose_of(&page, field_in(&page, object, field)?, purpose);
    }
    allow_purpose_of(&page, property, purpose)
}

fn allow_purpose_of(page: &Page<'_>, property: &Node, purpose: &str) -> Option<String> {
    let purpose = word(purpose)?;
    let entry = format!("{{ property: purposes, value: [{purpose}] }}");
    let Some(custom) = value_in(property, "customProperties") else {
        return page.add(property, "customProperties", (&format!("[{entry}]"), &format!("\n  - {entry}")));
    };
    let Some(purposes) = item_with(custom, "property", "purposes") else {
        return page.push(custom, &entry, slice::from_ref(&entry));
    };
    let listed = value_in(purposes, "value")?;
    let NodeKind::List(items) = &listed.kind else { return None };
    if items.iter().any(|item| item.kind == NodeKind::Text(purpose.trim_matches('\'').to_owned())) {
        return Some(page.text().to_owned());
    }
    page.push(listed, &purpose, slice::from_ref(&purpose))
}

/// The field says nothing about who somebody is, and may be used for the purpose that it was asked for: without either the
/// question would still be refused. Whoever knows the field looks at both lines before they are saved.
fn declare_field(text: &str, (object, field): (&str, &str), value_type: ValueType, purpose: &str) -> Option<String> {
    let page = Page::read(text)?;
    if field_in(&page, object, field).is_some() {
        return Some(text.to_owned());
    }
    let properties = value_in(object_in(&page, object)?, "properties")?;
    let (field, purpose) = (word(field)?, word(purpose)?);
    let (logical, physical) = match value_type {
        ValueType::Text => ("string", None),
        ValueType::Integer => ("integer", None),
        ValueType::Number => ("number", None),
        ValueType::Decimal { scale } => ("number", Some(format!("decimal(18,{scale})"))),
        ValueType::Boolean => ("boolean", None),
        ValueType::Timestamp => ("timestamp", None),
        ValueType::Date => ("date", None),
    };
    let allowed = format!("{{ property: purposes, value: [{purpose}] }}");
    let in_line = physical.as_ref().map_or(String::new(), |physical| format!(", physicalType: '{physical}'"));
    let flow = format!(
        "{{ name: {field}, logicalType: {logical}{in_line}, classification: none, customProperties: [{allowed}] }}"
    );
    let NodeKind::List(items) = &properties.kind else { return None };
    if items.last().is_some_and(|last| page.is_flow(last)) {
        return page.push(properties, &flow, slice::from_ref(&flow));
    }
    let mut lines = vec![format!("name: {field}"), format!("logicalType: {logical}")];
    lines.extend(physical.map(|physical| format!("physicalType: {physical}")));
    lines.push("# How closely it points at a person: none, pseudonym, direct or sensitive.".to_owned());
    lines.extend(["classification: none".to_owned(), "customProperties:".to_owned(), format!("  - {allowed}")]);
    page.push(properties, &flow, &lines)
}

/// The event has person, time and message id as the first event of the contract has them: they come in by the same way.
fn declare_event(text: &str, event: &str) -> Option<String> {
    let page = Page::read(text)?;
    if object_in(&page, event).is_some() {
        return Some(text.to_owned());
    }
    let schema = value_in(page.root(), "schema")?;
    let NodeKind::List(objects) = &schema.kind else { return None };
    let is_event = |object: &&Node| custom_of(object, "entity").is_some_and(|kind| is_text(kind, "event"));
    let model = objects.iter().find(is_event)?;
    let properties = value_in(model, "properties")?;
    let mut lines = vec![format!("name: {}", word(event)?), format!("businessName: {}", title_of(event))];
    lines.extend(text_in(model, "logicalType").map(|_| "logicalType: object".to_owned()));
    lines.push("customProperties:".to_owned());
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for property in ["entity", "person", "person_prefix", "time", "message_id"] {
        let Some(value) = custom_of(model, property) else { continue };
        let raw = page.raw(value)?;
        lines.push(format!("  - {{ property: {property}, value: {raw} }}"));
        if let (true, NodeKind::Text(column)) = (matches!(property, "person" | "time" | "message_id"), &value.kind)
            && !names.contains(&column)
        {
            names.push(column);
            columns.push(item_with(properties, "name", column)?);
        }
    }
    lines.push("properties:".to_owned());
    let n_columns = columns.len();
    for (index, column) in columns.into_iter().enumerate() {
        let copied = page.item_lines(column)?.into_iter();
        lines.extend(copied.map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }));
        if page.is_spaced(properties)? && index + 1 < n_columns {
            lines.push(String::new());
        }
    }
    page.push(schema, "", &lines)
}

fn allow_purpose(text: &str, purpose: &str, release: Release) -> Option<String> {
    let page = Page::read(text)?;
    let (name, purpose) = (purpose, word(purpose)?);
    let Some(purposes) = value_in(page.root(), "purposes") else {
        let map = format!("{{ {purpose}: {} }}", release.name());
        return page.add(page.root(), "purposes", (&map, &format!(" {map}")));
    };
    let held = text_in(purposes, name);
    if Release::ALL.iter().any(|level| *level >= release && held == Some(level.name())) {
        return Some(text.to_owned());
    }
    page.set_named(purposes, (name, &purpose), release.name())
}

fn show_class(text: &str, class: FieldClass) -> Option<String> {
    let page = Page::read(text)?;
    match value_in(page.root(), "masks") {
        Some(masks) => page.set(masks, class.name(), "show"),
        None => {
            let map = format!("{{ {}: show }}", class.name());
            page.add(page.root(), "masks", (&map, &format!(" {map}")))
        }
    }
}

/// A new definition that can be read as it stands, and says what is still to be decided.
fn skeleton(folder: &str, title: &str, purpose: &str) -> Option<String> {
    if title.trim().is_empty() || title.chars().count() > TITLE_LENGTH_MAX {
        return None;
    }
    let is_plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
            && !text.ends_with(' ')
    };
    let is_word = !matches!(title.to_ascii_lowercase().as_str(), "true" | "false" | "null");
    let title = if is_plain(title) && is_word { title.to_owned() } else { serde_json::Value::from(title).to_string() };
    Some(match folder {
        "metrics" => format!(
            "title: {title}\n\
             # What it means, in words that both teams agree on.\n\
             # description: ...\n\
             # To be decided: this counts everything that happened. Others are people(E), sum(E.p), avg(E.p), and one divided by another.\n\
             measure: count(*)\n"
        ),
        "audiences" => format!(
            "title: {title}\n\
             # Whom it holds, in words that both teams agree on.\n\
             # description: ...\n\
             # What it is mostly asked for.\n\
             purpose: {}\n\
             # To be decided: this is everybody who ever did anything.\n\
             where: did(*)\n",
            word(purpose)?
        ),
        "purposes" => format!(
            "# As it stands after `may we use for`.\n\
             title: {title}\n\
             # What it covers, in words that a person concerned would understand.\n\
             # description: ...\n\
             # To be decided: why people may be used, by law. A law that is left out allows nobody.\n\
             basis: {{ gdpr: consent, ccpa: consent, us_other: consent }}\n\
             # The smallest group of people that an answer may show.\n\
             min_group: 50\n"
        ),
        "destinations" => format!(
            "title: {title}\n\
             # What it is, in words that both teams agree on.\n\
             # description: ...\n\
             # What lists that go there may be for.\n\
             purposes: [{}]\n",
            word(purpose)?
        ),
        _ => return None,
    })
}

fn object_in<'n>(page: &'n Page<'_>, object: &str) -> Option<&'n Node> {
    item_with(value_in(page.root(), "schema")?, "name", object)
}

fn field_in<'n>(page: &'n Page<'_>, object: &str, field: &str) -> Option<&'n Node> {
    item_with(value_in(object_in(page, object)?, "properties")?, "name", field)
}

/// The value of a custom property of an object.
fn custom_of<'n>(object: &'n Node, property: &str) -> Option<&'n Node> {
    value_in(item_with(value_in(object, "customProperties")?, "property", property)?, "value")
}

fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.kind, NodeKind::Text(found) if found == text)
}

/// What people may call something of this name: `basket_paid` is a Basket paid.
fn title_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
