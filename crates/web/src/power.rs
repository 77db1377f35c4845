//! How large a test has to be, on pages: the first question, what the forms of the builder change, the parts of its sentence,
//! the picture and what is said of it.

use crate::chart::{Setting, column, number, width};
use crate::edit::{full_months, whole, with};
use crate::experiment::{self, MetricChip};
use crate::render::last;
use crate::sentence::{Group, is_amount};
use crate::words;
use api::{Catalog, EventView, MetricView};
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, PowerQuestion, TestKind, TestPlan, Value, identifier};

/// Stands where there is no figure.
const NONE: &str = "—";

/// What the sentence of such a question shows besides what others have.
#[derive(Serialize)]
pub(crate) struct PowerView {
    metric: MetricChip,
    /// Measures that each person has a figure of.
    measures: Vec<Group>,
    /// In percent, as it stands in the form.
    lift: String,
    variants: String,
    variants_max: u32,
    /// Empty: however many it takes.
    days: String,
    days_max: u32,
    /// `sequential` or `fixed`.
    test: String,
    looked: &'static str,
    /// In percent.
    alpha: String,
    /// In percent.
    power: String,
    /// Whether either of them is another than usual.
    is_exact: bool,
}

/// What a test takes, way by way of reading it.
#[derive(Serialize)]
pub(crate) struct PlansView {
    groups: Vec<PlanGroup>,
    /// What it was planned from.
    baseline: String,
    /// What is said of those that fit into the days of the question.
    fits: String,
}

/// One way of reading a test.
#[derive(Serialize)]
struct PlanGroup {
    title: String,
    plans: Vec<PlanBar>,
}

#[derive(Serialize)]
struct PlanBar {
    title: String,
    figure: String,
    /// Percent of the width, 0..=100.
    width: f64,
    note: String,
    /// Whether it fits into the days of the question.
    fits: bool,
}

/// The parts of such a question; of any other there are none.
pub(crate) fn view(question: &Json, catalog: &Catalog, metrics: &[MetricView]) -> Option<PowerView> {
    if question["kind"] != "power" {
        return None;
    }
    let measures = experiment::measures(catalog, metrics);
    let test = asked_test(question).to_owned();
    let is_set = |key: &str| !question[key].is_null();
    Some(PowerView {
        metric: experiment::chip(&question["metric"], &measures),
        measures,
        lift: percent(&question["lift"], None),
        variants: plain(&question["variants"], &PowerQuestion::VARIANTS.to_string()),
        variants_max: PowerQuestion::VARIANTS_MAX,
        days: plain(&question["days"], ""),
        days_max: PowerQuestion::DAYS_MAX,
        looked: looked(&test),
        test,
        alpha: percent(&question["alpha"], Some(PowerQuestion::ALPHA)),
        power: percent(&question["power"], Some(PowerQuestion::POWER)),
        is_exact: is_set("alpha") || is_set("power"),
    })
}

/// A first question: whether people do what is wanted, the first of `goals`, within a week of what they may be shown.
///
/// What is shown comes before what is wanted, and has no price: what has one is a sale too. The change is one that some
/// hundred people are enough for.
pub(crate) fn start(catalog: &Catalog, goals: &[&EventView], purpose: &str) -> Json {
    let wanted = goals.first().map_or("", |event| event.name.as_str());
    let may_be_shown = |event: &&EventView| event.name != wanted && !event.properties.iter().any(is_amount);
    let exposure = catalog.events.iter().find(may_be_shown).or(goals.get(1).copied());
    let exposure = exposure.map_or(wanted, |event| event.name.as_str());
    let mut question = json!({
        "kind": "power", "purpose": purpose, "exposure": exposure,
        "metric": { "measure": format!("people({})", identifier(wanted)), "within": "7 days" },
        "lift": 0.2, "variants": PowerQuestion::VARIANTS, "test": TestKind::Sequential.name(), "days": 28,
    });
    if let Some((from, to)) = full_months(catalog, 3) {
        question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
    }
    question
}

