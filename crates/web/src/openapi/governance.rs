//! The schemas of rules and records: who agreed, who saw what, and what is proved.

use serde_json::{Value, json};

/// How a question can stand.
const OUTCOMES: [&str; 6] = ["yes", "yes_if", "no", "invalid", "pending", "asked_when_opened"];

/// The schemas by their names.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let maybe_text = json!({ "type": ["string", "null"] });
    let maybe_count = json!({ "type": ["integer", "null"], "minimum": 0 });
    let faces = json!({ "type": "object", "description": "the same in the words of either team",
        "required": ["for_marketing", "for_it"], "properties": { "for_marketing": text, "for_it": text } });
    vec![
        (
            "Records",
            json!({ "type": "object", "required": ["records", "next"], "properties": {
            "next": { "type": ["integer", "null"], "description": "older ones are before this number" },
            "records": { "type": "array", "items": { "type": "object", "required": ["number", "at", "user", "did"], "properties": {
                "number": count, "at": { "type": "string", "format": "date-time" }, "user": text, "did": text,
                "purpose": maybe_text, "question": maybe_text, "text": { "type": ["object", "null"] }, "words": maybe_text,
                "outcome": maybe_text, "people": { "type": ["integer", "null"] }, "role": maybe_text, "release": maybe_text,
                "rules": maybe_text, "allowed": { "type": ["integer", "null"] }, "fields": { "type": "array", "items": text } } } } } }),
        ),
        (
            "Head",
            json!({ "type": "object", "required": ["records", "link", "key", "signature"], "properties": {
            "records": count, "link": text, "key": text, "signature": text } }),
        ),
        (
            "Consents",
            json!({ "type": "object", "required": ["known", "by", "days", "purposes"], "properties": {
            "known": maybe_count, "by": text, "days": { "type": "array", "items": text },
            "purposes": { "type": "array", "items": { "type": "object", "required": ["name", "title", "min_group", "yes", "no", "places"], "properties": {
                "name": text, "title": text, "min_group": count, "yes": { "type": "array", "items": maybe_count }, "no": { "type": "array", "items": maybe_count },
                "places": { "type": "array", "items": { "type": "object", "required": ["place", "regions", "known", "used", "yes", "no"], "properties": {
                    "place": maybe_text, "regions": count, "known": maybe_count, "used": maybe_count, "yes": maybe_count, "no": maybe_count } } } } } } } }),
        ),
        (
            "Standings",
            json!({ "type": "object", "required": ["at", "verdicts"], "properties": {
            "at": { "type": "string", "format": "date-time" },
            "verdicts": { "type": "array", "items": { "type": "object",
                "required": ["kind", "name", "title", "outcome", "people", "reasons", "remedy", "judged_at", "is_behind", "turned_at", "turned_from", "because"],
                "properties": {
                "kind": { "enum": ["question", "audience", "metric", "dashboard"] }, "name": text, "title": text, "outcome": { "enum": OUTCOMES },
                "people": maybe_count, "reasons": { "type": "array", "items": faces }, "remedy": maybe_text, "judged_at": maybe_text,
                "is_behind": { "type": "boolean" }, "turned_at": maybe_text, "turned_from": maybe_text,
                "because": { "anyOf": [faces, { "type": "null" }] } } } } } }),
        ),
        (
            "Values",
            json!({ "type": "object", "required": ["values", "why"], "properties": {
            "values": { "type": "array", "maxItems": 50, "items": text }, "why": maybe_text } }),
        ),
        (
            "Proofs",
            json!({ "type": "object", "required": ["proofs"], "properties": {
            "proofs": { "type": "array", "items": { "type": "object", "required": ["promise", "how", "runs"], "properties": {
                "promise": text, "how": text,
                "runs": { "type": "array", "items": { "type": "object", "required": ["command", "suite", "outcome", "found", "seed", "at", "seconds", "version"], "properties": {
                    "command": text, "suite": text, "outcome": { "enum": ["passed", "failed", "skipped", null] }, "found": text, "seed": maybe_count, "at": maybe_text,
                    "seconds": maybe_count, "version": maybe_text } } } } } } } }),
        ),
    ]
}
