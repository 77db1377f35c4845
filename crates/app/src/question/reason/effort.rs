//! Reasons of what a question takes: people and days of a test, the machine's time, and days that have to come.

use super::{Told, ZONE_MAX, end_of};
use crate::question::judge::Scene;
use crate::question::missing::{Missing, Whose};
use chrono::NaiveTime;
use spec::{Cost, Period, PowerQuestion, Purpose, Question, Reason, ReasonCode, Team, Work};

/// What a test would take, and what it was planned from.
pub(crate) struct Needed {
    pub(crate) days: Option<u64>,
    pub(crate) per_variant: Option<u64>,
    pub(crate) mean: f64,
    /// In a week.
    pub(crate) new_people: Option<u64>,
}

/// A test that does not find what it looks for in the days that it has.
pub(crate) fn underpowered(power: &PowerQuestion, needed: &Needed) -> Reason {
    let (lift, variants) = (workspace::percent(power.lift), power.variants);
    let wanted = power.days.map_or_else(String::new, |days| format!(", not {days}"));
    let for_marketing = match (needed.per_variant, needed.days) {
        (None, _) => format!("No number of people is enough to find a change of {lift} in this."),
        (Some(_), Some(days)) => {
            format!("To find a change of {lift} with {variants} variants takes {days} days{wanted}.")
        }
        (Some(_), None) => format!("Too few new people come to find a change of {lift} with {variants} variants."),
    };
    let (PowerQuestion { alpha, power: chance, .. }, test) = (power, power.test.name());
    let new_people = needed.new_people.unwrap_or(0);
    let (needs, title, what) = match needed.per_variant {
        Some(people) => (
            format!("A {test} test needs {people} people per variant"),
            "Show it to more people",
            format!("{people} people per variant who are exposed"),
        ),
        None => (
            format!("No number of people per variant is enough for a {test} test"),
            "Look for another change",
            "a smaller change, or something else to change".to_owned(),
        ),
    };
    let told = Told {
        code: ReasonCode::Underpowered,
        subject: &power.metric.title(),
        for_marketing,
        for_it: format!(
            "{needs} (alpha {alpha}, power {chance}, mean {:.4}); {new_people} new ones come in a week.",
            needed.mean
        ),
    };
    told.closed_by(Missing::new(Work::Widen, title.to_owned(), what))
}

/// Too few people were exposed, or too few of them acted, to plan anything from.
pub(crate) fn too_few_to_plan(purpose: &Purpose) -> Reason {
    let least = purpose.min_group;
    let told = Told {
        code: ReasonCode::UnderMinimumGroup,
        subject: &purpose.name,
        for_marketing: format!("Fewer than {least} people saw it, or did it afterwards: too few to plan a test from."),
        for_it: format!(
            "The baseline is about fewer distinct people than `min_group: {least}` of `{}`.",
            super::file_of(purpose)
        ),
    };
    let title = "Learn from more people, or from more days".to_owned();
    told.closed_by(Missing::new(Work::Widen, title, format!("{least} people who saw it and did it")))
}

/// A question that costs more than one of the team's may, whatever is in memory.
pub(crate) fn too_costly(scene: &Scene<'_>, question: &Question, cost: &Cost) -> Option<Reason> {
    let team = scene.definitions.team_of(scene.user)?;
    let (bound, words) = over_budget(team, cost)?;
    let file = format!("teams/{}.yaml", team.name);
    let expected = format!(" About {:.1} s and {:.0} MB are expected.", cost.seconds, cost.bytes_read as f64 / 1e6);
    let expected = if scene.role.sees_cost { expected } else { String::new() };
    let told = Told {
        code: ReasonCode::TooCostly,
        subject: question.kind(),
        for_marketing: format!("One question of {} may take {words}, and this would take more.", team.title),
        for_it: format!("`{file}` has `{bound}`.{expected}"),
    };
    let title = format!("Allow {} larger questions", team.title);
    let missing = Missing::new(Work::Allow, title, format!("a larger budget than `{bound}`"));
    let whose = Whose::of_file(scene.definitions, &file, "whoever looks after the teams");
    Some(told.closed_by(missing.by(whose).in_file(&file)))
}

/// The bound of a team that a cost is over: as it stands in the team's file, and in words.
fn over_budget(team: &Team, cost: &Cost) -> Option<(String, String)> {
    if let Some(most) = team.budget.seconds_per_question.filter(|most| cost.seconds > f64::from(*most)) {
        return Some((format!("seconds_per_question: {most}"), format!("{most} seconds")));
    }
    let most = team.budget.bytes_per_question.filter(|most| cost.bytes_read > *most)?;
    Some((format!("bytes_per_question: {most}"), format!("{:.0} MB to read", (most as f64 / 1e6).max(1.0))))
}

/// A question about days that have not come yet, in any time zone.
pub(crate) fn not_yet(scene: &Scene<'_>, question: &Question) -> Option<Reason> {
    let start = match question.body.period() {
        Some(Period::Dates { from, .. }) => from.and_time(NaiveTime::MIN).and_utc(),
        _ => end_of(question)?,
    };
    if start - ZONE_MAX <= scene.now {
        return None;
    }
    let day = start.format("%-d %b %Y");
    let told = Told {
        code: ReasonCode::NotYet,
        subject: question.kind(),
        for_marketing: format!("This is about {day} and later, which has not come yet."),
        for_it: format!(
            "The question begins at {}; it is {} now.",
            start.format("%Y-%m-%d"),
            scene.now.format("%Y-%m-%d")
        ),
    };
    Some(told.closed_by(Missing::new(Work::Deliver, format!("Wait until {day}"), format!("the days from {day} on"))))
}
