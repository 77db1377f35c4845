//! What a message and its request say about purposes: categories of a consent tool, strings of the advertising industry, and
//! a browser that objects.
//!
//! Whatever becomes of the message itself, what it says of consent counts, as long as it is somebody's. A string that cannot be
//! read is a no to everything that it could have allowed. A signal that says nothing of a purpose leaves it as it is.

use crate::fault::{self, Faults};
use crate::identity::Identity;
use crate::message::Message;
use crate::{json, time};
use api::MessageOutcome;
use consent::{GppString, Section, TcString};
use lake::Origin;
use serde_json::value::RawValue;
use spec::{Basis, Purpose, TcfUse};
use std::borrow::Cow;

/// The member of `context` that holds what a consent tool says.
const MEMBER: &str = "consent";
/// The longest version of a text that is kept, in bytes.
const VERSION_BYTES_MAX: usize = 128;
/// So many wrong names of purposes are told of one message.
const FAULTS_MAX: usize = 10;

/// What one signal says.
#[derive(Debug, PartialEq)]
pub(crate) struct Signal<'p> {
    /// `categories`, `tcf`, `gpp`, `gpc`, `api` or `preferences`.
    pub(crate) name: &'static str,
    /// Purposes, and whether it is a yes; none twice.
    pub(crate) said: Vec<(&'p str, bool)>,
}

/// The members of `context.consent`.
#[derive(Default)]
struct Members<'a> {
    categories: Option<&'a RawValue>,
    tcf: Option<&'a RawValue>,
    gpp: Option<&'a RawValue>,
    is_gpc: bool,
    text_version: Option<&'a RawValue>,
}

/// Reads what a message says of these purposes.
pub(crate) fn read<'p>(message: &Message<'_>, purposes: &'p [Purpose]) -> Vec<Signal<'p>> {
    if purposes.is_empty() {
        return Vec::new();
    }
    let members = members_of(message);
    // A server that passes a message on speaks for itself with its own headers.
    let is_gpc = members.is_gpc || (message.sender.refuses_sale && message.vouching.is_public());
    let mut signals = Vec::new();
    let mut add = |name: &'static str, says: &dyn Fn(&Purpose) -> Option<bool>| {
        let of = |purpose: &'p Purpose| Some((purpose.name.as_str(), says(purpose)?));
        let said: Vec<(&str, bool)> = purposes.iter().filter_map(of).collect();
        if !said.is_empty() {
            signals.push(Signal { name, said });
        }
    };
    if let Some(categories) = members.categories {
        add("categories", &|purpose| by_categories(categories, purpose));
    }
    if let Some(text) = members.tcf {
        let string = json::text_of(text).and_then(|text| TcString::read(&text).ok());
        add("tcf", &|purpose| {
            let wanted = purpose.signals.tcf.as_ref()?;
            Some(
                string
                    .as_ref()
                    .is_some_and(|string| allows(wanted, &|vendor, purpose| string.consents(vendor, purpose))),
            )
        });
    }
    let mut is_gpc_of_string = false;
    if let Some(text) = members.gpp {
        let string = json::text_of(text).and_then(|text| GppString::read(&text).ok());
        is_gpc_of_string = string.as_ref().is_some_and(has_gpc);
        add("gpp", &|purpose| by_gpp(string.as_ref(), purpose));
    }
    if is_gpc || is_gpc_of_string {
        signals.extend(objection(purposes));
    }
    signals
}

/// What a browser with Global Privacy Control says; `None` where it says nothing of these purposes.
pub(crate) fn objection(purposes: &[Purpose]) -> Option<Signal<'_>> {
    let objected = purposes.iter().filter(|purpose| is_objected_by_gpc(purpose));
    let said: Vec<(&str, bool)> = objected.map(|purpose| (purpose.name.as_str(), false)).collect();
    (!said.is_empty()).then_some(Signal { name: "gpc", said })
}

/// What somebody says about purposes by their names, `consents` of the message.
pub(crate) fn by_name<'p>(message: &Message<'_>, purposes: &'p [Purpose], faults: &mut Faults) -> Vec<(&'p str, bool)> {
    let mut said: Vec<(&str, bool)> = Vec::new();
    let mut wrong = Vec::new();
    let is_object = message.members.consents.is_some_and(|consents| {
        json::members(consents.get(), &mut |name, value| {
            let purpose = purposes.iter().find(|purpose| purpose.name == name);
            match (purpose, value.get()) {
                (Some(purpose), word @ ("true" | "false")) => {
                    // Where a name stands twice, the last one counts, as everywhere in a message.
                    said.retain(|(known, _)| *known != purpose.name);
                    said.push((&purpose.name, word == "true"));
                }
                (Some(_), _) if wrong.len() < FAULTS_MAX => wrong.push(fault::not_said(&name)),
                (None, _) if wrong.len() < FAULTS_MAX => wrong.push(fault::unknown_purpose(&name)),
                _ => {}
            }
        })
    });
    if !is_object || (said.is_empty() && wrong.is_empty()) {
        wrong.push(fault::no_consents());
    }
    wrong.into_iter().for_each(|fault| faults.add(MessageOutcome::Rejected, fault));
    said
}

