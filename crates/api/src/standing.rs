//! How questions stand: verdicts that are kept live, and what answers that are shown depend on.

use serde::Serialize;

/// Questions whose standing is wanted.
#[derive(Clone, Debug)]
pub struct StandingsRequest {
    /// Which, as pages ask them.
    pub subjects: Vec<Subject>,
    /// Whether those that have moved may be judged now, which takes up to a second or so; else they are told as they
    /// were judged last, so that a page comes at once.
    pub may_judge: bool,
}

/// A thing that is saved, and the question that a click on it opens.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `question`, `audience` or `metric`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The question.
    pub question: serde_json::Value,
}

/// How questions stand.
#[derive(Clone, Debug, Serialize)]
pub struct StandingsView {
    /// As of when (ISO 8601).
    pub at: String,
    /// Each subject, in the order in which they were named.
    pub verdicts: Vec<StandingView>,
}

/// How one question stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StandingView {
    /// `question`, `audience`, `metric` or `dashboard`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// `yes`, `yes_if` or `no`; `invalid` for a question that makes no sense by now, `pending` until it is judged,
    /// `asked_when_opened` where judging would be charged to the user's day or takes too long to be kept live.
    pub outcome: &'static str,
    /// For an audience that is a yes: how many people, as released.
    pub people: Option<u64>,
    /// What stands against it.
    pub reasons: Vec<BothFaces>,
    /// What can be done about the first reason, in a few words.
    pub remedy: Option<String>,
    /// When it was judged (ISO 8601), if it was.
    pub judged_at: Option<String>,
    /// Whether data have moved since, so that it will be judged again after a while.
    pub is_behind: bool,
    /// When the outcome last became another one (ISO 8601), if it did while it was watched.
    pub turned_at: Option<String>,
    /// What the outcome was before.
    pub turned_from: Option<&'static str>,
    /// What moved, so that it turned.
    pub because: Option<BothFaces>,
}

/// The same thing in the words of either team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BothFaces {
    /// In marketing's words.
    pub for_marketing: String,
    /// In IT's words.
    pub for_it: String,
}

/// What every answer to a user rests on, as short texts that are others when it has moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroundView {
    /// The definitions, the user's role, and which sources are late or have delivered nothing.
    pub rules: String,
    /// What people have said.
    pub choices: String,
    /// What is in the tables, and the day.
    pub data: String,
    /// The moment, in seconds since 1970.
    pub at_seconds: i64,
}

/// What is wanted of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its verdict.
    Verdict,
    /// Its answer.
    Answer,
}
