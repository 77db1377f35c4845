//! What the log says about one message: the words between the collector, which writes them, and landing, which reads them.
//!
//! Records tell all that landing needs, types and classes included, so that a message lands as it was checked even when the
//! contract has changed since. Format 1: the version's byte, then the arrival in postcard's encoding.

use crate::error;
use serde::{Deserialize, Serialize};
use spec::Result;
use std::borrow::Cow;

const VERSION: u8 = 1;

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arrival<'a> {
    /// A message that keeps its contract.
    #[serde(borrow)]
    Message(Message<'a>),
    /// A message that is kept aside.
    #[serde(borrow)]
    Aside(Aside<'a>),
    /// Messages of which nothing is kept, counted.
    #[serde(borrow)]
    Refused(Refused<'a>),
    /// Two people who are one.
    #[serde(borrow)]
    Alias(Alias<'a>),
    /// What a signal that came with a message says about purposes.
    #[serde(borrow)]
    Consent(Consent<'a>),
}

/// A message that keeps its contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// The source and the name of the key that it came with.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// The object of the contract that it is.
    #[serde(borrow)]
    pub object: Cow<'a, str>,
    /// What it becomes.
    pub kind: MessageKind,
    /// When it came, in microseconds since 1970.
    pub received_micros: i64,
    /// When it happened, in microseconds since 1970.
    pub at_micros: i64,
    /// Its id; unique in its source.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// The user id, where there is one.
    #[serde(borrow)]
    pub user_id: Option<Cow<'a, str>>,
    /// The anonymous id, where there is one; one of the two is there.
    #[serde(borrow)]
    pub anonymous_id: Option<Cow<'a, str>>,
    /// Whether a public key vouches for it, which is nobody.
    pub is_claimed: bool,
    /// The declared values that are there, without those of class `direct`.
    #[serde(borrow)]
    pub fields: Vec<(Cow<'a, str>, Datum<'a>)>,
    /// The values of class `direct`: for the vault alone.
    #[serde(borrow)]
    pub direct: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What no contract declares, and what was flagged, as a JSON object; empty when there is nothing.
    #[serde(borrow)]
    pub extra: Cow<'a, str>,
}

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin<'a> {
    /// The source.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// The name of the key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
}

/// What a message becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageKind {
    /// An event.
    Event,
    /// Traits of a person.
    Traits,
}

/// A value of a declared type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Datum<'a> {
    /// Text.
    #[serde(borrow)]
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Units of the scale, and the scale: digits after the point, 0..=18.
    Decimal(i128, u8),
    /// True or false.
    Boolean(bool),
    /// Microseconds since 1970, UTC.
    Timestamp(i64),
    /// Days since 1970.
    Date(i32),
}

/// A message that is kept aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside<'a> {
    /// The source and the name of the key that it came with.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// The object of the contract, or what the message calls itself; may be empty.
    #[serde(borrow)]
    pub object: Cow<'a, str>,
    /// When it came, in microseconds since 1970.
    pub received_micros: i64,
    /// What is wrong, the same for all messages with the same fault.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// The field, where it is one.
    #[serde(borrow)]
    pub field: Option<Cow<'a, str>>,
    /// Its id; may be empty.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// The message as it came, completed by what the request told of its sender, so that it can be taken in later.
    #[serde(borrow)]
    pub raw: Cow<'a, str>,
}

/// Messages of which nothing is kept, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// The source and the name of the key that they came with.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// A time in the minute in which they came, in microseconds since 1970.
    pub received_micros: i64,
    /// What is wrong with them.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// How many.
    pub n_messages: u64,
}

/// Somebody who is the same person as a user, as a server of ours says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias<'a> {
    /// The source and the name of the key that it came with.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// When it came, in microseconds since 1970.
    pub received_micros: i64,
    /// The user id that stays.
    #[serde(borrow)]
    pub user_id: Cow<'a, str>,
    /// The user id or anonymous id of before.
    #[serde(borrow)]
    pub previous_id: Cow<'a, str>,
}

/// What a signal that came with a message says about purposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consent<'a> {
    /// The source and the name of the key that it came with.
    #[serde(borrow)]
    pub origin: Origin<'a>,
    /// When it came, in microseconds since 1970.
    pub received_micros: i64,
    /// When the message happened, in microseconds since 1970, as far as it says so.
    pub at_micros: Option<i64>,
    /// The user id, where there is one.
    #[serde(borrow)]
    pub user_id: Option<Cow<'a, str>>,
    /// The anonymous id, where there is one; one of the two is there.
    #[serde(borrow)]
    pub anonymous_id: Option<Cow<'a, str>>,
    /// Whether a public key vouches for it, which is nobody.
    pub is_claimed: bool,
    /// Which signal: `categories`, `tcf`, `gpp`, `gpc`, `api` or `preferences`.
    #[serde(borrow)]
    pub signal: Cow<'a, str>,
    /// Which text the person was shown, where the message says so.
    #[serde(borrow)]
    pub text_version: Option<Cow<'a, str>>,
    /// Purposes, and whether it is a yes.
    #[serde(borrow)]
    pub said: Vec<(Cow<'a, str>, bool)>,
    /// Whether it is a message of its own, which the books count.
    pub is_message: bool,
}

impl<'a> Arrival<'a> {
    /// The bytes of the record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("plain data has an encoding")
    }

    /// Reads a record that the caller holds already.
    ///
    /// Records tell what people did, and no grant is asked for here: this gives away nothing that the bytes do not. They
    /// come from who made the record; those in the log are read inside of this crate only.
    ///
    /// # Errors
    /// Unavailable for bytes that are no record, or one of a newer form.
    pub fn read(bytes: &'a [u8]) -> Result<Arrival<'a>> {
        let arrival = match bytes.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).ok(),
            _ => None,
        };
        arrival.ok_or_else(error::intake_form)
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> &Origin<'a> {
        match self {
            Arrival::Message(message) => &message.origin,
            Arrival::Aside(aside) => &aside.origin,
            Arrival::Refused(refused) => &refused.origin,
            Arrival::Alias(alias) => &alias.origin,
            Arrival::Consent(consent) => &consent.origin,
        }
    }

    /// When it came, in microseconds since 1970.
    pub(crate) fn received_micros(&self) -> i64 {
        match self {
            Arrival::Message(message) => message.received_micros,
            Arrival::Aside(aside) => aside.received_micros,
            Arrival::Refused(refused) => refused.received_micros,
            Arrival::Alias(alias) => alias.received_micros,
            Arrival::Consent(consent) => consent.received_micros,
        }
    }
}
