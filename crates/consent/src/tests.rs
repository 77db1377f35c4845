//! What a string means, and that none does harm.

mod us;

use crate::{CanadaString, GppString, Malformed, Section, TcString};
use proptest::prelude::*;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bits that are put together by hand, as a text.
struct Made(Vec<bool>);

impl Made {
    fn number(mut self, number: u64, n_bits: u32) -> Made {
        self.0.extend((0..n_bits).rev().map(|bit| number >> bit & 1 == 1));
        self
    }

    fn text(&self) -> String {
        let digit = |bits: &[bool]| {
            let number = bits.iter().fold(0, |number, bit| number << 1 | usize::from(*bit)) << (6 - bits.len());
            DIGITS[number] as char
        };
        self.0.chunks(6).map(digit).collect()
    }
}

/// What strings of both frameworks begin with: made in November 2023 and changed a minute later, by tool 7 in version 1, in
/// "DE", list 9, policies 5.
fn head(version: u64) -> Made {
    let made = Made(Vec::new()).number(version, 6).number(17_000_000_000, 36).number(17_000_000_600, 36);
    made.number(7, 12).number(1, 12).number(0, 6).number(3, 6).number(4, 6).number(9, 12).number(5, 6)
}

/// A string by which purposes 1 and 3 are agreed to for vendor 2, with these restrictions of that vendor.
fn core(restrictions: &[(u64, u64)]) -> String {
    // One site, standard texts, no special feature.
    let mut made = head(2).number(2, 2).number(0, 12);
    made = made.number(0b101 << 21, 24).number(0, 24).number(0, 1).number(3, 6).number(4, 6);
    // Vendors: two bits, of which the second is set; none by legitimate interest.
    made = made.number(2, 16).number(0, 1).number(0b01, 2).number(0, 17);
    made = made.number(restrictions.len() as u64, 12);
    for (purpose, kind) in restrictions {
        made = made.number(*purpose, 6).number(*kind, 2).number(1, 12).number(0, 1).number(2, 16);
    }
    made.text()
}

fn disclosed(vendor: u64) -> String {
    Made(Vec::new()).number(1, 3).number(vendor, 16).number(1, 1).number(1, 12).number(0, 1).number(vendor, 16).text()
}

/// A section for Canada by which purpose 1 is agreed to in words, purpose 3 by what somebody did, vendors 2 and 3 in words,
/// vendor 4 by what somebody did; purpose 1 is restricted for vendor 3 if it says so.
fn canada(is_restricted: bool) -> String {
    let made = head(1).number(0, 1).number(0, 12).number(0b100 << 21, 24).number(0b001 << 21, 24);
    // A range from 2 (011) to one more (11); then a bit each.
    let made = made.number(4, 16).number(1, 1).number(1, 12).number(1, 1).number(0b0_1111, 5);
    let made = made.number(4, 16).number(0, 1).number(0b0001, 4).number(u64::from(is_restricted), 12);
    if is_restricted {
        return made.number(1, 6).number(0, 2).number(3, 16).number(0, 1).number(0b001, 3).text();
    }
    made.text()
}

/// A segment that both frameworks have: purpose 1 is agreed to for the publisher, purpose 2 otherwise, and of three purposes
/// of its own the third and the second.
fn of_publisher() -> String {
    let made = Made(Vec::new()).number(3, 3).number(0b10 << 22, 24).number(0b01 << 22, 24).number(3, 6);
    made.number(0b001, 3).number(0b010, 3).text()
}

/// The same text with the bit at a place turned over, six to a character.
fn flipped(text: &str, place: usize) -> String {
    let mut characters = text.as_bytes().to_vec();
    let character = &mut characters[place / 6];
    let digit = DIGITS.iter().position(|digit| digit == character).expect("it stands for six bits");
    *character = DIGITS[digit ^ (0b10_0000 >> (place % 6))];
    String::from_utf8(characters).expect("all are of ASCII")
}

fn read(text: &str) -> TcString {
    TcString::read(text).expect("it is well formed")
}

