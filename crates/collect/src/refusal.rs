//! Why a delivery is refused as a whole, in words: one constructor per reason. Keys never stand in them.

use api::{Refusal, RefusalKind};

fn refusal(kind: RefusalKind, message: &str, hint: &str) -> Refusal {
    Refusal { kind, message: message.to_owned(), hint: hint.to_owned(), retry_after_seconds: None }
}

/// There is no key.
pub(crate) fn no_key() -> Refusal {
    let hint = "send the write key as the user name of basic authorization, or as `writeKey` in the body";
    refusal(RefusalKind::Key, "there is no write key", hint)
}

/// Nobody knows the key.
pub(crate) fn unknown_key() -> Refusal {
    let hint = "copy the key from the source; it may have been replaced";
    refusal(RefusalKind::Key, "the write key is not known", hint)
}

/// A secret key stands where others can read it.
pub(crate) fn exposed_key() -> Refusal {
    let hint = "take it for burnt and replace it; a secret key belongs into the `Authorization` header";
    refusal(RefusalKind::Key, "a secret key stands in a URL or in a body", hint)
}

/// The body is longer than it may be.
pub(crate) fn body_too_large(bytes_max: usize) -> Refusal {
    let message = format!("the body is longer than {bytes_max} bytes");
    refusal(RefusalKind::TooLarge, &message, "send fewer messages at once")
}

/// The only message is longer than it may be.
pub(crate) fn message_too_large(bytes_max: usize) -> Refusal {
    let message = format!("the message is longer than {bytes_max} bytes");
    refusal(RefusalKind::TooLarge, &message, "send less with it")
}

/// There are more messages than a batch may hold.
pub(crate) fn too_many_messages(messages_max: usize) -> Refusal {
    let message = format!("the batch holds more than {messages_max} messages");
    refusal(RefusalKind::TooLarge, &message, "send fewer messages at once")
}

/// The body is not what the call takes.
pub(crate) fn malformed(message: &str) -> Refusal {
    refusal(RefusalKind::Malformed, message, "send JSON in UTF-8 as the tracking API describes it")
}

/// The key sends faster than it may.
pub(crate) fn too_fast(retry_after_seconds: u64) -> Refusal {
    let hint = "send it again later; the source's file sets the limit `events_per_second`";
    let message = "the key sends more per second than it may";
    Refusal { retry_after_seconds: Some(retry_after_seconds), ..refusal(RefusalKind::OverLimit, message, hint) }
}

/// The key has sent all that it may today.
pub(crate) fn day_is_full(retry_after_seconds: u64) -> Refusal {
    let hint = "it goes on at midnight UTC; the source's file sets the limit `events_per_day`";
    let message = "the key has sent all that it may on one day";
    Refusal { retry_after_seconds: Some(retry_after_seconds), ..refusal(RefusalKind::OverLimit, message, hint) }
}

/// A link to somebody's preferences is not good.
pub(crate) fn bad_link() -> Refusal {
    let hint = "links end after a while: take the one of a newer mail, or the one in your account";
    refusal(RefusalKind::Key, "this link is not good, or not any more", hint)
}

/// A choice is about something that nobody can choose.
pub(crate) fn bad_choice() -> Refusal {
    refusal(RefusalKind::Malformed, "this choice is not known", "open the link again and choose anew")
}

/// The log takes nothing at the moment.
pub(crate) fn unavailable(retry_after_seconds: u64) -> Refusal {
    let message = "nothing can be kept at the moment";
    let hint = "send it again; nothing of it was taken";
    Refusal { retry_after_seconds: Some(retry_after_seconds), ..refusal(RefusalKind::Unavailable, message, hint) }
}
