//! What a body holds: one message, or a batch of them with what they share.

use crate::message::MESSAGE_BYTES_MAX;
use crate::{json, refusal};
use api::{Call, Refusal};
use serde_json::value::RawValue;

/// The longest body, in bytes: Segment's 500 KB for a batch, and what is around it.
pub(crate) const BODY_BYTES_MAX: usize = 512 * 1024;
/// How many messages a batch may hold.
pub(crate) const MESSAGES_MAX: usize = 2_500;

/// The messages of a body, each as its own text.
pub(crate) struct Envelope<'a> {
    /// `writeKey` of the batch, else of its first message.
    pub(crate) write_key: Option<&'a RawValue>,
    /// `sentAt` of the batch.
    pub(crate) sent_at: Option<&'a RawValue>,
    pub(crate) messages: Vec<&'a RawValue>,
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
        if call == Call::Batch { read_batch(text) } else { read_single(text) }
    }
}

fn read_single(text: &str) -> Result<Envelope<'_>, Refusal> {
    let message: &RawValue = serde_json::from_str(text).map_err(|_| refusal::malformed("the body is not JSON"))?;
    if !json::is_object(message) {
        return Err(refusal::malformed("the body is not a message"));
    }
    if message.get().len() > MESSAGE_BYTES_MAX {
        return Err(refusal::message_too_large(MESSAGE_BYTES_MAX));
    }
    Ok(Envelope { write_key: json::member(message.get(), "writeKey"), sent_at: None, messages: vec![message] })
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
    let write_key = write_key.or_else(|| json::member(messages.first()?.get(), "writeKey"));
    Ok(Envelope { write_key, sent_at, messages })
}
