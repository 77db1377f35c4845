//! The structs that come back.

use crate::ThingView;
use serde::Serialize;
use spec::{Answer, ConditionPart, Cost, Diagnostic, Question, Verdict};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Who asks, after the credential was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Principal {
    /// The user's name.
    pub user: String,
    /// What people call the user.
    pub title: String,
    /// The role's name.
    pub role: String,
    /// What people call the role.
    pub role_title: String,
    /// Whether it sees operational facts.
    pub sees_cost: bool,
    /// Whether it may import.
    pub may_import: bool,
    /// Whether it may save definitions.
    pub may_define: bool,
    /// Whether it sees who asked what about people.
    pub sees_audit: bool,
    /// The sorts of definitions whose files it may change, by their words.
    pub edits: Vec<String>,
    /// Who waits for what is done for it.
    #[serde(skip)]
    pub waiting: Waiting,
}

/// Somebody who waits for a call: what nobody waits for is stopped, and who waits can see how far it is.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<Wait>);

#[derive(Debug, Default)]
struct Wait {
    is_over: AtomicBool,
    /// Millionths of the work that are done, and one: zero says that nothing is known.
    done: AtomicU64,
}

/// What stands for all of the work.
const WHOLE: u64 = 1_000_000;

impl Waiting {
    /// Says that nobody waits any more.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether nobody does.
    pub fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Relaxed)
    }

    /// Says that so many parts of the work are done, of so many.
    pub fn report(&self, n_done: usize, n_parts: usize) {
        let done = (n_done as u64).saturating_mul(WHOLE).checked_div(n_parts as u64);
        self.0.done.store(done.map_or(0, |done| 1 + done.min(WHOLE)), Ordering::Relaxed);
    }

    /// How much of the work is done, in 0..=1; `None` before anything is known.
    pub fn progress(&self) -> Option<f64> {
        let done = self.0.done.load(Ordering::Relaxed).checked_sub(1)?;
        Some(done as f64 / WHOLE as f64)
    }

    /// Whether both are the same wait.
    pub fn is_same(&self, other: &Waiting) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A judged question.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The question as understood.
    pub question: Question,
    /// What the judge found.
    pub verdict: Verdict,
    /// For an audience that was judged yes: how many people, as released.
    pub people: Option<u64>,
    /// What an answer is expected to take; only for roles that see costs.
    pub forecast: Option<Cost>,
}

/// A judged and, on a yes, answered question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The question as understood.
    pub question: Question,
    /// What the judge found.
    pub verdict: Verdict,
    /// The answer; present exactly when the verdict is yes.
    pub answer: Option<Answer>,
    /// For a list, which of its rows may still leave while it is being sent.
    pub leaving: Option<Leaving>,
}

/// Which rows of a list may leave now. It is asked while the list is being sent, so that nobody is in what leaves later than
/// a second after they said no.
#[derive(Clone)]
pub struct Leaving(Arc<dyn Fn(Range<usize>) -> Vec<bool> + Send + Sync>);

impl Leaving {
    /// By what tells it of some rows.
    pub fn new(of: impl Fn(Range<usize>) -> Vec<bool> + Send + Sync + 'static) -> Leaving {
        Leaving(Arc::new(of))
    }

    /// Whether each of these rows may leave now.
    pub fn of(&self, rows: Range<usize>) -> Vec<bool> {
        (self.0)(rows)
    }
}

impl std::fmt::Debug for Leaving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Leaving")
    }
}

/// A question in words and parts.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The question as one plain sentence.
    pub sentence: String,
    /// The canonical question, when it is one.
    pub question: Option<serde_json::Value>,
    /// The top-level AND terms of its condition.
    pub parts: Vec<ConditionPart>,
    /// What it becomes under the hood, for IT: measure, tables, filters, in lines of text.
    pub plan: Vec<String>,
    /// Everything that it rests on: what it names, and what that stands for.
    pub rests_on: Vec<ThingView>,
    /// Everything that is wrong with it.
    pub errors: Vec<Diagnostic>,
    /// Names in it that nothing has, each with whose it is to bring it; pages say by it what keeps a question from being
    /// saved. Programs learn the same from `judge`.
    #[serde(skip)]
    pub missing: Vec<spec::Reason>,
}

