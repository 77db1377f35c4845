//! What a string means, and that none does harm.

use crate::{GppString, Malformed, Section, TcString, UsPrivacy};
use proptest::prelude::*;

/// Bits that are put together by hand, as a text.
struct Made(Vec<bool>);

impl Made {
    fn number(mut self, number: u64, n_bits: u32) -> Made {
        self.0.extend((0..n_bits).rev().map(|bit| number >> bit & 1 == 1));
        self
    }

    fn text(&self) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let digit = |bits: &[bool]| {
            let number = bits.iter().fold(0, |number, bit| number << 1 | usize::from(*bit)) << (6 - bits.len());
            DIGITS[number] as char
        };
        self.0.chunks(6).map(digit).collect()
    }
}

/// A string by which purposes 1 and 3 are agreed to for vendor 2, with these restrictions of that vendor.
fn core(restrictions: &[(u64, u64)]) -> String {
    let mut made = Made(Vec::new()).number(2, 6).number(0, 36).number(0, 36).number(7, 12).number(1, 12).number(0, 6);
    // "DE", list 9, policies 5, one site, standard texts, no special feature.
    made = made.number(3, 6).number(4, 6).number(9, 12).number(5, 6).number(2, 2).number(0, 12);
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

fn read(text: &str) -> TcString {
    TcString::read(text).expect("it is well formed")
}

#[test]
fn consent_takes_the_purpose_the_vendor_and_that_the_vendor_was_disclosed() {
    let string = read(&format!("{}.{}", core(&[]), disclosed(2)));
    assert_eq!((string.head.cmp_id, string.head.consent_language.as_str(), string.head.policy_version), (7, "DE", 5));
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

#[test]
fn an_opt_out_is_a_one_under_its_name() {
    // Virginia: told, told, told, out of the sale, not out of advertising.
    let made = Made(Vec::new()).number(1, 6).number(0b01_0101, 6).number(0b0110, 4).number(0, 24);
    let header = Made(Vec::new()).number(3, 6).number(1, 6).number(1, 12).number(0, 1).number(0b10_0011, 6);
    let string = GppString::read(&format!("{}~{}", header.text(), made.text())).expect("it is well formed");
    let [(9, Section::Us(virginia))] = string.sections.as_slice() else { panic!("{string:?}") };
    assert!(virginia.opts_out("SaleOptOut"));
    assert!(!virginia.opts_out("TargetedAdvertisingOptOut") && !virginia.opts_out("SharingOptOut"));
    assert_eq!(virginia.gpc, None);
    let unknown = Made(Vec::new()).number(2, 6).number(0, 34);
    let string = GppString::read(&format!("{}~{}", header.text(), unknown.text())).expect("it is well formed");
    let [(9, Section::Us(virginia))] = string.sections.as_slice() else { panic!("{string:?}") };
    assert!(virginia.opts_out("TargetedAdvertisingOptOut"), "nobody knows what another version says");
}

#[test]
fn us_privacy_has_four_characters() {
    let no_sale = UsPrivacy { was_notified: Some(true), opts_out_of_sale: Some(true), is_covered: Some(false) };
    assert_eq!(UsPrivacy::read("1YYN"), Ok(no_sale));
    assert_eq!(UsPrivacy::read("1---").map(|it| it.opts_out_of_sale), Ok(None));
    assert_eq!(UsPrivacy::read("2YYN"), Err(Malformed::Version));
    assert_eq!(UsPrivacy::read("1YXN"), Err(Malformed::Letter));
    assert_eq!(UsPrivacy::read("1YY"), Err(Malformed::Segment));
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
