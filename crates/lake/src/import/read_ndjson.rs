//! NDJSON: one JSON object per line; keys that the contract does not declare are passed over.

use super::records::{Cell, Fault, Reader, Records, RecordsBuilder};
use super::window::{Line, Window};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use spec::{Object, Result};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Reads the records of an NDJSON file.
pub(super) struct NdjsonReader<'a> {
    window: Window,
    builder: RecordsBuilder<'a>,
    places: HashMap<&'a str, usize>,
}

impl<'a> NdjsonReader<'a> {
    pub(super) fn open(path: &Path, object: &'a Object) -> Result<NdjsonReader<'a>> {
        let places = object.fields.iter().enumerate().map(|(at, field)| (field.name.as_str(), at)).collect();
        let mut window = Window::open(path)?;
        window.skip_byte_order_mark()?;
        Ok(NdjsonReader { window, builder: RecordsBuilder::new(object), places })
    }

    fn push_line(&mut self, n_bytes: usize) {
        let line = self.window.bytes()[..n_bytes].trim_ascii();
        if line.is_empty() {
            return;
        }
        let Ok(text) = std::str::from_utf8(line) else {
            return self.builder.push_fault(line, Fault::of_record("the line is not UTF-8"));
        };
        let mut parser = serde_json::Deserializer::from_str(text);
        let values = Values { places: &self.places };
        match parser.deserialize_map(values).and_then(|cells| parser.end().map(|()| cells)) {
            Ok(cells) => self.builder.push(line, &cells),
            Err(_) => self.builder.push_fault(line, Fault::of_record("the line is not one JSON object")),
        }
    }
}

impl Reader for NdjsonReader<'_> {
    fn next(&mut self) -> Result<Option<Records>> {
        while !self.builder.is_full() {
            match self.window.line()? {
                Line::Of { n_bytes } => {
                    self.push_line(n_bytes);
                    self.window.consume(n_bytes);
                }
                Line::TooLong => {
                    let start = self.window.head().to_vec();
                    self.builder.push_fault(&start, Fault::of_record("the line is longer than 1 MiB"));
                    self.window.skip_line()?;
                }
                Line::End => break,
            }
        }
        Ok(self.builder.finish())
    }

    fn progress(&self) -> (u64, u64) {
        self.window.progress()
    }
}

/// Picks the declared keys out of a JSON object; numbers keep their text, so that decimals stay exact.
struct Values<'p, 'a> {
    places: &'p HashMap<&'a str, usize>,
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = Vec<Cell<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut cells: Vec<Cell<'de>> = self.places.iter().map(|_| Cell::Missing).collect();
        while let Some(Key(key)) = map.next_key()? {
            match self.places.get(key.as_ref()) {
                Some(at) => cells[*at] = cell(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(cells)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

fn cell(value: &RawValue) -> Cell<'_> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => Cell::Missing,
        Some(b'{' | b'[') | None => Cell::Unreadable,
        Some(b'"') => match serde_json::from_str::<Key<'_>>(text) {
            // An empty text is a missing value in every format.
            Ok(Key(text)) if text.is_empty() => Cell::Missing,
            Ok(Key(text)) => Cell::Text(text),
            Err(_) => Cell::Unreadable,
        },
        Some(_) => Cell::Text(Cow::Borrowed(text)),
    }
}