#[test]
fn consent_takes_the_purpose_the_vendor_and_that_the_vendor_was_disclosed() {
    let string = read(&format!("{}.{}", core(&[]), disclosed(2)));
    assert_eq!((string.head.cmp_id, string.head.consent_language.as_str(), string.head.policy_version), (7, "DE", 5));
    assert_eq!((string.head.created, string.head.last_updated), (1_700_000_000_000, 1_700_000_060_000));
    assert!(string.consents(2, 1) && string.consents(2, 3));
    assert!(!string.consents(2, 2), "the purpose was not agreed to");
    assert!(!string.consents(1, 1), "nor was the vendor");
    assert!(!read(&core(&[])).consents(2, 1), "nobody was disclosed");
    assert!(!read(&format!("{}.{}", core(&[]), disclosed(3))).consents(2, 1), "somebody else was");
}

#[test]
fn a_publisher_may_only_narrow() {
    let consents = |kind: u64| read(&format!("{}.{}", core(&[(3, kind)]), disclosed(2))).consents(2, 3);
    assert!(!consents(0), "not allowed");
    assert!(consents(1), "consent is required, and given");
    assert!(!consents(2), "a legitimate interest is no consent");
    assert!(read(&format!("{}.{}", core(&[(3, 0)]), disclosed(2))).consents(2, 1), "another purpose");
}

#[test]
fn what_is_not_well_formed_says_why() {
    let refused = |text: &str| TcString::read(text).expect_err("it is not well formed");
    assert_eq!(refused(""), Malformed::TooShort);
    assert_eq!(refused("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"), Malformed::Version);
    let whole = core(&[]);
    assert_eq!(refused(&whole[..whole.len() - 2]), Malformed::TooShort);
    assert_eq!(refused(&format!("{whole}=")), Malformed::Character);
    assert_eq!(refused(&format!("{whole}.")), Malformed::TooShort);
    assert_eq!(refused(&format!("{whole}.{}", Made(Vec::new()).number(5, 6).text())), Malformed::Segment);
    assert_eq!(refused(&format!("{whole}.{0}.{0}", disclosed(2))), Malformed::Segment);
    assert_eq!(refused(&core(&[(3, 3)])), Malformed::Restriction);
    assert_eq!(refused(&core(&[(0, 1)])), Malformed::Restriction);
    assert_eq!(refused(&format!("{whole}.{}", disclosed(0))), Malformed::Range);
    assert_eq!(refused(&"C".repeat(65 << 10)), Malformed::TooLong);
    assert_eq!(GppString::read(&"D".repeat(10 << 20)).expect_err("it is too long"), Malformed::TooLong);
    // Headers name sections by sums of Fibonacci numbers: one without an end, 75,025, 46,368 and as many more.
    let header = |n_ranges: u64| Made(Vec::new()).number(3, 6).number(1, 6).number(n_ranges, 12).number(0, 1);
    let twice = header(2).number(0b11, 24).number(0, 1).number(0b11, 24);
    for made in [header(1).number(0, 60), header(1).number(0b11, 25), twice] {
        assert_eq!(GppString::read(&made.text()).map(drop), Err(Malformed::Range));
    }
}

#[test]
fn a_text_is_read_up_to_64_kib_and_not_a_byte_more() {
    let said = |start: &str, n_bytes: usize| {
        let text = format!("{start}{}", "A".repeat(n_bytes - start.len()));
        (TcString::read(&text).map(drop), GppString::read(&text).map(drop))
    };
    // As a string of Europe it has a character that is none, as one of several sections more than its header names.
    assert_eq!(said("DBAA~", 64 << 10), (Err(Malformed::Character), Err(Malformed::Sections)));
    assert_eq!(said("DBAA~", (64 << 10) + 1), (Err(Malformed::TooLong), Err(Malformed::TooLong)));
}

