//! The files of rules: `entente.yaml`, purposes, roles and users.

use crate::definitions::Definitions;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, entries_of, text_of};
use crate::names::{check_name, did_you_mean, shortened};
use crate::node::{Node, NodeKind};
use spec::{
    AnswerLimits, Basis, DefinitionKind, Differences, FieldClass, Law, LawRule, Mask, Noise, Purpose, Release, Role,
    Signals, TcfUse, UsOptOut, User,
};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The smallest minimum group: one person is no group.
const MIN_GROUP: (u32, u32) = (2, 1_000_000);

/// Different questions of one user on one day.
const QUESTIONS_PER_DAY: (u32, u32) = (1, 1_000_000);

/// Less than this drowns every figure, more protects nobody.
const EPSILON: RangeInclusive<f64> = 0.001..=100.0;

/// The framework has numbers for so many purposes.
const TCF_PURPOSE_MAX: i64 = 24;

const BASES: [Basis; 5] =
    [Basis::Consent, Basis::OptOut, Basis::LegitimateInterest, Basis::Contract, Basis::LegalObligation];

pub(crate) const CLASSES: [FieldClass; 4] =
    [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive];

/// Reads `entente.yaml`. With an error in one law rule none counts, so that the strictest law applies everywhere: without
/// a region's rule that of its country would hold, which may be laxer.
pub(crate) fn read_workspace(node: &Node, definitions: &mut Definitions, problems: &mut Problems) {
    let Some(mut fields) = Fields::open(node, "a workspace", problems) else { return };
    let title = fields.text("title", "say what the workspace is called", problems);
    definitions.title = title.unwrap_or_default().to_owned();
    definitions.notice = fields.text_or_empty("notice", problems);
    let n_problems = problems.count();
    for node in fields.list("laws", problems) {
        let Some(rule) = read_law(node, problems) else { continue };
        let same = |known: &LawRule| known.country == rule.country && known.region == rule.region;
        if definitions.laws.iter().any(same) {
            let place = rule.region.as_deref().unwrap_or(&rule.country);
            problems.add(&node.place, format!("two laws for {place}"), "keep one of them".into());
        } else {
            definitions.laws.push(rule);
        }
    }
    if problems.count() > n_problems {
        definitions.laws.clear();
    }
    fields.close(problems);
}

/// Reads a purpose; `None` if it has errors.
pub(crate) fn read_purpose(name: &str, node: &Node, problems: &mut Problems) -> Option<Purpose> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a purpose", problems)?;
    let title = fields.text("title", "say it as it stands after `may we use for`, as in `e-mail`", problems);
    let description = fields.text_or_empty("description", problems);
    let basis_hint = "give each law its basis, as in `basis: {gdpr: consent, us_other: opt_out}`";
    let mut basis = BTreeMap::new();
    if let Some(node) = fields.required("basis", basis_hint, problems) {
        for entry in entries_of(node, "basis", problems) {
            let law = word_of(&entry.key, &entry.place, "a law", &Law::ALL.map(|law| (law.name(), law)), problems);
            let word = text_of(&entry.value, &entry.key, problems);
            let bases = BASES.map(|basis| (basis.name(), basis));
            let found = word.and_then(|word| word_of(word, &entry.value.place, "a legal basis", &bases, problems));
            basis.extend(law.zip(found));
        }
    }
    fields.required("min_group", "say how small a group may be shown, as in `min_group: 50`", problems);
    let min_group = fields.whole("min_group", MIN_GROUP, problems);
    let signals = fields.optional("signals").map(|node| read_signals(node, problems)).unwrap_or_default();
    let limits = read_limits(&mut fields, problems);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (name, title) = (name.to_owned(), title?.to_owned());
    Some(Purpose { name, title, description, basis, min_group: min_group?, signals, limits })
}

/// Reads what bounds what answers for a purpose tell.
fn read_limits(fields: &mut Fields<'_>, problems: &mut Problems) -> AnswerLimits {
    let questions_per_day = fields.whole("questions_per_day", QUESTIONS_PER_DAY, problems);
    let words = Differences::ALL.map(|differences| (differences.name(), differences));
    let differences = fields.optional("differences").and_then(|node| {
        let word = text_of(node, "differences", problems)?;
        word_of(word, &node.place, "how differences are treated", &words, problems)
    });
    let noise = fields.optional("noise").and_then(|node| read_noise(node, problems));
    AnswerLimits { questions_per_day, differences: differences.unwrap_or_default(), noise }
}

