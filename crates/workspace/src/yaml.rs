//! YAML text -> tree of nodes with places.
//!
//! Reads the parser's events one by one with a stack of its own, so that deep nesting costs no stack, and stops at the
//! first thing that cannot be read. Deliberately lacks anchors, aliases, tags, merge keys and several documents per file:
//! a definition says what it says where it stands.

use crate::diagnostic::{Place, Problems};
use crate::names::shortened;
use crate::node::{DEPTH_MAX, Entry, Node, NodeKind, Style};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::BTreeSet;

#[cfg(test)]
mod tests;

/// The longest file.
pub(crate) const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Reads the one document of a file; `None` if it cannot be read, and then there is a diagnostic.
pub(crate) fn parse(path: &str, text: &str, problems: &mut Problems) -> Option<Node> {
    let start = Place::start_of(path);
    if text.len() > FILE_BYTES_MAX {
        problems.add(&start, "the file is larger than 1 MiB".into(), "split it".into());
        return None;
    }
    let mut builder = Builder { start, lines: text.lines().collect(), stack: Vec::new(), root: None };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span, problems).ok()?,
            Err(error) => {
                let place = builder.place(error.marker().line(), error.marker().col());
                let hint = "look at the quotes, brackets and indents on this line and the one before";
                problems.add(&place, format!("not readable as YAML: {}", error.info()), hint.into());
                return None;
            }
        }
    }
    let empty = Node { place: builder.start.clone(), kind: NodeKind::Null, style: Style::Whole };
    Some(builder.root.unwrap_or(empty))
}

/// Reading stopped; the reason is among the problems.
struct Stopped;

/// A list or mapping that is not closed yet.
enum Open {
    List { place: Place, items: Vec<Node> },
    Map { place: Place, entries: Vec<Entry>, keys: BTreeSet<String>, key: Option<(String, Place)> },
}

struct Builder<'a> {
    start: Place,
    lines: Vec<&'a str>,
    stack: Vec<Open>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span, problems: &mut Problems) -> Result<(), Stopped> {
        let place = self.place(span.start.line(), span.start.col());
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                stop(&place, "a second document in one file", "put it into a file of its own", problems)
            }
            Event::Alias(_) => {
                stop(&place, "an alias (`*name`)", "write the value itself: aliases are not read", problems)
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_marks(anchor, tag.is_some(), &place, problems)?;
                let style_inside = self.style(style, &text, span);
                let kind = if style == ScalarStyle::Plain { plain(&text) } else { NodeKind::Text(text.into_owned()) };
                self.add(Node { place, kind, style: style_inside }, problems)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_marks(anchor, tag.is_some(), &place, problems)?;
                self.open(Open::List { place, items: Vec::new() }, problems)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_marks(anchor, tag.is_some(), &place, problems)?;
                self.open(Open::Map { place, entries: Vec::new(), keys: BTreeSet::new(), key: None }, problems)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (place, kind) = match self.stack.pop() {
                    Some(Open::List { place, items }) => (place, NodeKind::List(items)),
                    Some(Open::Map { place, entries, .. }) => (place, NodeKind::Map(entries)),
                    None => return stop(&place, "an end without a start", "close what was opened, once", problems),
                };
                self.add(Node { place, kind, style: Style::Whole }, problems)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, open: Open, problems: &mut Problems) -> Result<(), Stopped> {
        let place = match &open {
            Open::List { place, .. } | Open::Map { place, .. } => place,
        };
        if matches!(self.stack.last(), Some(Open::Map { key: None, .. })) {
            return stop(place, "a list or mapping as a key", "use a plain text as the key", problems);
        }
        if self.stack.len() >= DEPTH_MAX {
            return stop(place, &format!("it nests deeper than {DEPTH_MAX} levels"), "write it flatter", problems);
        }
        self.stack.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node, problems: &mut Problems) -> Result<(), Stopped> {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, keys, key, .. }) => match key.take() {
                Some((key, place)) => entries.push(Entry { key, place, value: node }),
                None => {
                    let Some(name) = key_text(&node.kind) else {
                        return stop(&node.place, "a key that is no text", "use a plain text as the key", problems);
                    };
                    if !keys.insert(name.clone()) {
                        let message = format!("the key `{}` stands twice", shortened(&name));
                        return stop(&node.place, &message, "keep one of them", problems);
                    }
                    *key = Some((name, node.place));
                }
            },
        }
        Ok(())
    }

    fn place(&self, line: usize, column: usize) -> Place {
        Place { path: self.start.path.clone(), line: line.max(1), column: column + 1 }
    }

    /// Where a position inside of a scalar stands in the file; only where each character stands for itself.
    fn style(&self, style: ScalarStyle, text: &str, span: Span) -> Style {
        let on_one_line = span.start.line() == span.end.line();
        let line = self.lines.get(span.start.line().saturating_sub(1)).copied().unwrap_or_default();
        match style {
            ScalarStyle::Plain if on_one_line => Style::Line { offset: 0 },
            ScalarStyle::SingleQuoted if on_one_line => Style::Line { offset: 1 },
            ScalarStyle::DoubleQuoted if on_one_line && !line.contains('\\') => Style::Line { offset: 1 },
            // The parser's mark is on the first line that is not empty.
            ScalarStyle::Literal => {
                let n_empty = text.chars().take_while(|character| *character == '\n').count();
                Style::Block { first_line: span.start.line().saturating_sub(n_empty), indent: span.start.col() }
            }
            _ => Style::Whole,
        }
    }
}

fn stop(place: &Place, message: &str, hint: &str, problems: &mut Problems) -> Result<(), Stopped> {
    problems.add(place, message.to_owned(), hint.to_owned());
    Err(Stopped)
}

fn refuse_marks(anchor: usize, tagged: bool, place: &Place, problems: &mut Problems) -> Result<(), Stopped> {
    if anchor > 0 {
        return stop(place, "an anchor (`&name`)", "leave it out: aliases are not read", problems);
    }
    if tagged {
        return stop(place, "a tag (`!name`)", "leave it out: the type follows from the value", problems);
    }
    Ok(())
}

fn key_text(kind: &NodeKind) -> Option<String> {
    match kind {
        NodeKind::Text(text) | NodeKind::Number(text) => Some(text.clone()),
        NodeKind::Integer(value) => Some(value.to_string()),
        NodeKind::Boolean(value) => Some(value.to_string()),
        NodeKind::Null | NodeKind::List(_) | NodeKind::Map(_) => None,
    }
}

/// An unquoted scalar by YAML 1.2's core schema; numbers in other bases are text.
fn plain(text: &str) -> NodeKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return NodeKind::Null,
        "true" | "True" | "TRUE" => return NodeKind::Boolean(true),
        "false" | "False" | "FALSE" => return NodeKind::Boolean(false),
        _ => {}
    }
    let looks_numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(value), _) if looks_numeric => NodeKind::Integer(value),
        (_, Ok(_)) if looks_numeric => NodeKind::Number(text.to_owned()),
        _ => NodeKind::Text(text.to_owned()),
    }
}
