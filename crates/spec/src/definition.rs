//! What a workspace defines besides its rules: sources, metrics, audiences, saved questions, dashboards.

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
    /// The keys with which clients send events to it.
    pub keys: Vec<Key>,
}

/// A key with which clients send events to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name; unique in its source.
    pub name: String,
    /// Who holds it.
    pub kind: KeyKind,
    /// SHA-256 of its text; the text of a secret key stands nowhere.
    pub digest: [u8; 32],
    /// The text of a public key, which stands in pages anyway.
    pub text: Option<String>,
    /// Events that it may send per second, averaged over ten of them.
    pub events_per_second_max: u32,
    /// Events that it may send per day (UTC).
    pub events_per_day_max: u64,
    /// Ed25519 public keys of those whose tokens say who a user is, where the key is public; none for a secret one.
    pub signers: Vec<[u8; 32]>,
}

/// Who holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Everybody: it stands in pages and apps. What comes with it is claimed, unless a token vouches for it.
    Public,
    /// A server of ours. What comes with it is known.
    Secret,
}

impl KeyKind {
    /// The word in the workspace.
    pub fn name(self) -> &'static str {
        match self {
            KeyKind::Public => "public",
            KeyKind::Secret => "secret",
        }
    }
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

/// Answers that are looked at together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for, for people.
    pub description: String,
    /// What it shows, in this order; nothing stands on it twice.
    pub tiles: Vec<Tile>,
}

/// One answer on a dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Whose answer it shows.
    pub subject: TileSubject,
    /// What it is called here; absent: as its subject is.
    pub title: Option<String>,
    /// How much of a line it takes.
    pub width: TileWidth,
}

/// Whose answer a tile shows; it may have errors of its own, and then it cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileSubject {
    /// The saved question of this name.
    Question(String),
    /// The metric of this name, over time.
    Metric(String),
}

/// How much of a line a tile takes; on a narrow screen each takes all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileWidth {
    /// Half of it, beside another one.
    Half,
    /// All of it.
    Full,
}

impl TileWidth {
    /// The word in the workspace.
    pub fn name(self) -> &'static str {
        match self {
            TileWidth::Half => "half",
            TileWidth::Full => "full",
        }
    }
}
