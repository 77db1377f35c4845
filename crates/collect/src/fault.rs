//! What can be wrong with a message, in words: one constructor per fault, and the list of a message's faults.
//!
//! A reason is the same for all messages with the same fault. Values that clients sent stand in neither reason nor hint;
//! what they call an event may, shortened and with what could mislead a reader escaped.

use crate::token::{TOKEN_BYTES_MAX, TokenFault};
use api::{MessageFault, MessageOutcome};
use spec::OnFault;

/// How many faults of a message are told.
const FAULTS_MAX: usize = 10;
/// How much of a name that a client sent is shown.
const SHOWN_CHARS_MAX: usize = 64;
/// Where a token of identity stands.
pub(crate) const TOKEN: &str = "context.identityToken";

/// The faults of one message, and what they make of it.
pub(crate) struct Faults {
    found: Vec<MessageFault>,
    outcome: MessageOutcome,
    /// Which of them decided.
    decisive: usize,
}

impl Faults {
    pub(crate) fn none() -> Faults {
        Faults { found: Vec::new(), outcome: MessageOutcome::Accepted, decisive: 0 }
    }

    /// Adds a fault after which the message can at best have this outcome.
    pub(crate) fn add(&mut self, outcome: MessageOutcome, fault: MessageFault) {
        let is_worse = rank(outcome) > rank(self.outcome);
        if self.found.len() < FAULTS_MAX {
            self.found.push(fault);
        } else if is_worse {
            self.found[FAULTS_MAX - 1] = fault;
        }
        if is_worse {
            (self.outcome, self.decisive) = (outcome, self.found.len() - 1);
        }
    }

    pub(crate) fn outcome(&self) -> MessageOutcome {
        self.outcome
    }

    /// The first fault of those that decided the outcome.
    pub(crate) fn decisive(&self) -> Option<&MessageFault> {
        self.found.get(self.decisive)
    }

    pub(crate) fn into_list(self) -> Vec<MessageFault> {
        self.found
    }
}

fn rank(outcome: MessageOutcome) -> u8 {
    match outcome {
        MessageOutcome::Accepted => 0,
        MessageOutcome::Flagged => 1,
        MessageOutcome::Quarantined => 2,
        MessageOutcome::Rejected => 3,
    }
}

/// What a door makes of a message with a fault.
pub(crate) fn outcome_of(on_fault: OnFault) -> MessageOutcome {
    match on_fault {
        OnFault::Reject => MessageOutcome::Rejected,
        OnFault::Quarantine => MessageOutcome::Quarantined,
        OnFault::Flag => MessageOutcome::Flagged,
    }
}

/// Something that no contract is needed for to see that it is wrong.
pub(crate) fn malformed(field: Option<&str>, reason: &str, hint: &str) -> MessageFault {
    MessageFault { reason: reason.to_owned(), contract: None, field: field.map(str::to_owned), hint: hint.to_owned() }
}

/// The message itself is longer than it may be.
pub(crate) fn too_long(bytes_max: usize) -> MessageFault {
    malformed(None, &format!("the message is longer than {bytes_max} bytes"), "send less with it")
}

/// The message is not what a message is.
pub(crate) fn not_an_object() -> MessageFault {
    let reason = "the message is not a JSON object of at most 32 levels in sound Unicode";
    malformed(None, reason, "send an object; escapes of surrogates (`\\ud83d`) come in pairs")
}

/// What a message says it is, is nothing that can be sent.
pub(crate) fn unknown_type() -> MessageFault {
    let hint = "use one of `track`, `identify`, `page`, `screen`, `group`, `alias` and `consent`";
    malformed(Some("type"), "`type`: missing, or none that can be sent", hint)
}

/// A merge of any two people by somebody who can vouch for one at most.
pub(crate) fn public_alias() -> MessageFault {
    let hint = "send `identify` with an identity token, or `alias` from a server of yours, with a secret key";
    malformed(None, "`alias`: a public key cannot merge people", hint)
}

/// A merge of somebody with nobody.
pub(crate) fn half_alias(missing: &str) -> MessageFault {
    let reason = format!("`alias`: `{missing}` is missing");
    malformed(Some(missing), &reason, "send the id that stays as `userId`, and the one before as `previousId`")
}

/// A message of consent that says nothing.
pub(crate) fn no_consents() -> MessageFault {
    let hint = "send an object of purposes: `\"consents\": {\"email\": true, \"ads\": false}`";
    malformed(Some("consents"), "`consents`: missing, empty, or no object", hint)
}

/// A word about a purpose that does not exist.
pub(crate) fn unknown_purpose(name: &str) -> MessageFault {
    let hint = format!("`{}` is no purpose of the workspace; use the name of its file", shown(name));
    malformed(Some("consents"), "`consents`: there is no such purpose", &hint)
}

/// A word that is neither yes nor no.
pub(crate) fn not_said(name: &str) -> MessageFault {
    let hint = format!("send true or false for `{}`", shown(name));
    malformed(Some("consents"), "`consents`: expected true or false", &hint)
}

/// A member of the message that has to be an object is none.
pub(crate) fn not_members(name: &str) -> MessageFault {
    malformed(Some(name), &format!("`{name}`: expected an object"), "send an object, or leave it out")
}

