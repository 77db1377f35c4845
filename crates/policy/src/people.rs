//! Whether one person may be used for a purpose.

use spec::{Basis, ConsentState, Law, LawRule, Purpose};

/// Whether a person may be used, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// May be used.
    Used,
    /// May not.
    Withheld(Withholding),
}

/// Why a person is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withholding {
    /// The purpose has no basis under the person's law.
    Law,
    /// The basis is consent and the person has not given it.
    Consent,
    /// The person objected.
    Objection,
}

impl Withholding {
    /// All of them, in the order of a waterfall.
    pub const ALL: [Withholding; 3] = [Withholding::Law, Withholding::Consent, Withholding::Objection];

    /// The word in answers.
    pub fn name(self) -> &'static str {
        match self {
            Withholding::Law => "law",
            Withholding::Consent => "consent",
            Withholding::Objection => "objection",
        }
    }
}

/// Says whether a person under this law who said this may be used for the purpose.
///
/// An unknown law (`None`) means the strictest: the person is used only if every law would allow it.
///
/// # Source
/// GDPR art. 6 and 7 (consent), 21 (objection); CCPA section 1798.120 (opt-out).
pub fn may_use(purpose: &Purpose, law: Option<Law>, state: ConsentState) -> Use {
    let laws: &[Law] = match &law {
        Some(law) => std::slice::from_ref(law),
        None => &Law::ALL,
    };
    let withheld = laws.iter().filter_map(|law| match under(purpose.basis.get(law).copied(), state) {
        Use::Used => None,
        Use::Withheld(why) => Some(why),
    });
    // The first in the order of a waterfall: where one law allows nobody, to agree would help nobody.
    withheld.min().map_or(Use::Used, Use::Withheld)
}

fn under(basis: Option<Basis>, state: ConsentState) -> Use {
    match (basis, state) {
        (None, _) => Use::Withheld(Withholding::Law),
        (Some(Basis::Consent), ConsentState::Granted) => Use::Used,
        (Some(Basis::Consent), ConsentState::Denied | ConsentState::Silent) => Use::Withheld(Withholding::Consent),
        (Some(Basis::OptOut | Basis::LegitimateInterest), ConsentState::Denied) => {
            Use::Withheld(Withholding::Objection)
        }
        (Some(Basis::OptOut | Basis::LegitimateInterest), ConsentState::Granted | ConsentState::Silent) => Use::Used,
        (Some(Basis::Contract | Basis::LegalObligation), _) => Use::Used,
    }
}

/// The law that applies to people of a place; `None` when it is not known.
///
/// A rule for the region comes before one for the whole country. Of several rules that fit, the strictest law wins.
/// Without a region, a country that has rules for regions is known only if all its rules agree.
pub fn law_of(rules: &[LawRule], country: Option<&str>, region: Option<&str>) -> Option<Law> {
    let of_country: Vec<&LawRule> = rules.iter().filter(|rule| Some(rule.country.as_str()) == country).collect();
    let strictest = |wanted: Option<&str>| {
        of_country.iter().filter(|rule| rule.region.as_deref() == wanted).map(|rule| rule.law).min()
    };
    match region {
        Some(region) => strictest(Some(region)).or_else(|| strictest(None)),
        None => {
            let first = of_country.first()?.law;
            of_country.iter().all(|rule| rule.law == first).then_some(first)
        }
    }
}
