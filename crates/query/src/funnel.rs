//! Funnels: a fold over each person's events that match a step.

use crate::cells::{self, Key, WITHHELD};
use crate::chain::{ChainRules, StepEvent, Walk, best_chain};
use crate::error;
use crate::expression::Predicate;
use crate::groups::PartGroups;
use crate::pass::{self, Pass, Wanted};
use crate::plan::{Limits, Rows, Scope};
use crate::period::period_bounds;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::row::{RowConverter, SortField};
use policy::Grant;
use spec::{Condition, FieldRef, FunnelOrder, FunnelQuestion, Result, Value, ValueType};
use std::collections::{BTreeMap, HashMap};

/// Looks at events before the search for chains asks whether to stop: some milliseconds.
const LOOKS_BETWEEN_STOPS: u64 = 1_000_000;

/// Answers a funnel; its meaning is in the manual.
///
/// # Shape
/// Group x step, groups ascending with null last; columns: breakdown..., step, event, people, from_first,
/// from_previous, median_seconds.
pub(crate) fn run(scope: Scope<'_>, question: &FunnelQuestion) -> Result<Rows> {
    let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
    let pass = open(scope, question, (from, to))?;
    let funnel = Funnel {
        steps: compile_steps(question, &pass)?,
        rules: ChainRules {
            n_steps: question.steps.len(),
            within: question.within.seconds() * 1_000_000,
            strict: question.order == FunnelOrder::Strict,
        },
        starts: (from.timestamp_micros(), to.timestamp_micros()),
        same: question.same.iter().map(|name| FieldRef::Property(name.clone())).collect(),
        count_by: question.count_by.iter().map(|name| FieldRef::Property(name.clone())).collect(),
        breakdown: scope.plan.breakdown.clone(),
        question,
    };
    let add = |groups: &mut Groups, rows: &RecordBatch| funnel.fold(groups, rows, scope.limits);
    let mut groups = Groups::new();
    for part in pass.fold_on(usize::MAX, scope.limits, &Groups::new, &add)? {
        merge(&mut groups, part, funnel.rules.n_steps);
        check_groups(&groups, scope.limits)?;
    }
    Ok(answer(scope, question, groups, pass.cost()))
}

fn open(scope: Scope<'_>, question: &FunnelQuestion, (from, to): (spec::Instant, spec::Instant)) -> Result<Pass> {
    let plan = scope.plan;
    let mut wanted = Wanted::new();
    for step in &question.steps {
        wanted.event(&step.event);
        step.filter.iter().for_each(|filter| wanted.condition(filter));
    }
    question.filter.iter().for_each(|filter| wanted.condition(filter));
    question.same.iter().chain(&question.count_by).for_each(|name| wanted.property(name));
    plan.breakdown.iter().for_each(|field| wanted.field(field));
    // Later steps may come after the period's end, but not after the last possible deadline.
    let until = to.checked_add_signed(question.within.delta());
    Pass::open(&plan.properties, &wanted, (Some(from), until), scope.grant, scope.snapshot)
}

/// A step's condition and the question's own, both on the same event.
fn compile_steps(question: &FunnelQuestion, pass: &Pass) -> Result<Vec<Option<Predicate>>> {
    let compile = |condition: &Condition| Predicate::compile(condition, &pass.schema, &[]);
    let step_condition = |filter: &Option<Condition>| match (filter, &question.filter) {
        (Some(own), Some(shared)) => Some(Condition::And(vec![own.clone(), shared.clone()])),
        (own, shared) => own.clone().or_else(|| shared.clone()),
    };
    question.steps.iter().map(|step| step_condition(&step.filter).as_ref().map(compile).transpose()).collect()
}

struct Funnel<'a> {
    steps: Vec<Option<Predicate>>,
    rules: ChainRules,
    /// When a chain may start, `[from, to)` in microseconds.
    starts: (i64, i64),
    same: Vec<FieldRef>,
    count_by: Vec<FieldRef>,
    breakdown: Vec<FieldRef>,
    question: &'a FunnelQuestion,
}

type Groups = BTreeMap<Key, Group>;

/// What is known of one group, per step.
struct Group {
    /// People, or pairs under `count_by`, that reached the step.
    reached: Vec<u64>,
    /// Distinct people that reached it.
    people: Vec<u64>,
    /// Microseconds from the step before, of each chosen chain that reached it.
    gaps: Vec<Vec<i64>>,
}