fn read_noise(node: &Node, problems: &mut Problems) -> Option<Noise> {
    let mut fields = Fields::open(node, "the noise of a purpose", problems)?;
    let mut epsilon = |key: &'static str, hint: &str| {
        let node = fields.required(key, hint, problems)?;
        let value = match &node.kind {
            NodeKind::Integer(value) => Some(*value as f64),
            NodeKind::Number(text) => text.parse().ok(),
            _ => None,
        };
        if let Some(value) = value.filter(|value| EPSILON.contains(value)) {
            return Some(value);
        }
        let message = format!("`{key}` is a number from {} to {}", EPSILON.start(), EPSILON.end());
        problems.add(&node.place, message, hint.to_owned());
        None
    };
    let of_one = epsilon("epsilon", "say how much one answer may tell, as in `epsilon: 0.5`");
    let of_day = epsilon("per_day", "say how much all answers of a day may tell one user, as in `per_day: 10`");
    let (of_one, of_day) = of_one.zip(of_day).unwrap_or_default();
    if of_day < of_one {
        let hint = "make `per_day` at least as large as `epsilon`";
        problems.add(&node.place, "no answer fits into a day".to_owned(), hint.to_owned());
    }
    fields.close(problems);
    Some(Noise { epsilon: of_one, epsilon_per_day: of_day })
}

/// Reads by which signals people speak of a purpose.
fn read_signals(node: &Node, problems: &mut Problems) -> Signals {
    let Some(mut fields) = Fields::open(node, "the signals of a purpose", problems) else { return Signals::default() };
    let categories = fields.texts("categories", problems).into_iter().map(|(text, _)| text.to_owned()).collect();
    let tcf = fields.optional("tcf").and_then(|node| read_tcf(node, problems));
    let words = UsOptOut::ALL.map(|opt_out| (opt_out.name(), opt_out));
    let us = fields.texts("us", problems);
    let us = us.into_iter().filter_map(|(word, place)| word_of(word, place, "an opt-out", &words, problems)).collect();
    fields.close(problems);
    Signals { categories, tcf, us }
}

fn read_tcf(node: &Node, problems: &mut Problems) -> Option<TcfUse> {
    let mut fields = Fields::open(node, "what a TCF string has to allow", problems)?;
    fields.required("vendor", "give your number in the Global Vendor List, as in `vendor: 812`", problems);
    let vendor = fields.whole("vendor", (1, u32::from(u16::MAX)), problems);
    let hint = "give the numbers of purposes of the framework, as in `purposes: [1, 3, 4]`";
    let list = fields.required("purposes", hint, problems);
    let mut purposes = Vec::new();
    for node in fields.list("purposes", problems) {
        match node.kind {
            NodeKind::Integer(number @ 1..=TCF_PURPOSE_MAX) => purposes.push(number as u16),
            _ => {
                problems.add(
                    &node.place,
                    format!("a purpose is a number from 1 to {TCF_PURPOSE_MAX}"),
                    hint.to_owned(),
                );
            }
        }
    }
    // Without a purpose every string would allow everything.
    if let Some(node) = list.filter(|node| matches!(&node.kind, NodeKind::List(items) if items.is_empty())) {
        problems.add(&node.place, "`purposes` is empty".to_owned(), hint.to_owned());
    }
    fields.close(problems);
    Some(TcfUse { vendor: u16::try_from(vendor?).ok()?, purposes })
}

/// Reads a role; `None` if it has errors.
pub(crate) fn read_role(name: &str, node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<Role> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a role", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name);
    let mut allowed = BTreeMap::new();
    if let Some(node) = fields.optional("purposes") {
        for entry in entries_of(node, "purposes", problems) {
            check_known(&entry.key, &entry.place, "purpose", purposes, problems);
            let releases = Release::ALL.map(|release| (release.name(), release));
            let word = text_of(&entry.value, &entry.key, problems);
            let found = word.and_then(|word| word_of(word, &entry.value.place, "a release level", &releases, problems));
            allowed.extend(found.map(|release| (entry.key.clone(), release)));
        }
    }
    let mut masks = BTreeMap::new();
    if let Some(node) = fields.optional("masks") {
        for entry in entries_of(node, "masks", problems) {
            let classes = CLASSES.map(|class| (class.name(), class));
            let class = word_of(&entry.key, &entry.place, "a class of fields", &classes, problems);
            let word = text_of(&entry.value, &entry.key, problems);
            let known = Mask::ALL.map(|mask| (mask.name(), mask));
            masks
                .extend(class.zip(word.and_then(|word| word_of(word, &entry.value.place, "a mask", &known, problems))));
        }
    }
    let sees_cost = fields.flag("sees_cost", problems);
    let may_import = fields.flag("may_import", problems);
    let may_define = fields.flag("may_define", problems);
    let sees_audit = fields.flag("sees_audit", problems);
    let edits = read_edits(&mut fields, problems);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (name, title) = (name.to_owned(), title.to_owned());
    Some(Role { name, title, purposes: allowed, masks, sees_cost, may_import, may_define, sees_audit, edits })
}