#[test]
fn a_flipped_bit_grants_no_purpose_but_its_own() {
    // Where the standard puts the bits of purposes, and of vendors, of whom there are two.
    const PURPOSES: usize = 152;
    const VENDORS: usize = 230;
    // What is agreed to for vendor 2 is granted to none, since vendor 1 was disclosed; to vendor 2; the same, with all up to 8
    // disclosed. So one bit grants vendor 1 two purposes, or vendor 2 one of 22 more.
    let all = Made(Vec::new()).number(1, 3).number(8, 16).number(0, 1).number(0xff, 8).text();
    for (disclosed, n_expected) in [(disclosed(1), 2), (disclosed(2), 22), (all, 2 + 22)] {
        let text = format!("{}.{disclosed}", core(&[]));
        let before = read(&text);
        let mut n_granted = 0;
        for place in (0..text.len() * 6).filter(|place| text.as_bytes()[place / 6] != b'.') {
            let Ok(after) = TcString::read(&flipped(&text, place)) else { continue };
            for (vendor, purpose) in (1..=8).flat_map(|vendor| (1..=24).map(move |purpose| (vendor, purpose))) {
                if after.consents(vendor, purpose) && !before.consents(vendor, purpose) {
                    let of_purpose = PURPOSES + usize::from(purpose) - 1;
                    let of_vendor = VENDORS + usize::from(vendor) - 1;
                    let is_own = place == of_purpose || (place == of_vendor && vendor <= 2);
                    assert!(is_own, "bit {place} grants vendor {vendor} purpose {purpose}");
                    n_granted += 1;
                }
            }
        }
        assert_eq!(n_granted, n_expected);
    }
}

#[test]
fn what_is_said_of_the_publisher_is_nobody_else_s() {
    let europe = read(&format!("{}.{}.{}", core(&[]), disclosed(3), of_publisher()));
    let of_europe = europe.publisher.as_ref().expect("there is such a segment");
    let canada = format!("{}.{}", canada(false), of_publisher());
    let of_canada = CanadaString::read(&canada).expect("it is well formed").publisher.expect("there is such a segment");
    for (purpose, [of_europe, of_canada]) in [
        (1, [&of_europe.consents, &of_canada.express_consents]),
        (2, [&of_europe.legitimate_interests, &of_canada.implied_consents]),
        (3, [&of_europe.custom_consents, &of_canada.custom_express_consents]),
        (2, [&of_europe.custom_legitimate_interests, &of_canada.custom_implied_consents]),
    ] {
        assert_eq!((of_europe.all(), of_canada.all()), ([purpose].into(), [purpose].into()));
    }
    assert!(!europe.consents(2, 1), "it is no word for a vendor");
}

#[test]
fn allowed_vendors_say_nothing_and_are_well_formed_still() {
    // It went out of use, and names vendor 2 only as one that could be allowed.
    let allowed = Made(Vec::new()).number(2, 3).number(2, 16).number(0, 1).number(0b01, 2).text();
    assert!(!read(&format!("{}.{allowed}", core(&[]))).consents(2, 1), "nobody was disclosed");
    assert!(read(&format!("{}.{}.{allowed}", core(&[]), disclosed(2))).consents(2, 1));
    assert_eq!(TcString::read(&format!("{}.{}", core(&[]), &allowed[..3])).map(drop), Err(Malformed::TooShort));
}

#[test]
fn ids_are_ranges_however_they_are_written() {
    let vendors = |bits: u64| {
        let made = Made(Vec::new()).number(1, 3).number(5, 16).number(0, 1).number(bits, 5);
        read(&format!("{}.{}", core(&[]), made.text())).disclosed_vendors.expect("there is such a segment")
    };
    // A long text of ones takes no more than one range.
    assert_eq!(format!("{:?}", vendors(0b11101)), "Ids([(1, 3), (5, 5)])");
    assert!(!vendors(0b00001).is_empty() && vendors(0).is_empty());
}

#[test]
fn in_canada_only_words_are_consent() {
    let consents = |is_restricted: bool| {
        let string = CanadaString::read(&canada(is_restricted)).expect("it is well formed");
        let pairs = (1..=5).flat_map(|vendor| (1..=4).map(move |purpose| (vendor, purpose)));
        pairs.filter(|(vendor, purpose)| string.consents(*vendor, *purpose)).collect::<Vec<_>>()
    };
    assert_eq!(consents(false), [(2, 1), (3, 1)], "what somebody did is none");
    assert_eq!(consents(true), [(2, 1)], "a publisher may only narrow");
}

