//! What comes back about rules and records: who may be used for what, who may see what, and who saw what.

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
