//! One delivery, without the log: whose it is, whether it may come, and what becomes of each of its messages.

use crate::check::{Checked, check};
use crate::envelope::Envelope;
use crate::fault::Faults;
use crate::heard::Word;
use crate::lookups::Lookups;
use crate::message::{MESSAGE_BYTES_MAX, Members, Message};
use crate::meter::{KeyState, Tally};
use crate::rules::{KeyRules, Rules};
use crate::vouching::{LOOKS_MAX, Vouchers};
use crate::{consent, fault, identity, json, refusal};
use api::{Call, Delivery, MessageFault, MessageOutcome, MessageReceipt, Refusal, Sender};
use lake::{Arrival, Origin, Refused};
use spec::{KeyKind, Purpose};
use std::borrow::Cow;
use std::sync::Arc;

/// How much of a header is kept, in bytes: one is stored with each message of a batch.
const HEADER_BYTES_MAX: usize = 1_024;
/// How often a near name is looked for in one delivery.
const GUESSES_MAX: u32 = 10;

/// A delivery that was read.
pub(crate) struct Taken {
    pub(crate) state: Arc<KeyState>,
    pub(crate) receipts: Vec<MessageReceipt>,
    /// What the log gets.
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) tally: Tally,
    /// What its messages say of consent.
    pub(crate) heard: Vec<Word>,
}

/// Reads a delivery.
///
/// # Errors
/// Why nothing of it is taken; the key's counts know of it then.
pub(crate) fn read(
    rules: &Rules,
    lookups: &Lookups,
    delivery: &Delivery,
    received_micros: i64,
) -> Result<Taken, Refusal> {
    let shown = delivery.key.as_deref().map(|text| rules.key(text).ok_or_else(refusal::unknown_key)).transpose()?;
    let envelope = Envelope::read(delivery.call, &delivery.body)
        .map_err(|refusal| shown.map_or(refusal.clone(), |key| refused(key, refusal, 1, received_micros)))?;
    let n_messages = envelope.messages.len() as u64;
    let (key, is_exposed) = match shown {
        Some(key) => (key, delivery.is_key_in_url),
        None => (key_in_body(rules, &envelope)?, true),
    };
    if is_exposed && key.kind == KeyKind::Secret {
        return Err(refused(key, refusal::exposed_key(), n_messages, received_micros));
    }
    key.state
        .take(n_messages, key.per_second_max, key.per_day_max, received_micros)
        .map_err(|refusal| refused(key, refusal, n_messages, received_micros))?;
    let opened: Vec<Result<Members<'_>, MessageFault>> =
        envelope.messages.iter().map(|message| open(message)).collect();
    let written = envelope.keys(&opened);
    if let Some(exposed) = written.into_iter().find_map(|written| secret(rules, delivery, &json::text_of(written)?)) {
        return Err(refused(exposed, refusal::exposed_key(), n_messages, received_micros));
    }
    let only = (delivery.call != Call::Batch).then(|| opened.first()).flatten();
    if let Some(Err(fault)) = only {
        return Err(refused(key, refusal::malformed(&fault.reason), 1, received_micros));
    }
    Ok(judge(&Around { rules, delivery, key, lookups, received_micros }, &envelope, opened))
}

/// The key that the body shows.
fn key_in_body<'r>(rules: &'r Rules, envelope: &Envelope<'_>) -> Result<&'r KeyRules, Refusal> {
    let written = envelope.key().ok_or_else(refusal::no_key)?;
    rules.key(&written).ok_or_else(refusal::unknown_key)
}

/// The secret key that this text in a body is.
///
/// Some libraries for servers repeat in the body what stands in their header; that shows the key to nobody new.
fn secret<'r>(rules: &'r Rules, delivery: &Delivery, written: &str) -> Option<&'r KeyRules> {
    if delivery.key.as_deref() == Some(written) {
        return None;
    }
    rules.key(written).filter(|key| key.kind == KeyKind::Secret)
}

/// Counts a refusal under its key.
fn refused(key: &KeyRules, refusal: Refusal, n_messages: u64, received_micros: i64) -> Refusal {
    key.state.count(&Tally::refused(&refusal.message, n_messages, received_micros));
    refusal
}

/// Reads the members of a message.
fn open(text: &str) -> Result<Members<'_>, MessageFault> {
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(fault::too_long(MESSAGE_BYTES_MAX));
    }
    Members::read(text).ok_or_else(fault::not_an_object)
}

