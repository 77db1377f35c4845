//! The sections of a GPP string for the United States: opt-outs and consents, of two bits each.
//!
//! # Source
//! IAB Tech Lab, "Global Privacy Platform", sections 6 (US Privacy), 7 (US National) and 8 to 27 (states).

use crate::Malformed;
use crate::bits::Bits;

/// The section of the whole country, which has two versions.
const NATIONAL: u16 = 7;
/// What a value of two bits says of an opt-out.
const OPTED_OUT: u8 = 1;

/// Two letters and two dashes: what went before the sections of the United States.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsPrivacy {
    /// Whether somebody was told and could object; `None`: the law does not apply.
    pub was_notified: Option<bool>,
    /// Whether somebody objects to their data being sold.
    pub opts_out_of_sale: Option<bool>,
    /// Whether an agreement of the industry covers it.
    pub is_covered: Option<bool>,
}

/// A section of the whole country or of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsSection {
    /// 7, or the state's number.
    pub id: u16,
    /// Every field by the name that the standard gives it, with one value or several.
    pub fields: Vec<(&'static str, Vec<u8>)>,
    /// Whether the browser said that it objects to sale and sharing; `None` where the section does not say.
    pub gpc: Option<bool>,
}

/// The fields of a section after its version: names, and how many values of two bits each has.
type Fields = Vec<(&'static str, usize)>;

/// What may follow the first segment.
#[derive(Clone, Copy, PartialEq)]
enum Second {
    Nothing,
    Gpc,
    Sensitive,
}

/// A state whose section has the fields that most have.
struct State {
    id: u16,
    notice: &'static str,
    sensitive_notice: Option<&'static str>,
    n_sensitive: usize,
    n_child: usize,
    has_additional: bool,
    second: Second,
}

const SHARING: &str = "SharingNotice";
const PROCESSING: &str = "ProcessingNotice";

/// Virginia to Minnesota, in the order of their numbers.
#[rustfmt::skip]
const STATES: [State; 15] = [
    state(9, SHARING, None, (8, 1, false), Second::Nothing),
    state(10, SHARING, None, (7, 1, false), Second::Gpc),
    state(11, SHARING, Some("SensitiveDataProcessingOptOutNotice"), (8, 1, false), Second::Nothing),
    state(12, SHARING, None, (8, 3, false), Second::Gpc),
    state(13, PROCESSING, None, (8, 3, true), Second::Nothing),
    state(14, SHARING, None, (8, 3, true), Second::Gpc),
    state(15, PROCESSING, None, (11, 3, true), Second::Gpc),
    state(16, PROCESSING, None, (8, 1, true), Second::Gpc),
    state(17, PROCESSING, None, (9, 5, true), Second::Gpc),
    state(18, PROCESSING, Some("SensitiveDataOptOutNotice"), (8, 1, false), Second::Gpc),
    state(19, PROCESSING, None, (8, 1, true), Second::Gpc),
    state(20, PROCESSING, None, (8, 3, true), Second::Gpc),
    state(21, PROCESSING, None, (10, 5, true), Second::Gpc),
    state(22, PROCESSING, None, (8, 1, true), Second::Gpc),
    state(23, PROCESSING, None, (8, 1, true), Second::Gpc),
];

const fn state(
    id: u16,
    notice: &'static str,
    sensitive_notice: Option<&'static str>,
    (n_sensitive, n_child, has_additional): (usize, usize, bool),
    second: Second,
) -> State {
    State { id, notice, sensitive_notice, n_sensitive, n_child, has_additional, second }
}

impl UsPrivacy {
    /// Reads the section.
    ///
    /// # Errors
    /// Says what is wrong with one that is no such section.
    pub fn read(text: &str) -> Result<UsPrivacy, Malformed> {
        let word = |character: u8| match character {
            b'Y' | b'y' => Ok(Some(true)),
            b'N' | b'n' => Ok(Some(false)),
            b'-' => Ok(None),
            _ => Err(Malformed::Letter),
        };
        match text.as_bytes() {
            [b'1', notified, opts_out, covered] => Ok(UsPrivacy {
                was_notified: word(*notified)?,
                opts_out_of_sale: word(*opts_out)?,
                is_covered: word(*covered)?,
            }),
            [b'1', ..] => Err(Malformed::Segment),
            _ => Err(Malformed::Version),
        }
    }
}

impl UsSection {
    /// Reads the section with this number; `None` for one that is of no state.
    ///
    /// # Errors
    /// Says what is wrong with one that is no such section.
    pub fn read(id: u16, text: &str) -> Result<Option<UsSection>, Malformed> {
        let mut segments = text.split('.');
        let first = segments.next().unwrap_or_default();
        let mut bits = Bits::of(first)?;
        let Some((version_name, layout, second)) = layout_of(id, first)? else { return Ok(None) };
        let mut fields = vec![(version_name, vec![bits.number(6)? as u8])];
        let is_first_national = id == NATIONAL && first.starts_with('B');
        for (name, n) in layout {
            let mut values = bits.pairs(n)?;
            // What version 1 does not know says nothing there.
            match name {
                "SensitiveDataProcessing" if is_first_national => values.truncate(NATIONAL_OF_FIRST.0),
                "KnownChildSensitiveDataConsents" if is_first_national => values.truncate(NATIONAL_OF_FIRST.1),
                _ => {}
            }
            fields.push((name, values));
        }
        let mut section = UsSection { id, fields, gpc: None };
        if let Some(text) = segments.next().filter(|_| second != Second::Nothing) {
            let mut bits = Bits::of(text)?;
            match second {
                Second::Gpc => {
                    if bits.number(2)? != 1 {
                        return Err(Malformed::Segment);
                    }
                    section.gpc = Some(bits.flag()?);
                }
                Second::Sensitive | Second::Nothing => section.fields.push(("SensitiveDataProcessing", bits.pairs(8)?)),
            }
        }
        Ok(Some(section))
    }

    /// Whether somebody opted out by a field, as `SaleOptOut`; not where the section has none of that name, and in any case
    /// where it is of a version that is not known, which may have other fields in the same places.
    pub fn opts_out(&self, field: &str) -> bool {
        let version = self.fields.first().and_then(|(_, values)| values.first());
        !self.versions().contains(version.unwrap_or(&0)) || self.has_opted_out(field)
    }

    /// The versions that are known.
    fn versions(&self) -> &'static [u8] {
        if self.id == NATIONAL { &[1, 2] } else { &[1] }
    }

    fn has_opted_out(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, values)| *name == field && values.contains(&OPTED_OUT))
    }
}

