//! What a body holds: one message, or a batch of them with what they share.

use crate::message::{MESSAGE_BYTES_MAX, Members};
use crate::{json, refusal};
use api::{Call, MessageFault, Refusal};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The longest body, in bytes: Segment's 500 KB for a batch, and what is around it.
pub(crate) const BODY_BYTES_MAX: usize = 512 * 1024;
/// How many messages a batch may hold.
pub(crate) const MESSAGES_MAX: usize = 2_500;

/// The messages of a body, each as its own text.
pub(crate) struct Envelope<'a> {
    /// `writeKey` of the batch.
    write_key: Option<&'a RawValue>,
    /// `sentAt` of the batch.
    pub(crate) sent_at: Option<&'a RawValue>,
    /// Those of a batch are JSON; a single one is still to be read.
    pub(crate) messages: Vec<&'a str>,
}

impl<'a> Envelope<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// What is not what the call takes, or too much of it.
    pub(crate) fn read(call: Call, body: &'a [u8]) -> Result<Envelope<'a>, Refusal> {
        if body.len() > BODY_BYTES_MAX {
            return Err(refusal::body_too_large(BODY_BYTES_MAX));
        }
        let text = std::str::from_utf8(body).map_err(|_| refusal::malformed("the body is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if call == Call::Batch {
            return read_batch(text);
        }
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(refusal::message_too_large(MESSAGE_BYTES_MAX));
        }
        Ok(Envelope { write_key: None, sent_at: None, messages: vec![text] })
    }

    /// The key of the batch, else of its first message, as far as one can be read.
    pub(crate) fn key(&self) -> Option<Cow<'a, str>> {
        let written = self.write_key.or_else(|| json::member(self.messages.first()?, "writeKey"));
        written.and_then(json::text_of)
    }

    /// All keys that stand in the body, these messages' among them.
    pub(crate) fn keys(&self, messages: &[Result<Members<'a>, MessageFault>]) -> Vec<&'a RawValue> {
        messages.iter().flatten().filter_map(|members| members.write_key).chain(self.write_key).collect()
    }
}

fn read_batch(text: &str) -> Result<Envelope<'_>, Refusal> {
    let (mut batch, mut write_key, mut sent_at) = (None, None, None);
    let is_object = json::members(text, &mut |key, value| match key.as_ref() {
        "batch" => batch = Some(value),
        "writeKey" => write_key = Some(value),
        "sentAt" => sent_at = Some(value),
        _ => {}
    });
    let batch = batch.filter(|_| is_object).ok_or_else(|| refusal::malformed("the body is not JSON with a `batch`"))?;
    let messages = json::elements(batch.get()).ok_or_else(|| refusal::malformed("`batch` is not a list"))?;
    if messages.len() > MESSAGES_MAX {
        return Err(refusal::too_many_messages(MESSAGES_MAX));
    }
    Ok(Envelope { write_key, sent_at, messages: messages.into_iter().map(RawValue::get).collect() })
}
