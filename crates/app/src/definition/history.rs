//! Who changed a file and when, as it is on record, and the text that an undo puts back.
//!
//! The workspace is the truth: an undo is offered only where the file is as the last change on record left it, and it is
//! itself a change like any other.

use super::version;
use crate::state::State;
use crate::store::EditTold;
use api::DefinitionEdit;
use spec::Result;
use workspace::Definitions;

/// The changes of a file that are told, and the text before the last of them.
pub(super) struct History {
    /// The newest first.
    pub(super) edits: Vec<DefinitionEdit>,
    /// The text before the last change, if the file is as that left it; empty where there was no file.
    pub(super) undo: Option<String>,
}

/// The history of a file, whose text on disk has this version.
pub(super) fn of(state: &State, definitions: &Definitions, (path, base): (&str, &str)) -> Result<History> {
    let told = state.store.edits(path)?;
    let undo = match told.first() {
        Some(last) if last.has_text && last.version_after.as_deref() == Some(base) => text_before(state, last)?,
        _ => None,
    };
    let view = |(place, edit): (usize, &EditTold)| DefinitionEdit {
        at: edit.at.clone(),
        title: definitions.users.get(&edit.user).map_or_else(|| edit.user.clone(), |user| user.title.clone()),
        user: edit.user.clone(),
        did: did(edit, told.get(place + 1)).to_owned(),
        base: edit.version_after.clone(),
    };
    Ok(History { edits: told.iter().enumerate().map(view).collect(), undo })
}

/// The text before a change, if it is the one that was there.
fn text_before(state: &State, edit: &EditTold) -> Result<Option<String>> {
    let text = state.store.text_before(edit.number)?;
    // The chain of records does not bind it.
    Ok(text.filter(|text| edit.version_before.as_deref() == Some(version_of(text).as_str())))
}

/// The version of a text; an empty one stands for no file and has none.
fn version_of(text: &str) -> String {
    if text.is_empty() { String::new() } else { version(text) }
}

/// What a change did, with the one before it.
fn did(edit: &EditTold, before: Option<&EditTold>) -> &'static str {
    let is_back = |before: &EditTold| {
        edit.version_after.is_some()
            && edit.version_after == before.version_before
            && edit.version_before == before.version_after
    };
    match edit.version_before.as_deref() {
        _ if before.is_some_and(is_back) => "undo",
        _ if edit.is_removal => "remove",
        Some("") => "create",
        _ => "save",
    }
}
