//! A change of one definition, as a verdict names it and a page proposes it.
//!
//! Its JSON form stands in verdicts and in addresses, so that reading it back trusts nothing: which names may be written
//! into a file is for `workspace` to say.

use crate::{Error, ErrorKind, FieldClass, Release, Result, ValueType};
use serde_json::{Map, Value as Json, json};

/// One change of one definition of the workspace, small enough to be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A contract comes to allow a field for a purpose.
    AllowField {
        /// The event or object that has it.
        object: String,
        /// The field.
        field: String,
        /// The purpose.
        purpose: String,
    },
    /// A contract comes to declare a property of an event or a trait.
    DeclareField {
        /// The event or object that is to have it.
        object: String,
        /// The field.
        field: String,
        /// Its type: that of properties of this name elsewhere, else what the question takes it for.
        value_type: ValueType,
        /// The purpose that it was asked for, which it is to be allowed for: a field without any would still be refused.
        purpose: String,
    },
    /// A contract comes to declare an event.
    DeclareEvent {
        /// The event.
        event: String,
    },
    /// A role comes to have a purpose with at least this release level.
    AllowPurpose {
        /// The purpose.
        purpose: String,
        /// How much of people it gets.
        release: Release,
    },
    /// A role comes to see the fields of a class.
    ShowClass {
        /// The class.
        class: FieldClass,
    },
    /// A purpose comes to show differences between answers.
    ShowDifferences,
    /// A purpose comes to allow more questions a day.
    AllowQuestions {
        /// So many.
        per_day: u32,
    },
    /// A definition of its own that is not there yet: a metric, an audience, a purpose.
    Define {
        /// What people are to call it.
        title: String,
        /// The purpose of the question that named it, which an audience is then mostly asked for.
        purpose: String,
    },
}

/// The types by their words; decimals have their scale beside it.
const TYPES: [ValueType; 6] =
    [ValueType::Text, ValueType::Integer, ValueType::Number, ValueType::Boolean, ValueType::Timestamp, ValueType::Date];

const CLASSES: [FieldClass; 4] = [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive];

impl Change {
    /// Its form in verdicts and addresses: `{ "kind": "allow_field", ... }`.
    pub fn to_json(&self) -> Json {
        match self {
            Change::AllowField { object, field, purpose } => {
                json!({ "kind": "allow_field", "object": object, "field": field, "purpose": purpose })
            }
            Change::DeclareField { object, field, value_type, purpose } => {
                let mut map = json!({ "kind": "declare_field", "object": object, "field": field,
                    "type": value_type.name(), "purpose": purpose });
                if let ValueType::Decimal { scale } = value_type {
                    map["scale"] = (*scale).into();
                }
                map
            }
            Change::DeclareEvent { event } => json!({ "kind": "declare_event", "event": event }),
            Change::AllowPurpose { purpose, release } => {
                json!({ "kind": "allow_purpose", "purpose": purpose, "release": release.name() })
            }
            Change::ShowClass { class } => json!({ "kind": "show_class", "class": class.name() }),
            Change::ShowDifferences => json!({ "kind": "show_differences" }),
            Change::AllowQuestions { per_day } => json!({ "kind": "allow_questions", "per_day": per_day }),
            Change::Define { title, purpose } => json!({ "kind": "define", "title": title, "purpose": purpose }),
        }
    }

    /// Reads what `to_json` wrote.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(json: &Json) -> Result<Change> {
        let map = json.as_object().ok_or_else(|| invalid("a change is an object"))?;
        let change = match text(map, "kind")?.as_str() {
            "allow_field" => Change::AllowField {
                object: text(map, "object")?,
                field: text(map, "field")?,
                purpose: text(map, "purpose")?,
            },
            "declare_field" => Change::DeclareField {
                object: text(map, "object")?,
                field: text(map, "field")?,
                value_type: value_type(map)?,
                purpose: text(map, "purpose")?,
            },
            "declare_event" => Change::DeclareEvent { event: text(map, "event")? },
            "allow_purpose" => Change::AllowPurpose {
                purpose: text(map, "purpose")?,
                release: one_of(map, "release", &Release::ALL.map(|release| (release.name(), release)))?,
            },
            "show_class" => {
                Change::ShowClass { class: one_of(map, "class", &CLASSES.map(|class| (class.name(), class)))? }
            }
            "show_differences" => Change::ShowDifferences,
            "allow_questions" => {
                let per_day = map.get("per_day").and_then(Json::as_u64).and_then(|count| u32::try_from(count).ok());
                let per_day = per_day.filter(|count| *count > 0);
                Change::AllowQuestions { per_day: per_day.ok_or_else(|| invalid("`per_day` is a positive number"))? }
            }
            "define" => Change::Define { title: text(map, "title")?, purpose: text(map, "purpose")? },
            kind => return Err(invalid(&format!("`{kind}` is not a kind of change"))),
        };
        Ok(change)
    }
}

fn text(map: &Map<String, Json>, key: &str) -> Result<String> {
    let text = map.get(key).and_then(Json::as_str);
    text.map(str::to_owned).ok_or_else(|| invalid(&format!("a change needs the text `{key}`")))
}

fn value_type(map: &Map<String, Json>) -> Result<ValueType> {
    if map.get("type").and_then(Json::as_str) == Some("decimal") {
        let scale = map.get("scale").and_then(Json::as_u64).and_then(|scale| u8::try_from(scale).ok());
        let scale = scale.filter(|scale| *scale <= 18);
        return Ok(ValueType::Decimal { scale: scale.ok_or_else(|| invalid("`scale` is a number from 0 to 18"))? });
    }
    one_of(map, "type", &TYPES.map(|value_type| (value_type.name(), value_type)))
}

fn one_of<T: Copy>(map: &Map<String, Json>, key: &str, words: &[(&str, T)]) -> Result<T> {
    let word = text(map, key)?;
    let found = words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    found.ok_or_else(|| invalid(&format!("`{word}` cannot stand as the `{key}` of a change")))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message.to_owned()).with_hint("take the change from a verdict as it stands there")
}
