//! A text in YAML with its tree, and the few edits that are made on it.
//!
//! An edit inserts into the text or replaces one scalar of it. In flow style (`{ }`, `[ ]`) what is new stands before the
//! closing bracket, in block style on lines of its own, indented as its neighbours are.

use crate::diagnostic::{Place, Problems};
use crate::node::{Entry, Node, NodeKind};
use crate::yaml;

/// A text that can be read, with its tree.
pub(super) struct Page<'a> {
    text: &'a str,
    root: Node,
    /// Where each line starts, and the end of the text.
    starts: Vec<usize>,
    newline: &'static str,
}

impl<'a> Page<'a> {
    /// Reads a text; `None` if it cannot be read, or if its lines are not those that an editor sees.
    pub(super) fn read(text: &'a str) -> Option<Page<'a>> {
        let is_odd = |c: char| matches!(c, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let n_returns = text.matches('\r').count();
        let newline = if n_returns == 0 { "\n" } else { "\r\n" };
        if text.contains(is_odd) || n_returns != text.matches("\r\n").count() {
            return None;
        }
        let mut problems = Problems::default();
        let root = yaml::parse("", text, &mut problems)?;
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1).filter(|start| *start < text.len());
        let starts = std::iter::once(0).chain(breaks).chain([text.len()]).collect();
        (problems.count() == 0).then_some(Page { text, root, starts, newline })
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// Whether a list or a mapping stands in brackets.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        let rest = self.offset(&node.place).map_or("", |offset| &self.text[offset..]);
        rest.starts_with(['[', '{'])
    }

    /// Sets a key to a word, in place of the one that it has or anew.
    pub(super) fn set(&self, map: &Node, key: &str, value: &str) -> Option<String> {
        self.set_named(map, (key, key), value)
    }

    /// The same for a key that is not written as it is called.
    pub(super) fn set_named(&self, map: &Node, (key, written): (&str, &str), value: &str) -> Option<String> {
        let Some(entry) = entry_in(map, key) else { return self.add(map, written, (value, &format!(" {value}"))) };
        let (start, end) = self.scalar(&entry.value)?;
        Some(format!("{}{value}{}", &self.text[..start], &self.text[end..]))
    }

    /// Adds a key with its value in flow style, or in block style as what stands after the colon: lines are indented.
    pub(super) fn add(&self, map: &Node, key: &str, (flow, block): (&str, &str)) -> Option<String> {
        let NodeKind::Map(entries) = &map.kind else { return None };
        if self.is_flow(map) {
            return self.insert_in_flow(map, entries.is_empty(), &format!("{key}: {flow}"));
        }
        let last = entries.last()?;
        let indent = last.place.column - 1;
        let end = self.block_end(last.place.line, indent, true)?;
        let lines: Vec<String> = format!("{key}:{block}").split('\n').map(str::to_owned).collect();
        Some(self.insert_lines(end, indent, &lines))
    }

    /// Adds to the end of a list: as flow, or as lines, the first of which gets the dash.
    pub(super) fn push(&self, list: &Node, flow: &str, block: &[String]) -> Option<String> {
        let NodeKind::List(items) = &list.kind else { return None };
        if self.is_flow(list) {
            let is_said = !flow.is_empty();
            return is_said.then(|| self.insert_in_flow(list, items.is_empty(), flow))?;
        }
        let last = items.last()?;
        let dash = self.dash(last)?;
        let end = self.block_end(last.place.line, dash, false)?;
        let mut lines: Vec<String> = Vec::new();
        if self.is_spaced(list)? {
            lines.push(String::new());
        }
        let inside = " ".repeat(last.place.column - 2 - dash);
        for (index, line) in block.iter().enumerate() {
            let lead = if index == 0 { "-" } else { " " };
            lines.push(if line.is_empty() { String::new() } else { format!("{lead}{inside}{line}") });
        }
        Some(self.insert_lines(end, dash, &lines))
    }

    /// Whether an empty line stands between the last two items of a block list.
    pub(super) fn is_spaced(&self, list: &Node) -> Option<bool> {
        let NodeKind::List(items) = &list.kind else { return None };
        let [.., _, last] = items.as_slice() else { return Some(false) };
        let mut above = (0..last.place.line.checked_sub(1)?).rev().map(|line| self.line(line).trim());
        Some(above.find(|line| !line.starts_with('#')).is_some_and(str::is_empty))
    }

    /// A one-line scalar as it is written, where it can stand in brackets too.
    pub(super) fn raw(&self, node: &Node) -> Option<&'a str> {
        let (start, end) = self.scalar(node)?;
        Some(&self.text[start..end])
    }

