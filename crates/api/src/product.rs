//! The use cases, as one trait.

use crate::{
    Asked, AudienceView, AuditHead, AuditRequest, AuditView, Balance, BooksView, Catalog, ConsentsRequest,
    ConsentsView, DashboardView, DefinitionCheck, DefinitionSaved, DefinitionView, Explained, GroundView, Health,
    Judged, LineageRequest, LineageView, LinkHolder, MergeView, MetricView, NameView, PolicyView, PreferencesView,
    Principal, ProofsView, QuarantineView, QuestionView, Replayed, Saved, SourceView, StandingsRequest, StandingsView,
    ValuesRequest, ValuesView, Wanted, WorkspaceView,
};
use serde_json::Value as Json;
use spec::{Answer, Diagnostic, Result};
use std::path::Path;

/// The product, seen from outside. All methods are synchronous and may take a while: call them off the event loop.
pub trait Product: Send + Sync {
    /// Signs a user in by password; the error is the same for an unknown user and a wrong password.
    fn sign_in(&self, name: &str, password: &str) -> Result<SignedIn>;

    /// Ends a session; unknown sessions are no error.
    fn sign_out(&self, session: &str) -> Result<()>;

    /// Says who presents a credential; `Denied` with one message whatever is wrong with it.
    fn principal(&self, credential: &Credential) -> Result<Principal>;

    /// Judges a question; `Err` of diagnostics when it is no question at all.
    fn judge(&self, who: &Principal, question: &Json) -> Result<Input<Judged>>;

    /// Judges and, on a yes, answers a question.
    fn ask(&self, who: &Principal, question: &Json) -> Result<Input<Asked>>;

    /// Writes an answer as a table file; the same cells as in its JSON.
    fn encode(&self, answer: &Answer, format: EncodeFormat) -> Result<Vec<u8>>;

    /// Says a question in words and in parts that a page can edit, with diagnostics where it is not one yet.
    fn explain(&self, who: &Principal, question: &Json) -> Result<Explained>;

    /// Everything that this principal may ask about: events, properties, traits, purposes.
    fn catalog(&self, who: &Principal) -> Result<Catalog>;

    /// The shared metrics.
    fn metrics(&self, who: &Principal) -> Result<Vec<MetricView>>;

    /// The audiences.
    fn audiences(&self, who: &Principal) -> Result<Vec<AudienceView>>;

    /// The saved questions.
    fn questions(&self, who: &Principal) -> Result<Vec<QuestionView>>;

    /// The dashboards.
    fn dashboards(&self, who: &Principal) -> Result<Vec<DashboardView>>;

    /// What rests on what: each thing of the wanted kinds with all that it rests on and all that rests on it. Computed
    /// from the definitions alone.
    ///
    /// # Errors
    /// Invalid for a kind that there is not.
    fn lineage(&self, who: &Principal, request: &LineageRequest) -> Result<Vec<LineageView>>;

    /// How questions stand now: the verdicts of what is saved, kept live. Those whose ground has moved are judged again,
    /// a few per call; what has not moved costs nothing.
    fn standings(&self, who: &Principal, request: &StandingsRequest) -> Result<StandingsView>;

    /// What answers to this principal rest on now; a page that shows some asks them again when it has moved.
    fn ground(&self, who: &Principal) -> Result<GroundView>;

    /// Whether it costs nothing of the principal's day to ask a question now: its purpose bounds nothing, or the same
    /// was asked already.
    fn is_free(&self, who: &Principal, question: &Json, wanted: Wanted) -> Result<bool>;

    /// Values of a field of text that people may be asked about for a purpose, without figures: what a breakdown of people
    /// by the field would name. It is on record and charged to nobody.
    ///
    /// # Errors
    /// NotFound for a purpose or a field that is not there.
    fn values(&self, who: &Principal, request: &ValuesRequest) -> Result<ValuesView>;

    /// The sources with their contracts.
    fn sources(&self, who: &Principal) -> Result<Vec<SourceView>>;

    /// The workspace itself: its title, notice, and all diagnostics of its files.
    fn workspace(&self, who: &Principal) -> Result<WorkspaceView>;

    /// Writes an audience or a saved question into the workspace folder; diagnostics if it is not one.
    fn save(&self, who: &Principal, request: &SaveRequest) -> Result<Input<Saved>>;

    /// What the file of a title would be called, for an `audience` or a `question`, and whether that name is free.
    ///
    /// # Errors
    /// Invalid for no title, and for one that is too long.
    fn name_for(&self, who: &Principal, kind: &str, title: &str) -> Result<NameView>;

    /// Writes a dashboard into the workspace folder, a new one or in place of one that is there; diagnostics if it is none.
    fn save_dashboard(&self, who: &Principal, request: &DashboardRequest) -> Result<Input<DashboardView>>;

    /// Takes a saved thing out of the workspace folder again (the undo of `save`). A question that stands on a dashboard
    /// stays.
    fn unsave(&self, who: &Principal, saved: &Saved) -> Result<()>;

    /// A file of the workspace that defines something, as it stands on disk; with a change, as a verdict's gap names
    /// one, also the text with that change made.
    ///
    /// # Errors
    /// NotFound for what is no file of a definition, Denied for one that the role does not see.
    fn definition(&self, who: &Principal, path: &str, change: Option<&Json>) -> Result<DefinitionView>;

