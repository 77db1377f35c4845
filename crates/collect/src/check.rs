//! One message against the contract of its source: all faults, and what becomes of it.
//!
//! The strictest fault decides. A message that is nobody's, or that cannot be read, is rejected whatever the contract says:
//! nothing could be done with it later either. An event that is not declared has no table, so it can at best be kept aside.

use crate::fault::{self, Faults, outcome_of};
use crate::fields::{self, Values};
use crate::identity::{self, Identity, prefixed};
use crate::message::{Message, call_name};
use crate::rules::ObjectRules;
use crate::{consent, json, replay, time};
use api::{Call, MessageOutcome, MessageReceipt};
use lake::{Alias, Arrival, Aside, MessageKind, Origin};
use spec::{ObjectKind, OnFault, Purpose};
use std::borrow::Cow;

/// A message that was checked.
pub(crate) struct Checked<'a> {
    pub(crate) receipt: MessageReceipt,
    /// What to keep, or the reason for which nothing is.
    pub(crate) arrival: Result<Arrival<'a>, String>,
}

/// Checks a message. Near names are looked for `n_guesses` times only, since that takes longer than all the rest.
pub(crate) fn check<'a>(message: &Message<'a>, purposes: &'a [Purpose], n_guesses: &mut u32) -> Checked<'a> {
    match message.call {
        Some(Call::Alias) => return check_alias(message),
        Some(Call::Consent) => return check_consent(message, purposes),
        _ => {}
    }
    let mut faults = Faults::none();
    let object = find_object(message, n_guesses, &mut faults);
    let prefix = object.map_or("", |object| object.person_prefix.as_str());
    let identity = identity::read(message, prefix, &mut faults);
    let token_fault = message.vouching.fault().map(|fault| fault::bad_token(fault, &message.source.name));
    if let Some(fault) = &token_fault {
        faults.add(MessageOutcome::Flagged, fault.clone());
    }
    let at_micros = time::read(message);
    if at_micros.is_none() {
        faults.add(outcome_of(message.source.door.bad_time), fault::bad_time(&message.source.contract));
    }
    let mut values = object.map(|object| fields::read(message, object, &mut faults)).unwrap_or_default();
    if at_micros.is_none() {
        flag_time(message, &mut values);
    }
    if let Some(fault) = &token_fault {
        values.extra.add_flagged(fault::TOKEN, &fault.reason);
    }
    let message_id = identity.message_id.as_deref().map(str::to_owned);
    let outcome = faults.outcome();
    let reason = faults.decisive().map(|fault| fault.reason.clone()).unwrap_or_default();
    let arrival = match (outcome, object) {
        (MessageOutcome::Accepted | MessageOutcome::Flagged, Some(object)) => {
            let at_micros = at_micros.unwrap_or(message.received_micros);
            Ok(Arrival::Message(kept(message, object, identity, at_micros, values)))
        }
        (MessageOutcome::Quarantined, _) => Ok(Arrival::Aside(aside(message, object, identity, &faults))),
        _ => Err(reason),
    };
    Checked { receipt: MessageReceipt { message_id, outcome, faults: faults.into_list() }, arrival }
}

/// Checks a wish to merge two people: no contract has anything to say about it, but only a secret key may. A token vouches
/// for one user, and this is about two.
fn check_alias<'a>(message: &Message<'a>) -> Checked<'a> {
    let mut faults = Faults::none();
    if message.vouching.is_public() {
        faults.add(MessageOutcome::Rejected, fault::public_alias());
    }
    let prefix = message.source.traits().map_or("", |object| object.person_prefix.as_str());
    let identity = identity::read(message, prefix, &mut faults);
    let previous_id = identity::read_previous(message, &mut faults);
    let message_id = identity.message_id.as_deref().map(str::to_owned);
    let arrival = match (identity.user_id, previous_id, faults.decisive()) {
        (Some(user_id), Some(previous_id), None) => Ok(Arrival::Alias(Alias {
            origin: origin(message),
            received_micros: message.received_micros,
            user_id: prefixed(prefix, user_id),
            previous_id,
        })),
        (.., fault) => Err(fault.map(|fault| fault.reason.clone()).unwrap_or_default()),
    };
    let outcome = faults.outcome();
    Checked { receipt: MessageReceipt { message_id, outcome, faults: faults.into_list() }, arrival }
}

