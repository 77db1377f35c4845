//! What rests on what, as it comes back.

use serde::Serialize;

/// Of which things the lineage is wanted.
#[derive(Clone, Debug, Default)]
pub struct LineageRequest {
    /// Only these kinds, by their words; none: all of them.
    pub kinds: Vec<String>,
    /// Only the one of this name.
    pub name: Option<String>,
}

/// A thing that rests on others, or that others rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThingView {
    /// `dashboard`, `question`, `audience`, `metric`, `event`, `property`, `trait`, `source`, `purpose`, `role` or
    /// `destination`.
    pub kind: String,
    /// Its name; of a property `EVENT.FIELD`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The file in the workspace that defines it.
    pub path: String,
    /// The source that brings it: of events and fields.
    pub source: Option<String>,
}

/// A thing with all that it rests on, and all that a change of it would reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineageView {
    /// The thing.
    pub thing: ThingView,
    /// The team that looks after its file, if one does.
    pub team: Option<String>,
    /// What it rests on.
    pub rests_on: Vec<ThingView>,
    /// What rests on it.
    pub used_by: Vec<ThingView>,
}
