//! JSON as clients send it, one level at a time, each value as its own text: numbers stay exact, and nothing recurses.
//!
//! Everything borrows from the body. Where a key stands twice, the last one wins, as in browsers. What it lacks on purpose:
//! a tree of values, which would have to choose how numbers are kept before the contract has said so.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Visits the members of an object in their order; false when the text is not one JSON object.
pub(crate) fn members<'a>(text: &'a str, visit: &mut dyn FnMut(Cow<'a, str>, &'a RawValue)) -> bool {
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.deserialize_map(Members { visit }).and_then(|()| parser.end()).is_ok()
}

/// The value of one member of an object.
pub(crate) fn member<'a>(text: &'a str, name: &str) -> Option<&'a RawValue> {
    let mut found = None;
    let is_object = members(text, &mut |key, value| {
        if key == name {
            found = Some(value);
        }
    });
    found.filter(|_| is_object)
}

/// The elements of an array; `None` when the text is not one.
pub(crate) fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// The text that a value is; `None` when it is no text.
pub(crate) fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(value.get()).ok().map(|Text(text)| text);
    }
    Some(Cow::Borrowed(inner))
}

/// The text that a value is, or the digits that it has; `None` for everything else.
pub(crate) fn text_or_number(value: &RawValue) -> Option<Cow<'_, str>> {
    if is_number(value) { Some(Cow::Borrowed(value.get())) } else { text_of(value) }
}

/// Whether a value is a number.
pub(crate) fn is_number(value: &RawValue) -> bool {
    value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Whether a value is `null`.
pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// Whether a value is an object.
pub(crate) fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Appends a text as JSON.
pub(crate) fn push_text(json: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(text).expect("text has a JSON form"));
    }
}

/// Appends a member to an object, of which nothing or all but the closing brace is there; `value` is JSON.
pub(crate) fn push_member(json: &mut String, name: &str, value: &str) {
    json.push(if json.is_empty() { '{' } else { ',' });
    push_text(json, name);
    json.push(':');
    json.push_str(value);
}

/// Whether no later reader stumbles over well-formed JSON: not too deep, and no half of a surrogate pair on its own.
pub(crate) fn is_sound(text: &str, depth_max: usize) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => match after_string(bytes, at) {
                Some(after) => at = after,
                None => return false,
            },
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Where the text goes on after a string that begins at `at`; `None` when half of a surrogate pair stands in it.
fn after_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += match code_unit(bytes, at) {
            Some(0xd800..=0xdbff) => {
                code_unit(bytes, at + 6).filter(|second| (0xdc00..=0xdfff).contains(second))?;
                12
            }
            Some(0xdc00..=0xdfff) => return None,
            Some(_) => 6,
            None => 2,
        };
        if at > bytes.len() {
            return None;
        }
    }
}

/// The code unit of an escape `\uXXXX`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A text, borrowed where it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

struct Members<'v, 'a> {
    visit: &'v mut dyn FnMut(Cow<'a, str>, &'a RawValue),
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            (self.visit)(key, map.next_value()?);
        }
        Ok(())
    }
}