/// Whose values are wanted.
#[derive(Clone, Debug)]
pub struct ValuesRequest {
    /// The purpose of the question that they are for.
    pub purpose: String,
    /// A trait, or `event.FIELD` for a property.
    pub field: String,
    /// The event that has the property; absent: any.
    pub event: Option<String>,
}

/// Values of a field of text that enough people have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ValuesView {
    /// At most fifty, those that most people have first.
    pub values: Vec<String>,
    /// Why there are none, if there are none.
    pub why: Option<String>,
}

/// What can be asked about.
#[derive(Clone, Debug, Serialize)]
pub struct Catalog {
    /// The events.
    pub events: Vec<EventView>,
    /// The traits.
    pub traits: Vec<FieldView>,
    /// The purposes that the principal's role may use.
    pub purposes: Vec<PurposeView>,
    /// Names of metrics.
    pub metrics: Vec<(String, String)>,
    /// Names of audiences.
    pub audiences: Vec<(String, String)>,
    /// Names of destinations.
    pub destinations: Vec<(String, String)>,
    /// First and last day with events, for sensible default periods; absent before the first import.
    pub days: Option<(String, String)>,
}

/// An event that is collected.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Past form for sentences: `paid for a basket`.
    pub past: String,
    /// Its source.
    pub source: String,
    /// Its properties.
    pub properties: Vec<FieldView>,
}

/// A property or trait.
#[derive(Clone, Debug, Serialize)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Its type's name.
    #[serde(rename = "type")]
    pub value_type: String,
    /// Unit, if any.
    pub unit: Option<String>,
    /// Class name.
    pub class: String,
    /// Purposes it may be used for.
    pub purposes: Vec<String>,
    /// Whether it may be broken down by.
    pub groups: bool,
}

/// A purpose.
#[derive(Clone, Debug, Serialize)]
pub struct PurposeView {
    /// Its name.
    pub name: String,
    /// As it stands after "may we use for".
    pub title: String,
    /// What it covers.
    pub description: String,
    /// Smallest group shown.
    pub min_group: u32,
    /// The highest release level of the principal's role: `aggregate`, `list`, `profile`.
    pub release: String,
    /// Basis per law.
    pub basis: BTreeMap<String, String>,
    /// People that may be used for it now; null when under the minimum group.
    pub people: Option<u64>,
}

/// A metric.
#[derive(Clone, Debug, Serialize)]
pub struct MetricView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it means.
    pub description: String,
    /// Its owners.
    pub owners: Vec<String>,
    /// The measure's text.
    pub measure: String,
    /// The condition's text, or empty.
    pub filter: String,
    /// Unit, if any.
    pub unit: Option<String>,
    /// Whether Home shows it.
    pub on_home: bool,
    /// The file in the workspace.
    pub path: String,
    /// The file's text, for IT's face.
    pub text: String,
}

/// An audience.
#[derive(Clone, Debug, Serialize)]
pub struct AudienceView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whom it holds.
    pub description: String,
    /// Its owners.
    pub owners: Vec<String>,
    /// The purpose it is mostly asked for.
    pub purpose: String,
    /// The condition's text.
    pub condition: String,
    /// The condition in words.
    pub words: String,
    /// The file in the workspace.
    pub path: String,
    /// The file's text, for IT's face.
    pub text: String,
}

/// A saved question.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// The question.
    pub question: serde_json::Value,
    /// The question in words.
    pub words: String,
    /// The file in the workspace.
    pub path: String,
    /// The file's text, for IT's face.
    pub text: String,
}

/// A dashboard: answers that are looked at together. Each tile is asked like any other question.
#[derive(Clone, Debug, Serialize)]
pub struct DashboardView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What it shows, in this order.
    pub tiles: Vec<TileView>,
    /// Changes with every change of its file.
    pub version: String,
    /// The file in the workspace.
    pub path: String,
    /// The file's text, for IT's face.
    pub text: String,
}

/// A tile, with the keys that it has in the file: the name of a question or of a metric, never both.
#[derive(Clone, Debug, Serialize)]
pub struct TileView {
    /// The saved question that it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The metric that it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What it is called here, if not as its subject is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `half` or `full`.
    pub width: String,
}

