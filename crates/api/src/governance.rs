//! What comes back about rules and records: who may be used for what, who may see what, and who saw what.

use chrono::NaiveDate;
use serde::Serialize;

/// Which records are wanted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AuditRequest {
    /// Only this user's.
    pub user: Option<String>,
    /// Only those about this purpose.
    pub purpose: Option<String>,
    /// Only deeds that begin with this.
    pub did: Option<String>,
    /// Only those of this day in UTC.
    pub day: Option<NaiveDate>,
    /// Whether verdicts that pages kept live for somebody are left out, which nobody asked for one by one.
    pub hides_live: bool,
    /// Only records before this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// What is on record, the newest first.
#[derive(Clone, Debug, Serialize)]
pub struct AuditView {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// The number before which older ones are; absent where there are none.
    pub next: Option<u64>,
}

/// One thing that somebody did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AuditRecord {
    /// Its place in the chain, from 1.
    pub number: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub user: String,
    /// What: `ask`, `judge`, `save audiences/regulars.yaml`.
    pub did: String,
    /// Why.
    pub purpose: Option<String>,
    /// The question, by its hash.
    pub question: Option<String>,
    /// The question, where it is still kept.
    pub text: Option<serde_json::Value>,
    /// The question in words.
    pub words: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// People in the answer, where it is about an audience.
    pub people: Option<u64>,
    /// The role under which it was granted.
    pub role: Option<String>,
    /// How much of people it showed.
    pub release: Option<String>,
    /// The version of the rules.
    pub rules: Option<String>,
    /// People whose facts might be read.
    pub allowed: Option<u64>,
    /// Fields that were read.
    pub fields: Vec<String>,
}

/// The signed end of the records, to be kept elsewhere.
#[derive(Clone, Debug, Serialize)]
pub struct AuditHead {
    /// How many records there are.
    pub records: u64,
    /// The link of the last one, in hex.
    pub link: String,
    /// The public key, in hex.
    pub key: String,
    /// Its signature, in hex.
    pub signature: String,
}

/// The rules of who may be used for what and who may see what.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyView {
    /// The purposes.
    pub purposes: Vec<PolicyPurpose>,
    /// The roles.
    pub roles: Vec<PolicyRole>,
    /// The teams.
    pub teams: Vec<PolicyTeam>,
    /// Where lists of people may go.
    pub destinations: Vec<PolicyDestination>,
    /// Where which law holds: place, law.
    pub places: Vec<(String, String)>,
    /// The version of the rules.
    pub version: String,
}

/// A purpose in the policy.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyPurpose {
    /// Its name.
    pub name: String,
    /// As it stands after "may we use for".
    pub title: String,
    /// What it covers.
    pub description: String,
    /// Per law: its name, the basis, and what becomes of who said yes, nothing, no.
    pub laws: Vec<PolicyLaw>,
    /// The smallest group that is shown.
    pub min_group: u32,
    /// Questions a user may ask on a day.
    pub questions_per_day: Option<u32>,
    /// `guarded` or `shown`.
    pub differences: String,
    /// Epsilon of an answer and of a day.
    pub noise: Option<(f64, f64)>,
}

/// A team in the policy: who decides what.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyTeam {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its members, as people call them.
    pub members: Vec<String>,
    /// The folders and files whose changes it decides.
    pub looks_after: Vec<String>,
    /// How soon it usually answers (`2 days`).
    pub answers_within: Option<String>,
    /// Seconds that a question of its members may take; for roles that see costs.
    pub seconds_per_question: Option<u32>,
    /// Bytes that one may read; for the same roles.
    pub bytes_per_question: Option<u64>,
}

/// A destination in the policy.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyDestination {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is.
    pub description: String,
    /// What lists that go there may be for, as people call it.
    pub purposes: Vec<String>,
    /// It takes no list of fewer people.
    pub people_min: u32,
    /// It takes no list of more people; absent: of any number.
    pub people_max: Option<u32>,
}

/// A law's line of a purpose.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyLaw {
    /// The law; absent: it is not known which.
    pub law: Option<String>,
    /// The basis; absent: none.
    pub basis: Option<String>,
    /// Whether people are used who said yes, nothing, no; else why not.
    pub said: Vec<Option<String>>,
}

/// A role in the policy.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyRole {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Per purpose the most that it gets: name, release level.
    pub purposes: Vec<(String, Option<String>)>,
    /// Per class of fields how they are shown.
    pub masks: Vec<(String, String)>,
    /// What else it may: in words.
    pub rights: Vec<String>,
    /// The users who have it: name, title.
    pub users: Vec<(String, String)>,
}

