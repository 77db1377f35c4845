//! What a workspace defines besides its rules: sources, metrics, audiences, saved questions.

use crate::{Condition, Contract, Measure, Question};

/// A place where data comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is, for people.
    pub description: String,
    /// The file of its contract, relative to the workspace.
    pub contract_path: String,
    /// What it promises.
    pub contract: Contract,
    /// The files that it loads by itself.
    pub files: Vec<SourceFile>,
}

/// A file of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFile {
    /// Its path relative to the workspace; inside of it.
    pub path: String,
    /// The object of the contract that its records are.
    pub object: String,
}

/// A shared KPI.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDefinition {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it means, for people.
    pub description: String,
    /// Who owns it; shared KPIs name both teams.
    pub owners: Vec<String>,
    /// What is measured; never `Measure::Metric`.
    pub measure: Measure,
    /// Which events and people count.
    pub filter: Option<Condition>,
    /// Unit of the figure (`USD`, `people`), if any.
    pub unit: Option<String>,
    /// Whether Home shows it.
    pub on_home: bool,
}

/// A list of people by a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct AudienceDefinition {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whom it holds, for people.
    pub description: String,
    /// Who owns it.
    pub owners: Vec<String>,
    /// The purpose it is mostly asked for.
    pub purpose: String,
    /// Who is in.
    pub condition: Condition,
}

/// A question with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedQuestion {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for, for people.
    pub description: String,
    /// The question.
    pub question: Question,
}