/// A source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it delivers.
    pub objects: Vec<ObjectView>,
    /// When it last delivered (ISO 8601), if ever.
    pub landed_at: Option<String>,
    /// What the contract promises about age (`1 day`), if anything.
    pub freshness: Option<String>,
    /// Whether the promise is kept now; true without one.
    pub is_fresh: bool,
    /// Which part of a day's records may break the contract (`5 %`), if anything is promised.
    pub error_rate_max: Option<String>,
    /// Whether that is kept by what came last; true without a promise.
    pub is_sound: bool,
    /// The books over all imports, for roles that see operational facts.
    pub balance: Option<Balance>,
    /// What was rejected, grouped by reason, most first; for the same roles.
    pub rejected: Vec<RejectedGroup>,
    /// The contract's file in the workspace.
    pub contract_path: String,
    /// The contract's text, for IT's face; empty for roles that do not see cost.
    pub contract_text: String,
    /// Table versions, for IT's face.
    pub tables: BTreeMap<String, u64>,
}

/// One kind of record of a source.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is.
    pub description: String,
    /// `event`, `traits` or `consent`.
    pub kind: String,
    /// Its properties.
    pub fields: Vec<FieldView>,
}

/// The books of an import: `received == stored + duplicate + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// What was imported: `source/file`.
    pub what: String,
    /// Records read.
    pub received: u64,
    /// Records stored.
    pub stored: u64,
    /// Records that were there already.
    pub duplicate: u64,
    /// Records put into quarantine with a reason.
    pub rejected: u64,
}

/// What became of messages, key by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BooksView {
    /// Since the first message, in the order of source and key; `minute` is the last in which something was taken.
    pub totals: Vec<BookView>,
    /// Minute by minute since a while ago, newest first.
    pub minutes: Vec<BookView>,
}

/// What became of messages of one key: `received == stored + duplicate + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BookView {
    /// The source.
    pub source: String,
    /// The key's name.
    pub key: String,
    /// The minute's first instant (ISO 8601).
    pub minute: String,
    /// Messages that came.
    pub received: u64,
    /// Messages that are new.
    pub stored: u64,
    /// Messages that were there already.
    pub duplicate: u64,
    /// Messages that were refused or are kept aside.
    pub rejected: u64,
    /// Why, and how many for each reason.
    pub reasons: Vec<(String, u64)>,
}

/// Records rejected for the same reason.
#[derive(Clone, Debug, Serialize)]
pub struct RejectedGroup {
    /// Why.
    pub reason: String,
    /// How many.
    pub records: u64,
    /// The place of the first: `file:row`.
    pub example: String,
}

/// What was saved.
#[derive(Clone, Debug, Serialize)]
pub struct Saved {
    /// `audience`, `question` or `dashboard`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The file in the workspace.
    pub path: String,
}

/// The workspace.
#[derive(Clone, Debug, Serialize)]
pub struct WorkspaceView {
    /// Its title.
    pub title: String,
    /// A notice that every page shows; may be empty.
    pub notice: String,
    /// Hash of all definitions and rules.
    pub version: String,
    /// When data last came in (ISO 8601), if ever.
    pub landed_at: Option<String>,
    /// The last day with data of anything that the user may ask about, where it is known without looking.
    pub data_until: Option<String>,
    /// Everything that is wrong with its files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Whether the parts work.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether questions can be answered.
    pub ready: bool,
    /// The program's version.
    pub version: String,
}

/// Messages of a source that are kept aside for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineView {
    /// The source.
    pub source: String,
    /// The object of the contract, or what the messages call themselves.
    pub object: String,
    /// What is wrong.
    pub reason: String,
    /// The field, where it is one.
    pub field: Option<String>,
    /// What to do about it.
    pub hint: String,
    /// The contract's file in the workspace; empty when the source is gone.
    pub contract_path: String,
    /// How many there are.
    pub messages: u64,
    /// When the first of them came.
    pub first_at: String,
    /// When the last of them came.
    pub last_at: String,
}

/// What a replay did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The source.
    pub source: String,
    /// Messages that keep the contract by now and are on their way to the tables.
    pub taken: u64,
    /// Messages that do not, and stay aside.
    pub left: u64,
}

/// Two people who have become one, or were taken apart again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MergeView {
    /// By which it is taken back.
    pub number: u64,
    /// When.
    pub at: String,
    /// What told it, `identify` or `alias`; or `undo`.
    pub change: &'static str,
    /// The entry that an `undo` takes back.
    pub undoes: Option<u64>,
    /// The source that said so, or the user who took an entry back.
    pub by: String,
    /// `waiting` for rows to move, `in force`, or `undone`.
    pub state: &'static str,
}
