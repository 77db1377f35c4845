//! Gaps that name a change are closed by it: the changes of a verdict's gaps are made, all of them, then those of the verdict
//! that comes next, and so on.
//!
//! After each round the workspace is right, no gap is there again whose change was made, and the question makes sense. In the
//! end it is a yes that runs, or every reason that is left is one that no definition can bring: people, days, data, terms.

use super::super::world::{World, write};
use api::Input;
use serde_json::Value as Json;
use spec::{Gap, Outcome, Reason, ReasonCode, Remedy, Verdict, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A purpose that is declared, a role that gets it, and a field of each event that a question looks at take no more.
const ROUNDS_MAX: usize = 16;

/// Whether any gap of a verdict names a change.
pub(super) fn names_changes(verdict: &Verdict) -> bool {
    gaps(verdict).any(|gap| gap.change.is_some())
}

/// Makes the changes that verdicts name until there are none; how many were made. The workspace is as it was afterwards.
pub(super) fn close(world: &World, user: &str, json: &Json, verdict: &Verdict) -> Result<u64, String> {
    let mut edited = Edited { world, before: BTreeMap::new() };
    let (mut verdict, mut n_made) = (verdict.clone(), 0);
    for _ in 0..ROUNDS_MAX {
        let named: Vec<&Gap> = gaps(&verdict).filter(|gap| gap.change.is_some()).collect();
        if named.is_empty() {
            return end(world, user, json, &verdict).map(|()| n_made);
        }
        let mut n_now = 0;
        for gap in &named {
            n_now += u64::from(edited.make(gap)?);
        }
        if n_now == 0 {
            return Err(format!("what is named is made already: {named:?}"));
        }
        n_made += n_now;
        edited.check()?;
        let closed: BTreeSet<&str> = named.iter().map(|gap| gap.id.as_str()).collect();
        let next = match world.judge(user, json) {
            Ok(Input::Good(judged)) => judged.verdict,
            // Whether anybody could answer a text in SQL is known once it is planned, which takes a grant.
            Ok(Input::Bad(_)) if json["kind"] == "sql" => return Ok(n_made),
            other => return Err(format!("after the changes of {named:?}: {other:?}")),
        };
        if let Some(open) = gaps(&next).find(|gap| closed.contains(gap.id.as_str())) {
            return Err(format!("its change was made, and it is there: {open:?}"));
        }
        verdict = next;
    }
    Err(format!("{ROUNDS_MAX} rounds of changes are not enough: {verdict:?}"))
}

fn gaps(verdict: &Verdict) -> impl Iterator<Item = &Gap> {
    verdict.reasons.iter().flat_map(|reason| &reason.remedies).filter_map(|remedy| match remedy {
        Remedy::Close { gap, .. } => Some(gap),
        Remedy::Ask { .. } => None,
    })
}

/// What it has come to once no gap names a change.
fn end(world: &World, user: &str, json: &Json, verdict: &Verdict) -> Result<(), String> {
    // What whoever asks brings by another question no rule stands against.
    let is_for_asker = |reason: &Reason| {
        let gaps = reason.remedies.iter().filter_map(|remedy| match remedy {
            Remedy::Close { gap, .. } => Some(gap),
            Remedy::Ask { .. } => None,
        });
        gaps.clone().count() > 0 && gaps.clone().all(|gap| gap.work == Work::Widen)
    };
    let mut rules = verdict.reasons.iter().filter(|reason| is_a_rule(reason.code));
    if let Some(reason) = rules.find(|reason| !is_for_asker(reason)) {
        return Err(format!("a rule stands against it, and no change is named: {reason:?}"));
    }
    if verdict.outcome != Outcome::Yes {
        return Ok(());
    }
    match world.ask(user, json) {
        Ok(Input::Good(asked)) if asked.answer.is_some() => Ok(()),
        other => Err(format!("it is a yes after all changes, and then: {other:?}")),
    }
}

/// Whether something stands in the way that a change of one definition brings. How a name is declared cannot always be said.
fn is_a_rule(code: ReasonCode) -> bool {
    match code {
        ReasonCode::PurposeNotForRole
        | ReasonCode::PurposeNotForField
        | ReasonCode::ReleaseLevel
        | ReasonCode::FieldHidden
        | ReasonCode::NotFollowed
        | ReasonCode::OnePerson => true,
        ReasonCode::UnknownName
        | ReasonCode::NobodyMayBeUsed
        | ReasonCode::UnderMinimumGroup
        | ReasonCode::StaleSource
        | ReasonCode::FaultySource
        | ReasonCode::NoData
        | ReasonCode::OverBudget
        | ReasonCode::TooManyQuestions
        | ReasonCode::CountsOnly
        | ReasonCode::TooNear
        | ReasonCode::TermsEnded
        | ReasonCode::TermsRelease
        | ReasonCode::NotYet
        | ReasonCode::NotForDestination
        | ReasonCode::ListTooSmall
        | ReasonCode::ListTooLarge
        | ReasonCode::TooCostly
        | ReasonCode::Underpowered => false,
    }
}

/// Files of a workspace that were changed, with the texts that they had; it puts them back when it goes.
struct Edited<'w> {
    world: &'w World,
    before: BTreeMap<String, Option<String>>,
}

impl Edited<'_> {
    /// Makes the change that a gap names in its file; whether the text is another one now.
    fn make(&mut self, gap: &Gap) -> Result<bool, String> {
        let (Some(file), Some(change)) = (&gap.file, &gap.change) else {
            return Err(format!("a change of no file: {gap:?}"));
        };
        let found = fs::read_to_string(self.path(file)).ok();
        let text = found.clone().unwrap_or_default();
        let Some(proposed) = workspace::proposed(&text, file, change) else {
            // Two gaps may name the same new file: the first one makes it.
            let is_made = self.before.get(file).is_some_and(Option::is_none);
            return if is_made { Ok(false) } else { Err(format!("its change cannot be made: {gap:?}")) };
        };
        if proposed == text {
            return Ok(false);
        }
        self.before.entry(file.clone()).or_insert(found);
        self.write(file, &proposed);
        Ok(true)
    }

    /// Whether the workspace is right with the changes.
    fn check(&self) -> Result<(), String> {
        let report = crate::check(&self.world.folder.path().join("workspace")).map_err(|error| error.chain())?.report;
        let texts = || self.before.keys().map(|file| fs::read_to_string(self.path(file)).unwrap_or_default());
        if report.is_empty() { Ok(()) } else { Err(format!("{report}\n{}", texts().collect::<String>())) }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.world.folder.path().join("workspace").join(file)
    }

    /// Each text has a time of its own: one of the same length within the clock's step would look like the one before.
    fn write(&self, file: &str, text: &str) {
        static WRITTEN: AtomicU64 = AtomicU64::new(1);
        write(&self.path(file), text);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(WRITTEN.fetch_add(1, Ordering::Relaxed));
        let file = File::options().write(true).open(self.path(file)).expect("the file was written");
        file.set_modified(time).expect("the file is ours");
    }
}

impl Drop for Edited<'_> {
    fn drop(&mut self) {
        for (file, before) in &self.before {
            match before {
                Some(text) => self.write(file, text),
                None => fs::remove_file(self.path(file)).expect("the file was written"),
            }
        }
    }
}
