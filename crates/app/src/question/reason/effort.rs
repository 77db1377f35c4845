//! Reasons of what a question takes: people and days of a test, the machine's time, and days that have to come.

use super::{Least, Told, end_of};
use crate::question::judge::Scene;
use crate::question::missing::{Missing, Whose};
use crate::question::{days_words, grouped, is_beyond_waiting, people_words};
use chrono::{NaiveDate, TimeZone, Utc};
use spec::{Cost, Instant, Period, PowerQuestion, Purpose, Question, Reason, ReasonCode, Team, Work};

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
    let wanted = power.days.map_or_else(String::new, |days| format!(", not {}", grouped(days.into())));
    let for_marketing = match (needed.per_variant, needed.days) {
        (None, _) => format!("No number of people is enough to find a change of {lift} in this."),
        (Some(_), Some(days)) => {
            let beyond = if is_beyond_waiting(days) { ": longer than anybody can wait" } else { "" };
            let days = days_words(days);
            format!("To find a change of {lift} with {variants} variants takes {days}{wanted}{beyond}.")
        }
        (Some(_), None) => format!("Too few new people come to find a change of {lift} with {variants} variants."),
    };
    let (PowerQuestion { alpha, power: chance, .. }, test) = (power, power.test.name());
    let new_people = needed.new_people.unwrap_or(0);
    let (needs, title, what) = match needed.per_variant {
        Some(people) => (
            format!("A {test} test needs {} per variant", people_words(people)),
            "Show it to more people",
            format!("{} per variant who are exposed", people_words(people)),
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
            "{needs} (alpha {alpha}, power {chance}, mean {:.4}); {} new ones come in a week.",
            needed.mean,
            grouped(new_people)
        ),
    };
    told.closed_by(Missing::new(Work::Widen, title.to_owned(), what))
}

/// Too few people were exposed, or too few of them acted, to plan anything from.
pub(crate) fn too_few_to_plan(purpose: &Purpose) -> Reason {
    let Least { enough, rule } = Least::of(purpose);
    let told = Told {
        code: ReasonCode::UnderMinimumGroup,
        subject: &purpose.name,
        for_marketing: format!("Fewer than {enough} saw it, or did it afterwards: too few to plan a test from."),
        for_it: format!("The baseline is about fewer distinct people than {rule}."),
    };
    let title = "Learn from more people, or from more days".to_owned();
    told.closed_by(Missing::new(Work::Widen, title, format!("{enough} who saw it and did it")))
}

/// A question that costs more than one of the team's may, whatever is in memory.
pub(crate) fn too_costly(scene: &Scene<'_>, question: &Question, cost: &Cost) -> Option<Reason> {
    let team = scene.definitions.team_of(scene.user)?;
    let (bound, words) = over_budget(team, cost)?;
    let file = format!("teams/{}.yaml", team.name);
    let megabytes = grouped((cost.bytes_read as f64 / 1e6).round() as u64);
    let expected = format!(" About {:.1} s and {megabytes} MB are expected.", cost.seconds);
    let expected = if scene.role.sees_cost { expected } else { String::new() };
    let told = Told {
        code: ReasonCode::TooCostly,
        subject: question.kind(),
        for_marketing: format!("One question of {} may take {words}, and this would take more.", team.title),
        for_it: format!("`{file}` has `{bound}`.{expected}"),
    };
    let title = format!("Allow {} larger questions", team.title);
    let missing = Missing::new(Work::Allow, title, format!("more than {words} for one question"));
    let whose = Whose::of_file(scene.definitions, &file, "whoever looks after the teams");
    Some(told.closed_by(missing.by(whose).in_file(&file)))
}

/// The bound of a team that a cost is over: as it stands in the team's file, and in words.
fn over_budget(team: &Team, cost: &Cost) -> Option<(String, String)> {
    if let Some(most) = team.budget.seconds_per_question.filter(|most| cost.seconds > f64::from(*most)) {
        return Some((format!("seconds_per_question: {most}"), format!("{} seconds", grouped(most.into()))));
    }
    let most = team.budget.bytes_per_question.filter(|most| cost.bytes_read > *most)?;
    let megabytes = grouped((most as f64 / 1e6).round().max(1.0) as u64);
    Some((format!("bytes_per_question: {most}"), format!("{megabytes} MB to read")))
}

/// A question about what has not come yet: days in its time zone, or an instant.
pub(crate) fn not_yet(scene: &Scene<'_>, question: &Question) -> Option<Reason> {
    let days = match question.body.period() {
        Some(Period::Dates { from, .. }) => Some(*from),
        _ => None,
    };
    let start = match days {
        Some(first) => first_of(question, first)?,
        None => end_of(question)?,
    };
    if start <= scene.now {
        return None;
    }
    let as_told = |at: Instant| match days {
        Some(_) => at.with_timezone(&question.time_zone).naive_local(),
        None => at.naive_utc(),
    };
    let (start, now) = (as_told(start), as_told(scene.now));
    // On the day itself it takes the time of day to see why.
    let is_today = start.date() == now.date();
    let (words, figures) = if is_today { ("%-d %b %Y, %H:%M", "%Y-%m-%d %H:%M") } else { ("%-d %b %Y", "%Y-%m-%d") };
    let day = start.format(words);
    let told = Told {
        code: ReasonCode::NotYet,
        subject: question.kind(),
        for_marketing: format!("This is about {day} and later, which has not come yet."),
        for_it: format!("The question begins at {}; it is {} now.", start.format(figures), now.format(figures)),
    };
    let missing = Missing::new(Work::Deliver, format!("Wait until {day}"), format!("the days from {day} on"));
    Some(told.closed_by(missing.by(Whose::time())))
}

/// The first instant of a day in a question's time zone, where some days begin later than at midnight.
fn first_of(question: &Question, day: NaiveDate) -> Option<Instant> {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let found = hours.filter_map(|local| question.time_zone.from_local_datetime(&local).earliest()).next();
    found.map(|start| start.with_timezone(&Utc))
}
