//! What clients send to the collector, and what they are told.

use core::net::IpAddr;
use serde_json::Value as Json;

/// Takes events in, one delivery at a time; works when the tables and the questions do not.
pub trait Collector: Send + Sync {
    /// Checks what a client sent and writes it to the log; `told` hears the outcome once everything taken is on disk.
    ///
    /// `told` is called exactly once, on this thread or on the log's. Takes up to a few milliseconds for a large batch.
    fn take(&self, delivery: Delivery, told: Box<dyn FnOnce(Receipt) + Send>);

    /// Whom a link to their preferences is for.
    ///
    /// # Errors
    /// Why the link is not good.
    fn preferences(&self, link: &PreferenceLink) -> Result<LinkHolder, Refusal>;

    /// Writes down what somebody chose on the page of their preferences; `told` hears of it as for `take`, once.
    fn choose(&self, link: &PreferenceLink, choice: Choice, told: Box<dyn FnOnce(Receipt) + Send>);

    /// What a browser's library asks for before it sends; `None` for a key that is unknown or secret.
    fn settings(&self, key: &str) -> Option<Json>;

    /// What goes on right now.
    fn pulse(&self) -> Pulse;
}

/// One request of a client.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The key that it shows outside of its body, if any.
    pub key: Option<String>,
    /// Whether that key stood in the URL, where no secret may stand.
    pub is_key_in_url: bool,
    /// What it calls.
    pub call: Call,
    /// The body, decoded: JSON of one message or of a batch.
    pub body: Vec<u8>,
    /// Where it comes from.
    pub sender: Sender,
}

/// A link to the preferences of one person: a token that a server of the company signed.
#[derive(Clone, PartialEq, Eq)]
pub struct PreferenceLink(pub String);

/// Whom a link is for, as files and messages know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkHolder {
    /// The source of whose users it speaks.
    pub source: String,
    /// The user id, with what stands before it in files of the source.
    pub user_id: String,
}

/// What somebody says about purposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Purposes, and whether it is a yes; none twice.
    Each(Vec<(String, bool)>),
    /// No to everything that can be chosen, or to the one that is named, if there is one of that name.
    No(Option<String>),
}

/// What somebody chose on the page of their preferences.
#[derive(Clone, Debug)]
pub struct Choice {
    /// About which purposes.
    pub said: Said,
    /// Which text they were shown.
    pub text_version: Option<String>,
    /// Their browser.
    pub sender: Sender,
}

/// Which part of the tracking API is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Somebody did something.
    Track,
    /// Who somebody is.
    Identify,
    /// Somebody saw a page.
    Page,
    /// Somebody saw a screen of an app.
    Screen,
    /// Somebody belongs to a group.
    Group,
    /// Two ids are one person.
    Alias,
    /// What somebody says about purposes.
    Consent,
    /// Several of these; each message says by its `type` which.
    Batch,
}

/// What a request tells of its sender without the body.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Referer`.
    pub referrer: Option<String>,
    /// The address; used for enrichment and dropped then.
    pub address: Option<IpAddr>,
    /// Whether `Sec-GPC: 1` was sent.
    pub refuses_sale: bool,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It was read; each message has its own outcome, in the order of the batch.
    Read(Vec<MessageReceipt>),
    /// None of it was.
    Refused(Refusal),
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageReceipt {
    /// Its id, where it has one that could be read.
    pub message_id: Option<String>,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// What is wrong with it; empty when nothing is.
    pub faults: Vec<MessageFault>,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It is on disk and will be stored, unless it is known already.
    Accepted,
    /// The same, without what is wrong with it.
    Flagged,
    /// It is on disk, aside.
    Quarantined,
    /// Nothing of it was kept.
    Rejected,
}

impl MessageOutcome {
    /// The word in replies and in the books.
    pub fn name(self) -> &'static str {
        match self {
            MessageOutcome::Accepted => "accepted",
            MessageOutcome::Flagged => "flagged",
            MessageOutcome::Quarantined => "quarantined",
            MessageOutcome::Rejected => "rejected",
        }
    }
}

/// One thing that is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFault {
    /// What is wrong, without the value; the same for all messages with the same fault.
    pub reason: String,
    /// The contract, as `ID VERSION`, where it is the contract that says so.
    pub contract: Option<String>,
    /// The field, where it is one.
    pub field: Option<String>,
    /// What to do about it.
    pub hint: String,
}

/// Why a delivery was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The sort of reason.
    pub kind: RefusalKind,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// After how many seconds to try again, where that helps.
    pub retry_after_seconds: Option<u64>,
}

/// The sort of reason for which a delivery is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No key, one that nobody knows, or a secret one where everybody can read it.
    Key,
    /// It is not what the API takes.
    Malformed,
    /// It is larger than it may be.
    TooLarge,
    /// The key has sent more than it may.
    OverLimit,
    /// Nothing can be kept at the moment.
    Unavailable,
}

/// What goes on in the collector right now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Per key, since the start of the server.
    pub keys: Vec<KeyPulse>,
    /// Bytes of the log that are not yet in the tables, or not yet let go of.
    pub log_bytes: u64,
    /// Records of the log that are not yet in the tables: messages, and counts of messages that were refused.
    pub log_records: u64,
    /// How long the oldest of these has waited, at most, in microseconds; zero when none waits.
    pub lag_micros: i64,
    /// Whether the last write to the log succeeded.
    pub is_durable: bool,
    /// Whether the last try to bring messages to the tables succeeded.
    pub is_landing: bool,
}

/// What came with one key since the start of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPulse {
    /// The source.
    pub source: String,
    /// The key's name.
    pub key: String,
    /// Messages that came.
    pub received: u64,
    /// Of these, those of the last 60 seconds.
    pub received_lately: u64,
    /// Of these, those on their way to the tables.
    pub accepted: u64,
    /// Those kept aside.
    pub quarantined: u64,
    /// Those refused, with their reasons and how many of each.
    pub rejected: Vec<(String, u64)>,
    /// When the last one came, in microseconds since 1970.
    pub last_micros: Option<i64>,
}