/// Nobody is named.
pub(crate) fn nobody() -> MessageFault {
    let hint = "send one of the two; the libraries make an `anonymousId` of their own";
    malformed(None, "neither `userId` nor `anonymousId` is there", hint)
}

/// An id that cannot be one.
pub(crate) fn bad_id(name: &str, bytes_max: usize) -> MessageFault {
    let reason = format!("`{name}`: expected text or a number of at most {bytes_max} bytes without control characters");
    malformed(Some(name), &reason, "send the id as your systems know it")
}

/// A token that vouches for nothing, so that the message is claimed as if it were not there.
pub(crate) fn bad_token(fault: TokenFault, source: &str) -> MessageFault {
    let (what, hint) = match fault {
        TokenFault::Unreadable => (
            format!("expected a JWT in compact form of at most {TOKEN_BYTES_MAX} bytes"),
            "send it as your server signed it: three parts with dots between them, no name in them twice",
        ),
        TokenFault::Algorithm => {
            ("its `alg` is not `EdDSA`".to_owned(), "sign it with an Ed25519 key; nothing else is taken")
        }
        TokenFault::Critical => ("its header has `crit`".to_owned(), "leave `crit` out: no extension is understood"),
        TokenFault::Claims => (
            "`sub`, `aud` and `exp` are not all there and sound".to_owned(),
            "set `sub` to the user id, `aud` to the source, and `exp`, `iat` and `nbf` to seconds since 1970",
        ),
        TokenFault::NoUser => {
            ("the message has no `userId`".to_owned(), "call `identify` with the user id first, or leave the token out")
        }
        TokenFault::OtherUser => (
            "it is for another user".to_owned(),
            "set `sub` to the `userId`, letter by letter, and send it with the messages of this user only",
        ),
        TokenFault::Audience => {
            let hint = format!("set `aud` to the name of the source, `{source}`");
            return malformed(Some(TOKEN), &format!("`{TOKEN}`: it is for another audience"), &hint);
        }
        TokenFault::Expired => {
            ("it has expired".to_owned(), "fetch a new one before it ends; the time of receipt counts")
        }
        TokenFault::NotYet => {
            ("it is from the future".to_owned(), "check the clock of the server that signs: `iat` and `nbf` are over")
        }
        TokenFault::TooLasting => {
            ("it is good for more than 24 hours".to_owned(), "set `exp` to at most 24 hours after `iat`")
        }
        TokenFault::Signature => (
            "nobody who may has signed it".to_owned(),
            "sign it with the private half of a key that stands under `signed_by`, and send it unchanged",
        ),
        TokenFault::TooMany => (
            "too many other tokens came with it".to_owned(),
            "send each user's messages on their own, or those of many from a server with a secret key",
        ),
    };
    malformed(Some(TOKEN), &format!("`{TOKEN}`: {what}"), hint)
}

/// An event without a name.
pub(crate) fn unnamed_event() -> MessageFault {
    malformed(Some("event"), "`event`: missing, or not text", "send the event's name, as the contract declares it")
}

/// An event that the contract does not declare.
pub(crate) fn unknown_event(contract: &str, name: &str, nearest: Option<&str>) -> MessageFault {
    let name = shown(name);
    let hint = match nearest {
        Some(nearest) => format!("`{name}` is not in the contract; did you mean `{nearest}`?"),
        None => format!("declare `{name}` in the contract, or stop sending it"),
    };
    let reason = "the contract does not declare the event".to_owned();
    MessageFault { reason, contract: Some(contract.to_owned()), field: None, hint }
}

/// A time that cannot be.
pub(crate) fn bad_time(contract: &str) -> MessageFault {
    MessageFault {
        reason: "`timestamp`: expected a time from the year 2000 up to tomorrow".to_owned(),
        contract: Some(contract.to_owned()),
        field: Some("timestamp".to_owned()),
        hint: "send it as 2017-01-31T09:30:00Z or as milliseconds since 1970, and check the sender's clock".to_owned(),
    }
}

/// A field with a value that it cannot have.
pub(crate) fn bad_value(contract: &str, field: &str, expected: &str) -> MessageFault {
    MessageFault {
        reason: format!("`{field}`: expected {expected}"),
        contract: Some(contract.to_owned()),
        field: Some(field.to_owned()),
        hint: format!("send `{field}` as the contract declares it, or change the contract"),
    }
}

/// A field that has to be there.
pub(crate) fn missing(contract: &str, field: &str) -> MessageFault {
    MessageFault {
        reason: format!("`{field}`: missing, and the contract requires it"),
        contract: Some(contract.to_owned()),
        field: Some(field.to_owned()),
        hint: format!("send `{field}` with a value"),
    }
}

/// A name that a client sent, as it may stand in a sentence.
pub(crate) fn shown(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars().take(SHOWN_CHARS_MAX) {
        if character.is_control() || misleads(character) {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    if name.chars().nth(SHOWN_CHARS_MAX).is_some() {
        text.push('…');
    }
    text
}

/// Whether a character changes how others are read without being seen.
fn misleads(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
