//! The question that is written as SQL.

use serde_json::{Map, Value as Json};

/// A `SELECT` over governed tables.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlQuestion {
    /// One `SELECT`, read by its grammar and not yet understood.
    pub text: String,
}

impl SqlQuestion {
    /// The table with everybody and their traits.
    pub const PEOPLE: &'static str = "people";
    /// The table with the events of every name.
    pub const EVENTS: &'static str = "events";
    /// The column of every table that tells people apart.
    pub const PERSON: &'static str = "person";
    /// The column of events that says when they happened.
    pub const TIME: &'static str = "time";
    /// The column of `events` that says which it is.
    pub const EVENT: &'static str = "event";

    pub(super) fn write(&self, map: &mut Map<String, Json>) {
        map.insert("text".into(), self.text.clone().into());
    }
}
