//! Reasons of what sources deliver: nothing, later than promised, or with more faults than promised.

use super::{Told, ZONE_MAX, end_of, ends_with_a_day};
use crate::question::grouped;
use crate::question::judge::Scene;
use crate::question::missing::{Missing, Whose};
use chrono::TimeDelta;
use lake::{LastDay, Snapshot};
use spec::{Freshness, Instant, Question, Reason, ReasonCode, Source, Work};
use workspace::{Resolved, percent};

/// Of fewer records on a day nothing is said about how many are faulty.
const RECORDS_MIN: u64 = 100;
/// Shares of records differ by more than doubles are rounded by.
const ROUNDING: f64 = 1e-9;

/// What a source does not keep of its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// It has delivered nothing.
    Nothing,
    /// It is later than promised since it delivered last.
    Late(Instant),
    /// Too much of what came last is faulty.
    Faulty,
}

/// What a source does not keep of its contract at an instant.
pub(crate) fn lacks_of(source: &Source, snapshot: &Snapshot, now: Instant) -> Vec<Lack> {
    let Some(landed) = snapshot.deliveries().get(&source.name).copied() else { return vec![Lack::Nothing] };
    let freshness = source.contract.freshness.as_ref();
    let is_late = freshness.is_some_and(|Freshness { age_max }| landed + age_max.delta() < now);
    let last_day = snapshot.last_days().get(&source.name).zip(source.contract.error_rate_max);
    let is_faulty = last_day.is_some_and(|(day, most)| is_faulty(day, most));
    [is_late.then_some(Lack::Late(landed)), is_faulty.then_some(Lack::Faulty)].into_iter().flatten().collect()
}

/// Whether more of a day's records were rejected than this share.
fn is_faulty(day: &LastDay, most: f64) -> bool {
    // 29 of 100 are no more than 29 %, though 0.29 * 100 is less than 29.
    let most = most * day.received as f64 * (1.0 + ROUNDING);
    day.received >= RECORDS_MIN && day.rejected as f64 > most
}

/// Sources that do not deliver as their contract promises, where the question needs what they owe.
///
/// `*` means what was collected: a source that is only declared so far does not stand in its way, unless all are.
pub(crate) fn of_sources(scene: &Scene<'_>, question: &Question, resolved: &Resolved) -> Vec<Reason> {
    let has_landed = |name: &&String| landed_at(scene, name).is_some();
    let any = &resolved.sources_of_any;
    let is_nothing_there = !any.iter().chain(&resolved.sources).any(|name| has_landed(&name));
    let of_any = any.iter().filter(|name| is_nothing_there || has_landed(name));
    let sources = resolved.sources.iter().chain(of_any).filter_map(|name| scene.definitions.sources.get(name));
    sources.flat_map(|source| of_source(scene, question, source)).collect()
}

fn of_source(scene: &Scene<'_>, question: &Question, source: &Source) -> Vec<Reason> {
    let lacks = lacks_of(source, &scene.snapshot, scene.now).into_iter();
    let told = |lack| match lack {
        Lack::Nothing => Some(nothing(scene, source)),
        Lack::Late(landed) if is_before(question, landed) => None,
        Lack::Late(landed) => late(scene, source, landed),
        Lack::Faulty => {
            let day = scene.snapshot.last_days().get(&source.name)?;
            // Records of files may be of any time.
            let is_apart = !day.has_files && is_before(question, day.since);
            (!is_apart).then(|| faulty(scene, source, day)).flatten()
        }
    };
    lacks.filter_map(told).collect()
}

/// Whether a question looks at nothing after an instant. Only days depend on the time zone; an instant is exact.
fn is_before(question: &Question, instant: Instant) -> bool {
    let slack = if ends_with_a_day(question) { ZONE_MAX } else { TimeDelta::zero() };
    end_of(question).is_some_and(|end| end + slack <= instant)
}

