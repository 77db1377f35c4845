//! The section of a GPP string for Canada: express and implied consent to vendors for purposes.
//!
//! # Source
//! IAB Canada, "TCF Canada", as a section of the Global Privacy Platform, version 1.

use crate::Malformed;
use crate::bits::{Bits, Ids};
use crate::tcf::{Head, N_PURPOSES, N_SPECIAL_FEATURES, once};

/// What the first bits of its segments say.
const CORE: u64 = 0;
const DISCLOSED_VENDORS: u64 = 1;
const PUBLISHER: u64 = 3;

/// A section that was read.
#[derive(Clone, Debug)]
pub struct CanadaString {
    /// Who asked, when, and by which lists.
    pub head: Head,
    /// Whether other texts were shown than those of the framework.
    pub uses_non_standard_texts: bool,
    /// Special features that were agreed to.
    pub special_features: Ids,
    /// Purposes that were agreed to, by words and by what somebody did.
    pub purpose_express_consents: Ids,
    /// See `purpose_express_consents`.
    pub purpose_implied_consents: Ids,
    /// Vendors that were agreed to.
    pub vendor_express_consents: Ids,
    /// See `vendor_express_consents`.
    pub vendor_implied_consents: Ids,
    /// What the publisher restricts: purpose, kind of restriction, vendors.
    pub restrictions: Vec<(u16, u16, Ids)>,
    /// Vendors that were shown.
    pub disclosed_vendors: Option<Ids>,
    /// What was agreed to for the publisher itself.
    pub publisher: Option<CanadaPublisher>,
}

/// What was agreed to for the publisher itself.
#[derive(Clone, Debug)]
pub struct CanadaPublisher {
    /// How many purposes the publisher has of its own.
    pub n_custom: u16,
    /// Purposes that were agreed to.
    pub express_consents: Ids,
    /// See `express_consents`.
    pub implied_consents: Ids,
    /// The same of purposes of the publisher's own.
    pub custom_express_consents: Ids,
    /// See `custom_express_consents`.
    pub custom_implied_consents: Ids,
}

impl CanadaString {
    /// Reads the section.
    ///
    /// # Errors
    /// Says what is wrong with one that is no such section.
    pub fn read(text: &str) -> Result<CanadaString, Malformed> {
        let mut segments = text.split('.');
        let mut string = core(&mut Bits::of(segments.next().unwrap_or_default())?)?;
        for segment in segments {
            let mut bits = Bits::of(segment)?;
            match bits.number(3)? {
                DISCLOSED_VENDORS => once(&mut string.disclosed_vendors, bits.vendors_by_fibonacci()?)?,
                PUBLISHER => once(&mut string.publisher, publisher(&mut bits)?)?,
                _ => return Err(Malformed::Segment),
            }
        }
        Ok(string)
    }

    /// Whether somebody agreed in words that a vendor uses them for a purpose, both by their numbers.
    pub fn consents(&self, vendor: u16, purpose: u16) -> bool {
        let is_restricted = self.restrictions.iter().any(|(of, _, vendors)| *of == purpose && vendors.contains(vendor));
        self.vendor_express_consents.contains(vendor)
            && self.purpose_express_consents.contains(purpose)
            && !is_restricted
    }
}

fn core(bits: &mut Bits) -> Result<CanadaString, Malformed> {
    // The first three of the six bits of the version say that this is the first segment.
    if bits.number(3)? != CORE || bits.number(3)? != 1 {
        return Err(Malformed::Version);
    }
    Ok(CanadaString {
        head: Head::read(bits)?,
        uses_non_standard_texts: bits.flag()?,
        special_features: bits.field(N_SPECIAL_FEATURES)?,
        purpose_express_consents: bits.field(N_PURPOSES)?,
        purpose_implied_consents: bits.field(N_PURPOSES)?,
        vendor_express_consents: bits.vendors_by_fibonacci()?,
        vendor_implied_consents: bits.vendors_by_fibonacci()?,
        restrictions: restrictions(bits)?,
        disclosed_vendors: None,
        publisher: None,
    })
}

fn restrictions(bits: &mut Bits) -> Result<Vec<(u16, u16, Ids)>, Malformed> {
    let n = bits.number(12)?;
    (0..n).map(|_| Ok((bits.short(6)?, bits.short(2)?, bits.vendors_by_fibonacci()?))).collect()
}

fn publisher(bits: &mut Bits) -> Result<CanadaPublisher, Malformed> {
    let express_consents = bits.field(N_PURPOSES)?;
    let implied_consents = bits.field(N_PURPOSES)?;
    let n_custom = bits.short(6)?;
    Ok(CanadaPublisher {
        n_custom,
        express_consents,
        implied_consents,
        custom_express_consents: bits.field(n_custom)?,
        custom_implied_consents: bits.field(n_custom)?,
    })
}