/// The question about another figure.
pub(crate) fn measured(question: &Json, fields: &[(String, String)]) -> Json {
    with(question, "metric", experiment::metric(fields))
}

/// The question about another change, which people write in percent.
pub(crate) fn lifted(question: &Json, fields: &[(String, String)]) -> Json {
    with(question, "lift", part_of_one(last(fields, "value")))
}

/// The question with another number of variants, or of days.
pub(crate) fn counted(question: &Json, key: &str, fields: &[(String, String)]) -> Json {
    with(question, key, whole(fields, "value"))
}

/// The question about a test that is read otherwise, with other chances to be wrong.
pub(crate) fn looked_at(question: &Json, fields: &[(String, String)]) -> Json {
    let changed = with(question, "test", last(fields, "value").into());
    let chances = [("alpha", PowerQuestion::ALPHA), ("power", PowerQuestion::POWER)];
    chances.into_iter().fold(changed, |changed, (key, usual)| {
        let chance = part_of_one(last(fields, key));
        // What is usual need not be said.
        with(&changed, key, if chance == usual { Json::Null } else { chance })
    })
}

/// Percent that somebody wrote, with or without the sign, as a part of one; what is no number stays as it is, for the judge
/// to point at. Rounded, since dividing leaves dust.
fn part_of_one(text: &str) -> Json {
    let text = text.trim();
    let written = text.strip_suffix('%').unwrap_or(text).trim_end().parse::<f64>().ok();
    let part = written.map(|percent| (percent * 1e7).round() / 1e9).filter(|part| part.is_finite());
    part.map_or_else(|| text.into(), Json::from)
}

/// A part of one in percent, with as many digits as it has; a text as it stands.
fn percent(part: &Json, usual: Option<f64>) -> String {
    match part.as_f64().or(usual.filter(|_| part.is_null())) {
        Some(part) => format!("{} %", (part * 1e6).round() / 1e4),
        None => plain(part, ""),
    }
}

