//! What is on record: shown to those who see it, and verified by whoever owns the data folder.

use crate::audit::{Head, unhex};
use crate::error;
use crate::state::State;
use crate::store::{Record, Store, Stored, Wanted, kept_heads};
use api::{AuditHead, AuditRecord, AuditRequest, AuditView, Principal};
use serde_json::Value as Json;
use spec::{Result, hex};
use std::path::Path;
use workspace::Definitions;

/// What a verdict that a page keeps live is called in the records.
pub(crate) const LIVE: &str = "judge live";
/// The most records at once.
const RECORDS_MAX: usize = 1_000;

/// Records, the newest first. To look at them is on record too.
pub(crate) fn list(state: &State, who: &Principal, request: &AuditRequest) -> Result<AuditView> {
    check_sees(who)?;
    let limit = request.limit.clamp(1, RECORDS_MAX);
    let day = request.day.map(|day| day.to_string());
    let wanted = Wanted {
        user: request.user.as_deref(),
        purpose: request.purpose.as_deref(),
        what: request.did.as_deref(),
        but: request.hides_live.then_some(LIVE),
        day: day.as_deref(),
        before: request.before.and_then(|number| i64::try_from(number).ok()),
        limit: limit + 1,
    };
    let mut stored = state.store.records(&wanted)?;
    let has_more = stored.len() > limit;
    stored.truncate(limit);
    let loaded = state.folder.current()?;
    let view = |stored: &Stored| record_view(state, &loaded.definitions, stored);
    let records: Vec<AuditRecord> = stored.iter().map(view).collect::<Result<_>>()?;
    let next = records.last().filter(|_| has_more).map(|record| record.number);
    let looked = Record { user: &who.user, what: "look at records", ..Record::default() };
    state.store.record(&looked, state.clock.now())?;
    Ok(AuditView { records, next })
}

/// The signed end of the records.
pub(crate) fn head(state: &State, who: &Principal) -> Result<AuditHead> {
    check_sees(who)?;
    let head = state.store.head()?;
    Ok(AuditHead {
        records: head.n_records.unsigned_abs(),
        link: hex(&head.link),
        key: hex(&head.key),
        signature: hex(&head.signature),
    })
}

pub(crate) fn check_sees(who: &Principal) -> Result<()> {
    if who.sees_audit { Ok(()) } else { Err(error::no_right(&who.role, "see who saw what")) }
}

fn record_view(state: &State, definitions: &Definitions, stored: &Stored) -> Result<AuditRecord> {
    let text = |key: &str| stored.body.get(key).and_then(Json::as_str).map(str::to_owned);
    let number = |key: &str| stored.body.get(key).and_then(Json::as_u64);
    let hash = text("question");
    let question = hash.as_deref().map(|hash| state.store.question(hash)).transpose()?.flatten();
    let question: Option<Json> = question.and_then(|text| serde_json::from_str(&text).ok());
    let parsed = question.as_ref().and_then(|json| workspace::parse_question(json, "/question").ok());
    let fields = stored.body.get("fields").and_then(Json::as_array).into_iter().flatten();
    Ok(AuditRecord {
        number: stored.number.unsigned_abs(),
        at: text("at").unwrap_or_default(),
        user: text("user").unwrap_or_default(),
        did: text("did").unwrap_or_default(),
        purpose: text("purpose"),
        question: hash,
        words: parsed.map(|question| workspace::question_words(&question, definitions)),
        text: question,
        outcome: text("outcome"),
        people: number("people"),
        role: text("role"),
        release: text("release"),
        rules: text("rules"),
        allowed: number("allowed"),
        fields: fields.filter_map(Json::as_str).map(str::to_owned).collect(),
    })
}

/// What a walk along the records found.
#[derive(Debug)]
pub struct VerifiedRecords {
    /// How many are whole.
    pub n_records: u64,
    /// The link of the last of them, in hex.
    pub link: String,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The first thing that is wrong.
    pub wrong: Option<String>,
}

/// Walks along the records of a data folder, whether or not a server runs on it, and holds them against the head beside
/// them and any that were kept elsewhere, each as one line of JSON; with a key only heads by it count.
///
/// # Errors
/// NotFound without records, Invalid for a head that cannot be read, else what keeps the file from being read.
pub fn verify_records(data: &Path, heads: &[String], key: Option<&str>) -> Result<VerifiedRecords> {
    let mut all = Vec::new();
    for text in heads {
        let head = serde_json::from_str(text).ok().and_then(|json| Head::from_json(&json));
        all.push(head.ok_or_else(|| {
            error::invalid(
                "a head cannot be read".to_owned(),
                "keep the line that `entente audit head` prints as it is",
            )
        })?);
    }
    let (store, own) = Store::to_read(data)?;
    let mut notes = Vec::new();
    let n_other = all.len();
    let has_head = own.is_some() || n_other > 0;
    match &own {
        Some(head) => {
            notes.push(format!("the head beside the records has {} and the key {}", head.n_records, hex(&head.key)))
        }
        None => notes.push("there is no head beside the records".to_owned()),
    }
    if n_other > 0 {
        notes.push(format!("{n_other} heads from elsewhere"));
    }
    all.extend(own);
    let kept = kept_heads(data);
    if !kept.is_empty() {
        notes.push(format!("{} heads that the records did not bear out when the server started", kept.len()));
    }
    all.extend(kept);
    if let Some(key) = key {
        let key = unhex(key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = key.ok_or_else(|| {
            error::invalid("a key has 64 digits".to_owned(), "take it from a head that was kept: `key`")
        })?;
        if let Some(other) = all.iter().find(|head| head.key != key) {
            let wrong = format!("a head of {} records is signed by another key: {}", other.n_records, hex(&other.key));
            return Ok(VerifiedRecords { n_records: 0, link: String::new(), notes, wrong: Some(wrong) });
        }
    }
    Ok(match store.verify(all)? {
        // Whoever cuts off the end would take the head away as well.
        Ok((1.., link)) if !has_head => {
            let wrong = Some("`audit.head` is gone, and no other head was given".to_owned());
            VerifiedRecords { n_records: 0, link: hex(&link), notes, wrong }
        }
        Ok((n_records, link)) => {
            VerifiedRecords { n_records: n_records.unsigned_abs(), link: hex(&link), notes, wrong: None }
        }
        Err(wrong) => VerifiedRecords { n_records: 0, link: String::new(), notes, wrong: Some(wrong) },
    })
}