/// Reads which sorts of definitions a role may change.
fn read_edits(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<DefinitionKind> {
    let kinds = DefinitionKind::ALL.map(|kind| (kind.name(), kind));
    let words = fields.texts("edits", problems);
    let found =
        words.into_iter().filter_map(|(word, place)| word_of(word, place, "a sort of definitions", &kinds, problems));
    let mut edits: Vec<DefinitionKind> = found.collect();
    edits.sort();
    edits.dedup();
    edits
}

/// Reads `users.yaml`; a user with errors is left out.
pub(crate) fn read_users(node: &Node, roles: &[&str], problems: &mut Problems) -> BTreeMap<String, User> {
    let mut users = BTreeMap::new();
    let Some(mut fields) = Fields::open(node, "the list of users", problems) else { return users };
    for node in fields.list("users", problems) {
        let Some(user) = read_user(node, roles, problems) else { continue };
        if users.contains_key(&user.name) {
            problems.add(&node.place, format!("two users named `{}`", user.name), "give one another name".into());
        } else {
            users.insert(user.name.clone(), user);
        }
    }
    fields.close(problems);
    users
}

/// The names of the users, those with errors too.
pub(crate) fn user_names(node: &Node) -> Vec<&str> {
    let mut silent = Problems::default();
    let Some(mut fields) = Fields::open(node, "the list of users", &mut silent) else { return Vec::new() };
    let mut names = Vec::new();
    for node in fields.list("users", &mut silent) {
        let name = Fields::open(node, "a user", &mut silent).and_then(|mut fields| fields.optional("name"));
        names.extend(name.and_then(|node| text_of(node, "name", &mut silent)));
    }
    names
}

/// Reports a name that is not among those that exist.
pub(crate) fn check_known(name: &str, place: &Place, what: &str, known: &[&str], problems: &mut Problems) {
    if !known.contains(&name) {
        let message = format!("there is no {what} `{}`", shortened(name));
        problems.add(place, message, did_you_mean(name, known, &format!("{what}s")));
    }
}

/// The value that a word stands for; `what` names the sort of word (`a law`).
pub(crate) fn word_of<T: Copy>(
    word: &str,
    place: &Place,
    what: &str,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let found = words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let message = format!("`{}` is not {what}", shortened(word));
        problems.add(place, message, did_you_mean(word, &names, "use one of"));
    }
    found
}

fn read_law(node: &Node, problems: &mut Problems) -> Option<LawRule> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a law rule", problems)?;
    let country = fields.text("country", "give the ISO code, as in `country: DE`", problems);
    let region = fields.optional_text("region", problems);
    let word = fields.required("law", "say which law, as in `law: gdpr`", problems);
    let laws = Law::ALL.map(|law| (law.name(), law));
    let law = word.and_then(|node| word_of(text_of(node, "law", problems)?, &node.place, "a law", &laws, problems));
    if let Some(country) = country {
        let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            let message = format!("`{}` is not a country code", shortened(country));
            problems.add(&node.place, message, "use two capital letters (ISO 3166-1), as in `DE`".into());
        } else if region.is_some_and(|region| !region.starts_with(&format!("{country}-"))) {
            let hint = format!("use its ISO 3166-2 code, as in `{country}-XX`");
            problems.add(&node.place, format!("the region is not one of {country}"), hint);
        }
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(LawRule { country: country?.to_owned(), region: region.map(str::to_owned), law: law? })
}

fn read_user(node: &Node, roles: &[&str], problems: &mut Problems) -> Option<User> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a user", problems)?;
    let name_node = fields.required("name", "give the name to sign in with", problems);
    let name = name_node.and_then(|node| text_of(node, "name", problems));
    if let (Some(name), Some(node)) = (name, name_node) {
        check_name(name, "a user", &node.place, problems);
    }
    let title = fields.optional_text("title", problems);
    let role_node = fields.required("role", "give the name of a role", problems);
    let role = role_node.and_then(|node| text_of(node, "role", problems));
    if let (Some(role), Some(node)) = (role, role_node) {
        check_known(role, &node.place, "role", roles, problems);
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let name = name?.to_owned();
    Some(User { title: title.unwrap_or(&name).to_owned(), name, role: role?.to_owned() })
}
