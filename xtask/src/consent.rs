//! `consent`: consent strings as we read them, held against the libraries of those who made the formats.
//!
//! Strings of public test suites where they are at hand, and any number of random ones, must be read the same. Of those with
//! a bit turned over or cut short we may refuse more than the libraries do, and never read another thing than they.

use consent::{CanadaString, GppString, Ids, Section, TcString, UsPrivacy, UsSection};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use xtask::shell::{Result, has, output, root};

const USAGE: &str = "usage: cargo xtask consent [--strings N] [--seed S]";
/// Of each string so many damaged ones are made.
const DAMAGED_PER_STRING: u64 = 6;
/// Strings of test suites, which may not be in the project.
const SUITES: [&str; 2] = ["../shared/data/consent/tc_strings.txt", "../shared/data/consent/gpp_strings.txt"];

/// Reads the arguments and compares.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let (mut n_strings, mut seed) = (2_000, 1);
    for pair in words.chunks(2) {
        let [option, number] = pair else { return Err(USAGE.to_owned()) };
        let number: u64 = number.parse().map_err(|_| USAGE.to_owned())?;
        match option.as_str() {
            "--strings" => n_strings = number,
            "--seed" => seed = number,
            _ => return Err(USAGE.to_owned()),
        }
    }
    compare(n_strings, seed)
}

/// Compares so many random strings, the suites, and damaged ones of both.
fn compare(n_strings: u64, seed: u64) -> Result<()> {
    if !has("node") || !has("npm") {
        eprintln!("> consent strings: not compared, `node` and `npm` are not installed");
        return Ok(());
    }
    crate::browser::install_modules()?;
    let suites: Vec<PathBuf> = SUITES.iter().map(|path| root().join(path)).filter(|path| path.is_file()).collect();
    if suites.len() < SUITES.len() {
        eprintln!("> consent strings of test suites: skipped, they are not at hand");
    }
    let mut lines = decoded(&suites)?;
    let n_of_suites = lines.len();
    lines.extend(read_lines(&node(&["random", &n_strings.to_string(), &seed.to_string()])?)?);
    let mut differences: Vec<String> = lines.iter().filter_map(|line| difference(line, false)).collect();
    let damaged = damaged_of(&lines, seed)?;
    let n_refused = damaged.iter().filter(|line| ours(text_of(line)).is_none()).count();
    differences.extend(damaged.iter().filter_map(|line| difference(line, true)));
    differences.iter().take(10).for_each(|difference| eprintln!("{difference}"));
    println!(
        "consent strings: {n_of_suites} of test suites, {n_strings} random, {} damaged of which {n_refused} are refused, seed \
         {seed}: {} differences",
        damaged.len(),
        differences.len()
    );
    if differences.is_empty() {
        Ok(())
    } else {
        Err("consent strings are read otherwise than by their makers".to_owned())
    }
}

/// What the libraries say of the strings in files, a line each.
fn decoded(files: &[PathBuf]) -> Result<Vec<Json>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = vec!["decode".to_owned(), "--any-cmp".to_owned()];
    words.extend(files.iter().map(|file| file.display().to_string()));
    read_lines(&node(&words.iter().map(String::as_str).collect::<Vec<_>>())?)
}

fn node(words: &[&str]) -> Result<String> {
    let script = root().join("browser/consent.mjs").display().to_string();
    output("node", &[&[script.as_str()], words].concat())
}

fn read_lines(text: &str) -> Result<Vec<Json>> {
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))).collect()
}