#[test]
fn a_section_for_canada_has_a_first_segment_and_each_other_once() {
    let said = |text: &str| CanadaString::read(text).map(|string| string.disclosed_vendors.map(|ids| ids.all()));
    let whole = canada(false);
    assert_eq!(said(&whole), Ok(None));
    // Disclosed is vendor 3 (0011).
    let vendors = Made(Vec::new()).number(1, 3).number(3, 16).number(1, 1).number(1, 12).number(0b00011, 5).text();
    assert_eq!(said(&format!("{whole}.{vendors}")), Ok(Some([3].into())));
    for segments in [format!("{vendors}.{vendors}"), format!("{0}.{0}", of_publisher()), "QAAA".to_owned()] {
        assert_eq!(said(&format!("{whole}.{segments}")), Err(Malformed::Segment));
    }
    // Another version, and another segment in the first one's place.
    for version in [0b000_010, 0b001_001] {
        assert_eq!(said(&head(version).number(0, 60).text()), Err(Malformed::Version));
    }
}

#[test]
fn europe_and_canada_have_sections_of_their_own() {
    // The header names 2 (011) and three more (0011).
    let header = Made(Vec::new()).number(3, 6).number(1, 6).number(2, 12).number(0b0011, 4).number(0b00011, 5).text();
    let europe = format!("{}.{}", core(&[]), disclosed(2));
    let string = GppString::read(&format!("{header}~{europe}~{}", canada(false))).expect("it is well formed");
    let [(2, Section::Europe(europe)), (5, Section::Canada(canada))] = string.sections.as_slice() else {
        panic!("{string:?}")
    };
    assert!(europe.consents(2, 3) && canada.consents(2, 1));
}

#[test]
fn sections_are_as_many_as_the_header_names() {
    let sections = |text: &str| GppString::read(text).map(|string| string.sections.len());
    assert_eq!(sections("DBABTA~1YNN"), Ok(1));
    assert_eq!(sections("DBABTA"), Err(Malformed::Sections));
    assert_eq!(sections("DBABTA~1YNN~1YNN"), Err(Malformed::Sections));
    assert_eq!(sections("DBABTA~ "), Err(Malformed::Sections));
    assert_eq!(sections("DBAA"), Ok(0));
    assert_eq!(sections("DCABTA~1YNN"), Err(Malformed::Version));
    assert_eq!(sections("EBABTA~1YNN"), Err(Malformed::Version));
}

proptest! {
    /// Whatever somebody sends, it is read or refused, and takes no longer than it is long.
    #[test]
    fn no_text_does_harm(
        start in prop::sample::select(vec!["", "C", "DB", "DBABM~C", "DBABL~B", "DBABF~B"]),
        rest in "[A-Za-z0-9_~.-]{0,400}",
        any in any::<String>(),
    ) {
        for text in [format!("{start}{rest}"), any] {
            if let Ok(string) = TcString::read(&text) {
                string.consents(1, 1);
            }
            let _ = GppString::read(&text);
        }
    }

    /// A range of vendors takes 33 bits, whatever it spans.
    #[test]
    fn ranges_stay_ranges(ranges in proptest::collection::vec((1_u64..=65_535, 1_u64..=65_535), 0..300), vendor in 1_u16..=65_535) {
        let mut made = Made(Vec::new()).number(1, 3).number(65_535, 16).number(1, 1).number(ranges.len() as u64, 12);
        for (one, other) in &ranges {
            made = made.number(1, 1).number(*one.min(other), 16).number(*one.max(other), 16);
        }
        let string = read(&format!("{}.{}", core(&[]), made.text()));
        let is_inside = ranges.iter().any(|(one, other)| (*one.min(other)..=*one.max(other)).contains(&u64::from(vendor)));
        prop_assert_eq!(string.disclosed_vendors.map(|vendors| vendors.contains(vendor)), Some(is_inside));
    }
}
