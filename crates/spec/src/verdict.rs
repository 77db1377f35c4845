//! The answer to "may I ask this?": yes, yes if, or no with the nearest yes.

use crate::Question;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json};

/// Whether a question can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It will be answered.
    Yes,
    /// It will be once something named is done.
    YesIf,
    /// Not in this form; each reason has a remedy or a named gap.
    No,
}

impl Outcome {
    /// The word in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Yes => "yes",
            Outcome::YesIf => "yes_if",
            Outcome::No => "no",
        }
    }
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// A name that nothing collected or defined bears.
    UnknownName,
    /// The role may not use the purpose.
    PurposeNotForRole,
    /// A field may not be used for the purpose.
    PurposeNotForField,
    /// The role may not have so much of people for the purpose.
    ReleaseLevel,
    /// A field is hidden from the role.
    FieldHidden,
    /// Nobody may be used for the purpose.
    NobodyMayBeUsed,
    /// The group is smaller than the purpose demands.
    UnderMinimumGroup,
    /// The source is older than its contract promises.
    StaleSource,
    /// The source has never delivered.
    NoData,
    /// The answer would be larger than the budget.
    OverBudget,
    /// The user has asked as much as a day has room for.
    TooManyQuestions,
    /// The purpose has noisy counts of people and nothing else.
    CountsOnly,
    /// The purpose guards differences between answers, which this sort of question does not allow.
    NotFollowed,
    /// The figure is too near to one that the user has seen in another state.
    TooNear,
    /// The purpose guards differences between answers, and the smallest or largest of a group is one person's.
    OnePerson,
}

impl ReasonCode {
    /// All of them; the manual lists each.
    pub const ALL: [ReasonCode; 15] = [
        ReasonCode::UnknownName,
        ReasonCode::PurposeNotForRole,
        ReasonCode::PurposeNotForField,
        ReasonCode::ReleaseLevel,
        ReasonCode::FieldHidden,
        ReasonCode::NobodyMayBeUsed,
        ReasonCode::UnderMinimumGroup,
        ReasonCode::StaleSource,
        ReasonCode::NoData,
        ReasonCode::OverBudget,
        ReasonCode::TooManyQuestions,
        ReasonCode::CountsOnly,
        ReasonCode::NotFollowed,
        ReasonCode::TooNear,
        ReasonCode::OnePerson,
    ];

    /// The word in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            ReasonCode::UnknownName => "unknown_name",
            ReasonCode::PurposeNotForRole => "purpose_not_for_role",
            ReasonCode::PurposeNotForField => "purpose_not_for_field",
            ReasonCode::ReleaseLevel => "release_level",
            ReasonCode::FieldHidden => "field_hidden",
            ReasonCode::NobodyMayBeUsed => "nobody_may_be_used",
            ReasonCode::UnderMinimumGroup => "under_minimum_group",
            ReasonCode::StaleSource => "stale_source",
            ReasonCode::NoData => "no_data",
            ReasonCode::OverBudget => "over_budget",
            ReasonCode::TooManyQuestions => "too_many_questions",
            ReasonCode::CountsOnly => "counts_only",
            ReasonCode::NotFollowed => "not_followed",
            ReasonCode::TooNear => "too_near",
            ReasonCode::OnePerson => "one_person",
        }
    }
}

/// What the judge found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it can be answered.
    pub outcome: Outcome,
    /// Why not, or what with; empty only for a plain yes.
    pub reasons: Vec<Reason>,
}

/// Why a question cannot be answered as it stands, in the words of both teams.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What it is about.
    pub code: ReasonCode,
    /// The field, purpose, name or source concerned.
    pub subject: String,
    /// In marketing's words.
    pub for_marketing: String,
    /// In IT's words.
    pub for_it: String,
    /// What can be done; at least one.
    pub remedies: Vec<Remedy>,
}

/// What can be done about a reason.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// A changed question that judges yes.
    Ask {
        /// What changes, in a few words.
        title: String,
        /// The changed question.
        question: Box<Question>,
        /// The effect in plain words (`235 people`); may be empty.
        effect: String,
    },
    /// Something that one of the teams can do.
    Close {
        /// What to do, in a few words.
        title: String,
        /// What is missing.
        gap: Gap,
    },
}

/// Something that is missing, and who can bring it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// What is missing.
    pub what: String,
    /// Whose work it is: a role's or an owner's name.
    pub who: String,
    /// The file of the workspace to change, if any.
    pub file: Option<String>,
}

impl Verdict {
    /// A plain yes.
    pub fn yes() -> Verdict {
        Verdict { outcome: Outcome::Yes, reasons: Vec::new() }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("outcome", self.outcome.name())?;
        map.serialize_entry("reasons", &self.reasons)?;
        map.end()
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("code", self.code.name())?;
        map.serialize_entry("subject", &self.subject)?;
        map.serialize_entry("for_marketing", &self.for_marketing)?;
        map.serialize_entry("for_it", &self.for_it)?;
        let remedies: Vec<Json> = self.remedies.iter().map(Remedy::to_json).collect();
        map.serialize_entry("remedies", &remedies)?;
        map.end()
    }
}

impl Remedy {
    fn to_json(&self) -> Json {
        let mut map = Map::new();
        match self {
            Remedy::Ask { title, question, effect } => {
                map.insert("title".into(), title.clone().into());
                map.insert("question".into(), question.to_json());
                map.insert("effect".into(), serde_json::json!({ "summary": effect }));
            }
            Remedy::Close { title, gap } => {
                let gap = serde_json::json!({ "what": gap.what, "who": gap.who, "file": gap.file });
                map.insert("title".into(), title.clone().into());
                map.insert("gap".into(), gap);
            }
        }
        Json::Object(map)
    }
}
