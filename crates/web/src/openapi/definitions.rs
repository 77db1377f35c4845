//! The schemas of files of definitions: as they stand, checked, saved.

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
            "kind": { "enum": ["question", "audience"] }, "name": text, "title": text, "question": { "type": "object" },
            "role": text, "role_title": text, "is_own": flag, "before": outcome, "after": outcome, "why": text,
        },
    });
    let base = json!({ "type": "string", "description": "the version of the text, empty where there is no file" });
    let unseen = "saved questions and audiences that there was no time for";
    let emptied = "the whole text; an empty one takes the file away";
    vec![
        (
            "Definition",
            json!({ "type": "object",
                "required": ["path", "kind", "title", "text", "proposed", "base", "may_edit", "owner", "editors", "diagnostics"],
                "properties": {
                    "path": text, "kind": text, "title": text, "text": text, "proposed": maybe_text, "base": base,
                    "may_edit": flag, "owner": maybe_text, "editors": { "type": "array", "items": text },
                    "diagnostics": diagnostics,
                } }),
        ),
        (
            "CheckDefinition",
            json!({ "type": "object", "required": ["text"], "additionalProperties": false, "properties": { "text": text, "base": base } }),
        ),
        (
            "DefinitionCheck",
            json!({ "type": "object", "required": ["diagnostics", "may_save", "turns", "n_unseen"], "properties": {
                "diagnostics": diagnostics, "may_save": flag, "turns": { "type": "array", "items": turn },
                "n_unseen": { "type": "integer", "minimum": 0, "description": unseen },
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
