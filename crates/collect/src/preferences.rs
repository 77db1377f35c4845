//! What people choose on the page of their preferences, which they reach by a link that a server of ours has signed.
//!
//! A link is a token like those of identity, but it lasts for as long as mails are kept, so it is for nothing else: its audience
//! is the source's preferences, and it vouches for no message. Whoever has it can see and change what one person agreed to.
//!
//! # Source
//! As `token`; RFC 8058 (a link in a mail that is good without signing in).

use crate::delivery::Taken;
use crate::heard::Word;
use crate::meter::Tally;
use crate::rules::{KeyRules, Rules};
use crate::signatures::Signatures;
use crate::token::{DAY_MICROS, Expected, Token};
use crate::vouching::LOOKS_MAX;
use crate::{consent, identity, refusal};
use api::{Choice, LinkHolder, MessageOutcome, MessageReceipt, PreferenceLink, Refusal, Said};
use lake::{Arrival, Origin};
use spec::Purpose;
use std::borrow::Cow;
use std::sync::Arc;

/// What the audience of a link has behind the name of the source.
const AUDIENCE: &str = "/preferences";
/// How long a link may be good.
const LIFETIME_MICROS_MAX: i64 = 366 * DAY_MICROS;
/// The signal by which it is said.
const SIGNAL: &str = "preferences";

/// A link that is good.
pub(crate) struct Opened<'r> {
    key: &'r KeyRules,
    user_id: String,
}

/// Finds out whose link it is.
///
/// # Errors
/// One refusal for everything that can be wrong, since whoever tries links learns nothing from it.
pub(crate) fn open<'r>(
    rules: &'r Rules,
    signatures: &Signatures,
    link: &PreferenceLink,
    received_micros: i64,
) -> Result<Opened<'r>, Refusal> {
    let token = Token::read(&link.0).map_err(|_| refusal::bad_link())?;
    let mut n_looks = LOOKS_MAX;
    let mut keys: Vec<&KeyRules> = rules.keys().filter(|key| !key.signers.is_empty()).collect();
    keys.sort_by(|a, b| (&a.source.name, &a.name).cmp(&(&b.source.name, &b.name)));
    for key in keys {
        let audience = format!("{}{AUDIENCE}", key.source.name);
        let expected =
            Expected { user_id: None, audience: &audience, received_micros, lifetime_micros_max: LIFETIME_MICROS_MAX };
        let Ok(user_id) = token.check(&expected) else { continue };
        if !user_id.is_empty() && signatures.is_signed(&token, &key.signers, &mut n_looks) == Some(true) {
            return Ok(Opened { key, user_id });
        }
    }
    Err(refusal::bad_link())
}

impl Opened<'_> {
    /// Whom it is for.
    pub(crate) fn holder(&self) -> LinkHolder {
        let source = &self.key.source;
        let user_id = identity::prefixed(source.person_prefix(None), Cow::Borrowed(&self.user_id)).into_owned();
        LinkHolder { source: source.name.clone(), user_id }
    }

    /// Writes a choice down, and what the browser says beside it.
    ///
    /// # Errors
    /// Why it is not taken: it names what nobody can choose, or the key has sent all that it may.
    pub(crate) fn choose(&self, purposes: &[Purpose], choice: &Choice, received_micros: i64) -> Result<Taken, Refusal> {
        let said =
            said_about(purposes, &choice.said).filter(|said| !said.is_empty()).ok_or_else(refusal::bad_choice)?;
        // Whatever else has come with the key, which stands in pages: who refuses is not kept waiting.
        if said.iter().any(|(_, is_yes)| *is_yes) {
            self.key.state.take(1, self.key.per_second_max, self.key.per_day_max, received_micros)?;
        }
        let mut taken = Taken {
            state: Arc::clone(&self.key.state),
            receipts: vec![MessageReceipt { message_id: None, outcome: MessageOutcome::Accepted, faults: Vec::new() }],
            records: Vec::new(),
            tally: Tally { received_micros, n_received: 1, n_accepted: 1, ..Tally::default() },
            heard: Vec::new(),
        };
        let beside = Some(purposes).filter(|_| choice.sender.refuses_sale).and_then(consent::objection);
        let signals =
            [(consent::Signal { name: SIGNAL, said }, true)].into_iter().chain(beside.map(|gpc| (gpc, false)));
        let user_id = self.holder().user_id;
        for (signal, is_message) in signals {
            let record = lake::Consent {
                origin: Origin { source: Cow::Borrowed(&self.key.source.name), key: Cow::Borrowed(&self.key.name) },
                received_micros,
                at_micros: Some(received_micros),
                user_id: Some(Cow::Borrowed(&user_id)),
                anonymous_id: None,
                is_claimed: false,
                signal: Cow::Borrowed(signal.name),
                text_version: choice.text_version.as_deref().map(consent::version).map(Cow::Borrowed),
                said: signal.said.into_iter().map(|(purpose, is_yes)| (Cow::Borrowed(purpose), is_yes)).collect(),
                is_message,
            };
            taken.heard.push(Word::of(&record));
            taken.records.push(Arrival::Consent(record).to_bytes());
        }
        Ok(taken)
    }
}

/// What is said about which purposes; `None` for a yes to something that nobody can choose. A no to what is not there, or not
/// any more, says nothing.
fn said_about<'p>(purposes: &'p [Purpose], said: &Said) -> Option<Vec<(&'p str, bool)>> {
    let chosen = || purposes.iter().filter(|purpose| purpose.is_chosen()).map(|purpose| purpose.name.as_str());
    let known = |name: &String| chosen().find(|purpose| purpose == name);
    match said {
        Said::No(only) => Some(match only.as_ref().and_then(known) {
            Some(purpose) => vec![(purpose, false)],
            // A mail may be older than the name of its purpose.
            None => chosen().map(|purpose| (purpose, false)).collect(),
        }),
        Said::Each(each) => {
            let is_known = |(name, is_yes): &(String, bool)| known(name).is_some() || !is_yes;
            let about = |(name, is_yes): &(String, bool)| Some((known(name)?, *is_yes));
            each.iter().all(is_known).then(|| each.iter().filter_map(about).collect())
        }
    }
}