/// Strings with a bit turned over or cut short, and what the libraries say of them.
fn damaged_of(lines: &[Json], seed: u64) -> Result<Vec<Json>> {
    let mut dice = Dice(seed);
    let mut texts = Vec::new();
    // Sums of Fibonacci numbers, of headers and of Canada, that a damaged bit makes huge end the library's process.
    for line in lines.iter().filter(|line| line["gpp"].get("5").is_none()) {
        for _ in 0..DAMAGED_PER_STRING {
            texts.push(damaged(text_of(line), &mut dice));
        }
    }
    let path = xtask::shell::target().join("consent-damaged.txt");
    std::fs::write(&path, texts.join("\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    decoded(std::slice::from_ref(&path)).inspect(|_| drop(std::fs::remove_file(&path)))
}

fn damaged(text: &str, dice: &mut Dice) -> String {
    // Headers stay whole: see above.
    let start = text.find('~').filter(|_| text.starts_with('D')).map_or(0, |header| (header + 1).min(text.len() - 1));
    let at = start + dice.below((text.len() - start) as u64) as usize;
    // An empty line is no string.
    if dice.below(3) == 0 {
        return text[..at.max(1)].to_owned();
    }
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let turned = |digit: usize, bit: u64| DIGITS[digit ^ 1 << bit..][..1].to_owned();
    let bit = dice.below(6);
    let other = DIGITS.find(&text[at..=at]).map_or_else(|| "~".to_owned(), |digit| turned(digit, bit));
    [&text[..at], &other, &text[at + 1..]].concat()
}

/// A small generator, the same for a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

fn text_of(line: &Json) -> &str {
    line["string"].as_str().unwrap_or_default()
}

/// What we read otherwise, if anything; of a damaged string we may refuse what the libraries take.
fn difference(line: &Json, may_refuse: bool) -> Option<String> {
    let theirs = if line["valid"] == true { line.get("tcf").or(line.get("gpp")) } else { None };
    let ours = ours(text_of(line));
    let is_same = match (&ours, theirs) {
        (None, None) => true,
        (None, Some(_)) => may_refuse,
        (ours, theirs) => ours.as_ref() == theirs,
    };
    (!is_same).then(|| format!("{}\n  we:   {ours:?}\n  they: {theirs:?}", text_of(line)))
}

/// What we read, written as the libraries' values are.
fn ours(text: &str) -> Option<Json> {
    if !text.starts_with('D') {
        return TcString::read(text).ok().map(|string| tcf(&string));
    }
    let sections = GppString::read(text).ok()?.sections;
    Some(Json::Object(sections.iter().map(|(id, section)| (id.to_string(), of_section(section))).collect()))
}

fn of_section(section: &Section) -> Json {
    match section {
        Section::Europe(string) => tcf(string),
        Section::Canada(string) => canada(string),
        Section::UsPrivacy(section) => us_privacy(section),
        Section::Us(section) => us(section),
    }
}

fn ids(ids: &Ids) -> Json {
    json!(ids.all())
}

fn tcf(string: &TcString) -> Json {
    let restrictions =
        string.restrictions.iter().map(|(purpose, kind, vendors)| (*purpose, *kind as u16, vendors)).collect();
    let of_publisher = |part: fn(&consent::Publisher) -> &Ids| string.publisher.as_ref().map(|own| part(own).all());
    json!({
        "version": 2,
        "created": string.head.created,
        "lastUpdated": string.head.last_updated,
        "cmpId": string.head.cmp_id,
        "cmpVersion": string.head.cmp_version,
        "consentScreen": string.head.consent_screen,
        "consentLanguage": string.head.consent_language,
        "vendorListVersion": string.head.vendor_list_version,
        "policyVersion": string.head.policy_version,
        "isServiceSpecific": string.is_service_specific,
        "useNonStandardTexts": string.uses_non_standard_texts,
        "specialFeatures": ids(&string.special_features),
        "purposeConsents": ids(&string.purpose_consents),
        "purposeLegitimateInterests": ids(&string.purpose_legitimate_interests),
        "purposeOneTreatment": string.purpose_one_treatment,
        "publisherCountry": string.publisher_country,
        "vendorConsents": ids(&string.vendor_consents),
        "vendorLegitimateInterests": ids(&string.vendor_legitimate_interests),
        "restrictions": merged(restrictions),
        "disclosedVendors": string.disclosed_vendors.as_ref().map(Ids::all),
        "publisherConsents": of_publisher(|own| &own.consents),
        "publisherLegitimateInterests": of_publisher(|own| &own.legitimate_interests),
        "publisherCustomConsents": of_publisher(|own| &own.custom_consents),
        "publisherCustomLegitimateInterests": of_publisher(|own| &own.custom_legitimate_interests),
    })
}

/// Restrictions by purpose and kind, those without a vendor left out.
fn merged(restrictions: Vec<(u16, u16, &Ids)>) -> Json {
    let mut all: std::collections::BTreeMap<(u16, u16), std::collections::BTreeSet<u16>> = Default::default();
    for (purpose, kind, vendors) in restrictions.into_iter().filter(|(.., vendors)| !vendors.is_empty()) {
        all.entry((purpose, kind)).or_default().extend(vendors.all());
    }
    all.into_iter().map(|((purpose, kind), vendors)| json!([purpose, kind, vendors])).collect()
}

fn canada(string: &CanadaString) -> Json {
    let restrictions = string.restrictions.iter().map(|(purpose, kind, vendors)| (*purpose, *kind, vendors)).collect();
    let mut all = json!({
        "Version": 1,
        "Created": string.head.created,
        "LastUpdated": string.head.last_updated,
        "CmpId": string.head.cmp_id,
        "CmpVersion": string.head.cmp_version,
        "ConsentScreen": string.head.consent_screen,
        "ConsentLanguage": string.head.consent_language,
        "VendorListVersion": string.head.vendor_list_version,
        "TcfPolicyVersion": string.head.policy_version,
        "UseNonStandardStacks": string.uses_non_standard_texts,
        "SpecialFeatureExpressConsent": ids(&string.special_features),
        "PurposesExpressConsent": ids(&string.purpose_express_consents),
        "PurposesImpliedConsent": ids(&string.purpose_implied_consents),
        "VendorExpressConsent": ids(&string.vendor_express_consents),
        "VendorImpliedConsent": ids(&string.vendor_implied_consents),
        "PubRestrictions": merged(restrictions),
    });
    if let Some(vendors) = &string.disclosed_vendors {
        all["DisclosedVendorsSegmentType"] = 1.into();
        all["DisclosedVendors"] = ids(vendors);
    }
    if let Some(own) = &string.publisher {
        all["PubPurposesSegmentType"] = 3.into();
        all["PubPurposesExpressConsent"] = ids(&own.express_consents);
        all["PubPurposesImpliedConsent"] = ids(&own.implied_consents);
        all["NumCustomPurposes"] = own.n_custom.into();
        all["CustomPurposesExpressConsent"] = ids(&own.custom_express_consents);
        all["CustomPurposesImpliedConsent"] = ids(&own.custom_implied_consents);
    }
    all
}

fn us_privacy(section: &UsPrivacy) -> Json {
    let word = |value: Option<bool>| value.map_or("-", |is_yes| if is_yes { "Y" } else { "N" });
    json!({
        "Version": 1,
        "Notice": word(section.was_notified),
        "OptOutSale": word(section.opts_out_of_sale),
        "LspaCovered": word(section.is_covered),
    })
}

fn us(section: &UsSection) -> Json {
    let mut all: Map<String, Json> =
        section.fields.iter().map(|(name, values)| ((*name).to_owned(), json!(values))).collect();
    for value in all.values_mut() {
        // A field with one value is no list, but for lists that happen to be as short.
        if let Some([one]) = value.as_array().map(Vec::as_slice) {
            *value = one.clone();
        }
    }
    if let Some(gpc) = section.gpc {
        all.insert("GpcSegmentType".to_owned(), 1.into());
        all.insert("Gpc".to_owned(), gpc.into());
    }
    Json::Object(all)
}
