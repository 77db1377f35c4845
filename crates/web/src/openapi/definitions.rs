//! The schemas of files of definitions - as they stand, checked, saved - and of what rests on what.

use super::reference;
use serde_json::{Value, json};

/// The schemas by their names.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let maybe_text = json!({ "type": ["string", "null"] });
    let flag = json!({ "type": "boolean" });
    let outcome = json!({ "enum": ["yes", "yes_if", "no"] });
    let diagnostics = json!({ "type": "array", "items": reference("Diagnostic") });
    let turn = json!({
        "type": "object",
        "required": ["kind", "name", "title", "question", "role", "role_title", "is_own", "before", "after", "why"],
        "properties": {
            "kind": { "enum": ["question", "audience", "asked"] }, "name": text, "title": text, "question": { "type": "object" },
            "role": text, "role_title": text, "is_own": flag, "before": outcome, "after": outcome, "why": text,
        },
    });
    let edit = json!({ "type": "object", "required": ["at", "user", "title", "did", "base"], "properties": {
        "at": text, "user": text, "title": text, "did": { "enum": ["create", "save", "remove", "undo"] }, "base": maybe_text,
    } });
    let undo = "the text before the last change, empty for no file; null where that cannot be taken back";
    let base = json!({ "type": "string", "description": "the version of the text, empty where there is no file" });
    let asked = json!({ "type": "object", "description": "a question that is not saved, to say how it turns as well" });
    let thing = json!({ "type": "object", "required": ["kind", "name", "title", "path", "source"], "properties": {
        "kind": { "enum": crate::lineage::KIND_WORDS.map(|(kind, ..)| kind) }, "name": text, "title": text, "path": text,
        "source": maybe_text } });
    let things = json!({ "type": "array", "items": thing });
    let of_one = json!({ "type": "object", "required": ["thing", "team", "rests_on", "used_by"], "properties": {
        "thing": thing, "team": maybe_text, "rests_on": things, "used_by": things } });
    let count = json!({ "type": ["integer", "null"], "minimum": 0 });
    let people = json!({ "type": "object", "required": ["purpose", "before", "after", "is_too_few"],
        "description": "for a purpose's file and that of the laws: how many people may be used; `after` in steps of the minimum group, null where that is not told",
        "properties": { "purpose": text, "before": count, "after": count, "is_too_few": flag } });
    let unseen = "questions and audiences that there was no time for";
    let emptied = "the whole text; an empty one takes the file away";
    vec![
        (
            "Definition",
            json!({ "type": "object",
                "required": ["path", "kind", "title", "text", "proposed", "base", "may_edit", "owner", "editors", "diagnostics", "edits", "undo"],
                "properties": {
                    "path": text, "kind": text, "title": text, "text": text, "proposed": maybe_text, "base": base,
                    "may_edit": flag, "owner": maybe_text, "editors": { "type": "array", "items": text },
                    "diagnostics": diagnostics, "edits": { "type": "array", "items": edit },
                    "undo": { "type": ["string", "null"], "description": undo },
                } }),
        ),
        (
            "Lineage",
            json!({ "type": "object", "required": ["lineage"], "properties": { "lineage": { "type": "array", "items": of_one } } }),
        ),
        (
            "CheckDefinition",
            json!({ "type": "object", "required": ["text"], "additionalProperties": false, "properties": { "text": text, "base": base, "question": asked } }),
        ),
        (
            "DefinitionCheck",
            json!({ "type": "object", "required": ["diagnostics", "may_save", "turns", "n_unseen", "people"], "properties": {
                "diagnostics": diagnostics, "may_save": flag, "turns": { "type": "array", "items": turn },
                "n_unseen": { "type": "integer", "minimum": 0, "description": unseen },
                "people": { "type": "array", "items": people },
            } }),
        ),
        (
            "SaveDefinition",
            json!({ "type": "object", "required": ["text", "base"], "additionalProperties": false, "properties": {
                "text": { "type": "string", "description": emptied }, "base": base,
            } }),
        ),
        (
            "DefinitionSaved",
            json!({ "type": "object", "required": ["path", "base", "before"], "properties": {
                "path": text, "base": text, "before": text,
            } }),
        ),
    ]
}
