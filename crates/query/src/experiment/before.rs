//! What people did before there was a test: the baseline that one is planned from.

use super::arms::Arms;
use super::{Experiment, MICROS_PER_DAY};
use crate::guard::Sorting;
use crate::number;
use crate::pass::Part;
use crate::plan::Scope;
use arrow::datatypes::DataType;
use spec::{ExperimentQuestion, Result, Value, ValueType};

/// What may be told of everybody who was exposed.
pub(crate) struct Before {
    /// How many had the time to act; absent where they are too few.
    pub(crate) people: Option<u64>,
    /// Mean, sum and sum of squares of the first metric; absent where too few acted.
    pub(crate) figures: Option<[f64; 3]>,
    /// How many people were exposed for the first time, up to the end of each day of the period. Days on which fewer new ones
    /// came than the minimum group share those of the days before and after them.
    pub(crate) arrivals: Vec<u64>,
    /// Rows and bytes that were read.
    pub(crate) cost: (u64, u64),
}

/// Looks at a question without a variant.
pub(crate) fn before(scope: Scope<'_>, question: &ExperimentQuestion) -> Result<Before> {
    let experiment = Experiment::open(scope, question)?;
    scope.foretell(&experiment.pass, &|| false)?;
    let n_days = (experiment.period.1 - experiment.period.0).max(0).unsigned_abs().div_ceil(MICROS_PER_DAY as u64);
    let n_days = usize::try_from(n_days).unwrap_or(0).min(scope.limits.groups_max);
    let has_doubles = experiment.metrics.iter().any(|metric| metric.value_type == DataType::Float64);
    let n_threads = if has_doubles { 1 } else { usize::MAX };
    let new = || Arms { new_people: vec![0; n_days], ..Arms::new(scope.guard.sorting()) };
    let add = |arms: &mut Arms, part: &Part<'_>| experiment.fold(arms, part);
    let mut threads = experiment.pass.fold_on(n_threads, scope.limits, &new, &add)?.into_iter();
    let mut all = threads.next().unwrap_or_else(new);
    threads.try_for_each(|other| all.merge(other))?;
    let mut found = Before { people: None, figures: None, arrivals: Vec::new(), cost: experiment.pass.cost() };
    let (Some(arm), Some(metric)) = (all.arms.first(), experiment.metrics.first()) else { return Ok(found) };
    let Some(Value::Integer(people)) = scope.guard.people(&arm.people, &|| "exposed".to_owned(), 1) else {
        return Ok(found);
    };
    found.people = Some(people.unsigned_abs());
    let Some(sums) = arm.sums.first() else { return Ok(found) };
    let told = metric.told(scope.guard, "before", sums, (people.unsigned_abs(), ValueType::Number))?;
    found.figures = told.and_then(|[mean, sum, squares]| {
        Some([number::double(&mean)?, number::double(&sum)?, number::double(&squares)?])
    });
    let arrived = scope.guard.people(&all.arrived, &|| "arrived".to_owned(), 1);
    found.arrivals = match arrived {
        // Where differences are guarded the days tell nothing that the whole does not.
        Some(Value::Integer(people)) if scope.guard.sorting() != Sorting::default() => {
            evenly(people.unsigned_abs(), n_days)
        }
        Some(_) => in_groups(&all.new_people, scope.grant.min_group()),
        None => Vec::new(),
    };
    Ok(found)
}

/// So many people up to the end of each day, as if as many came on every day.
fn evenly(people: u64, n_days: usize) -> Vec<u64> {
    (1..=n_days as u64).map(|day| people * day / n_days.max(1) as u64).collect()
}

/// Adds up new people by day, so that no step is of fewer than so many: each is spread evenly over the days that it takes.
fn in_groups(new_people: &[u64], least: u64) -> Vec<u64> {
    let everybody: u64 = new_people.iter().sum();
    // Where steps end: the day after, and how many people have come by then.
    let mut ends: Vec<(usize, u64)> = vec![(0, 0)];
    let mut all = 0;
    for (day, people) in new_people.iter().enumerate() {
        all += people;
        let (_, before) = ends[ends.len() - 1];
        if all - before >= least && everybody - all >= least {
            ends.push((day + 1, all));
        }
    }
    // What is left goes with the last step.
    ends.push((new_people.len(), everybody));
    let mut told = Vec::with_capacity(new_people.len());
    for step in ends.windows(2) {
        let ((first, before), (end, after)) = (step[0], step[1]);
        let n_days = (end - first) as u64;
        told.extend((1..=n_days).map(|nth| before + (after - before) * nth / n_days));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::in_groups;

    #[test]
    fn steps_are_of_enough_people_and_add_up() {
        assert_eq!(in_groups(&[10, 10, 10], 10), [10, 20, 30]);
        assert_eq!(in_groups(&[4, 8, 20, 1, 1], 10), [6, 12, 19, 26, 34]);
        assert_eq!(in_groups(&[4, 8, 1], 10), [4, 8, 13]);
        assert_eq!(in_groups(&[1, 1, 1], 10), [1, 2, 3]);
    }
}
