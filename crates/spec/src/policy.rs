//! The vocabulary of rules: purposes, laws, statements of people, roles.

use crate::{FieldClass, Instant};
use std::collections::BTreeMap;

/// A law under which a person's data is used; the order is from the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// The EU's and the UK's General Data Protection Regulation.
    Gdpr,
    /// California's Consumer Privacy Act.
    Ccpa,
    /// Elsewhere in the United States.
    UsOther,
}

impl Law {
    /// All of them, the strictest first.
    pub const ALL: [Law; 3] = [Law::Gdpr, Law::Ccpa, Law::UsOther];

    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            Law::Gdpr => "gdpr",
            Law::Ccpa => "ccpa",
            Law::UsOther => "us_other",
        }
    }
}

/// Which law applies to people of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LawRule {
    /// ISO 3166-1 code of the country.
    pub country: String,
    /// ISO 3166-2 code of the region (`US-CA`); absent: the whole country.
    pub region: Option<String>,
    /// The law.
    pub law: Law,
}

/// Why people may be used for a purpose under a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Only those who granted.
    Consent,
    /// All but those who objected.
    OptOut,
    /// All but those who objected.
    LegitimateInterest,
    /// All: it fulfils a contract with them.
    Contract,
    /// All: the law demands it.
    LegalObligation,
}

impl Basis {
    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Consent => "consent",
            Basis::OptOut => "opt_out",
            Basis::LegitimateInterest => "legitimate_interest",
            Basis::Contract => "contract",
            Basis::LegalObligation => "legal_obligation",
        }
    }
}

/// Why data is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Purpose {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it, as it stands after "may we use for": `e-mail`.
    pub title: String,
    /// What it covers, in words a person concerned would understand.
    pub description: String,
    /// The basis per law; a law that is missing is not allowed at all.
    pub basis: BTreeMap<Law, Basis>,
    /// The smallest group of people that an answer may show.
    pub min_group: u32,
    /// By which signals people speak of it.
    pub signals: Signals,
}

/// By which signals people speak of a purpose; a browser's `Sec-GPC` speaks of all that rest on an opt-out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// Categories of a consent tool: all of them agreed to is a yes, one refused a no.
    pub categories: Vec<String>,
    /// A vendor and purposes of the Transparency and Consent Framework: all of them agreed to is a yes, else it is a no.
    pub tcf: Option<TcfUse>,
    /// Opt-outs of the United States: one of them is a no.
    pub us: Vec<UsOptOut>,
}

/// What a string of the Transparency and Consent Framework has to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcfUse {
    /// The number of the vendor that we are.
    pub vendor: u16,
    /// The numbers of its purposes.
    pub purposes: Vec<u16>,
}

/// What people of the United States can opt out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsOptOut {
    /// That their data is sold.
    Sale,
    /// That it is shared for advertising.
    Sharing,
    /// That advertising is chosen by it.
    TargetedAdvertising,
}

impl UsOptOut {
    /// All of them.
    pub const ALL: [UsOptOut; 3] = [UsOptOut::Sale, UsOptOut::Sharing, UsOptOut::TargetedAdvertising];

    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            UsOptOut::Sale => "sale",
            UsOptOut::Sharing => "sharing",
            UsOptOut::TargetedAdvertising => "targeted_advertising",
        }
    }

    /// The name of its field in sections of GPP strings.
    pub fn field(self) -> &'static str {
        match self {
            UsOptOut::Sale => "SaleOptOut",
            UsOptOut::Sharing => "SharingOptOut",
            UsOptOut::TargetedAdvertising => "TargetedAdvertisingOptOut",
        }
    }
}

/// What a person has said about a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsentState {
    /// Said yes.
    Granted,
    /// Said no, withdrew, or objected.
    Denied,
    /// Said nothing.
    Silent,
}

impl ConsentState {
    /// The word in ledgers and tables.
    pub fn name(self) -> &'static str {
        match self {
            ConsentState::Granted => "granted",
            ConsentState::Denied => "denied",
            ConsentState::Silent => "silent",
        }
    }
}

/// A dated statement of a person about a purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// About which purpose.
    pub purpose: String,
    /// What was said; never `Silent`.
    pub state: ConsentState,
    /// When.
    pub at: Instant,
}

/// How much of people an answer shows; the order is from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// Figures about groups.
    Aggregate,
    /// A row per person.
    List,
    /// Everything about one person.
    Profile,
}

impl Release {
    /// All of them, the least first.
    pub const ALL: [Release; 3] = [Release::Aggregate, Release::List, Release::Profile];

    /// The word in workspace files and questions.
    pub fn name(self) -> &'static str {
        match self {
            Release::Aggregate => "aggregate",
            Release::List => "list",
            Release::Profile => "profile",
        }
    }
}

/// How a field is shown; the order is from the most open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mask {
    /// As it is.
    Show,
    /// As a keyed hash: equal values stay equal.
    Hash,
    /// Not at all.
    Hide,
}

impl Mask {
    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            Mask::Show => "show",
            Mask::Hash => "hash",
            Mask::Hide => "hide",
        }
    }
}

/// What people of a team may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Per purpose the highest release level; a purpose that is missing is not allowed.
    pub purposes: BTreeMap<String, Release>,
    /// How fields of a class are shown; a class that is missing is hidden.
    pub masks: BTreeMap<FieldClass, Mask>,
    /// Whether it sees operational facts (rows and bytes read, seconds, plans).
    pub sees_cost: bool,
    /// Whether it may bring data in (`import`).
    pub may_import: bool,
    /// Whether it may save metrics, audiences and questions in the workspace.
    pub may_define: bool,
}

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The name to sign in with.
    pub name: String,
    /// What people call the user.
    pub title: String,
    /// The role's name.
    pub role: String,
}
