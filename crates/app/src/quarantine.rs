//! Quarantine: what is kept aside and why, and its way back to the door.
//!
//! A message comes back under its own id, so that one that came in some other way meanwhile, or a replay that broke off
//! before it was taken out, counts once.

use crate::error;
use crate::pipeline::{Pipeline, set_rules};
use crate::state::State;
use crate::store::Record;
use api::{MessageOutcome, Principal, QuarantineView, Replayed};
use chrono::SecondsFormat;
use lake::{AsideGroup, AsideMessage};
use spec::Result;
use std::collections::BTreeSet;

/// Messages that are checked and written at once.
const MESSAGES_AT_ONCE: usize = 500;

/// What is aside, by source, object and reason; never the messages themselves.
pub(crate) fn groups(state: &State, who: &Principal) -> Result<Vec<QuarantineView>> {
    if !who.sees_cost {
        return Err(error::no_right(&who.role, "see what is kept aside"));
    }
    let loaded = state.folder.current()?;
    let text = |at: spec::Instant| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let contract = |source: &str| loaded.definitions.sources.get(source).map(|found| found.contract_path.clone());
    let view = |group: AsideGroup| QuarantineView {
        hint: hint(&group),
        contract_path: contract(&group.source).unwrap_or_default(),
        source: group.source,
        object: group.object,
        reason: group.reason,
        field: group.field,
        messages: group.n_messages,
        first_at: text(group.span.0),
        last_at: text(group.span.1),
    };
    Ok(state.lake.aside_groups()?.into_iter().map(view).collect())
}

/// What to do about a group: a field that breaks the contract, or an event that it does not declare.
fn hint(group: &AsideGroup) -> String {
    match &group.field {
        Some(field) => format!("send `{field}` as the contract declares it, or change the contract"),
        None => format!("declare `{}` in the contract, or stop sending it", group.object),
    }
}

/// Checks the messages of a source again and takes in those that keep the contract by now.
pub(crate) fn replay(
    state: &State,
    pipeline: &Pipeline,
    who: &Principal,
    (source, reason): (&str, Option<&str>),
) -> Result<Replayed> {
    if !who.may_import {
        return Err(error::no_right(&who.role, "take messages in"));
    }
    let loaded = state.folder.current()?;
    if !loaded.definitions.sources.contains_key(source) {
        return Err(error::not_found("source", source, None));
    }
    // The contract that holds now, not the one of a second ago.
    set_rules(&pipeline.intake, &state.folder, &loaded.definitions);
    let mut replayed = Replayed { source: source.to_owned(), taken: 0, left: 0 };
    let mut after = None;
    loop {
        let messages = state.lake.asides(source, after, MESSAGES_AT_ONCE)?;
        let Some(last) = messages.last() else { break };
        after = Some(last.offset);
        let (records, offsets) = checked(pipeline, source, reason, &messages)?;
        replayed.left += (messages.len() - offsets.len()) as u64;
        replayed.taken += offsets.len() as u64;
        if !records.is_empty() {
            pipeline.submit(records)?;
            state.lake.take_out_of_quarantine(source, &offsets)?;
        }
    }
    let what = format!("replay {source}: {} taken, {} left", replayed.taken, replayed.left);
    state.store.record(&Record { user: &who.user, what: &what, ..Record::default() }, state.clock.now())?;
    Ok(replayed)
}

/// The records of the messages that would be accepted now, and where these messages lie.
fn checked(
    pipeline: &Pipeline,
    source: &str,
    reason: Option<&str>,
    messages: &[AsideMessage],
) -> Result<(Vec<Vec<u8>>, BTreeSet<u64>)> {
    let (mut records, mut offsets) = (Vec::new(), BTreeSet::new());
    for message in messages.iter().filter(|message| reason.is_none_or(|reason| message.reason == reason)) {
        let checked = pipeline.intake.check_again(source, &message.key, &message.raw)?;
        let is_good = matches!(checked.receipt.outcome, MessageOutcome::Accepted | MessageOutcome::Flagged);
        if let Some(record) = checked.record.filter(|_| is_good) {
            records.push(record);
            offsets.insert(message.offset);
        }
    }
    Ok((records, offsets))
}