impl Group {
    fn new(n_steps: usize) -> Group {
        Group { reached: vec![0; n_steps], people: vec![0; n_steps], gaps: vec![Vec::new(); n_steps] }
    }

    /// Adds a chain, given by its rows.
    fn add(&mut self, chain: &[usize], times: &[i64]) {
        for (step, row) in chain.iter().enumerate() {
            self.reached[step] += 1;
            if step > 0 {
                self.gaps[step].push(times[*row] - times[chain[step - 1]]);
            }
        }
    }

    fn merge(&mut self, other: Group) {
        for (step, gaps) in other.gaps.into_iter().enumerate() {
            self.reached[step] += other.reached[step];
            self.people[step] += other.people[step];
            self.gaps[step].extend(gaps);
        }
    }
}

/// Adds groups of other people.
fn merge(groups: &mut Groups, others: impl IntoIterator<Item = (Key, Group)>, n_steps: usize) {
    for (key, group) in others {
        groups.entry(key).or_insert_with(|| Group::new(n_steps)).merge(group);
    }
}

fn check_groups(groups: &Groups, limits: &Limits) -> Result<()> {
    if groups.len() > limits.groups_max {
        return Err(error::over_budget(&format!("{} groups", limits.groups_max), "break down by fewer properties"));
    }
    Ok(())
}

impl Funnel<'_> {
    /// Adds one part, person by person.
    fn fold(&self, groups: &mut Groups, batch: &RecordBatch, limits: &Limits) -> Result<()> {
        let steps = self.steps_of_rows(batch)?;
        let mut part = PartFunnel::new(batch, &self.breakdown, self.rules.n_steps)?;
        let is_plain = !self.rules.strict && self.same.is_empty() && self.count_by.is_empty();
        if is_plain && steps.iter().all(|bits| bits.count_ones() <= 1) {
            let mut walk = Walk::new(self.rules);
            for rows in pass::people_rows(batch) {
                part.count_person([walk.best(rows, part.times, &steps, self.starts.0..self.starts.1)]);
            }
        } else {
            self.search(batch, &steps, &mut part, limits)?;
        }
        merge(groups, part.finish()?, self.rules.n_steps);
        check_groups(groups, limits)
    }

    /// Tries out every chain that could be the best one of a person.
    fn search(&self, batch: &RecordBatch, steps: &[u32], part: &mut PartFunnel<'_>, limits: &Limits) -> Result<()> {
        let same = RowKeys::new(batch, &self.same)?;
        let count_by = RowKeys::new(batch, &self.count_by)?;
        let mut n_looks = 0;
        for rows in pass::people_rows(batch) {
            let matching: Vec<usize> = rows.filter(|row| steps[*row] != 0).collect();
            if !matching.is_empty() {
                let (chains, looks) = self.chains(batch, &matching, steps, (&same, &count_by))?;
                n_looks += looks;
                part.count_person(chains.iter().map(Vec::as_slice));
            }
            if n_looks > LOOKS_BETWEEN_STOPS {
                n_looks = 0;
                if (limits.stop)() {
                    return Err(error::stopped());
                }
            }
        }
        Ok(())
    }

    /// Per row the steps it matches, as bits.
    fn steps_of_rows(&self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let of_name = pass::selected(batch, self.question.steps.iter().map(|step| &step.event));
        let mut steps: Vec<u32> = pass::by_event(batch, &of_name).collect();
        for (index, predicate) in self.steps.iter().enumerate() {
            let Some(predicate) = predicate else { continue };
            let passes = predicate.mask(batch)?;
            for (row, bits) in steps.iter_mut().enumerate() {
                if !passes.value(row) {
                    *bits &= !(1 << index);
                }
            }
        }
        Ok(steps)
    }

    /// The chosen chains of one person as rows of the batch: one in all, or one per pair under `count_by`; and how many
    /// events were looked at for them.
    fn chains(
        &self,
        batch: &RecordBatch,
        matching: &[usize],
        steps: &[u32],
        (same, count_by): (&RowKeys, &RowKeys),
    ) -> Result<(Vec<Vec<usize>>, u64)> {
        let times = pass::times(batch);
        let mut best: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let mut n_looks = 0;
        for rows in same.partition(matching) {
            let starts = count_by.partition_with_nulls(&rows);
            for (pair, of_pair) in starts {
                let event = |row: &usize| StepEvent {
                    at: times[*row],
                    steps: steps[*row],
                    may_start: (self.starts.0..self.starts.1).contains(&times[*row])
                        && of_pair.binary_search(row).is_ok(),
                };
                let events: Vec<StepEvent> = rows.iter().map(event).collect();
                let (chain, looks) = best_chain(&events, self.rules)?;
                n_looks += looks;
                let chain: Vec<usize> = chain.into_iter().map(|event| rows[event]).collect();
                let when = |chain: &[usize]| -> Vec<i64> { chain.iter().map(|row| times[*row]).collect() };
                let known = best.entry(pair).or_default();
                let is_better = chain.len() > known.len() || (chain.len() == known.len() && when(&chain) < when(known));
                if is_better {
                    *known = chain;
                }
            }
        }
        Ok((best.into_values().filter(|chain| !chain.is_empty()).collect(), n_looks))
    }
}

