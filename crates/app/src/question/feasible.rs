//! Whether a test that is planned can find what it looks for in the days that it has, and which one could.

use crate::error;
use crate::question::judge::{Instead, Refused};
use crate::question::{days_words, reason};
use query::Rows;
use spec::{PowerQuestion, Purpose, Question, QuestionBody, Result, TestKind, TestPlan};
use std::str::FromStr;

/// Larger ones nobody asks for.
const LIFT_MAX: f64 = 100.0;
/// Lifts are offered with so many digits.
const DIGITS: i32 = 2;

/// What stands against a test, if anything does.
///
/// # Errors
/// When the answer is not one about a test.
pub(crate) fn refused(question: &Question, purpose: &Purpose, rows: &Rows) -> Result<Option<Refused>> {
    let QuestionBody::Power(power) = &question.body else { return Ok(None) };
    if !rows.outdated.is_empty() {
        return Ok(Some(Refused::by(reason::too_near(purpose))));
    }
    if rows.people.is_none() || rows.rows.is_empty() {
        return Ok(Some(Refused::by(reason::too_few_to_plan(purpose))));
    }
    let plans = TestPlan::read(&rows.columns, &rows.rows)?;
    let asked = plans.iter().find(|plan| plan.variants == power.variants && plan.test == power.test);
    let asked = asked.ok_or_else(|| error::bug("an answer about a test lacks the one that was asked about"))?;
    let is_found = match power.days {
        Some(days) => asked.days.is_some_and(|needed| needed <= u64::from(days)),
        None => asked.per_variant.is_some(),
    };
    if is_found {
        return Ok(None);
    }
    let needed = reason::Needed {
        days: asked.days,
        per_variant: asked.per_variant,
        mean: asked.mean,
        new_people: asked.new_people,
    };
    Ok(Some(Refused {
        instead: instead(question, power, asked, &plans),
        ..Refused::by(reason::underpowered(power, &needed))
    }))
}

/// Tests that could, what they keep first: longer, fewer variants, a larger change, one look at the end.
fn instead(question: &Question, power: &PowerQuestion, asked: &TestPlan, plans: &[TestPlan]) -> Vec<Instead> {
    let with = |changed: PowerQuestion| Question { body: QuestionBody::Power(changed), ..question.clone() };
    let mut found = Vec::new();
    if let Some(days) =
        asked.days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days <= PowerQuestion::DAYS_MAX)
    {
        found.push(Instead {
            title: format!("Let it run for {}", days_words(days.into())),
            effect: in_days(power.variants, Some(days.into())),
            question: with(PowerQuestion { days: Some(days), ..power.clone() }),
        });
    }
    let is_soon =
        |plan: &&TestPlan| plan.days.is_some_and(|days| power.days.is_none_or(|most| days <= u64::from(most)));
    let fewer = plans.iter().filter(|plan| plan.test == power.test && plan.variants < power.variants);
    if let Some(plan) = fewer.filter(is_soon).max_by_key(|plan| plan.variants) {
        found.push(Instead {
            title: format!("Test {} variants", plan.variants),
            effect: in_days(plan.variants, plan.days),
            question: with(PowerQuestion { variants: plan.variants, ..power.clone() }),
        });
    }
    // Where no number of people finds so large a change, a smaller one is meant.
    let is_meant = |lift: &f64| *lift > power.lift || asked.per_variant.is_none();
    let lift = asked.lift.filter(is_meant).map(rounded_up);
    if let Some(lift) = lift.filter(|lift| *lift <= LIFT_MAX) {
        found.push(Instead {
            title: format!("Look for changes of {} and more", workspace::percent(lift)),
            effect: in_days(power.variants, power.days.map(u64::from)),
            question: with(PowerQuestion { lift, ..power.clone() }),
        });
    }
    let once = plans.iter().find(|plan| plan.test == TestKind::Fixed && plan.variants == power.variants);
    if let Some(plan) = once.filter(is_soon).filter(|_| power.test != TestKind::Fixed) {
        found.push(Instead {
            title: "Look once, at the end".to_owned(),
            effect: in_days(plan.variants, plan.days),
            question: with(PowerQuestion { test: TestKind::Fixed, ..power.clone() }),
        });
    }
    found
}

fn in_days(variants: u32, days: Option<u64>) -> String {
    days.map_or_else(String::new, |days| format!("{variants} variants in {}", days_words(days)))
}

/// A number with few digits that is no smaller.
fn rounded_up(lift: f64) -> f64 {
    let unit = 10_f64.powi(lift.abs().log10().floor() as i32 - DIGITS + 1);
    let up = (lift / unit).ceil() * unit;
    // Without the dust of dividing.
    f64::from_str(&format!("{up:.6}")).unwrap_or(up)
}

#[cfg(test)]
mod tests {
    use super::{in_days, rounded_up};

    #[test]
    fn one_day_is_no_days() {
        assert_eq!([in_days(2, Some(1)), in_days(3, Some(28))], ["2 variants in 1 day", "3 variants in 28 days"]);
    }

    #[test]
    fn lifts_are_rounded_so_that_they_are_found() {
        for (exact, offered) in [(0.0831, 0.084), (0.08, 0.08), (0.123_456, 0.13), (1.234, 1.3), (0.001_01, 0.001_1)] {
            assert!((rounded_up(exact) - offered).abs() < 1e-9, "{exact} becomes {}", rounded_up(exact));
        }
    }
}
