//! The schemas of verdicts: reasons, remedies, gaps, and the changes that would close them.

use super::reference;
use serde_json::{Value, json};
use spec::Work;

/// The schemas by their names.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let maybe_text = json!({ "type": ["string", "null"] });
    let reason = json!({ "type": "object", "properties": {
        "code": text, "subject": text, "for_marketing": text, "for_it": text,
        "remedies": { "type": "array", "items": reference("Remedy") } } });
    let verdict = json!({ "type": "object", "required": ["outcome", "reasons"], "properties": {
        "outcome": { "enum": ["yes", "yes_if", "no"] }, "reasons": { "type": "array", "items": reason } } });
    let remedy = json!({
        "type": "object", "description": "a changed question that is a yes, or a gap", "required": ["title"],
        "properties": {
            "title": text, "question": reference("Question"), "gap": reference("Gap"),
            "effect": { "type": "object", "properties": { "summary": text } } },
    });
    let gap = json!({
        "type": "object", "description": "something that is missing, and who can bring it",
        "required": ["id", "work", "what", "who", "team", "within", "file", "change"],
        "properties": {
            "id": { "type": "string", "description": "the same gap of different questions has the same" },
            "work": { "enum": Work::ALL.map(Work::name) },
            "what": text, "who": text, "team": maybe_text, "file": maybe_text,
            "within": { "type": ["string", "null"], "description": "how soon the team usually answers: `2 days`" },
            "change": { "anyOf": [reference("Change"), { "type": "null" }] } },
    });
    let kinds = [
        "allow_field",
        "declare_field",
        "declare_event",
        "allow_purpose",
        "show_class",
        "show_differences",
        "allow_questions",
        "define",
    ];
    let change = json!({
        "type": "object", "description": "what to change in the file; the other members follow from the kind",
        "required": ["kind"],
        "properties": {
            "kind": { "enum": kinds },
            "object": text, "field": text, "event": text, "purpose": text, "type": text, "scale": count,
            "release": { "enum": ["aggregate", "list", "profile"] },
            "class": { "enum": ["none", "pseudonym", "direct", "sensitive"] },
            "per_day": count, "title": text },
    });
    vec![("Verdict", verdict), ("Remedy", remedy), ("Gap", gap), ("Change", change)]
}
