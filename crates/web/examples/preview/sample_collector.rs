//! A collector that keeps nothing: it knows one public and one secret key and answers by the event's name.

use api::{
    Choice, Collector, Delivery, KeyPulse, LinkHolder, MessageFault, MessageOutcome, MessageReceipt, PreferenceLink,
    Pulse, Receipt, Refusal, RefusalKind, Said,
};
use serde_json::{Value as Json, json};

/// The key that browsers may show.
pub(crate) const PUBLIC_KEY: &str = "pk_web";
/// The key that only servers may show.
pub(crate) const SECRET_KEY: &str = "sk_shop";

/// The token of a link that is good.
pub(crate) const LINK: &str = "link-ann";

/// The collector; `mark` is put behind every text, so that a test can see whether pages escape it.
pub(crate) struct SampleCollector {
    pub(crate) mark: &'static str,
}

impl Collector for SampleCollector {
    fn take(&self, delivery: Delivery, told: Box<dyn FnOnce(Receipt) + Send>) {
        told(receipt(&delivery));
    }

    fn preferences(&self, link: &PreferenceLink) -> Result<LinkHolder, Refusal> {
        if link.0 == LINK {
            return Ok(LinkHolder { source: "web".to_owned(), user_id: "ann".to_owned() });
        }
        let message = "this link is not good, or not any more".to_owned();
        let hint = "take the one of a newer mail".to_owned();
        Err(Refusal { kind: RefusalKind::Key, message, hint, retry_after_seconds: None })
    }

    fn choose(&self, link: &PreferenceLink, choice: Choice, told: Box<dyn FnOnce(Receipt) + Send>) {
        let refusal = self.preferences(link).err();
        let unknown = match &choice.said {
            Said::No(_) => false,
            Said::Each(each) => each.is_empty() || each.iter().any(|(name, _)| name != "email"),
        };
        let only = MessageReceipt { message_id: None, outcome: MessageOutcome::Accepted, faults: Vec::new() };
        told(match refusal {
            Some(refusal) => Receipt::Refused(refusal),
            None if unknown => refused(RefusalKind::Malformed, "this choice is not known", "choose anew"),
            None => Receipt::Read(vec![only]),
        });
    }

    fn settings(&self, key: &str) -> Option<Json> {
        (key == PUBLIC_KEY).then(|| json!({ "integrations": { "Segment.io": { "apiKey": key } } }))
    }

    fn pulse(&self) -> Pulse {
        let text = |text: &str| format!("{text}{}", self.mark);
        let key = |name: &str, n_received: u64, rejected: Vec<(String, u64)>| KeyPulse {
            source: text("web"),
            key: text(name),
            received: n_received,
            received_lately: n_received / 60,
            accepted: n_received - 12 - rejected.iter().map(|(_, n_messages)| n_messages).sum::<u64>(),
            quarantined: 12,
            rejected,
            last_micros: Some(1_772_500_000_000_000),
        };
        Pulse {
            keys: vec![
                key("browser", 48_211, vec![(text("the message has no `event`"), 31), (text("not an object"), 2)]),
                key("shop server", 1_204, Vec::new()),
            ],
            log_bytes: 1_482_113,
            log_records: 812,
            lag_micros: 900_000,
            is_durable: true,
            is_landing: true,
        }
    }
}

fn receipt(delivery: &Delivery) -> Receipt {
    let Ok(body) = serde_json::from_slice::<Json>(&delivery.body) else {
        return refused(RefusalKind::Malformed, "the body is not JSON", "send one JSON object");
    };
    let key = delivery.key.as_deref().or_else(|| body["writeKey"].as_str());
    match key {
        Some(PUBLIC_KEY) => {}
        Some(SECRET_KEY) if !delivery.is_key_in_url => {}
        _ => return refused(RefusalKind::Key, "no write key that is known", "take one of the source's keys"),
    }
    match body["batch"].as_array() {
        Some(batch) => Receipt::Read(batch.iter().map(message).collect()),
        None => Receipt::Read(vec![message(&body)]),
    }
}

fn message(message: &Json) -> MessageReceipt {
    let outcome = match message["event"].as_str() {
        Some("flagged") => MessageOutcome::Flagged,
        Some("quarantined") => MessageOutcome::Quarantined,
        Some("rejected") => MessageOutcome::Rejected,
        _ => MessageOutcome::Accepted,
    };
    let fault = MessageFault {
        reason: "the field is not a number".to_owned(),
        contract: Some("web 1.0.0".to_owned()),
        field: Some("amount".to_owned()),
        hint: "send a number".to_owned(),
    };
    MessageReceipt {
        message_id: message["messageId"].as_str().map(str::to_owned),
        outcome,
        faults: if outcome == MessageOutcome::Accepted { Vec::new() } else { vec![fault] },
    }
}

fn refused(kind: RefusalKind, message: &str, hint: &str) -> Receipt {
    Receipt::Refused(Refusal { kind, message: message.to_owned(), hint: hint.to_owned(), retry_after_seconds: None })
}
