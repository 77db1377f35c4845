//! When a message happened.
//!
//! The sender's clock may be wrong, but it is wrong by the same at both ends of a wait. So where a message says when it was
//! sent, it happened as long before it was received as it waited at the sender. A `sentAt` that cannot be read corrects
//! nothing.
//!
//! # Source
//! Segment's specification of the common fields: timestamp = receivedAt - (sentAt - originalTimestamp).

use crate::json;
use crate::message::Message;
use lake::{TIMES, timestamp_from_text};
use serde_json::value::RawValue;

/// The first instant at which something can have happened: the year 2000, in microseconds since 1970.
const AT_MICROS_MIN: i64 = 946_684_800_000_000;
/// How much later than it came something can have happened: a day, for senders with wrong clocks or times without a zone.
const AHEAD_MICROS_MAX: i64 = 86_400_000_000;

/// When the message happened, in microseconds since 1970; `None` when it says something that cannot be.
pub(crate) fn read(message: &Message<'_>) -> Option<i64> {
    let members = &message.members;
    let Some(said) = members.original_timestamp.or(members.timestamp) else {
        return Some(message.received_micros);
    };
    let said = micros(said)?;
    let sent_at = members.sent_at.or(message.batch_sent_at).and_then(micros);
    let at = match sent_at {
        Some(sent_at) => message.received_micros - (sent_at - said),
        None => members.timestamp.map_or(Some(said), micros)?,
    };
    (AT_MICROS_MIN..=message.received_micros + AHEAD_MICROS_MAX).contains(&at).then_some(at)
}

/// The earliest that the message can have happened; `None` when it does not say when.
///
/// Sent again, a message with `sentAt` seems to be younger by the wait in between. What it says itself does not change.
pub(crate) fn earliest(message: &Message<'_>) -> Option<i64> {
    let members = &message.members;
    let said = members.original_timestamp.or(members.timestamp).and_then(micros)?;
    Some(said.min(read(message)?))
}

/// The instant that a value stands for: a time as in RFC 3339, one without a zone in UTC, or milliseconds since 1970.
pub(crate) fn micros(value: &RawValue) -> Option<i64> {
    if json::is_number(value) {
        let millis: i64 = value.get().parse().ok()?;
        return millis.checked_mul(1_000).filter(|micros| TIMES.contains(micros));
    }
    timestamp_from_text(&json::text_of(value)?)
}