/// What stands in a form; a text without its quotes.
fn plain(value: &Json, usual: &str) -> String {
    match value {
        Json::Null => usual.to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn asked_test(question: &Json) -> &str {
    question["test"].as_str().unwrap_or(TestKind::Sequential.name())
}

/// When a test is read, in people's words.
fn looked(test: &str) -> &'static str {
    if test == TestKind::Fixed.name() { "looked at once, at the end" } else { "looked at any time" }
}

/// For each way of reading a test a bar per number of variants, as long as its days; the way that was asked for comes first.
pub(crate) fn plans(all: &[TestPlan], setting: &Setting<'_>) -> PlansView {
    let asked = asked_test(setting.question);
    let days_max = setting.question["days"].as_f64();
    let longest = all.iter().filter_map(|plan| plan.days).max().unwrap_or(0);
    let bar = |plan: &TestPlan| PlanBar {
        title: variants_words(plan.variants),
        figure: plan.days.map_or_else(|| NONE.to_owned(), |days| days_words(days as f64)),
        width: width(plan.days.unwrap_or(0) as f64, longest as f64),
        note: match (plan.per_variant, plan.days) {
            (None, _) => "no number of people is enough".to_owned(),
            (Some(people), Some(_)) => format!("{} people per variant", figure(people as f64)),
            (Some(people), None) => {
                format!("{} people per variant: too few new people come", figure(people as f64))
            }
        },
        fits: plan.days.zip(days_max).is_some_and(|(days, most)| days as f64 <= most),
    };
    let mut tests: Vec<&str> = TestKind::ALL.iter().map(|test| test.name()).collect();
    tests.sort_by_key(|test| *test != asked);
    let group = |test: &str| PlanGroup {
        title: words::capital(looked(test)),
        plans: all.iter().filter(|plan| plan.test.name() == test).map(bar).collect(),
    };
    PlansView {
        groups: tests.into_iter().map(group).filter(|group| !group.plans.is_empty()).collect(),
        baseline: all.first().map(|plan| baseline(plan, setting)).unwrap_or_default(),
        fits: days_max.map_or_else(String::new, |most| format!("fits into {}", days_words(most))),
    }
}

/// What people did before there was a test, and how many new ones come: the same for each plan.
fn baseline(plan: &TestPlan, setting: &Setting<'_>) -> String {
    let shown = experiment::figure_words(plan.mean, measure(setting.question), setting);
    let did = match experiment::is_share(measure(setting.question), setting.metrics) {
        true => format!("{shown} of them did it"),
        false => format!("they had {shown} each on average"),
    };
    let come = match plan.new_people {
        Some(people) if people > 0 => format!(
            "{} new ones came in a week on average, most of them in the first days: whoever comes often is new only once. \
             The days above follow them day by day",
            figure(people as f64)
        ),
        _ => "no new ones came".to_owned(),
    };
    format!("Before the test {did}; {come}.")
}

/// The picture in one sentence.
pub(crate) fn summary(all: &[TestPlan], setting: &Setting<'_>) -> String {
    let asked = asked_test(setting.question);
    let plans: Vec<&TestPlan> = all.iter().filter(|plan| plan.test.name() == asked).collect();
    let known = plans.iter().filter_map(|plan| plan.days.map(|days| (plan.variants, days as f64)));
    let said: Vec<String> = known
        .enumerate()
        .map(|(place, (variants, days))| match place {
            0 => format!("{} in {}", variants_words(variants), days_words(days)),
            _ => format!("{variants} in {}", figure(days)),
        })
        .collect();
    let looked = looked(asked);
    match plans.iter().any(|plan| plan.per_variant.is_some()) {
        _ if !said.is_empty() => format!("{} ({looked}).", said.join(", ")),
        true => format!("Too few new people come to find this ({looked})."),
        false if plans.is_empty() => "Too few people to plan a test from.".to_owned(),
        false => format!("No number of people is enough to find this ({looked})."),
    }
}

/// The head of a column.
pub(crate) fn head(name: &str, question: &Json) -> String {
    let title = match name {
        TestPlan::VARIANTS => "Variants",
        TestPlan::TEST => "Looked at",
        TestPlan::PER_VARIANT => "People per variant",
        TestPlan::PEOPLE => "People in all",
        TestPlan::DAYS => "Days",
        TestPlan::LIFT => {
            let days = question["days"].as_f64();
            return days.map_or_else(
                || "Smallest change found".to_owned(),
                |days| format!("Smallest change found in {}", days_words(days)),
            );
        }
        TestPlan::MEAN => "On average before",
        TestPlan::NEW_PEOPLE => "New people in an average week",
        other => other,
    };
    title.to_owned()
}

/// What a cell says.
pub(crate) fn cell(name: &str, value: &Value, setting: &Setting<'_>) -> String {
    match (name, number(value)) {
        (TestPlan::TEST, _) if value.to_string() == TestKind::Fixed.name() => "once, at the end".to_owned(),
        (TestPlan::TEST, _) => "any time".to_owned(),
        (TestPlan::LIFT, Some(lift)) => words::percent(lift),
        (TestPlan::MEAN, Some(mean)) => experiment::figure_words(mean, measure(setting.question), setting),
        (_, Some(count)) => figure(count),
        (_, None) => NONE.to_owned(),
    }
}

/// The smallest change that is found in the days of a question, where it has none.
pub(crate) fn empty_column(answer: &Answer, setting: &Setting<'_>) -> Option<usize> {
    let is_empty = setting.question["kind"] == "power" && setting.question["days"].is_null();
    is_empty.then(|| column(answer, TestPlan::LIFT)).flatten()
}

/// The measure of the question's metric, as it was written.
fn measure(question: &Json) -> &str {
    let metric = &question["metric"];
    metric.as_str().or(metric["measure"].as_str()).unwrap_or_default()
}

fn variants_words(variants: u32) -> String {
    format!("{variants} variants")
}

fn days_words(days: f64) -> String {
    format!("{} day{}", figure(days), if days == 1.0 { "" } else { "s" })
}

fn figure(count: f64) -> String {
    words::figure(&words::rounded(count), None)
}

#[cfg(test)]
mod tests;
