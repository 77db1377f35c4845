//! Messages that were kept aside: how they are written down, and how they are checked once more.
//!
//! What is written down is the message itself without its write key and its token, completed by what the batch and the
//! request said: `sentAt`, `messageId` and, under `entente`, the call, the time of receipt, who vouches for it, and the sender
//! without an address. A token was good or not when it came, and is not looked at again. A member `entente` that a client sends is not taken over, so nobody can pass for somebody else that way.

use crate::check::check;
use crate::json;
use crate::lookups::Lookups;
use crate::message::{Members, Message, call_name, call_named};
use crate::rules::SourceRules;
use crate::token::{TokenFault, without_token};
use crate::vouching::Vouching;
use api::{MessageReceipt, Sender};
use chrono::{DateTime, SecondsFormat};
use serde_json::value::RawValue;
use spec::{Error, ErrorKind, Result};

/// The member that holds what a request told.
const OURS: &str = "entente";

/// A message that was kept aside, checked once more.
#[derive(Clone, Debug)]
pub struct Rechecked {
    /// What would become of it now.
    pub receipt: MessageReceipt,
    /// The record for the log; `None` when it would be rejected now, and had better stay where it is.
    pub record: Option<Vec<u8>>,
}

/// The message with all that is needed to check it later.
pub(crate) fn raw(message: &Message<'_>, message_id: &str) -> String {
    let mut raw = String::with_capacity(message.text.len() + 512);
    let is_sent = message.members.sent_at.is_some();
    json::members(message.text, &mut |key, value| {
        let is_kept = match key.as_ref() {
            "sentAt" => is_sent,
            "messageId" | "writeKey" | OURS => false,
            _ => true,
        };
        if is_kept && key == "context" {
            json::push_member(&mut raw, &key, &without_token(value.get()));
        } else if is_kept {
            json::push_member(&mut raw, &key, value.get());
        }
    });
    if let (false, Some(sent_at)) = (is_sent, message.batch_sent_at) {
        json::push_member(&mut raw, "sentAt", sent_at.get());
    }
    json::push_member(&mut raw, "messageId", &serde_json::json!(message_id).to_string());
    let received = DateTime::from_timestamp_micros(message.received_micros).unwrap_or_default();
    let ours = serde_json::json!({
        "call": message.call.map(call_name),
        "received": received.to_rfc3339_opts(SecondsFormat::Micros, true),
        "claimed": message.vouching.is_claimed(),
        "public": message.vouching.is_public(),
        "token_fault": message.vouching.fault().map(TokenFault::name),
        "sender": {
            "user_agent": message.sender.user_agent,
            "referrer": message.sender.referrer,
            "refuses_sale": message.sender.refuses_sale,
        },
    });
    json::push_member(&mut raw, OURS, &ours.to_string());
    raw.push('}');
    raw
}

/// Checks a message that was kept aside as if it had just come, with its own time of receipt.
///
/// # Errors
/// Invalid for a text that this module did not write.
pub(crate) fn check_again(source: &SourceRules, lookups: &Lookups, key: &str, raw: &str) -> Result<Rechecked> {
    let (members, ours) = Members::read(raw).zip(json::member(raw, OURS)).ok_or_else(not_ours)?;
    let known = Ours::read(ours).ok_or_else(not_ours)?;
    let message = Message {
        text: raw,
        members,
        call: known.call.as_deref().and_then(call_named),
        batch_sent_at: None,
        source,
        key,
        received_micros: known.received_micros,
        vouching: known.vouching,
        sender: &known.sender,
        lookups,
    };
    // A message of consent is never kept aside, so that no purpose is asked for.
    let checked = check(&message, &[], &mut 1);
    Ok(Rechecked { receipt: checked.receipt, record: checked.arrival.ok().map(|arrival| arrival.to_bytes()) })
}

fn not_ours() -> Error {
    Error::new(ErrorKind::Invalid, "the message that was kept aside cannot be read".to_owned())
        .with_hint("leave it where it is; it was not written by this program")
}

/// What the request told.
struct Ours {
    call: Option<String>,
    received_micros: i64,
    vouching: Vouching,
    sender: Sender,
}

impl Ours {
    fn read(ours: &RawValue) -> Option<Ours> {
        let text_in = |value: &RawValue, name: &str| {
            json::member(value.get(), name).and_then(json::text_of).map(std::borrow::Cow::into_owned)
        };
        let is_in = |value: &RawValue, name: &str| json::member(value.get(), name).map(|value| value.get() == "true");
        let sender = json::member(ours.get(), "sender")?;
        let vouching = match is_in(ours, "claimed")? {
            true => Vouching::Nobody(text_in(ours, "token_fault").and_then(|name| TokenFault::named(&name))),
            // Before there were tokens, what was not claimed had come with a secret key.
            false if is_in(ours, "public") == Some(true) => Vouching::Token,
            false => Vouching::Server,
        };
        Some(Ours {
            call: text_in(ours, "call"),
            received_micros: lake::timestamp_from_text(&text_in(ours, "received")?)?,
            vouching,
            sender: Sender {
                user_agent: text_in(sender, "user_agent"),
                referrer: text_in(sender, "referrer"),
                address: None,
                refuses_sale: is_in(sender, "refuses_sale")?,
            },
        })
    }
}
