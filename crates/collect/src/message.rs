//! The members of one message, each as its own text, and what is known of it from outside.

use crate::json;
use crate::lookups::Lookups;
use crate::rules::SourceRules;
use crate::vouching::Vouching;
use api::{Call, Sender};
use serde_json::value::RawValue;

/// How deep values of a message may be nested, the message itself included.
pub(crate) const DEPTH_MAX: usize = 32;
/// The longest message, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// The members that mean something; `null` is as good as none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Members<'a> {
    pub(crate) message_type: Option<&'a RawValue>,
    pub(crate) event: Option<&'a RawValue>,
    pub(crate) name: Option<&'a RawValue>,
    pub(crate) category: Option<&'a RawValue>,
    pub(crate) group_id: Option<&'a RawValue>,
    pub(crate) message_id: Option<&'a RawValue>,
    pub(crate) user_id: Option<&'a RawValue>,
    pub(crate) anonymous_id: Option<&'a RawValue>,
    pub(crate) previous_id: Option<&'a RawValue>,
    pub(crate) timestamp: Option<&'a RawValue>,
    pub(crate) original_timestamp: Option<&'a RawValue>,
    pub(crate) sent_at: Option<&'a RawValue>,
    pub(crate) context: Option<&'a RawValue>,
    pub(crate) properties: Option<&'a RawValue>,
    pub(crate) traits: Option<&'a RawValue>,
    pub(crate) consents: Option<&'a RawValue>,
    pub(crate) write_key: Option<&'a RawValue>,
}

/// A message, and what is known of it from outside.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    /// The message as it was sent.
    pub(crate) text: &'a str,
    pub(crate) members: Members<'a>,
    /// What it is, if it can be sent.
    pub(crate) call: Option<Call>,
    /// When the batch around it was sent, if there is one that says so.
    pub(crate) batch_sent_at: Option<&'a RawValue>,
    pub(crate) source: &'a SourceRules,
    /// The name of the key.
    pub(crate) key: &'a str,
    pub(crate) received_micros: i64,
    /// Who vouches for what it says.
    pub(crate) vouching: Vouching,
    pub(crate) sender: &'a Sender,
    pub(crate) lookups: &'a Lookups,
}

impl<'a> Members<'a> {
    /// Reads a message; `None` when it is not one that any reader can read.
    pub(crate) fn read(text: &'a str) -> Option<Members<'a>> {
        let mut members = Members::default();
        let is_object = json::members(text, &mut |key, value| {
            if let Some(slot) = members.slot(&key) {
                *slot = Some(value).filter(|value| !json::is_null(value));
            }
        });
        (is_object && json::is_sound(text, DEPTH_MAX)).then_some(members)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>> {
        let slot = match key {
            "type" => &mut self.message_type,
            "event" => &mut self.event,
            "name" => &mut self.name,
            "category" => &mut self.category,
            "groupId" => &mut self.group_id,
            "messageId" => &mut self.message_id,
            "userId" => &mut self.user_id,
            "anonymousId" => &mut self.anonymous_id,
            "previousId" => &mut self.previous_id,
            "timestamp" => &mut self.timestamp,
            "originalTimestamp" => &mut self.original_timestamp,
            "sentAt" => &mut self.sent_at,
            "context" => &mut self.context,
            "properties" => &mut self.properties,
            "traits" => &mut self.traits,
            "consents" => &mut self.consents,
            "writeKey" => &mut self.write_key,
            _ => return None,
        };
        Some(slot)
    }

    /// What the message calls itself; `None` for what cannot be sent.
    pub(crate) fn call(&self) -> Option<Call> {
        call_named(&json::text_of(self.message_type?)?)
    }
}

/// The call with this name; a batch is none of a message.
pub(crate) fn call_named(name: &str) -> Option<Call> {
    let call = match name {
        "track" => Call::Track,
        "identify" => Call::Identify,
        "page" => Call::Page,
        "screen" => Call::Screen,
        "group" => Call::Group,
        "alias" => Call::Alias,
        "consent" => Call::Consent,
        _ => return None,
    };
    Some(call)
}

/// The name of a call.
pub(crate) fn call_name(call: Call) -> &'static str {
    match call {
        Call::Track => "track",
        Call::Identify => "identify",
        Call::Page => "page",
        Call::Screen => "screen",
        Call::Group => "group",
        Call::Alias => "alias",
        Call::Consent => "consent",
        Call::Batch => "batch",
    }
}
