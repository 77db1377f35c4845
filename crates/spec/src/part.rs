//! The top-level terms of a condition, as a page shows and edits them.

use serde::Serialize;

/// One top-level term of a condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionPart {
    /// Its text, as the condition language has it.
    pub text: String,
    /// Its words: `bought at least 8 times in the last 30 days`.
    pub words: String,
    /// Whether it says what people are not or did not do.
    pub negative: bool,
    /// Its fields, when it has a shape that a form can edit.
    pub form: Option<ConditionForm>,
}

/// The shapes of a condition that a form can edit.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum ConditionForm {
    /// `[NOT] did(event, within => '...')`
    Did {
        /// The event.
        event: String,
        /// Whether it is negated.
        negated: bool,
        /// `30 days`, or empty.
        within: String,
    },
    /// `function(event[.property], within => '...') op number`
    Aggregate {
        /// `count`, `sum`, ...
        function: String,
        /// The event.
        event: String,
        /// The property, or empty.
        property: String,
        /// `>=` and the like.
        op: String,
        /// The number.
        value: String,
        /// `30 days`, or empty.
        within: String,
    },
    /// `trait op value` or `trait IN (...)` (op `IN`, values joined by commas)
    Trait {
        /// The trait.
        name: String,
        /// The operator.
        op: String,
        /// The value or values.
        value: String,
    },
    /// `[NOT] in_audience('name')`
    Audience {
        /// The audience.
        name: String,
        /// Whether it is negated.
        negated: bool,
    },
}
