//! A YAML document or a JSON value as one tree, each node with its place.
//!
//! In a file a place is path, line and column; in a request the path is the JSON pointer and the place is its start.
//! A position inside of a text (a condition) is moved to where that text stands, as far as the style allows it.

use crate::diagnostic::{Issue, Place, Problems};
use serde_json::Value as Json;

/// How deep lists and mappings may nest.
pub(crate) const DEPTH_MAX: usize = 64;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: NodeKind,
    pub(crate) style: Style,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeKind {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Any other number, as written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// Keys are unique.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// How a text stands in its file; it decides where a position inside of the text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    /// The text alone (JSON): positions are as they are.
    Alone,
    /// On one line, this many characters after the node's place.
    Line { offset: usize },
    /// A block `|`, its lines indented, the first of them at this line.
    Block { first_line: usize, indent: usize },
    /// Otherwise: positions inside are those of the node.
    Whole,
}

impl Node {
    /// The tree of a JSON value; its root is at `pointer`. `None` if it nests too deeply.
    pub(crate) fn from_json(json: &Json, pointer: &str, problems: &mut Problems) -> Option<Node> {
        read_json(json, pointer, DEPTH_MAX, problems)
    }

    /// The tree as JSON.
    pub(crate) fn to_json(&self) -> Json {
        match &self.kind {
            NodeKind::Null => Json::Null,
            NodeKind::Boolean(value) => (*value).into(),
            NodeKind::Integer(value) => (*value).into(),
            NodeKind::Number(text) => text.parse::<f64>().map_or(Json::Null, Json::from),
            NodeKind::Text(text) => text.as_str().into(),
            NodeKind::List(items) => items.iter().map(Node::to_json).collect(),
            NodeKind::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
        }
    }

    /// What sort of value it is, for messages.
    pub(crate) fn sort(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Boolean(_) => "true or false",
            NodeKind::Integer(_) | NodeKind::Number(_) => "a number",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }

    /// Reports what is wrong inside of this text.
    pub(crate) fn report(&self, issues: Vec<Issue>, problems: &mut Problems) {
        for issue in issues {
            let place = self.place_inside(issue.line, issue.column);
            problems.add(&place, issue.message, issue.hint);
        }
    }

    fn place_inside(&self, line: usize, column: usize) -> Place {
        let path = self.place.path.clone();
        match self.style {
            Style::Alone => Place { path, line, column },
            Style::Line { offset } => {
                Place { path, line: self.place.line, column: self.place.column + offset + column - 1 }
            }
            Style::Block { first_line, indent } => Place { path, line: first_line + line - 1, column: indent + column },
            Style::Whole => self.place.clone(),
        }
    }
}

fn read_json(json: &Json, pointer: &str, depth_left: usize, problems: &mut Problems) -> Option<Node> {
    let place = Place::start_of(pointer);
    if depth_left == 0 {
        problems.add(&place, format!("it nests deeper than {DEPTH_MAX} levels"), "write it flatter".into());
        return None;
    }
    let kind = match json {
        Json::Null => NodeKind::Null,
        Json::Bool(value) => NodeKind::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => NodeKind::Integer(value),
            None => NodeKind::Number(number.to_string()),
        },
        Json::String(text) => NodeKind::Text(text.clone()),
        Json::Array(items) => {
            let mut nodes = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                nodes.push(read_json(item, &format!("{pointer}/{index}"), depth_left - 1, problems)?);
            }
            NodeKind::List(nodes)
        }
        Json::Object(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let value = read_json(value, &pointer, depth_left - 1, problems)?;
                entries.push(Entry { key: key.clone(), place: Place::start_of(&pointer), value });
            }
            NodeKind::Map(entries)
        }
    };
    Some(Node { place, kind, style: Style::Alone })
}
