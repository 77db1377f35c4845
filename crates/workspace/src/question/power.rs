//! Reading the question how large a test has to be.

use super::experiment::read_metric;
use super::{choice, condition_of, read_as_of, read_period, read_step};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::NodeKind;
use spec::{Period, PowerQuestion, TestKind};
use std::ops::RangeInclusive;

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<PowerQuestion> {
    let hint = "name the event at which people would see a variant, as in `exposure: page_viewed`";
    let exposure = fields.required("exposure", hint, problems).and_then(|node| read_step(node, problems));
    let hint = "say what is to change, as in `metric: {measure: people(purchase), within: 7 days}`";
    let metric = fields
        .required("metric", hint, problems)
        .and_then(|node| read_metric(node, ("metric", "the metric of a test"), problems));
    let hint = "say the smallest change worth finding, as in `lift: 0.05` for five in a hundred";
    fields.required("lift", hint, problems);
    let lift = number(fields, "lift", PowerQuestion::LIFTS, hint, problems);
    let variants = fields.whole("variants", (2, PowerQuestion::VARIANTS_MAX), problems);
    let tests = TestKind::ALL.map(|test| (test.name(), test));
    let test = fields.optional("test").and_then(|node| choice(node, "test", &tests, problems));
    let days = fields.whole("days", (1, PowerQuestion::DAYS_MAX), problems);
    let hint = "say how often a test may find a change that is none, as in `alpha: 0.05`";
    let alpha = number(fields, "alpha", PowerQuestion::ALPHAS, hint, problems);
    let hint = "say how often a change is to be found, as in `power: 0.8`";
    let power = number(fields, "power", PowerQuestion::POWERS, hint, problems);
    let place = fields.optional("period").map_or(fields.place(), |node| &node.place);
    let period = read_period(fields, problems).unwrap_or_else(PowerQuestion::usual_period);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let (exposure, metric) = (exposure?, metric?);
    if let Some(within) = &metric.within
        && within.seconds() >= seconds_of(&period)
    {
        let message = format!("nobody of the period has had {within} to act when it ends");
        problems.add(place, message, "learn from a longer period, or take a shorter `within`".into());
    }
    Some(PowerQuestion {
        exposure,
        metric,
        lift: lift?,
        variants: variants.unwrap_or(PowerQuestion::VARIANTS),
        test: test.unwrap_or(TestKind::Sequential),
        days,
        alpha: alpha.unwrap_or(PowerQuestion::ALPHA),
        power: power.unwrap_or(PowerQuestion::POWER),
        period: Some(period),
        as_of,
        filter,
    })
}

fn seconds_of(period: &Period) -> i64 {
    match period {
        Period::Last(duration) => duration.seconds(),
        Period::Dates { from, to } => (*to - *from).num_seconds(),
    }
}

/// A number between bounds; with a percent sign, a hundredth of it.
fn number(
    fields: &mut Fields<'_>,
    key: &'static str,
    bounds: RangeInclusive<f64>,
    hint: &str,
    problems: &mut Problems,
) -> Option<f64> {
    let node = fields.optional(key)?;
    let value = match &node.kind {
        NodeKind::Integer(value) => Some(*value as f64),
        NodeKind::Number(text) => text.parse().ok(),
        NodeKind::Text(text) => {
            text.trim().strip_suffix('%').and_then(|text| text.trim().parse::<f64>().ok()).map(of_hundred)
        }
        _ => None,
    };
    if let Some(value) = value.filter(|value| bounds.contains(value)) {
        return Some(value);
    }
    let message = format!("`{key}` is a number from {} to {}", bounds.start(), bounds.end());
    problems.add(&node.place, message, hint.to_owned());
    None
}

/// Percent as parts of one, without the dust of dividing.
fn of_hundred(percent: f64) -> f64 {
    (percent * 1e7).round() / 1e9
}
