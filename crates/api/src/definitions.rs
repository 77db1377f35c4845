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
}

/// What would be if a text stood in a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DefinitionCheck {
    /// Everything that is wrong with the text, and what it makes wrong elsewhere.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it could be saved: nothing is wrong that is not wrong now.
    pub may_save: bool,
    /// The verdicts that would be others.
    pub turns: Vec<Turn>,
    /// How many saved questions and audiences were not looked at, for want of time.
    pub n_unseen: usize,
}

/// A verdict that would be another one.
///
/// It is what the rules say: nothing is run under a text that is not in force, since it is no way to learn of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// `question` or `audience`.
    pub kind: String,
    /// Its name.
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
