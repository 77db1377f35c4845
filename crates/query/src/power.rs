//! How large a test has to be: from what people did before there was one, and how many new ones came by day.
//!
//! Only what may be told of people goes into the figures, so that everything that follows from them may be told as well.

use crate::experiment::{self, Before};
use crate::plan::{Rows, Scope};
use spec::{ExperimentQuestion, Measure, MeasureFunction, PowerQuestion, Result, TestKind, TestPlan};
use stats::{Arrivals, Baseline, Design, Test};
use std::collections::BTreeSet;

/// Variants that are told of besides those that were asked for.
const VARIANTS_TOLD: [u32; 4] = [2, 3, 4, 5];

/// Answers how large a test has to be; its meaning is in the manual.
///
/// # Shape
/// One row per number of variants and way of reading the test, with the columns of `TestPlan`. Null is what no test reaches.
/// `Rows::people` is how many people were exposed; without it too few were, or too few acted.
pub(crate) fn run(scope: Scope<'_>, question: &PowerQuestion) -> Result<Rows> {
    let asked = ExperimentQuestion {
        exposure: question.exposure.clone(),
        variant: String::new(),
        metrics: vec![question.metric.clone()],
        split: Vec::new(),
        period: question.period.clone(),
        as_of: question.as_of,
        filter: question.filter.clone(),
    };
    let before = experiment::before(scope, &asked)?;
    let mut rows = Rows::new(TestPlan::columns(), Vec::new(), before.cost);
    let (Some(people), Some([mean, _, _])) = (before.people, before.figures) else { return Ok(rows) };
    rows.people = Some(people);
    let baseline = baseline(question, &before);
    let arrivals = Arrivals::new(&before.arrivals);
    let week = before.arrivals.last().map(|all| 7.0 * *all as f64 / before.arrivals.len() as f64);
    let variants: BTreeSet<u32> = VARIANTS_TOLD.into_iter().chain([question.variants]).collect();
    for variants in variants {
        for test in TestKind::ALL {
            let design = baseline.map(|baseline| design(question, baseline, variants, test));
            let per_variant = design.as_ref().and_then(|design| stats::people_per_variant(design, question.lift).ok());
            let people = per_variant.and_then(|people| people.checked_mul(variants.into()));
            let days = people.zip(arrivals.as_ref()).and_then(|(people, arrivals)| arrivals.days_until(people));
            let reached = question.days.zip(arrivals.as_ref()).map(|(days, arrivals)| arrivals.people_in(days.into()));
            let lift = design
                .as_ref()
                .zip(reached)
                .and_then(|(design, people)| stats::detectable_lift(design, people / u64::from(variants)).ok());
            let new_people = week.map(|week| week.round() as u64);
            let plan = TestPlan { variants, test, per_variant, people, days, lift, mean, new_people };
            rows.rows.push(plan.row());
        }
    }
    Ok(rows)
}

/// What is known of one person's figure; nothing where everybody has the same.
fn baseline(question: &PowerQuestion, before: &Before) -> Option<Baseline> {
    let (people, [mean, sum, squares]) = before.people.zip(before.figures)?;
    let is_share = matches!(&question.metric.measure, Measure::Atom(atom) if atom.function == MeasureFunction::People);
    let found = if is_share { Baseline::of_share(mean) } else { Baseline::of_sums(people, sum, squares) };
    found.ok()
}

fn design(question: &PowerQuestion, baseline: Baseline, variants: u32, test: TestKind) -> Design {
    Design {
        baseline,
        test: match test {
            TestKind::Fixed => Test::Fixed,
            TestKind::Sequential => Test::Sequential { n_tune: None },
        },
        alpha: question.alpha,
        power: question.power,
        n_comparisons: variants - 1,
    }
}