/// Checks what somebody says about purposes by name: no contract has anything to say about it.
fn check_consent<'a>(message: &Message<'a>, purposes: &'a [Purpose]) -> Checked<'a> {
    let mut faults = Faults::none();
    let identity = identity::whose(message, &mut faults);
    let said = consent::by_name(message, purposes, &mut faults);
    let signals = vec![consent::Signal { name: "api", said }];
    let record = consent::heard(message, &identity, signals, true).pop();
    let arrival = match (record, faults.decisive()) {
        (Some(record), None) => Ok(Arrival::Consent(record)),
        (_, fault) => Err(fault.map(|fault| fault.reason.clone()).unwrap_or_default()),
    };
    let outcome = faults.outcome();
    let message_id = identity.message_id.as_deref().map(str::to_owned);
    Checked { receipt: MessageReceipt { message_id, outcome, faults: faults.into_list() }, arrival }
}

/// The object of the contract that the message is.
fn find_object<'a>(message: &Message<'a>, n_guesses: &mut u32, faults: &mut Faults) -> Option<&'a ObjectRules> {
    let source = message.source;
    let (name, found) = match message.call {
        Some(Call::Track) => match message.members.event.and_then(json::text_of).filter(|name| !name.is_empty()) {
            Some(name) => {
                let found = source.event(&name);
                (name, found)
            }
            None => {
                faults.add(MessageOutcome::Rejected, fault::unnamed_event());
                return None;
            }
        },
        Some(Call::Identify) => (Cow::Borrowed("identify"), source.traits()),
        Some(call @ (Call::Page | Call::Screen | Call::Group)) => {
            let name = call_name(call);
            (Cow::Borrowed(name), source.event(name))
        }
        Some(Call::Alias | Call::Consent | Call::Batch) | None => {
            faults.add(MessageOutcome::Rejected, fault::unknown_type());
            return None;
        }
    };
    if found.is_none() {
        let outcome = match source.door.unknown_event {
            OnFault::Reject => MessageOutcome::Rejected,
            OnFault::Quarantine | OnFault::Flag => MessageOutcome::Quarantined,
        };
        let nearest = if *n_guesses > 0 { source.nearest_event(&fault::shown(&name)) } else { None };
        *n_guesses = n_guesses.saturating_sub(1);
        faults.add(outcome, fault::unknown_event(&source.contract, &name, nearest));
    }
    found
}

/// Notes beside the values that the time is not the one that was sent.
fn flag_time(message: &Message<'_>, values: &mut Values<'_>) {
    let fault = fault::bad_time(&message.source.contract);
    values.extra.add_flagged("timestamp", &fault.reason);
    if let Some(sent) = message.members.original_timestamp.or(message.members.timestamp) {
        values.extra.add_undeclared("timestamp", sent.get());
    }
}

fn origin<'a>(message: &Message<'a>) -> Origin<'a> {
    Origin { source: Cow::Borrowed(&message.source.name), key: Cow::Borrowed(message.key) }
}

fn kept<'a>(
    message: &Message<'a>,
    object: &'a ObjectRules,
    identity: Identity<'a>,
    at_micros: i64,
    values: Values<'a>,
) -> lake::Message<'a> {
    let user_id = identity.user_id.map(|id| prefixed(&object.person_prefix, id));
    lake::Message {
        origin: origin(message),
        object: Cow::Borrowed(&object.name),
        kind: if object.kind == ObjectKind::Traits { MessageKind::Traits } else { MessageKind::Event },
        received_micros: message.received_micros,
        at_micros,
        message_id: identity.message_id.expect("a message without an id is rejected"),
        user_id,
        anonymous_id: identity.anonymous_id,
        is_claimed: message.vouching.is_claimed(),
        fields: values.fields,
        direct: values.direct,
        extra: Cow::Owned(values.extra.into_text()),
    }
}

fn aside<'a>(
    message: &Message<'a>,
    object: Option<&'a ObjectRules>,
    identity: Identity<'a>,
    faults: &Faults,
) -> Aside<'a> {
    let called = || message.members.event.and_then(json::text_of).map_or_else(String::new, |name| fault::shown(&name));
    let object = match (object, message.call) {
        (Some(object), _) => Cow::Borrowed(object.name.as_str()),
        (None, Some(Call::Track) | None) => Cow::Owned(called()),
        (None, Some(call)) => Cow::Borrowed(call_name(call)),
    };
    let decisive = faults.decisive();
    let message_id = identity.message_id.unwrap_or_default();
    Aside {
        origin: origin(message),
        object,
        received_micros: message.received_micros,
        reason: decisive.map(|fault| fault.reason.clone()).unwrap_or_default().into(),
        field: decisive.and_then(|fault| fault.field.clone()).map(Cow::Owned),
        raw: replay::raw(message, &message_id).into(),
        message_id,
    }
}