    /// What would be wrong with the workspace, and which verdicts would be others, if this text stood in the file: on what
    /// is saved, and on the question for whose sake somebody looks, if there is one.
    ///
    /// # Errors
    /// As for `definition`; Denied also for a file that the role may not change.
    fn check_definition(
        &self,
        who: &Principal,
        path: &str,
        text: &str,
        asked: Option<&Json>,
    ) -> Result<DefinitionCheck>;

    /// Writes a text into a file of the workspace, in place of the one that was read; an empty text takes the file
    /// away. Diagnostics if something would be wrong that is not wrong now.
    ///
    /// # Errors
    /// As for `check_definition`; Conflict when another text stands in the file by now.
    fn save_definition(&self, who: &Principal, request: &DefinitionRequest) -> Result<Input<DefinitionSaved>>;

    /// Imports one file into a source, reporting rows done and rows in all as it goes.
    fn import(&self, who: &Principal, request: &ImportRequest<'_>, progress: &dyn Fn(u64, u64)) -> Result<Balance>;

    /// What the books say of messages: in all, and of each of the last minutes; for those who see operational facts.
    fn books(&self, who: &Principal, minutes: u32) -> Result<BooksView>;

    /// What messages are kept aside and why; for those who see operational facts.
    fn quarantine(&self, who: &Principal) -> Result<Vec<QuarantineView>>;

    /// Checks a source's messages that are kept aside again, and takes in those that keep the contract by now; with a
    /// reason, only those that are aside for it.
    fn replay(&self, who: &Principal, source: &str, reason: Option<&str>) -> Result<Replayed>;

    /// Which people have become one, newest first; with an identifier, those whom it leads to.
    fn merges(&self, who: &Principal, identifier: Option<&str>) -> Result<Vec<MergeView>>;

    /// Takes an entry of the log of merges back: people are what they would be without it.
    fn undo_merge(&self, who: &Principal, number: u64) -> Result<()>;

    /// The rules of who may be used for what and who may see what.
    fn policy(&self, who: &Principal) -> Result<PolicyView>;

    /// Who saw what, the newest first.
    ///
    /// # Errors
    /// Denied to roles that do not see it.
    fn audit(&self, who: &Principal, request: &AuditRequest) -> Result<AuditView>;

    /// The signed end of the records.
    ///
    /// # Errors
    /// Denied to roles that do not see them.
    fn audit_head(&self, who: &Principal) -> Result<AuditHead>;

    /// Whether the parts work; needs no principal and says nothing about data.
    fn health(&self) -> Health;

    /// How the holder of a link stands with every purpose; `Collector::preferences` says who holds it.
    fn preferences(&self, holder: &LinkHolder) -> Result<PreferencesView>;

    /// How people stand with the purposes, over time and by region.
    ///
    /// # Errors
    /// Denied for a role that does not see who saw what.
    fn consents(&self, who: &Principal, request: &ConsentsRequest) -> Result<ConsentsView>;

    /// What this program promises, and what came of trying, as far as the build brings it with it.
    fn proofs(&self, who: &Principal) -> Result<ProofsView>;
}

/// The table files that an answer can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeFormat {
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// What a request shows to say who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A browser's session cookie.
    Session(String),
    /// A bearer token.
    Token(String),
    /// The owner of the data folder, acting as a user; it is put on record.
    Owner {
        /// The secret that only the folder's owner can read.
        secret: String,
        /// The user to act as.
        user: String,
    },
}

/// A session after sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The reference token to keep in the cookie.
    pub session: String,
    /// Who it is.
    pub principal: Principal,
}

/// What became of an input that a person wrote: a value, or everything that is wrong with it.
#[derive(Clone, Debug)]
pub enum Input<T> {
    /// It was good.
    Good(T),
    /// It was not; all of it.
    Bad(Vec<Diagnostic>),
}

/// What to save.
#[derive(Clone, Debug)]
pub struct SaveRequest {
    /// `audience` or `question`.
    pub kind: String,
    /// Its name for people; the file's name follows from it.
    pub title: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The question; for an audience its `where` is kept.
    pub question: Json,
}

/// A dashboard to save.
#[derive(Clone, Debug)]
pub struct DashboardRequest {
    /// The one to write; absent: a new one, whose name follows from its title.
    pub name: Option<String>,
    /// The version that it takes the place of, empty for none; absent: whichever is there. So nobody's change is lost.
    pub version: Option<String>,
    /// Title, description and tiles, with the keys of its file.
    pub dashboard: Json,
}

/// A text for a file of the workspace.
#[derive(Clone, Debug)]
pub struct DefinitionRequest {
    /// The file, relative to the workspace.
    pub path: String,
    /// The whole text; empty to take the file away.
    pub text: String,
    /// The version of the text that it takes the place of; empty for none. So nobody's change is lost.
    pub base: String,
}

/// One file for one source.
#[derive(Clone, Copy, Debug)]
pub struct ImportRequest<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The object of its contract; absent: the one the file's name starts with, or the only one.
    pub object: Option<&'a str>,
    /// The file.
    pub path: &'a Path,
    /// The name that the sender gave it; its ending tells the format (`.csv`, `.ndjson`, `.jsonl`, `.parquet`).
    pub file_name: &'a str,
}