/// What one person agreed to, for that person.
#[derive(Clone, Debug, Serialize)]
pub struct PreferencesView {
    /// The company: the title of the workspace.
    pub company: String,
    /// What people are used for.
    pub purposes: Vec<PreferenceView>,
    /// Which text this is: other words have another version.
    pub text_version: String,
}

/// How a person stands with a purpose.
#[derive(Clone, Debug, Serialize)]
pub struct PreferenceView {
    /// Its name.
    pub name: String,
    /// As it stands after "may we use for".
    pub title: String,
    /// What it covers.
    pub description: String,
    /// Whether it is theirs to choose where they live; else a contract or the law has it.
    pub is_chosen: bool,
    /// Why they are not used for it: `law`, `consent`, `objection`; absent: they are.
    pub withheld: Option<String>,
    /// Their last word on the page of preferences.
    pub said: Option<bool>,
    /// Their last words by other signals.
    pub others: Vec<SignalView>,
}

/// A last word by a signal.
#[derive(Clone, Debug, Serialize)]
pub struct SignalView {
    /// `gpc`, `categories`, `tcf`, `gpp`, `api`, `file`, or as a file has it.
    pub signal: String,
    /// Whether it is a yes.
    pub is_yes: bool,
    /// Of a no: since when, RFC 3339.
    pub since: Option<String>,
}

/// Over which time it is wanted how people stand.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConsentsRequest {
    /// `day`, `week` or `month`; a week when it is something else.
    pub by: String,
}

/// How people stand with the purposes, over time and by region.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentsView {
    /// Everybody known; absent where that would tell of a few who may not be used.
    pub known: Option<u64>,
    /// `day`, `week` or `month`.
    pub by: String,
    /// The days at whose end it is counted, in order.
    pub days: Vec<String>,
    /// The purposes about which people can say something.
    pub purposes: Vec<PurposeConsents>,
}

/// How people stand with one purpose, in whole minimum groups: what is left over is left out, so that no two of these figures
/// differ by a few. A figure is absent where it, or what is left of everybody beside it, is a few.
#[derive(Clone, Debug, Serialize)]
pub struct PurposeConsents {
    /// Its name.
    pub name: String,
    /// As it stands after "may we use for".
    pub title: String,
    /// The smallest group that is shown.
    pub min_group: u32,
    /// People who had said yes, at the end of each day.
    pub yes: Vec<Option<u64>>,
    /// People who had said no.
    pub no: Vec<Option<u64>>,
    /// Where they live, the most people first.
    pub places: Vec<ConsentPlace>,
}

/// How the people of a region stand now.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentPlace {
    /// ISO code of the region, or of the country; absent: regions of a few people, together with those of nobody knows where.
    pub place: Option<String>,
    /// How many regions it is.
    pub regions: usize,
    /// People who live there; absent where that would tell of a few who may not be used.
    pub known: Option<u64>,
    /// Of these, those who may be used.
    pub used: Option<u64>,
    /// Of these, those who said yes.
    pub yes: Option<u64>,
    /// Of these, those who said no.
    pub no: Option<u64>,
}

/// What this program promises, and what came of trying.
#[derive(Clone, Debug, Serialize)]
pub struct ProofsView {
    /// The promises.
    pub proofs: Vec<ProofView>,
}

/// A promise and the proofs of it that were run.
#[derive(Clone, Debug, Serialize)]
pub struct ProofView {
    /// What is promised.
    pub promise: String,
    /// How it is tried.
    pub how: String,
    /// Its runs, the short form first.
    pub runs: Vec<ProofRun>,
}

/// One form of a proof, and its last run.
#[derive(Clone, Debug, Serialize)]
pub struct ProofRun {
    /// What runs it.
    pub command: String,
    /// Whether it belongs to `make test` or to `make slow`.
    pub suite: String,
    /// `passed`, `failed`, `skipped` where it could not run, or absent: it was not run.
    pub outcome: Option<String>,
    /// What it found, in one line.
    pub found: String,
    /// The seed that it began with, where it has one.
    pub seed: Option<u64>,
    /// When it ended, RFC 3339.
    pub at: Option<String>,
    /// How long it took.
    pub seconds: Option<u64>,
    /// The version of the source.
    pub version: Option<String>,
}