/// What is counted in one part.
struct PartFunnel<'a> {
    times: &'a [i64],
    breakdown: PartGroups<'a>,
    n_steps: usize,
    /// By number, each with a row of it.
    groups: Vec<Option<(usize, Group)>>,
    /// Of one person, how far each group was reached.
    depths: Vec<(usize, usize)>,
}

impl<'a> PartFunnel<'a> {
    fn new(batch: &'a RecordBatch, breakdown: &[FieldRef], n_steps: usize) -> Result<PartFunnel<'a>> {
        let breakdown = PartGroups::of(batch, breakdown)?;
        let groups = (0..breakdown.len()).map(|_| None).collect();
        Ok(PartFunnel { times: pass::times(batch), breakdown, n_steps, groups, depths: Vec::new() })
    }

    /// Counts the chosen chains of one person, each in the group of its first event.
    fn count_person<'c>(&mut self, chains: impl IntoIterator<Item = &'c [usize]>) {
        self.depths.clear();
        for chain in chains.into_iter().filter(|chain| !chain.is_empty()) {
            let number = self.breakdown.of_row(chain[0]);
            let (_, group) = self.groups[number].get_or_insert_with(|| (chain[0], Group::new(self.n_steps)));
            group.add(chain, self.times);
            match self.depths.iter_mut().find(|(known, _)| *known == number) {
                Some((_, depth)) => *depth = chain.len().max(*depth),
                None => self.depths.push((number, chain.len())),
            }
        }
        for (number, depth) in &self.depths {
            let (_, group) = self.groups[*number].as_mut().expect("each chain of the person made its group");
            group.people[..*depth].iter_mut().for_each(|people| *people += 1);
        }
    }

    /// The groups with their values.
    fn finish(self) -> Result<Vec<(Key, Group)>> {
        let breakdown = self.breakdown;
        let named = |(row, group): (usize, Group)| Ok((breakdown.key(row)?, group));
        self.groups.into_iter().flatten().map(named).collect()
    }
}

/// Comparable keys of rows over some columns.
struct RowKeys {
    rows: Option<arrow::row::Rows>,
    has_null: Vec<bool>,
}

impl RowKeys {
    fn new(batch: &RecordBatch, fields: &[FieldRef]) -> Result<RowKeys> {
        if fields.is_empty() {
            return Ok(RowKeys { rows: None, has_null: Vec::new() });
        }
        let columns: Vec<ArrayRef> =
            fields.iter().map(|field| pass::column(batch, field).cloned()).collect::<Result<_>>()?;
        let sorts = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(sorts).map_err(error::from_arrow)?;
        let rows = converter.convert_columns(&columns).map_err(error::from_arrow)?;
        let has_null = (0..batch.num_rows()).map(|row| columns.iter().any(|column| is_null(column, row))).collect();
        Ok(RowKeys { rows: Some(rows), has_null })
    }

    /// The rows with equal keys, each in order; rows with a null are in none. Without keys all rows together.
    fn partition(&self, rows: &[usize]) -> Vec<Vec<usize>> {
        let with_key: Vec<usize> =
            rows.iter().copied().filter(|row| !self.has_null.get(*row).copied().unwrap_or(false)).collect();
        self.partition_with_nulls(&with_key).into_values().collect()
    }

