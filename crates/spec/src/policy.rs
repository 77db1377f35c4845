//! The vocabulary of rules: purposes, laws, statements of people, roles.

use crate::{Field, FieldClass, Instant};
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
    /// What else bounds what its answers tell.
    pub limits: AnswerLimits,
}

impl Purpose {
    /// Whether what people say about it matters under some law, so that it is theirs to choose.
    pub fn is_chosen(&self) -> bool {
        self.basis.values().any(|basis| !matches!(basis, Basis::Contract | Basis::LegalObligation))
    }
}

/// What bounds what answers tell, besides the minimum group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerLimits {
    /// So many different questions a day may one user ask; absent: as many as they like.
    pub questions_per_day: Option<u32>,
    /// Whether two answers to one user may differ by fewer people than the minimum group.
    pub differences: Differences,
    /// With it counts of people are noisy, and everything else is refused.
    pub noise: Option<Noise>,
}

impl AnswerLimits {
    /// Whether answers are held against those before them. Where counts are noisy, the noise does what that would.
    pub fn guards_differences(&self) -> bool {
        self.differences == Differences::Guarded && self.noise.is_none()
    }
}

/// What becomes of a figure about nearly the same people as one that the user has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Differences {
    /// It is withheld.
    #[default]
    Guarded,
    /// It is shown.
    Shown,
}

impl Differences {
    /// All of them.
    pub const ALL: [Differences; 2] = [Differences::Guarded, Differences::Shown];

    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            Differences::Guarded => "guarded",
            Differences::Shown => "shown",
        }
    }
}

/// Differential privacy: how much one answer, and all of a day's to one user, may tell of anybody.
///
/// # Units
/// Both are epsilons: the odds of any guess about a person change by at most a factor of e^epsilon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Of one answer.
    pub epsilon: f64,
    /// Of all answers of a day.
    pub epsilon_per_day: f64,
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
    /// Its beginning: three letters of a text, two digits of a number, the month of a date.
    Truncate,
    /// A range that it is in: 20 to 50, the year of a date; texts not at all.
    Bucket,
    /// As a hash under a key that changes with the month and the purpose: equal values are equal within both.
    Hash,
    /// Not at all.
    Hide,
}

impl Mask {
    /// All of them, the most open first.
    pub const ALL: [Mask; 5] = [Mask::Show, Mask::Truncate, Mask::Bucket, Mask::Hash, Mask::Hide];

    /// The word in workspace files.
    pub fn name(self) -> &'static str {
        match self {
            Mask::Show => "show",
            Mask::Truncate => "truncate",
            Mask::Bucket => "bucket",
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
    /// Whether it sees who asked what about people.
    pub sees_audit: bool,
    /// The sorts of definitions whose files it may change on pages; none that is not named.
    pub edits: Vec<DefinitionKind>,
}

impl Role {
    /// Whether it may ask about a field at all: for at least one of its purposes. What it may not is not in its catalogue.
    pub fn may_ask(&self, field: &Field) -> bool {
        field.purposes.iter().any(|purpose| self.purposes.contains_key(purpose))
    }
}

/// A sort of definitions: what the files of one folder of the workspace define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// `entente.yaml`: which law applies where, and what the workspace is called.
    Laws,
    /// Where data comes in, and by which keys.
    Sources,
    /// What sources deliver.
    Contracts,
    /// Why data is used.
    Purposes,
    /// What people of a team may do.
    Roles,
    /// Who works on what.
    Teams,
    /// Shared figures.
    Metrics,
    /// Lists of people.
    Audiences,
    /// Saved questions.
    Questions,
    /// Answers that are looked at together.
    Dashboards,
    /// Where lists of people go.
    Destinations,
}

impl DefinitionKind {
    /// All of them, the rules of the workspace first.
    pub const ALL: [DefinitionKind; 11] = [
        DefinitionKind::Laws,
        DefinitionKind::Sources,
        DefinitionKind::Contracts,
        DefinitionKind::Purposes,
        DefinitionKind::Roles,
        DefinitionKind::Teams,
        DefinitionKind::Metrics,
        DefinitionKind::Audiences,
        DefinitionKind::Questions,
        DefinitionKind::Dashboards,
        DefinitionKind::Destinations,
    ];

    /// The word in workspace files; but for `laws`, the folder's name.
    pub fn name(self) -> &'static str {
        match self {
            DefinitionKind::Laws => "laws",
            DefinitionKind::Sources => "sources",
            DefinitionKind::Contracts => "contracts",
            DefinitionKind::Purposes => "purposes",
            DefinitionKind::Roles => "roles",
            DefinitionKind::Teams => "teams",
            DefinitionKind::Metrics => "metrics",
            DefinitionKind::Audiences => "audiences",
            DefinitionKind::Questions => "questions",
            DefinitionKind::Dashboards => "dashboards",
            DefinitionKind::Destinations => "destinations",
        }
    }
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
