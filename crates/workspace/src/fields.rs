//! Reading the keys of a mapping: each key once, with its type, and in the end what was not asked for.

use crate::diagnostic::{Place, Problems};
use crate::names::{did_you_mean, shortened};
use crate::node::{Entry, Node, NodeKind};

/// The longest text of one value; longer than a condition may be, which has its own message.
const TEXT_BYTES_MAX: usize = 32 * 1024;

/// A mapping while it is read. A key with an empty value counts as absent.
pub(crate) struct Fields<'a> {
    what: &'static str,
    place: &'a Place,
    entries: &'a [Entry],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens a node that must be a mapping; `what` names it in messages (`a metric`).
    pub(crate) fn open(node: &'a Node, what: &'static str, problems: &mut Problems) -> Option<Fields<'a>> {
        match &node.kind {
            NodeKind::Map(entries) => Some(Fields { what, place: &node.place, entries, known: Vec::new() }),
            _ => {
                let message = format!("{what} is a mapping of keys to values, not {}", node.sort());
                problems.add(&node.place, message, "write `key: value`".into());
                None
            }
        }
    }

    /// Where the mapping starts.
    pub(crate) fn place(&self) -> &'a Place {
        self.place
    }

    /// The value of a key, if there is one.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.kind != NodeKind::Null).then_some(&entry.value)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str, hint: &str, problems: &mut Problems) -> Option<&'a Node> {
        let node = self.optional(key);
        if node.is_none() {
            problems.add(self.place, format!("{} needs `{key}`", self.what), hint.to_owned());
        }
        node
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, key: &'static str, hint: &str, problems: &mut Problems) -> Option<&'a str> {
        text_of(self.required(key, hint, problems)?, key, problems)
    }

    /// A text that may be missing.
    pub(crate) fn optional_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'a str> {
        text_of(self.optional(key)?, key, problems)
    }

    /// A text, empty where it is missing.
    pub(crate) fn text_or_empty(&mut self, key: &'static str, problems: &mut Problems) -> String {
        self.optional_text(key, problems).unwrap_or_default().to_owned()
    }

    /// True or false; false where it is missing.
    pub(crate) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> bool {
        let Some(node) = self.optional(key) else { return false };
        match node.kind {
            NodeKind::Boolean(value) => value,
            _ => {
                let message = format!("`{key}` is true or false, not {}", node.sort());
                problems.add(&node.place, message, format!("write `{key}: true`, or leave it out"));
                false
            }
        }
    }

    /// A whole number within bounds that may be missing.
    pub(crate) fn whole(&mut self, key: &'static str, bounds: (u32, u32), problems: &mut Problems) -> Option<u32> {
        let value = self.large(key, (bounds.0.into(), bounds.1.into()), problems)?;
        Some(u32::try_from(value).expect("it lies within bounds of this type"))
    }

    /// A whole number within bounds beyond 32 bits that may be missing.
    pub(crate) fn large(&mut self, key: &'static str, bounds: (u64, u64), problems: &mut Problems) -> Option<u64> {
        let node = self.optional(key)?;
        let (least, most) = bounds;
        let value = match node.kind {
            NodeKind::Integer(value) => u64::try_from(value).ok().filter(|value| (least..=most).contains(value)),
            _ => None,
        };
        if value.is_none() {
            let message = format!("`{key}` is a whole number from {least} to {most}");
            problems.add(&node.place, message, format!("write it as in `{key}: {}`", least.max(10).min(most)));
        }
        value
    }

    /// A list of texts; empty where it is missing.
    pub(crate) fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(&'a str, &'a Place)> {
        self.optional(key).map(|node| texts_of(node, key, problems)).unwrap_or_default()
    }

    /// A list of nodes; empty where it is missing.
    pub(crate) fn list(&mut self, key: &'static str, problems: &mut Problems) -> &'a [Node] {
        match self.optional(key).map(|node| (node, &node.kind)) {
            None => &[],
            Some((_, NodeKind::List(items))) => items,
            Some((node, _)) => {
                problems.add(
                    &node.place,
                    format!("`{key}` is a list, not {}", node.sort()),
                    "write `- ` before it".into(),
                );
                &[]
            }
        }
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn close(self, problems: &mut Problems) {
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let message = format!("`{}` is not a key of {}", shortened(&entry.key), self.what);
            problems.add(&entry.place, message, did_you_mean(&entry.key, &self.known, "keys"));
        }
    }
}

/// The entries of a node that must be a mapping from names chosen by the user.
pub(crate) fn entries_of<'a>(node: &'a Node, key: &str, problems: &mut Problems) -> &'a [Entry] {
    match &node.kind {
        NodeKind::Map(entries) => entries,
        _ => {
            let message = format!("`{key}` is a mapping, not {}", node.sort());
            problems.add(&node.place, message, "write `name: value`".into());
            &[]
        }
    }
}

/// The text of a node that must hold one.
pub(crate) fn text_of<'a>(node: &'a Node, key: &str, problems: &mut Problems) -> Option<&'a str> {
    match &node.kind {
        NodeKind::Text(text) if text.trim().is_empty() => {
            problems.add(&node.place, format!("`{key}` is empty"), "write something, or leave it out".into());
            None
        }
        NodeKind::Text(text) if text.len() > TEXT_BYTES_MAX => {
            problems.add(&node.place, format!("`{key}` is longer than 32 KiB"), "write it shorter".into());
            None
        }
        NodeKind::Text(text) => Some(text),
        NodeKind::Integer(_) | NodeKind::Number(_) | NodeKind::Boolean(_) => {
            let message = format!("`{key}` is text, not {}", node.sort());
            problems.add(&node.place, message, "put it in quotes".into());
            None
        }
        _ => {
            problems.add(
                &node.place,
                format!("`{key}` is text, not {}", node.sort()),
                format!("write `{key}: some text`"),
            );
            None
        }
    }
}

/// The texts of a node that must be a list of them.
pub(crate) fn texts_of<'a>(node: &'a Node, key: &str, problems: &mut Problems) -> Vec<(&'a str, &'a Place)> {
    let NodeKind::List(items) = &node.kind else {
        problems.add(
            &node.place,
            format!("`{key}` is a list, not {}", node.sort()),
            "write it as in `[one, two]`".into(),
        );
        return Vec::new();
    };
    items.iter().filter_map(|item| Some((text_of(item, key, problems)?, &item.place))).collect()
}
