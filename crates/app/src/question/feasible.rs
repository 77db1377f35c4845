//! Whether a test that is planned can find what it looks for in the days that it has, and which one could.

use crate::question::judge::{Instead, Refused};
use crate::question::reason;
use query::Rows;
use spec::{PowerQuestion, Purpose, Question, QuestionBody, TestKind, Value};
use std::str::FromStr;

/// Larger ones nobody asks for.
const LIFT_MAX: f64 = 100.0;
/// Lifts are offered with so many digits.
const DIGITS: i32 = 2;

/// One line of the answer: so many variants, read in one way.
struct Plan {
    variants: u32,
    test: TestKind,
    per_variant: Option<u64>,
    days: Option<u64>,
    /// The smallest lift that is found in the days of the question.
    lift: Option<f64>,
    mean: f64,
    new_people: Option<u64>,
}

/// What stands against a test, if anything does.
pub(crate) fn refused(question: &Question, purpose: &Purpose, rows: &Rows) -> Option<Refused> {
    let QuestionBody::Power(power) = &question.body else { return None };
    if !rows.outdated.is_empty() {
        return Some(Refused::by(reason::too_near(purpose)));
    }
    if rows.people.is_none() || rows.rows.is_empty() {
        return Some(Refused::by(reason::too_few_to_plan(purpose)));
    }
    let plans: Vec<Plan> = rows.rows.iter().filter_map(|row| Plan::read(row)).collect();
    let asked = plans.iter().find(|plan| plan.variants == power.variants && plan.test == power.test)?;
    let is_found = match power.days {
        Some(days) => asked.days.is_some_and(|needed| needed <= u64::from(days)),
        None => asked.per_variant.is_some(),
    };
    if is_found {
        return None;
    }
    let needed = reason::Needed {
        days: asked.days,
        per_variant: asked.per_variant,
        mean: asked.mean,
        new_people: asked.new_people,
    };
    Some(Refused {
        instead: instead(question, power, asked, &plans),
        ..Refused::by(reason::underpowered(power, &needed))
    })
}

/// Tests that could, what they keep first: longer, fewer variants, a larger change, one look at the end.
fn instead(question: &Question, power: &PowerQuestion, asked: &Plan, plans: &[Plan]) -> Vec<Instead> {
    let with = |changed: PowerQuestion| Question { body: QuestionBody::Power(changed), ..question.clone() };
    let mut found = Vec::new();
    if let Some(days) =
        asked.days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days <= PowerQuestion::DAYS_MAX)
    {
        found.push(Instead {
            title: format!("Let it run for {days} days"),
            effect: format!("{} variants in {days} days", power.variants),
            question: with(PowerQuestion { days: Some(days), ..power.clone() }),
        });
    }
    let is_soon = |plan: &&Plan| plan.days.is_some_and(|days| power.days.is_none_or(|most| days <= u64::from(most)));
    let fewer = plans.iter().filter(|plan| plan.test == power.test && plan.variants < power.variants);
    if let Some(plan) = fewer.filter(is_soon).max_by_key(|plan| plan.variants) {
        found.push(Instead {
            title: format!("Test {} variants", plan.variants),
            effect: in_days(plan),
            question: with(PowerQuestion { variants: plan.variants, ..power.clone() }),
        });
    }
    // Where no number of people finds so large a change, a smaller one is meant.
    let is_meant = |lift: &f64| *lift > power.lift || asked.per_variant.is_none();
    let lift = asked.lift.filter(is_meant).map(rounded_up);
    if let Some(lift) = lift.filter(|lift| *lift <= LIFT_MAX) {
        found.push(Instead {
            title: format!("Look for changes of {} and more", workspace::percent(lift)),
            effect: power.days.map_or_else(String::new, |days| format!("{} variants in {days} days", power.variants)),
            question: with(PowerQuestion { lift, ..power.clone() }),
        });
    }
    let once = plans.iter().find(|plan| plan.test == TestKind::Fixed && plan.variants == power.variants);
    if let Some(plan) = once.filter(is_soon).filter(|_| power.test != TestKind::Fixed) {
        found.push(Instead {
            title: "Look once, at the end".to_owned(),
            effect: in_days(plan),
            question: with(PowerQuestion { test: TestKind::Fixed, ..power.clone() }),
        });
    }
    found
}

fn in_days(plan: &Plan) -> String {
    plan.days.map_or_else(String::new, |days| format!("{} variants in {days} days", plan.variants))
}

/// A number with few digits that is no smaller.
fn rounded_up(lift: f64) -> f64 {
    let unit = 10_f64.powi(lift.abs().log10().floor() as i32 - DIGITS + 1);
    let up = (lift / unit).ceil() * unit;
    // Without the dust of dividing.
    f64::from_str(&format!("{up:.6}")).unwrap_or(up)
}

impl Plan {
    fn read(row: &[Value]) -> Option<Plan> {
        let whole = |value: &Value| match value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        let number = |value: &Value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        let [variants, test, per_variant, _, days, lift, mean, new_people] = row else { return None };
        Some(Plan {
            variants: u32::try_from(whole(variants)?).ok()?,
            test: TestKind::ALL.into_iter().find(|kind| *test == Value::Text(kind.name().to_owned()))?,
            per_variant: whole(per_variant),
            days: whole(days),
            lift: number(lift),
            mean: number(mean)?,
            new_people: whole(new_people),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::rounded_up;

    #[test]
    fn lifts_are_rounded_so_that_they_are_found() {
        for (exact, offered) in [(0.0831, 0.084), (0.08, 0.08), (0.123_456, 0.13), (1.234, 1.3), (0.001_01, 0.001_1)] {
            assert!((rounded_up(exact) - offered).abs() < 1e-9, "{exact} becomes {}", rounded_up(exact));
        }
    }
}
