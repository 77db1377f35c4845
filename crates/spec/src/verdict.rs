//! The answer to "may I ask this?": yes, yes if, or no with the nearest yes.

use crate::{Change, Duration, Question};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

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
    /// More of what the source delivered last breaks its contract than that allows.
    FaultySource,
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
    /// The source may not be used any more by the terms on which it came.
    TermsEnded,
    /// The terms on which the source came allow less of people to be shown.
    TermsRelease,
    /// The days that it asks about have not come yet.
    NotYet,
    /// The destination is for other purposes.
    NotForDestination,
    /// The destination takes no list of so few people.
    ListTooSmall,
    /// The destination takes no list of so many people.
    ListTooLarge,
    /// The question would cost more than one of the team's may.
    TooCostly,
    /// The test would not find what it looks for in the days that it has.
    Underpowered,
}

impl ReasonCode {
    /// All of them; the manual lists each.
    pub const ALL: [ReasonCode; 24] = [
        ReasonCode::UnknownName,
        ReasonCode::PurposeNotForRole,
        ReasonCode::PurposeNotForField,
        ReasonCode::ReleaseLevel,
        ReasonCode::FieldHidden,
        ReasonCode::NobodyMayBeUsed,
        ReasonCode::UnderMinimumGroup,
        ReasonCode::StaleSource,
        ReasonCode::FaultySource,
        ReasonCode::NoData,
        ReasonCode::OverBudget,
        ReasonCode::TooManyQuestions,
        ReasonCode::CountsOnly,
        ReasonCode::NotFollowed,
        ReasonCode::TooNear,
        ReasonCode::OnePerson,
        ReasonCode::TermsEnded,
        ReasonCode::TermsRelease,
        ReasonCode::NotYet,
        ReasonCode::NotForDestination,
        ReasonCode::ListTooSmall,
        ReasonCode::ListTooLarge,
        ReasonCode::TooCostly,
        ReasonCode::Underpowered,
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
            ReasonCode::FaultySource => "faulty_source",
            ReasonCode::NoData => "no_data",
            ReasonCode::OverBudget => "over_budget",
            ReasonCode::TooManyQuestions => "too_many_questions",
            ReasonCode::CountsOnly => "counts_only",
            ReasonCode::NotFollowed => "not_followed",
            ReasonCode::TooNear => "too_near",
            ReasonCode::OnePerson => "one_person",
            ReasonCode::TermsEnded => "terms_ended",
            ReasonCode::TermsRelease => "terms_release",
            ReasonCode::NotYet => "not_yet",
            ReasonCode::NotForDestination => "not_for_destination",
            ReasonCode::ListTooSmall => "list_too_small",
            ReasonCode::ListTooLarge => "list_too_large",
            ReasonCode::TooCostly => "too_costly",
            ReasonCode::Underpowered => "underpowered",
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
    /// What tells it from every other: `Gap::id_of`. The same gap of different questions has the same.
    pub id: String,
    /// What sort of work it takes.
    pub work: Work,
    /// What is missing.
    pub what: String,
    /// Whose work it is: a team's title, a role's or an owner's name.
    pub who: String,
    /// The name of that team, where the workspace defines it.
    pub team: Option<String>,
    /// How soon that team usually answers, where it says so.
    pub within: Option<Duration>,
    /// The file of the workspace to change, if any.
    pub file: Option<String>,
    /// What to change in it, where that can be said.
    pub change: Option<Change>,
}

/// What sort of work closes a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Somebody declares what is not there: an event, a field, a metric, an audience, a purpose.
    Declare,
    /// Somebody allows what is not allowed: a purpose for a field or a role, a release level, a class, more questions.
    Allow,
    /// Somebody delivers data.
    Deliver,
    /// Somebody asks people whether they agree.
    AskPeople,
    /// Whoever asks takes a wider group, or a smaller question.
    Widen,
}

impl Work {
    /// All of them.
    pub const ALL: [Work; 5] = [Work::Declare, Work::Allow, Work::Deliver, Work::AskPeople, Work::Widen];

    /// The word in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            Work::Declare => "declare",
            Work::Allow => "allow",
            Work::Deliver => "deliver",
            Work::AskPeople => "ask_people",
            Work::Widen => "widen",
        }
    }
}

impl Gap {
    /// The first 16 hex digits of the SHA-256 of what makes it this gap: no question and no words are part of it, so that
    /// whoever collects gaps knows one that comes again.
    pub fn id_of(work: Work, code: ReasonCode, subject: &str, purpose: &str, file: Option<&str>) -> String {
        let text = serde_json::json!([work.name(), code.name(), subject, purpose, file]).to_string();
        let digest = Sha256::digest(text.as_bytes());
        crate::hex(&digest[..8])
    }

    /// Its form in verdicts.
    pub fn to_json(&self) -> Json {
        serde_json::json!({
            "id": self.id,
            "work": self.work.name(),
            "what": self.what,
            "who": self.who,
            "team": self.team,
            "within": self.within.as_ref().map(Duration::to_string),
            "file": self.file,
            "change": self.change.as_ref().map(Change::to_json),
        })
    }
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
                map.insert("title".into(), title.clone().into());
                map.insert("gap".into(), gap.to_json());
            }
        }
        Json::Object(map)
    }
}