fn nothing(scene: &Scene<'_>, source: &Source) -> Reason {
    let told = Told {
        code: ReasonCode::NoData,
        subject: &source.name,
        for_marketing: format!("{} has not delivered anything yet.", source.title),
        for_it: format!("No file of the source `{}` was imported, and no message has landed.", source.name),
    };
    told.closed_by(deliver(scene, source, format!("data of {}", source.title)))
}

fn late(scene: &Scene<'_>, source: &Source, landed: Instant) -> Option<Reason> {
    let Freshness { age_max } = source.contract.freshness.as_ref()?;
    let told = Told {
        code: ReasonCode::StaleSource,
        subject: &source.name,
        for_marketing: format!(
            "{} last delivered on {}, later than promised.",
            source.title,
            landed.format("%-d %b %Y")
        ),
        for_it: format!(
            "`{}` promises an age of at most {age_max}; it is past that since {}.",
            source.contract_path,
            (landed + age_max.delta()).format("%Y-%m-%d %H:%M UTC")
        ),
    };
    let what = format!("data of {} from after {}", source.title, landed.format("%-d %b %Y"));
    Some(told.closed_by(deliver(scene, source, what)))
}

fn faulty(scene: &Scene<'_>, source: &Source, day: &LastDay) -> Option<Reason> {
    let most = percent(source.contract.error_rate_max?);
    // How many records there are tells of withheld people too.
    let counts = match scene.role.sees_cost {
        true => format!(" {} of {} were rejected.", grouped(day.rejected), grouped(day.received)),
        false => String::new(),
    };
    let until = day.since + TimeDelta::days(1);
    let told = Told {
        code: ReasonCode::FaultySource,
        subject: &source.name,
        for_marketing: format!("More of what {} delivered last is faulty than was agreed.", source.title),
        for_it: format!(
            "`{}` allows an `errorRate` of {most}; of what came in the 24 hours up to {} more breaks the contract.{counts}",
            source.contract_path,
            until.format("%Y-%m-%d %H:%M UTC")
        ),
    };
    let missing = Missing::new(
        Work::Deliver,
        format!("Mend what {} delivers", source.title),
        format!("data of {} that keep the contract", source.title),
    );
    let whose = Whose::of_source(scene.definitions, source);
    Some(told.closed_by(missing.by(whose).in_file(&source.contract_path)))
}

fn deliver(scene: &Scene<'_>, source: &Source, what: String) -> Missing {
    let missing = Missing::new(Work::Deliver, format!("Deliver {}", source.title), what);
    missing.by(Whose::of_source(scene.definitions, source)).in_file(&source.contract_path)
}

/// When a source last delivered.
pub(crate) fn landed_at(scene: &Scene<'_>, source: &str) -> Option<Instant> {
    scene.snapshot.deliveries().get(source).copied()
}

/// Up to when a source that is late or faulty was as promised; `None` where that cannot be said.
pub(crate) fn sound_until(scene: &Scene<'_>, reason: &Reason) -> Option<Instant> {
    match reason.code {
        ReasonCode::StaleSource => landed_at(scene, &reason.subject),
        ReasonCode::FaultySource => {
            let day = scene.snapshot.last_days().get(&reason.subject);
            day.filter(|day| !day.has_files).map(|day| day.since)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_faults_as_promised_are_no_more() {
        let is_faulty = |rejected, received, most| {
            is_faulty(&LastDay { since: Instant::UNIX_EPOCH, received, rejected, has_files: false }, most)
        };
        for percent in 0..=100_u64 {
            let most = percent as f64 / 100.0;
            assert!(!is_faulty(percent, 100, most), "{percent} of 100");
            assert!(!is_faulty(percent * 1_000_000, 100_000_000, most), "{percent} %");
            assert!(
                percent == 100 || is_faulty(percent * 1_000_000 + 1, 100_000_000, most),
                "one more than {percent} %"
            );
        }
        assert!(!is_faulty(99, 99, 0.0), "too few to say so");
    }
}
