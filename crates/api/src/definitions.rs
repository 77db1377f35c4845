//! What comes back about files of definitions: as they stand, and what a text in their place would change.

use serde::Serialize;
use spec::Diagnostic;

/// A file of the workspace that defines something.
#[derive(Clone, Debug, Serialize)]
pub struct DefinitionView {
    /// The file, relative to the workspace.
    pub path: String,
    /// Its sort: `contracts`, `purposes`, ...; `laws` for the file of the workspace itself.
    pub kind: String,
    /// What people call it: `The contract of Purchases`.
    pub title: String,
    /// The text as it stands on disk; empty where there is no such file yet.
    pub text: String,
    /// The text with the change made that was asked for, where it can be made and makes a difference.
    pub proposed: Option<String>,
    /// The version of the text on disk; empty where there is none.
    pub base: String,
    /// Whether the role may change it.
    pub may_edit: bool,
    /// Whom it names as answering for it; absent where it names nobody.
    pub owner: Option<String>,
    /// The roles that may change it, as people call them.
    pub editors: Vec<String>,
    /// What is wrong with the proposed text, or else with the one on disk.
    pub diagnostics: Vec<Diagnostic>,
    /// Who changed it through the program, the newest first; for those who may change it or see the records.
    pub edits: Vec<DefinitionEdit>,
    /// The text before the last of these changes, to be written again if that was a mistake; empty where there was no
    /// file. Absent where the file was changed otherwise since, or the text is not kept.
    pub undo: Option<String>,
}

/// A change of a file, as it is on record.
#[derive(Clone, Debug, Serialize)]
pub struct DefinitionEdit {
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// The name of the user.
    pub user: String,
    /// What people call the user.
    pub title: String,
    /// `create`, `save`, `remove`, or `undo` for one that took the one before it back.
    pub did: String,
    /// The version that it left, empty where it took the file away; absent where that is not known any more.
    pub base: Option<String>,
}

/// What would be if a text stood in a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DefinitionCheck {
    /// Everything that is wrong with the text, and what it makes wrong elsewhere.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it could be saved: nothing is wrong that is not wrong now.
    pub may_save: bool,
    /// The verdicts that would be others.
    pub turns: Vec<ForeseenTurn>,
    /// How many questions and audiences were not looked at, for want of time.
    pub n_unseen: usize,
    /// For a purpose's file and for that of the laws, how many people may be used for each purpose of which they would
    /// be others.
    pub people: Vec<ForeseenPeople>,
}

/// How many people may be used for a purpose, now and with the text in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeseenPeople {
    /// What people call the purpose.
    pub purpose: String,
    /// How many may be used now; null below the minimum group.
    pub before: Option<u64>,
    /// How many may be with the text, in steps of the minimum group in force; null below it, below that of the text, and
    /// where they would be nearly as many as now.
    pub after: Option<u64>,
    /// Whether they would be fewer than the minimum group of the text, so that nothing is answered; not told of a smaller
    /// group than the one in force, nor where they would be nearly as many as now.
    pub is_too_few: bool,
}

/// A turn to come: a verdict that would be another one.
///
/// It is what the rules say: nothing is run under a text that is not in force, since it is no way to learn of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeseenTurn {
    /// `question` or `audience`; `asked` for the question for whose sake somebody looks, where that is not saved.
    pub kind: String,
    /// Its name; empty where it is not saved.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The question that is asked, as JSON.
    pub question: serde_json::Value,
    /// The role for which it turns.
    pub role: String,
    /// What people call the role.
    pub role_title: String,
    /// Whether that is the user's own role.
    pub is_own: bool,
    /// `yes`, `yes_if` or `no`.
    pub before: String,
    /// The same with the text in place.
    pub after: String,
    /// What stands against it, before or after, in marketing's words.
    pub why: String,
}

/// The file that a title makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameView {
    /// The file, relative to the workspace.
    pub path: String,
    /// Whether no such file is there.
    pub is_free: bool,
    /// Where it is not: a title like it whose file is free.
    pub instead: Option<String>,
}

/// A text that was written.
#[derive(Clone, Debug, Serialize)]
pub struct DefinitionSaved {
    /// The file.
    pub path: String,
    /// Its version now; empty if it was taken away.
    pub base: String,
    /// The text before, to be written again if it was a mistake; empty where there was none.
    pub before: String,
}