    /// The lines of an item of a block list, without the indent of its dash.
    pub(super) fn item_lines(&self, item: &Node) -> Option<Vec<&'a str>> {
        let dash = self.dash(item)?;
        let (start, end) = (self.starts.get(item.place.line - 1)?, self.block_end(item.place.line, dash, false)?);
        let lines = self.text[*start..end].lines();
        Some(lines.map(|line| line.get(dash..).unwrap_or_default()).collect())
    }

    fn line(&self, index: usize) -> &'a str {
        match self.starts.get(index..index + 2) {
            Some([start, end]) => &self.text[*start..*end],
            _ => "",
        }
    }

    fn offset(&self, place: &Place) -> Option<usize> {
        let line = self.line(place.line.checked_sub(1)?);
        let (column, _) = line.char_indices().nth(place.column.checked_sub(1)?)?;
        Some(self.starts[place.line - 1] + column)
    }

    /// Start and end of a scalar of one line that has neither blanks nor brackets outside of quotes.
    fn scalar(&self, node: &Node) -> Option<(usize, usize)> {
        if matches!(node.kind, NodeKind::Null | NodeKind::List(_) | NodeKind::Map(_)) {
            return None;
        }
        let start = self.offset(&node.place)?;
        let rest = &self.text[start..];
        let length = match rest.chars().next()? {
            quote @ ('"' | '\'') => rest[1..].find([quote, '\\', '\n'])? + 2,
            '|' | '>' => return None,
            _ => {
                rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | '[' | '{')).unwrap_or(rest.len())
            }
        };
        let end = start + length;
        let is_whole = match &node.kind {
            NodeKind::Text(text) => self.text[start..end].trim_matches(['"', '\'']) == text,
            _ => true,
        };
        is_whole.then_some((start, end))
    }

    /// How far the dash of an item of a block list is indented.
    fn dash(&self, item: &Node) -> Option<usize> {
        let offset = self.offset(&item.place)?;
        let before = &self.text[*self.starts.get(item.place.line - 1)?..offset];
        let indent = before.trim_end().strip_suffix('-')?;
        indent.chars().all(|c| c == ' ').then_some(indent.len())
    }

    /// Where the lines end that belong to what starts in a line (from 1) at an indent; empty lines at the end do not.
    ///
    /// The value of a key may be a list whose dashes stand no deeper than the key; a dash there is another item otherwise.
    fn block_end(&self, line: usize, indent: usize, with_dashes: bool) -> Option<usize> {
        let mut end = *self.starts.get(line)?;
        for index in line..self.starts.len() - 1 {
            let text = self.line(index);
            let inside = text.trim_start_matches(' ');
            let depth = text.len() - inside.len();
            let is_dash = inside.starts_with("- ") || inside.trim_end() == "-";
            let is_empty = inside.trim().is_empty();
            if (depth > indent && !is_empty) || (depth == indent && with_dashes && is_dash) {
                end = self.starts[index + 1];
            } else if !is_empty && !inside.starts_with('#') {
                break;
            }
        }
        Some(end)
    }

    fn insert_lines(&self, at: usize, indent: usize, lines: &[String]) -> String {
        let (before, after) = self.text.split_at(at);
        let is_closed = before.is_empty() || before.ends_with('\n');
        let mut edited = before.to_owned();
        for line in lines {
            if !(edited.is_empty() || edited.ends_with('\n')) {
                edited.push_str(self.newline);
            }
            let indented = if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(indent)) };
            edited.push_str(&indented);
            edited.push_str(self.newline);
        }
        if !is_closed {
            edited.truncate(edited.len() - self.newline.len());
        }
        edited + after
    }

    /// Puts something behind the last of what stands in brackets.
    fn insert_in_flow(&self, node: &Node, is_empty: bool, addition: &str) -> Option<String> {
        let at = last_in_flow(self.text, self.offset(&node.place)?)?;
        let (before, after) = self.text.split_at(at);
        let lead = match before.chars().next_back()? {
            '[' if is_empty => "",
            '{' if is_empty => " ",
            ',' => " ",
            _ => ", ",
        };
        let trail = if is_empty && after.starts_with('}') { " " } else { "" };
        Some(format!("{before}{lead}{addition}{trail}{after}"))
    }
}

/// Where the last of what stands in brackets ends: neither blanks nor comments count.
fn last_in_flow(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut last, mut may_start) = (open, 0_usize, open, true);
    while let Some(byte) = bytes.get(at) {
        let is_after_blank = at > 0 && bytes[at - 1].is_ascii_whitespace();
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 1 => return Some(last),
            b']' | b'}' => depth -= 1,
            // In the middle of a word it is an apostrophe.
            b'"' | b'\'' if may_start => at = closing_quote(bytes, at)?,
            b'#' if is_after_blank => {
                at += text[at..].find('\n')?;
                continue;
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            may_start = matches!(byte, b'[' | b'{' | b',' | b':');
            last = at + 1;
        }
        at += 1;
    }
    None
}

/// Where the quote closes that opens here.
fn closing_quote(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = bytes[open];
    let mut at = open + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 1,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// The entry of a key that has a value.
fn entry_in<'n>(map: &'n Node, key: &str) -> Option<&'n Entry> {
    let NodeKind::Map(entries) = &map.kind else { return None };
    entries.iter().find(|entry| entry.key == key)
}

/// The value of a key.
pub(super) fn value_in<'n>(map: &'n Node, key: &str) -> Option<&'n Node> {
    entry_in(map, key).map(|entry| &entry.value)
}

/// The text of a key.
pub(super) fn text_in<'n>(map: &'n Node, key: &str) -> Option<&'n str> {
    match &value_in(map, key)?.kind {
        NodeKind::Text(text) => Some(text),
        _ => None,
    }
}

/// The item of a list in which a key is this text.
pub(super) fn item_with<'n>(list: &'n Node, key: &str, text: &str) -> Option<&'n Node> {
    let NodeKind::List(items) = &list.kind else { return None };
    items.iter().find(|item| text_in(item, key) == Some(text))
}
