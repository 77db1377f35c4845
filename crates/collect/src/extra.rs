//! What a message says beyond its contract, and what was left out of it: one JSON object of bounded size.
//!
//! `{"undeclared": {NAME: VALUE, ...}, "flagged": [{"field": ..., "reason": ...}, ...]}`. What finds no room, or what other
//! readers could not read, is counted in `undeclared_dropped` and `flagged_dropped`. Where a name stands twice, the last
//! one counts.

use crate::json;

/// The longest object, in bytes.
pub(crate) const EXTRA_BYTES_MAX: usize = 8 * 1024;
/// Of these, what is kept for flags, and for what is around both.
const FLAGGED_BYTES_MAX: usize = 2 * 1024;
const FRAME_BYTES: usize = 128;
/// How many undeclared names a message may have.
const NAMES_MAX: usize = 200;
/// The longest undeclared name, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// What is collected so far.
#[derive(Default)]
pub(crate) struct Extra {
    undeclared: String,
    n_undeclared: usize,
    n_undeclared_dropped: usize,
    flagged: String,
    n_flagged_dropped: usize,
}

impl Extra {
    /// Keeps what no contract declares; `value` is JSON.
    pub(crate) fn add_undeclared(&mut self, name: &str, value: &str) {
        let room = EXTRA_BYTES_MAX - FLAGGED_BYTES_MAX - FRAME_BYTES;
        let n_before = self.undeclared.len();
        let is_room = self.n_undeclared < NAMES_MAX && n_before + value.len() < room;
        if is_room && name.len() <= NAME_BYTES_MAX && is_readable(value) {
            push_comma(&mut self.undeclared);
            json::push_text(&mut self.undeclared, name);
            self.undeclared.push(':');
            self.undeclared.push_str(value);
            if self.undeclared.len() <= room {
                self.n_undeclared += 1;
                return;
            }
            self.undeclared.truncate(n_before);
        }
        self.n_undeclared_dropped += 1;
    }

    /// Keeps why a value was left out.
    pub(crate) fn add_flagged(&mut self, field: &str, reason: &str) {
        let n_before = self.flagged.len();
        push_comma(&mut self.flagged);
        self.flagged.push_str("{\"field\":");
        json::push_text(&mut self.flagged, field);
        self.flagged.push_str(",\"reason\":");
        json::push_text(&mut self.flagged, reason);
        self.flagged.push('}');
        if self.flagged.len() > FLAGGED_BYTES_MAX {
            self.flagged.truncate(n_before);
            self.n_flagged_dropped += 1;
        }
    }

    /// The object; empty when there is nothing.
    pub(crate) fn into_text(self) -> String {
        let mut parts = Vec::new();
        if !self.undeclared.is_empty() {
            parts.push(format!("\"undeclared\":{{{}}}", self.undeclared));
        }
        if self.n_undeclared_dropped > 0 {
            parts.push(format!("\"undeclared_dropped\":{}", self.n_undeclared_dropped));
        }
        if !self.flagged.is_empty() {
            parts.push(format!("\"flagged\":[{}]", self.flagged));
        }
        if self.n_flagged_dropped > 0 {
            parts.push(format!("\"flagged_dropped\":{}", self.n_flagged_dropped));
        }
        if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) }
    }
}

/// Whether other readers of JSON can read it: many refuse numbers beyond a double, and the whole object with them.
fn is_readable(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => lake::number_from_text(value).is_some(),
        Some(b'[' | b'{') => serde_json::from_str::<serde_json::Value>(value).is_ok(),
        _ => true,
    }
}

fn push_comma(json: &mut String) {
    if !json.is_empty() {
        json.push(',');
    }
}
