//! Strings of the Transparency and Consent Framework: what somebody allows to which vendors for what.
//!
//! # Source
//! IAB Tech Lab, "Transparency and Consent String with Global Vendor & CMP List Formats", version 2, with the changes of
//! TCF 2.3: a string that does not say which vendors were disclosed is no consent to anybody.

use crate::Malformed;
use crate::bits::{Bits, Ids};

/// Purposes of the framework that a string can name.
pub(crate) const N_PURPOSES: u16 = 24;
pub(crate) const N_SPECIAL_FEATURES: u16 = 12;
/// What the first bits of the segments after the first say.
const DISCLOSED_VENDORS: u64 = 1;
const ALLOWED_VENDORS: u64 = 2;
const PUBLISHER: u64 = 3;

/// A string that was read.
#[derive(Clone, Debug)]
pub struct TcString {
    /// Who asked, when, and by which lists.
    pub head: Head,
    /// Whether it holds for one site or app only.
    pub is_service_specific: bool,
    /// Whether other texts were shown than those of the framework.
    pub uses_non_standard_texts: bool,
    /// Special features that were agreed to.
    pub special_features: Ids,
    /// Purposes that were agreed to.
    pub purpose_consents: Ids,
    /// Purposes of which somebody was told that they rest on a legitimate interest, and did not object.
    pub purpose_legitimate_interests: Ids,
    /// Whether purpose 1 was not asked for, as the law of the publisher's country has it.
    pub purpose_one_treatment: bool,
    /// The publisher's country, as two letters.
    pub publisher_country: String,
    /// Vendors that were agreed to.
    pub vendor_consents: Ids,
    /// Vendors whose legitimate interest was not objected to.
    pub vendor_legitimate_interests: Ids,
    /// What the publisher restricts: purpose, kind of restriction, vendors.
    pub restrictions: Vec<(u16, Restriction, Ids)>,
    /// Vendors that were shown; without them nothing is agreed to.
    pub disclosed_vendors: Option<Ids>,
    /// What was agreed to for the publisher itself.
    pub publisher: Option<Publisher>,
}

/// What strings of the framework and of its kin in Canada begin with, after their version.
#[derive(Clone, Debug)]
pub struct Head {
    /// When it was first made and last changed, in milliseconds since 1970.
    pub created: i64,
    /// See `created`.
    pub last_updated: i64,
    /// Who asked, with which version of the tool and on which of its screens.
    pub cmp_id: u16,
    /// See `cmp_id`.
    pub cmp_version: u16,
    /// See `cmp_id`.
    pub consent_screen: u16,
    /// In which language, as two letters.
    pub consent_language: String,
    /// The version of the list of vendors.
    pub vendor_list_version: u16,
    /// The version of the framework's policies.
    pub policy_version: u16,
}

/// How a publisher restricts what vendors may do for a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Not at all.
    NotAllowed,
    /// Only where it was agreed to.
    RequireConsent,
    /// Only as a legitimate interest.
    RequireLegitimateInterest,
}

/// What was agreed to for the publisher itself.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// Purposes that were agreed to.
    pub consents: Ids,
    /// Purposes whose legitimate interest was not objected to.
    pub legitimate_interests: Ids,
    /// The same of purposes of the publisher's own.
    pub custom_consents: Ids,
    /// See `custom_consents`.
    pub custom_legitimate_interests: Ids,
}

impl Head {
    pub(crate) fn read(bits: &mut Bits) -> Result<Head, Malformed> {
        Ok(Head {
            created: bits.millis()?,
            last_updated: bits.millis()?,
            cmp_id: bits.short(12)?,
            cmp_version: bits.short(12)?,
            consent_screen: bits.short(6)?,
            consent_language: bits.letters()?,
            vendor_list_version: bits.short(12)?,
            policy_version: bits.short(6)?,
        })
    }
}

impl TcString {
    /// Reads a string of version 2.
    ///
    /// # Errors
    /// Says what is wrong with one that is no such string.
    pub fn read(text: &str) -> Result<TcString, Malformed> {
        let mut segments = text.split('.');
        let mut string = core(&mut Bits::of(segments.next().unwrap_or_default())?)?;
        for segment in segments {
            let mut bits = Bits::of(segment)?;
            match bits.number(3)? {
                DISCLOSED_VENDORS => once(&mut string.disclosed_vendors, bits.vendors()?)?,
                // It says nothing since it went out of use; it has to be well formed still.
                ALLOWED_VENDORS => drop(bits.vendors()?),
                PUBLISHER => once(&mut string.publisher, publisher(&mut bits)?)?,
                _ => return Err(Malformed::Segment),
            }
        }
        Ok(string)
    }

    /// Whether it lets a vendor use somebody for a purpose, both by their numbers, because they agreed.
    pub fn consents(&self, vendor: u16, purpose: u16) -> bool {
        let is_restricted = self.restrictions.iter().any(|(of, restriction, vendors)| {
            *of == purpose && *restriction != Restriction::RequireConsent && vendors.contains(vendor)
        });
        self.disclosed_vendors.as_ref().is_some_and(|disclosed| disclosed.contains(vendor))
            && self.vendor_consents.contains(vendor)
            && self.purpose_consents.contains(purpose)
            && !is_restricted
    }
}

/// Puts in what must not be there yet: of two segments of a kind none is known to be the one that was meant.
pub(crate) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    if place.replace(value).is_some() { Err(Malformed::Segment) } else { Ok(()) }
}

fn core(bits: &mut Bits) -> Result<TcString, Malformed> {
    if bits.number(6)? != 2 {
        return Err(Malformed::Version);
    }
    Ok(TcString {
        head: Head::read(bits)?,
        is_service_specific: bits.flag()?,
        uses_non_standard_texts: bits.flag()?,
        special_features: bits.field(N_SPECIAL_FEATURES)?,
        purpose_consents: bits.field(N_PURPOSES)?,
        purpose_legitimate_interests: bits.field(N_PURPOSES)?,
        purpose_one_treatment: bits.flag()?,
        publisher_country: bits.letters()?,
        vendor_consents: bits.vendors()?,
        vendor_legitimate_interests: bits.vendors()?,
        restrictions: restrictions(bits)?,
        disclosed_vendors: None,
        publisher: None,
    })
}

fn restrictions(bits: &mut Bits) -> Result<Vec<(u16, Restriction, Ids)>, Malformed> {
    let n = bits.number(12)?;
    let one = |_| {
        let purpose = bits.short(6)?;
        let restriction = match bits.number(2)? {
            0 => Restriction::NotAllowed,
            1 => Restriction::RequireConsent,
            2 => Restriction::RequireLegitimateInterest,
            _ => return Err(Malformed::Restriction),
        };
        let vendors = bits.ranges()?;
        if purpose == 0 {
            return Err(Malformed::Restriction);
        }
        Ok((purpose, restriction, vendors))
    };
    (0..n).map(one).collect()
}

fn publisher(bits: &mut Bits) -> Result<Publisher, Malformed> {
    let consents = bits.field(N_PURPOSES)?;
    let legitimate_interests = bits.field(N_PURPOSES)?;
    let n_custom = bits.short(6)?;
    Ok(Publisher {
        consents,
        legitimate_interests,
        custom_consents: bits.field(n_custom)?,
        custom_legitimate_interests: bits.field(n_custom)?,
    })
}