/// What signals of a message say, as records of the log.
pub(crate) fn heard<'a>(
    message: &Message<'a>,
    whose: &Identity<'a>,
    signals: Vec<Signal<'a>>,
    is_message: bool,
) -> Vec<lake::Consent<'a>> {
    let text_version = members_of(message).text_version.and_then(json::text_of);
    let text_version = text_version.map(|text| version(&text).to_owned());
    // A server that does not say when says it now.
    let at_micros = time::earliest(message).or((!message.vouching.is_public()).then_some(message.received_micros));
    let record = |signal: Signal<'a>| lake::Consent {
        origin: Origin { source: Cow::Borrowed(&message.source.name), key: Cow::Borrowed(message.key) },
        received_micros: message.received_micros,
        at_micros,
        user_id: whose.user_id.clone(),
        anonymous_id: whose.anonymous_id.clone(),
        is_claimed: message.vouching.is_claimed(),
        signal: Cow::Borrowed(signal.name),
        text_version: text_version.clone().map(Cow::Owned),
        said: signal.said.into_iter().map(|(purpose, is_yes)| (Cow::Borrowed(purpose), is_yes)).collect(),
        is_message,
    };
    signals.into_iter().map(record).collect()
}

/// As much of a text's version as is kept.
pub(crate) fn version(text: &str) -> &str {
    &text[..text.floor_char_boundary(VERSION_BYTES_MAX)]
}

/// What the context of a message says of consent.
fn members_of<'a>(message: &Message<'a>) -> Members<'a> {
    let written = message.members.context.and_then(|context| json::member(context.get(), MEMBER));
    let mut members = Members::default();
    let Some(written) = written else { return members };
    json::members(written.get(), &mut |key, value| {
        let value_if_any = Some(value).filter(|value| !json::is_null(value));
        match key.as_ref() {
            "categoryPreferences" => members.categories = value_if_any,
            "tcf" => members.tcf = value_if_any,
            "gpp" => members.gpp = value_if_any,
            "gpc" => members.is_gpc = value.get() == "true",
            "textVersion" => members.text_version = value_if_any,
            _ => {}
        }
    });
    members
}

/// Every category agreed to is a yes, one refused a no; one that is missing says nothing. What is not `true` is refused.
fn by_categories(preferences: &RawValue, purpose: &Purpose) -> Option<bool> {
    let wanted = &purpose.signals.categories;
    let value = |category: &String| json::member(preferences.get(), category).filter(|value| !json::is_null(value));
    let said = |category: &String| value(category).map(|value| value.get() == "true");
    let said: Vec<Option<bool>> = wanted.iter().map(said).collect();
    match said.as_slice() {
        [] => None,
        said if said.contains(&Some(false)) => Some(false),
        said if said.iter().all(|said| *said == Some(true)) => Some(true),
        _ => None,
    }
}

fn allows(wanted: &TcfUse, consents: &dyn Fn(u16, u16) -> bool) -> bool {
    wanted.purposes.iter().all(|purpose| consents(wanted.vendor, *purpose))
}

/// The narrowest of the sections. One of Europe or Canada grants and denies, one of the United States only denies: where
/// nobody has to be asked, not to object is no word.
fn by_gpp(string: Option<&GppString>, purpose: &Purpose) -> Option<bool> {
    let signals = &purpose.signals;
    let Some(string) = string else {
        return (signals.tcf.is_some() || !signals.us.is_empty()).then_some(false);
    };
    let says = |(_, section): &(u16, Section)| match section {
        Section::Europe(string) => {
            signals.tcf.as_ref().map(|wanted| allows(wanted, &|vendor, purpose| string.consents(vendor, purpose)))
        }
        Section::Canada(string) => {
            signals.tcf.as_ref().map(|wanted| allows(wanted, &|vendor, purpose| string.consents(vendor, purpose)))
        }
        Section::UsPrivacy(section) => {
            let asks = signals.us.contains(&spec::UsOptOut::Sale);
            (asks && section.opts_out_of_sale == Some(true)).then_some(false)
        }
        Section::Us(section) => signals.us.iter().any(|opt_out| section.opts_out(opt_out.field())).then_some(false),
    };
    string.sections.iter().filter_map(says).reduce(|one, other| one && other)
}

fn has_gpc(string: &GppString) -> bool {
    string.sections.iter().any(|(_, section)| matches!(section, Section::Us(section) if section.gpc == Some(true)))
}

/// Global Privacy Control objects to whatever rests on an opt-out under any law.
fn is_objected_by_gpc(purpose: &Purpose) -> bool {
    purpose.basis.values().any(|basis| *basis == Basis::OptOut) || !purpose.signals.us.is_empty()
}