/// What a section consists of: the name of its version, the other fields, what may follow; `None` for one that is not known.
fn layout_of(id: u16, first: &str) -> Result<Option<(&'static str, Fields, Second)>, Malformed> {
    Ok(Some(match id {
        NATIONAL => ("Version", national(first)?, Second::Gpc),
        8 => ("Version", california(), Second::Gpc),
        9..=23 => {
            let Some(state) = STATES.iter().find(|state| state.id == id) else { return Ok(None) };
            ("Version", fields_of(state), state.second)
        }
        24 => ("MspaVersion", short(None), Second::Gpc),
        25..=27 => ("MspaVersion", short(Some("KnownChildSensitiveDataConsents")), Second::Sensitive),
        _ => return Ok(None),
    }))
}

/// The whole country. Longer sections have longer lists, also those of version 1 that newer tools write.
fn national(first: &str) -> Result<Fields, Malformed> {
    let (n_sensitive, n_child) = match (first.as_bytes().first(), first.len()) {
        (Some(b'B'), ..NATIONAL_LONG) => NATIONAL_OF_FIRST,
        (Some(b'B' | b'C'), _) => (16, 3),
        _ => return Err(Malformed::Version),
    };
    Ok([
        [
            ("SharingNotice", 1),
            ("SaleOptOutNotice", 1),
            ("SharingOptOutNotice", 1),
            ("TargetedAdvertisingOptOutNotice", 1),
            ("SensitiveDataProcessingOptOutNotice", 1),
            ("SensitiveDataLimitUseNotice", 1),
            ("SaleOptOut", 1),
            ("SharingOptOut", 1),
            ("TargetedAdvertisingOptOut", 1),
            ("SensitiveDataProcessing", n_sensitive),
            ("KnownChildSensitiveDataConsents", n_child),
            ("PersonalDataConsents", 1),
        ]
        .as_slice(),
        &MSPA,
    ]
    .concat())
}

fn california() -> Fields {
    [
        [
            ("SaleOptOutNotice", 1),
            ("SharingOptOutNotice", 1),
            ("SensitiveDataLimitUseNotice", 1),
            ("SaleOptOut", 1),
            ("SharingOptOut", 1),
            ("SensitiveDataProcessing", 9),
            ("KnownChildSensitiveDataConsents", 2),
            ("PersonalDataConsents", 1),
        ]
        .as_slice(),
        &MSPA,
    ]
    .concat()
}

fn fields_of(state: &State) -> Fields {
    let mut fields = vec![(state.notice, 1), ("SaleOptOutNotice", 1), ("TargetedAdvertisingOptOutNotice", 1)];
    fields.extend(state.sensitive_notice.map(|name| (name, 1)));
    fields.extend([
        ("SaleOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("SensitiveDataProcessing", state.n_sensitive),
        ("KnownChildSensitiveDataConsents", state.n_child),
    ]);
    fields.extend(state.has_additional.then_some(("AdditionalDataProcessingConsent", 1)));
    fields.extend(MSPA);
    fields
}

/// Maryland, and Indiana, Kentucky and Rhode Island, which have a field more.
fn short(child: Option<&'static str>) -> Fields {
    let mut fields = vec![
        ("MspaCoveredTransaction", 1),
        ("MspaMode", 1),
        (PROCESSING, 1),
        ("SaleOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SaleOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
    ];
    fields.extend(child.map(|name| (name, 1)));
    fields.push(("AdditionalDataProcessingConsent", 1));
    fields
}

/// A section of the whole country has longer lists from so many characters on.
const NATIONAL_LONG: usize = 12;
/// How long its lists are in version 1: kinds of sensitive data, ages of children.
const NATIONAL_OF_FIRST: (usize, usize) = (12, 2);

/// What most sections end with.
const MSPA: [(&str, usize); 3] =
    [("MspaCoveredTransaction", 1), ("MspaOptOutOptionMode", 1), ("MspaServiceProviderMode", 1)];
