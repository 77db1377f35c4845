//! Identity: which people have become one, by whom and why, and taking it back.
//!
//! Entries are told by their numbers and never by identifiers; whoever wants to know of somebody names the identifier.

use crate::error;
use crate::state::State;
use crate::store::Record;
use api::{MergeView, Principal};
use chrono::SecondsFormat;
use lake::{MergeChange, MergeEntry, MergeReason};
use spec::Result;

/// Entries that are listed at most: the newest.
const ENTRIES_MAX: usize = 1_000;

/// The newest entries of the log of merges, newest first; with an identifier, those about whom it leads to.
pub(crate) fn list(state: &State, who: &Principal, identifier: Option<&str>) -> Result<Vec<MergeView>> {
    if !who.sees_cost {
        return Err(error::no_right(&who.role, "see which people have become one"));
    }
    if identifier.is_some() {
        let what = "look for merges of one identifier";
        state.store.record(&Record { user: &who.user, what, ..Record::default() }, state.clock.now())?;
    }
    let (entries, n_settled) = state.lake.merges(identifier);
    Ok(entries.into_iter().rev().take(ENTRIES_MAX).map(|entry| view(entry, n_settled)).collect())
}

/// Takes an entry back; the people are what they would be without it when this returns.
pub(crate) fn undo(state: &State, who: &Principal, number: u64) -> Result<()> {
    if !who.may_import {
        return Err(error::no_right(&who.role, "take people apart"));
    }
    state.lake.undo_merge(number, &who.user)?;
    let what = format!("undo merge {number}");
    state.store.record(&Record { user: &who.user, what: &what, ..Record::default() }, state.clock.now())
}

fn view(entry: MergeEntry, n_settled: u64) -> MergeView {
    let (change, undoes) = match entry.change {
        MergeChange::Merge(_, _, MergeReason::Identify) => ("identify", None),
        MergeChange::Merge(_, _, MergeReason::Alias) => ("alias", None),
        MergeChange::Undo(number) => ("undo", Some(number)),
    };
    let state = match (entry.is_undone, entry.number < n_settled) {
        (true, _) => "undone",
        (false, true) => "in force",
        (false, false) => "waiting",
    };
    MergeView {
        number: entry.number,
        at: entry.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        change,
        undoes,
        by: entry.by,
        state,
    }
}