    /// The rows with equal keys, each in order; null is a key of its own.
    fn partition_with_nulls(&self, rows: &[usize]) -> BTreeMap<Vec<u8>, Vec<usize>> {
        let mut parts: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for row in rows {
            let key = self.rows.as_ref().map_or_else(Vec::new, |keys| keys.row(*row).as_ref().to_vec());
            parts.entry(key).or_default().push(*row);
        }
        parts
    }
}

fn is_null(column: &ArrayRef, row: usize) -> bool {
    column.logical_nulls().is_some_and(|nulls| nulls.is_null(row))
}

fn answer(scope: Scope<'_>, question: &FunnelQuestion, groups: Groups, cost: (u64, u64)) -> Rows {
    let Scope { plan, grant, .. } = scope;
    let mut columns: Vec<spec::Column> = Vec::new();
    for field in &plan.breakdown {
        let (FieldRef::Property(name) | FieldRef::Trait(name)) = field;
        let value_type = plan.properties.get(name).or_else(|| plan.traits.get(name));
        columns.push(cells::column(name, value_type.copied().unwrap_or(ValueType::Text), None));
    }
    columns.push(cells::column("step", ValueType::Integer, None));
    columns.push(cells::column("event", ValueType::Text, None));
    columns.push(cells::column(
        "people",
        ValueType::Integer,
        Some(if question.count_by.is_empty() { "people" } else { "pairs" }),
    ));
    columns.push(cells::column("from_first", ValueType::Number, None));
    columns.push(cells::column("from_previous", ValueType::Number, None));
    columns.push(cells::column("median_seconds", ValueType::Number, Some("seconds")));
    let mut groups = groups;
    if plan.breakdown.is_empty() {
        // Without groups the steps themselves are always named, even if nobody took the first.
        groups.entry(Key(Vec::new())).or_insert_with(|| Group::new(question.steps.len()));
    }
    let mut rows = Vec::new();
    let mut is_folded = false;
    for (key, group) in groups {
        if !key.0.is_empty() && group.people[0] < grant.min_group() {
            is_folded = true;
            continue;
        }
        group_rows(question, grant, &key, group, &mut rows);
    }
    if is_folded {
        let mut row = vec![Value::Text(WITHHELD.to_owned()); plan.breakdown.len()];
        row.resize(columns.len(), Value::Null);
        rows.push((row, true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    Rows { columns, rows, steps: Vec::new(), people: None, rows_read: cost.0, bytes_read: cost.1 }
}

fn group_rows(
    question: &FunnelQuestion,
    grant: &Grant,
    key: &Key,
    mut group: Group,
    rows: &mut Vec<(Vec<Value>, bool)>,
) {
    for (step, wanted) in question.steps.iter().enumerate() {
        let event = match &wanted.event {
            spec::EventSelector::Named(name) => name.as_str(),
            spec::EventSelector::Any => "*",
        };
        let mut row = key.0.clone();
        row.push(cells::count(step as u64 + 1));
        row.push(Value::Text(event.to_owned()));
        let is_withheld = group.people[step] < grant.min_group();
        if is_withheld {
            row.extend([Value::Null, Value::Null, Value::Null, Value::Null]);
        } else {
            row.push(cells::count(group.reached[step]));
            row.push(rate(group.reached[step], group.reached[0]));
            row.push(rate(group.reached[step], group.reached[step.saturating_sub(1)]));
            row.push(median_seconds(&mut group.gaps[step]));
        }
        rows.push((row, is_withheld));
    }
}

/// A share in 0..=1, null of nothing.
fn rate(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::Null } else { Value::Number(part as f64 / whole as f64) }
}

/// The median of microseconds, in seconds; the mean of the middle two where their number is even.
fn median_seconds(gaps: &mut [i64]) -> Value {
    gaps.sort_unstable();
    let middle = gaps.len() / 2;
    match gaps.len() {
        0 => Value::Null,
        n if n % 2 == 1 => Value::Number(gaps[middle] as f64 / 1e6),
        _ => Value::Number((gaps[middle - 1] as f64 + gaps[middle] as f64) / 2e6),
    }
}
