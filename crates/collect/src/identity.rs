//! Who a message is about and which message it is: ids byte for byte as they were sent.
//!
//! Nothing is trimmed, folded or normalised, so that nobody is taken for somebody else who looks alike. A message without an
//! id gets one from what it says, `sentAt`, `writeKey` and a token of identity apart: one that is sent again is recognised,
//! also with a newer token, and so are two that say exactly the same, which is why senders had better send ids or times.

use crate::fault::{self, Faults};
use crate::json;
use crate::message::{Message, call_name};
use crate::token;
use api::{Call, MessageOutcome};
use lake::IDENTIFIER_BYTES_MAX;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The longest id of a message, in bytes.
const MESSAGE_ID_BYTES_MAX: usize = 256;
/// How much of a digest makes an id.
const DIGEST_BYTES: usize = 16;

/// The ids of a message.
pub(crate) struct Identity<'a> {
    /// Its own; absent only when a fault says so.
    pub(crate) message_id: Option<Cow<'a, str>>,
    /// The user id, with the object's prefix still to come.
    pub(crate) user_id: Option<Cow<'a, str>>,
    pub(crate) anonymous_id: Option<Cow<'a, str>>,
}

/// Reads the ids; a message about nobody is a fault.
pub(crate) fn read<'a>(message: &Message<'a>, prefix: &str, faults: &mut Faults) -> Identity<'a> {
    let members = &message.members;
    let user_bytes_max = IDENTIFIER_BYTES_MAX.saturating_sub(prefix.len());
    let sent_id = id("messageId", members.message_id, MESSAGE_ID_BYTES_MAX, faults);
    let user_id = id("userId", members.user_id, user_bytes_max, faults);
    let anonymous_id = id("anonymousId", members.anonymous_id, IDENTIFIER_BYTES_MAX, faults);
    if let (Sent::None, Sent::None) = (&user_id, &anonymous_id) {
        faults.add(MessageOutcome::Rejected, fault::nobody());
    }
    let message_id = match sent_id {
        Sent::None => Some(Cow::Owned(digest_id(message.text, message.call))),
        sent => sent.good(),
    };
    Identity { message_id, user_id: user_id.good(), anonymous_id: anonymous_id.good() }
}

/// The ids of a message whatever becomes of it, the user's with what stands before it in files of the source.
pub(crate) fn whose<'a>(message: &Message<'a>, faults: &mut Faults) -> Identity<'a> {
    let event = match message.call {
        Some(Call::Track) => message.members.event.and_then(json::text_of),
        call => call.map(|call| Cow::Borrowed(call_name(call))),
    };
    let prefix = message.source.person_prefix(event.as_deref());
    let mut found = read(message, prefix, faults);
    found.user_id = found.user_id.map(|id| prefixed(prefix, id));
    found
}

/// A user id as files and messages of the source know it.
pub(crate) fn prefixed<'a>(prefix: &str, id: Cow<'a, str>) -> Cow<'a, str> {
    if prefix.is_empty() { id } else { Cow::Owned(format!("{prefix}{id}")) }
}

/// Reads both ids of an `alias`; a missing one is a fault, since then nobody can be merged.
pub(crate) fn read_previous<'a>(message: &Message<'a>, faults: &mut Faults) -> Option<Cow<'a, str>> {
    let user_id = message.members.user_id.and_then(json::text_or_number).filter(|id| !id.is_empty());
    let previous = id("previousId", message.members.previous_id, IDENTIFIER_BYTES_MAX, faults);
    match (previous, user_id) {
        (Sent::Good(previous), Some(_)) => Some(previous),
        (Sent::Bad, _) => None,
        (Sent::Good(_), None) => {
            faults.add(MessageOutcome::Rejected, fault::half_alias("userId"));
            None
        }
        (Sent::None, _) => {
            faults.add(MessageOutcome::Rejected, fault::half_alias("previousId"));
            None
        }
    }
}

/// What was sent as an id.
enum Sent<'a> {
    None,
    Bad,
    Good(Cow<'a, str>),
}

impl<'a> Sent<'a> {
    fn good(self) -> Option<Cow<'a, str>> {
        match self {
            Sent::Good(id) => Some(id),
            Sent::None | Sent::Bad => None,
        }
    }
}

fn id<'a>(name: &str, value: Option<&'a RawValue>, bytes_max: usize, faults: &mut Faults) -> Sent<'a> {
    let Some(value) = value else { return Sent::None };
    match json::text_or_number(value) {
        Some(id) if id.is_empty() => Sent::None,
        Some(id) if id.len() <= bytes_max && !id.chars().any(char::is_control) => Sent::Good(id),
        _ => {
            faults.add(MessageOutcome::Rejected, fault::bad_id(name, bytes_max));
            Sent::Bad
        }
    }
}

/// An id from what a message says.
pub(crate) fn digest_id(text: &str, call: Option<Call>) -> String {
    let mut digest = Sha256::new();
    digest.update(call.map_or("", call_name));
    json::members(text, &mut |key, value| {
        if !matches!(key.as_ref(), "sentAt" | "writeKey" | "type") {
            // With lengths, so that no two messages run into the same bytes.
            digest.update(key.len().to_le_bytes());
            digest.update(key.as_bytes());
            let said = if key == "context" { token::without_token(value.get()) } else { Cow::Borrowed(value.get()) };
            digest.update(said.len().to_le_bytes());
            digest.update(said.as_bytes());
        }
    });
    spec::hex(&digest.finalize()[..DIGEST_BYTES])
}
