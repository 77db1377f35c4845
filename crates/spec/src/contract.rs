//! What a source promises about its data: the part of an ODCS contract that the program enforces.

use crate::{Duration, Release, ValueType};
use chrono::NaiveDate;

/// A data contract (ODCS 3.1), as far as it is enforced.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Its `id`.
    pub id: String,
    /// Its `version`.
    pub version: String,
    /// Its `status`: proposed, draft, active, deprecated, retired.
    pub status: String,
    /// What it is about, for people (`description.purpose`).
    pub description: String,
    /// Who answers for it (the `team` member with role `owner`, else the first).
    pub owner: Option<String>,
    /// The kinds of records that the source delivers.
    pub objects: Vec<Object>,
    /// How old the newest data may be (`slaProperties` latency), if promised.
    pub freshness: Option<Freshness>,
    /// The part of the records of a day that may break the contract (`slaProperties` errorRate), if promised: 0.05 are 5 %.
    pub error_rate_max: Option<f64>,
    /// What happens at the door to events that do not keep it.
    pub door: Door,
    /// On which terms the data was bought or lent.
    pub terms: Terms,
}

/// On which terms data may be used at all; without any, on none but those of its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The last day on which it may be used (`slaProperties` endOfLife).
    pub until: Option<NaiveDate>,
    /// How much of people may be shown of it (`release_max`).
    pub release_max: Option<Release>,
}

/// What happens to events that come in one by one and do not keep the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// An event that the contract does not declare (`on_unknown_event`).
    pub unknown_event: OnFault,
    /// A value that is missing, of another type or too long (`on_bad_value`).
    pub bad_value: OnFault,
    /// A time in the future or long ago (`on_bad_time`).
    pub bad_time: OnFault,
    /// Whether a declared property `ip` keeps the sender's address (`keep_ip`); else it is dropped after enrichment.
    pub keeps_ip: bool,
}

/// What the contract says of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// The sender is told, and nothing is kept.
    Reject,
    /// It is kept aside with its reason, and can be taken in once the contract is mended.
    Quarantine,
    /// It is taken in without what is wrong; the reason is kept beside it.
    Flag,
}

impl OnFault {
    /// The word in contracts.
    pub fn name(self) -> &'static str {
        match self {
            OnFault::Reject => "reject",
            OnFault::Quarantine => "quarantine",
            OnFault::Flag => "flag",
        }
    }
}

/// Nothing is lost and nothing wrong comes in: all faults go to quarantine, addresses are dropped.
impl Default for Door {
    fn default() -> Door {
        let aside = OnFault::Quarantine;
        Door { unknown_event: aside, bad_value: aside, bad_time: aside, keeps_ip: false }
    }
}

/// How old the newest delivery of a source may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// The longest time since the last import.
    pub age_max: Duration,
}

/// One kind of record of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its name; for an event, the event's name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is, for people.
    pub description: String,
    /// Past form for sentences: `paid for a basket`.
    pub past: String,
    /// Base form for sentences: `pay for a basket`.
    pub base: String,
    /// What its records become.
    pub kind: ObjectKind,
    /// The column that identifies the person (a `user_id`).
    pub person_column: String,
    /// How a value of the person column becomes a user id: the text before it, as `household-`; mostly empty.
    pub person_prefix: String,
    /// The column that holds the time; absent for traits without one, which then count from the import.
    pub time_column: Option<String>,
    /// The column that identifies the record; absent: the record's whole content does.
    pub message_id_column: Option<String>,
    /// Its properties in the contract's order, the three columns above among them.
    pub fields: Vec<Field>,
}

/// What the records of an object become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// Events.
    Event,
    /// Traits of people; a later record replaces an earlier one.
    Traits,
    /// Statements about purposes, for the consent ledger: columns `purpose` and `state`.
    Consent,
}

/// One property of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in files and in questions.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is, for people.
    pub description: String,
    /// Its type.
    pub value_type: ValueType,
    /// Unit of its values (`USD`, `items`), if any.
    pub unit: Option<String>,
    /// Whether a record without it is rejected.
    pub required: bool,
    /// Whether it names one thing among very many (a basket, a product), so that groups by it make no sense.
    pub is_key: bool,
    /// The longest text that is accepted, in characters.
    pub length_max: usize,
    /// How closely it points at a person.
    pub class: FieldClass,
    /// What it may be used for; empty: for nothing.
    pub purposes: Vec<String>,
}

/// How closely a field points at a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldClass {
    /// Says nothing about who it is.
    None,
    /// Tells people apart without naming them.
    Pseudonym,
    /// Names or reaches a person: e-mail, phone, address. Lives in the vault only.
    Direct,
    /// Of a special category: health, belief and the like.
    Sensitive,
}

impl FieldClass {
    /// The word in contracts (`classification`).
    pub fn name(self) -> &'static str {
        match self {
            FieldClass::None => "none",
            FieldClass::Pseudonym => "pseudonym",
            FieldClass::Direct => "direct",
            FieldClass::Sensitive => "sensitive",
        }
    }
}