/// What the messages of a delivery share.
struct Around<'r> {
    rules: &'r Rules,
    delivery: &'r Delivery,
    key: &'r KeyRules,
    lookups: &'r Lookups,
    received_micros: i64,
}

/// Checks all messages and writes their records.
fn judge<'a>(around: &Around<'_>, envelope: &Envelope<'a>, opened: Vec<Result<Members<'a>, MessageFault>>) -> Taken {
    let Around { rules, delivery, key, lookups, received_micros } = *around;
    let sender = bounded(&delivery.sender);
    let n_received = opened.len() as u64;
    let mut taken = Taken {
        state: Arc::clone(&key.state),
        receipts: Vec::with_capacity(opened.len()),
        records: Vec::with_capacity(opened.len()),
        tally: Tally { received_micros, n_received, ..Tally::default() },
        heard: Vec::new(),
    };
    let mut n_guesses = GUESSES_MAX;
    let mut vouchers = Vouchers { key, signatures: &lookups.signatures, received_micros, n_looks: LOOKS_MAX };
    for (text, members) in envelope.messages.iter().zip(opened) {
        let members = match members {
            Ok(members) => members,
            Err(fault) => {
                taken.add(unreadable(fault));
                continue;
            }
        };
        let message = Message {
            text,
            members,
            call: if delivery.call == Call::Batch { members.call() } else { Some(delivery.call) },
            batch_sent_at: envelope.sent_at,
            source: &key.source,
            key: &key.name,
            received_micros,
            vouching: vouchers.vouching(&members),
            sender: &sender,
            lookups,
        };
        taken.hear(&message, rules.purposes());
        taken.add(check(&message, rules.purposes(), &mut n_guesses));
    }
    taken.add_refused(Origin { source: Cow::Borrowed(&key.source.name), key: Cow::Borrowed(&key.name) });
    taken
}

fn unreadable(fault: MessageFault) -> Checked<'static> {
    let reason = fault.reason.clone();
    let receipt = MessageReceipt { message_id: None, outcome: MessageOutcome::Rejected, faults: vec![fault] };
    Checked { receipt, arrival: Err(reason) }
}

impl Taken {
    /// Whether any message of it is to be kept.
    pub(crate) fn keeps_any(&self) -> bool {
        self.tally.n_accepted + self.tally.n_quarantined > 0
    }

    /// Writes down what the surroundings of a message say of consent, if it is somebody's.
    fn hear(&mut self, message: &Message<'_>, purposes: &[Purpose]) {
        let signals = consent::read(message, purposes);
        if signals.is_empty() {
            return;
        }
        let whose = identity::whose(message, &mut Faults::none());
        if whose.user_id.is_none() && whose.anonymous_id.is_none() {
            return;
        }
        for consent in consent::heard(message, &whose, signals, false) {
            self.heard.push(Word::of(&consent));
            self.records.push(Arrival::Consent(consent).to_bytes());
        }
    }

    fn add(&mut self, checked: Checked<'_>) {
        match checked.arrival {
            Ok(arrival) => {
                if let Arrival::Consent(consent) = &arrival {
                    self.heard.push(Word::of(consent));
                }
                match arrival {
                    Arrival::Aside(_) => self.tally.n_quarantined += 1,
                    Arrival::Message(_) | Arrival::Alias(_) | Arrival::Refused(_) | Arrival::Consent(_) => {
                        self.tally.n_accepted += 1;
                    }
                }
                self.records.push(arrival.to_bytes());
            }
            Err(reason) => match self.tally.rejected.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, n)) => *n += 1,
                None => self.tally.rejected.push((reason, 1)),
            },
        }
        self.receipts.push(checked.receipt);
    }

    /// Adds one record per reason of what was rejected.
    fn add_refused(&mut self, origin: Origin<'_>) {
        for (reason, n_messages) in &self.tally.rejected {
            let refused = Arrival::Refused(Refused {
                origin: origin.clone(),
                received_micros: self.tally.received_micros,
                reason: Cow::Borrowed(reason),
                n_messages: *n_messages,
            });
            self.records.push(refused.to_bytes());
        }
    }
}

/// The sender with headers of bounded length.
fn bounded(sender: &Sender) -> Sender {
    let cut =
        |text: &Option<String>| text.as_ref().map(|text| text[..text.floor_char_boundary(HEADER_BYTES_MAX)].to_owned());
    Sender { user_agent: cut(&sender.user_agent), referrer: cut(&sender.referrer), ..*sender }
}
