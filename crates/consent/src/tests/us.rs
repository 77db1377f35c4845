//! What the sections of the United States mean.

use super::Made;
use crate::{GppString, Malformed, Section, UsPrivacy, UsSection};

/// A section of this version whose values are 0, but for those at some places.
fn us(id: u16, version: u64, n_values: usize, ones: &[usize]) -> Result<UsSection, Malformed> {
    let value = |made: Made, place: usize| made.number(u64::from(ones.contains(&place)), 2);
    let made = (0..n_values).fold(Made(Vec::new()).number(version, 6), value);
    UsSection::read(id, &made.text()).map(|section| section.expect("it is of a state"))
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
fn each_opt_out_is_at_its_place_and_nowhere_else() {
    // A section, how many values it has, and where it says that data may not be sold, shared, used to choose advertising.
    let national = (7, 32, [Some(6), Some(7), Some(8)]);
    let california = (8, 20, [Some(3), Some(4), None]);
    let most = [(9, 17), (10, 16), (12, 19), (13, 20), (14, 20), (15, 23), (16, 18), (17, 23), (19, 18), (20, 20)];
    let most = [most.as_slice(), &[(21, 24), (22, 18), (23, 18)]].concat();
    let most = most.into_iter().map(|(id, n)| (id, n, [Some(3), None, Some(4)]));
    // Utah and Iowa have a notice more, before the opt-outs.
    let with_notice = [11, 18].map(|id| (id, 18, [Some(4), None, Some(5)]));
    let short = [(24, 8), (25, 9), (26, 9), (27, 9)].map(|(id, n)| (id, n, [Some(5), None, Some(6)]));
    for (id, n_values, places) in [national, california].into_iter().chain(most).chain(with_notice).chain(short) {
        let version = if id == 7 { 2 } else { 1 };
        let none = us(id, version, n_values, &[]).expect("it is well formed");
        assert_eq!(none.fields.iter().skip(1).map(|(_, values)| values.len()).sum::<usize>(), n_values, "{id}");
        assert_eq!(us(id, version, n_values - 3, &[]), Err(Malformed::TooShort), "{id}");
        for (name, place) in ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"].into_iter().zip(places) {
            let opts_out = |one: &usize| us(id, version, n_values, &[*one]).is_ok_and(|section| section.opts_out(name));
            assert_eq!((0..n_values).filter(opts_out).collect::<Vec<_>>(), Vec::from_iter(place), "{id}: {name}");
        }
    }
    assert_eq!(UsSection::read(28, "BAAAAAAAAAAAAAAA"), Ok(None), "nobody knows it");
}

#[test]
fn the_country_s_section_has_longer_lists_from_version_2_on() {
    // Newer tools write the longer lists also of version 1, to which what it does not know says nothing.
    for (version, n_values, n_sensitive, children) in
        [(1, 27, 12, [0, 1].as_slice()), (1, 32, 12, &[0, 0]), (2, 32, 16, &[0, 0, 1])]
    {
        // The last of the ages of children in the text, and the last value of all, are ones.
        let section = us(7, version, n_values, &[n_values - 5, n_values - 1]).expect("it is well formed");
        let values = |name: &str| {
            let field = section.fields.iter().find(|(other, _)| *other == name);
            field.map_or([].as_slice(), |(_, values)| values)
        };
        assert_eq!(values("SensitiveDataProcessing").len(), n_sensitive);
        assert_eq!(values("KnownChildSensitiveDataConsents"), children);
        assert_eq!(values("MspaServiceProviderMode"), [1]);
    }
    assert_eq!(us(7, 3, 32, &[]), Err(Malformed::Version));
}

#[test]
fn a_browser_s_objection_is_in_a_segment_of_its_own() {
    // A segment of type 1 whose third bit is the objection, set (Y) or not (Q), and one of another type (I).
    let national = "BAAAAAAAAAAA";
    let gpc = |id: u16, first: &str, second: &str| {
        let section = UsSection::read(id, &format!("{first}{second}"))?.expect("it is of a state");
        Ok((section.gpc, section.fields.len()))
    };
    let (n_national, n_virginia, n_kentucky) = (16, 11, 10);
    assert_eq!(gpc(7, national, ""), Ok((None, n_national)), "it does not say");
    assert_eq!(gpc(7, national, ".YA"), Ok((Some(true), n_national)));
    assert_eq!(gpc(7, national, ".QA"), Ok((Some(false), n_national)));
    assert_eq!(gpc(7, national, ".IA"), Err(Malformed::Segment));
    assert_eq!(gpc(9, "BAAAAAAA", ".IA"), Ok((None, n_virginia)), "Virginia has none, and what is there says nothing");
    assert_eq!(gpc(26, "BAAAA", ".YAAA"), Ok((None, n_kentucky + 1)), "Kentucky has sensitive data there");
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
