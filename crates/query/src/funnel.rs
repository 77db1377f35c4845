//! Funnels: a fold over each person's events that match a step.

use crate::cells::{self, Key, WITHHELD};
use crate::chain::{ChainRules, Chains, NO_STEP, StepEvent, Walk};
use crate::error;
use crate::groups::PartGroups;
use crate::guard::{Figure, Guard, People, Sorting};
use crate::pass::{Filter, Part, Pass, Wanted};
use crate::period::period_bounds;
use crate::plan::{Limits, Rows, Scope};
use lake::{PersonRows, Row};
use spec::{FieldRef, FunnelOrder, FunnelQuestion, Result, Value, ValueType};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Looks at events before the search for chains asks whether to stop: some milliseconds.
const LOOKS_BETWEEN_STOPS: u64 = 1_000_000;
/// No group yet.
const NONE_YET: u32 = u32::MAX;

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
        sorting: scope.guard.sorting(),
        breakdown: scope.plan.breakdown.clone(),
        n_gaps: AtomicUsize::new(0),
        question,
    };
    scope.foretell(&pass, &|| funnel.is_bounded(&pass, scope.limits))?;
    let add = |groups: &mut Groups, part: &Part<'_>| funnel.fold(groups, part, scope.limits);
    let mut groups = Groups::new();
    for part in pass.fold_on(usize::MAX, scope.limits, &Groups::new, &add)? {
        merge(&mut groups, part);
        check_groups(&groups, scope.limits)?;
    }
    Ok(answer(scope, question, groups, pass.cost()))
}

fn open(scope: Scope<'_>, question: &FunnelQuestion, (from, to): (spec::Instant, spec::Instant)) -> Result<Pass> {
    let plan = scope.plan;
    let mut wanted = Wanted::default();
    for step in &question.steps {
        step.filter.iter().for_each(|filter| wanted.condition(filter));
    }
    question.filter.iter().for_each(|filter| wanted.condition(filter));
    question.same.iter().chain(&question.count_by).for_each(|name| wanted.property(name));
    plan.breakdown.iter().for_each(|field| wanted.field(field));
    // Later steps may come after the period's end, but not after the last possible deadline.
    let until = to.checked_add_signed(question.within.delta());
    Pass::open(&plan.properties, &wanted, (Some(from), until), scope.grant, scope.snapshot)
}

fn compile_steps(question: &FunnelQuestion, pass: &Pass) -> Result<Vec<Option<Filter>>> {
    question.steps.iter().map(|step| pass.filter_both(&step.filter, &question.filter)).collect()
}

struct Funnel<'a> {
    steps: Vec<Option<Filter>>,
    rules: ChainRules,
    /// When a chain may start, `[from, to)` in microseconds.
    starts: (i64, i64),
    same: Vec<FieldRef>,
    count_by: Vec<FieldRef>,
    breakdown: Vec<FieldRef>,
    sorting: Sorting,
    /// Times between steps that all threads hold.
    n_gaps: AtomicUsize,
    question: &'a FunnelQuestion,
}

type Groups = BTreeMap<Key, Group>;

/// The times and rows of a chain's events.
type Chain = Vec<(i64, Row)>;

/// What is known of one group, per step.
struct Group {
    /// People, or pairs under `count_by`, that reached the step.
    reached: Vec<u64>,
    /// Distinct people that reached it.
    people: Vec<People>,
    /// Microseconds from the step before, of each chosen chain that reached it.
    gaps: Vec<Vec<i64>>,
}

impl Group {
    fn new(n_steps: usize, sorting: Sorting) -> Group {
        Group { reached: vec![0; n_steps], people: vec![sorting.nobody(); n_steps], gaps: vec![Vec::new(); n_steps] }
    }

    /// Adds a chain, given by its times and rows.
    fn add(&mut self, chain: &[(i64, Row)]) {
        for (step, (at, _)) in chain.iter().enumerate() {
            self.reached[step] += 1;
            if step > 0 {
                self.gaps[step].push(at - chain[step - 1].0);
            }
        }
    }

    fn merge(&mut self, other: Group) {
        for (step, gaps) in other.gaps.into_iter().enumerate() {
            self.reached[step] += other.reached[step];
            self.people[step].merge(&other.people[step]);
            self.gaps[step].extend(gaps);
        }
    }
}

/// Adds groups of other people.
fn merge(groups: &mut Groups, others: impl IntoIterator<Item = (Key, Group)>) {
    for (key, group) in others {
        match groups.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().merge(group),
            Entry::Vacant(place) => drop(place.insert(group)),
        }
    }
}

fn check_groups(groups: &Groups, limits: &Limits) -> Result<()> {
    if groups.len() > limits.groups_max {
        return Err(error::over_budget(&format!("{} groups", limits.groups_max), "break down by fewer properties"));
    }
    Ok(())
}

impl Funnel<'_> {
    /// Whether no data can make the answer too large.
    fn is_bounded(&self, pass: &Pass, limits: &Limits) -> bool {
        let n_groups = if self.breakdown.is_empty() { Some(1) } else { pass.groups_max(&self.breakdown) };
        let is_few = n_groups.is_some_and(|groups| groups <= limits.groups_max);
        // Each row is in one chain at most, where chains are people's.
        let gaps_max =
            pass.reading().map_or(u64::MAX, |reading| reading.rows).saturating_mul(2 * size_of::<i64>() as u64);
        is_few && self.same.is_empty() && self.count_by.is_empty() && gaps_max <= limits.memory_bytes_max as u64
    }

    /// Adds one part, person by person.
    fn fold(&self, groups: &mut Groups, part: &Part<'_>, limits: &Limits) -> Result<()> {
        let takers = part.takers(self.question.steps.iter().map(|step| &step.event));
        let mut counted = PartFunnel::new(part, &self.breakdown, (self.rules.n_steps, self.sorting))?;
        let is_plain = !self.rules.strict && self.same.is_empty() && self.count_by.is_empty();
        if is_plain && takers.iter().all(|taken_by| taken_by.len() <= 1) {
            self.walk(part, &takers, &mut counted)?;
        } else {
            self.search(part, &self.steps_of_rows(part, &takers)?, &mut counted, limits)?;
        }
        let found = counted.finish()?;
        self.check_gaps(found.iter().flat_map(|(_, group)| &group.gaps).map(Vec::len).sum(), limits)?;
        merge(groups, found);
        check_groups(groups, limits)
    }

    /// Whether there is room for more times between steps.
    fn check_gaps(&self, n_more: usize, limits: &Limits) -> Result<()> {
        let n_gaps = self.n_gaps.fetch_add(n_more, Ordering::Relaxed) + n_more;
        // Bringing threads together holds them twice.
        if n_gaps.saturating_mul(2 * size_of::<i64>()) > limits.memory_bytes_max {
            let most = format!("{} MiB of memory", limits.memory_bytes_max >> 20);
            return Err(error::over_budget(&most, "ask for a shorter period or fewer steps"));
        }
        Ok(())
    }

    /// Walks over people whose events match one step at most.
    fn walk(&self, part: &Part<'_>, takers: &[Vec<usize>], counted: &mut PartFunnel<'_>) -> Result<()> {
        let step =
            |taken_by: &Vec<usize>| taken_by.first().and_then(|step| u8::try_from(*step).ok()).unwrap_or(NO_STEP);
        let of_event: Vec<u8> = takers.iter().map(step).collect();
        let mut steps = vec![NO_STEP; part.n_rows()];
        part.people().iter().for_each(|person| part.events().translate(person, &of_event, &mut steps));
        for (index, filter) in self.steps.iter().enumerate() {
            let Some(filter) = filter else { continue };
            for (step, passes) in steps.iter_mut().zip(filter.mask(part)?) {
                if !passes && usize::from(*step) == index {
                    *step = NO_STEP;
                }
            }
        }
        let (mut walk, mut chain) = (Walk::new(self.rules), Chain::new());
        let starts = self.starts.0..self.starts.1;
        for person in part.people() {
            let times = part.times_of(person);
            let best = walk.best(&steps[person.places()], times, &starts);
            chain.clear();
            chain.extend(best.iter().map(|place| (times[*place], person.row(*place))));
            counted.count_person(person.person(), [chain.as_slice()]);
        }
        Ok(())
    }

    /// Tries out every chain that could be the best one of a person.
    fn search(&self, part: &Part<'_>, steps: &[u32], counted: &mut PartFunnel<'_>, limits: &Limits) -> Result<()> {
        let same = PartGroups::of(part, &self.same)?;
        let count_by = PartGroups::of(part, &self.count_by)?;
        let mut n_looks = 0;
        for person in part.people() {
            let matching: Vec<Row> = PersonRows::rows(person).filter(|row| steps[row.index()] != 0).collect();
            if !matching.is_empty() {
                let chains = self.chains(part, (&matching, steps), (&same, &count_by), &mut |looks| {
                    n_looks += looks;
                    if n_looks > LOOKS_BETWEEN_STOPS {
                        n_looks = 0;
                        return if (limits.stop)() { Err(error::stopped()) } else { Ok(()) };
                    }
                    Ok(())
                })?;
                counted.count_person(person.person(), chains.iter().map(Vec::as_slice));
            }
        }
        Ok(())
    }

    /// The steps that each row matches, as bits, by its place.
    fn steps_of_rows(&self, part: &Part<'_>, takers: &[Vec<usize>]) -> Result<Vec<u32>> {
        let bits = |taken_by: &Vec<usize>| taken_by.iter().fold(0_u32, |bits, step| bits | 1 << step);
        let of_event: Vec<u32> = takers.iter().map(bits).collect();
        let mut steps = vec![0; part.n_rows()];
        part.rows().for_each(|row| steps[row.index()] = of_event[part.events().code(row)]);
        for (index, filter) in self.steps.iter().enumerate() {
            let Some(filter) = filter else { continue };
            for (bits, passes) in steps.iter_mut().zip(filter.mask(part)?) {
                if !passes {
                    *bits &= !(1 << index);
                }
            }
        }
        Ok(steps)
    }

    /// The chosen chains of one person, with times: one in all, or one per pair under `count_by`. `looked` is told how many
    /// events were looked at.
    fn chains(
        &self,
        part: &Part<'_>,
        (matching, steps): (&[Row], &[u32]),
        (same, count_by): (&PartGroups<'_>, &PartGroups<'_>),
        looked: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Vec<Chain>> {
        let mut best: BTreeMap<usize, Chain> = BTreeMap::new();
        // What has no value for `same` is in no chain. Of chains with the same times the one whose value came first counts:
        // numbers of groups would tell of other people.
        let with_value = matching.iter().copied().filter(|row| !same.lacks(*row));
        let mut of_values: Vec<Vec<Row>> = apart(with_value, |row| same.of_row(*row)).into_values().collect();
        of_values.sort_unstable_by_key(|rows| rows[0]);
        for rows in of_values {
            let event = |row: &Row| StepEvent { at: part.time(*row), steps: steps[row.index()] };
            let events: Vec<StepEvent> = rows.iter().map(event).collect();
            looked(events.len() as u64)?;
            let chains = Chains::among(&events, self.rules);
            let may_start =
                |event: &StepEvent| event.steps & 1 != 0 && (self.starts.0..self.starts.1).contains(&event.at);
            let starts = (0..events.len()).filter(|place| may_start(&events[*place]));
            for (pair, starts) in apart(starts, |start| count_by.of_row(rows[*start])) {
                let (chain, looks) = chains.best(&starts)?;
                looked(looks)?;
                let chain: Chain = chain.into_iter().map(|event| (events[event].at, rows[event])).collect();
                let known = best.entry(pair).or_default();
                let is_earlier = || chain.iter().map(|(at, _)| at).lt(known.iter().map(|(at, _)| at));
                if chain.len() > known.len() || (chain.len() == known.len() && is_earlier()) {
                    *known = chain;
                }
            }
        }
        Ok(best.into_values().filter(|chain| !chain.is_empty()).collect())
    }
}

/// Things by their groups, each in order.
fn apart<T>(all: impl Iterator<Item = T>, group: impl Fn(&T) -> usize) -> BTreeMap<usize, Vec<T>> {
    let mut apart: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    all.for_each(|one| apart.entry(group(&one)).or_default().push(one));
    apart
}

/// What is counted in one part.
struct PartFunnel<'a> {
    breakdown: PartGroups<'a>,
    n_steps: usize,
    sorting: Sorting,
    /// For each number the place of its group, once it has one.
    places: Vec<u32>,
    /// Each with a row of it.
    groups: Vec<(Row, Group)>,
    /// Of one person, how far each group was reached.
    depths: Vec<(usize, usize)>,
}

impl<'a> PartFunnel<'a> {
    fn new(part: &'a Part<'a>, breakdown: &[FieldRef], (n_steps, sorting): (usize, Sorting)) -> Result<PartFunnel<'a>> {
        let breakdown = PartGroups::of(part, breakdown)?;
        let places = vec![NONE_YET; breakdown.len()];
        Ok(PartFunnel { breakdown, n_steps, sorting, places, groups: Vec::new(), depths: Vec::new() })
    }

    /// Counts the chosen chains of one person, each in the group of its first event.
    fn count_person<'c>(&mut self, person: i64, chains: impl IntoIterator<Item = &'c [(i64, Row)]>) {
        self.depths.clear();
        for chain in chains.into_iter().filter(|chain| !chain.is_empty()) {
            let first = chain[0].1;
            let place = &mut self.places[self.breakdown.of_row(first)];
            if *place == NONE_YET {
                *place = u32::try_from(self.groups.len()).expect("a part has fewer groups than rows");
                self.groups.push((first, Group::new(self.n_steps, self.sorting)));
            }
            let place = *place as usize;
            self.groups[place].1.add(chain);
            match self.depths.iter_mut().find(|(known, _)| *known == place) {
                Some((_, depth)) => *depth = chain.len().max(*depth),
                None => self.depths.push((place, chain.len())),
            }
        }
        let class = self.sorting.class(person);
        for (place, depth) in &self.depths {
            let (_, group) = &mut self.groups[*place];
            group.people[..*depth].iter_mut().for_each(|people| people.add(class));
        }
    }

    /// The groups with their values.
    fn finish(self) -> Result<Vec<(Key, Group)>> {
        let breakdown = self.breakdown;
        let named = |(row, group): (Row, Group)| Ok((breakdown.key(row)?, group));
        self.groups.into_iter().map(named).collect()
    }
}

fn answer(scope: Scope<'_>, question: &FunnelQuestion, groups: Groups, cost: (u64, u64)) -> Rows {
    let Scope { plan, guard, .. } = scope;
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
        groups.entry(Key(Vec::new())).or_insert_with(|| Group::new(question.steps.len(), guard.sorting()));
    }
    let is_named = |(key, group): (&Key, &Group)| key.0.is_empty() || guard.is_enough(&group.people[0]);
    let parts: Vec<(&People, bool)> =
        groups.iter().map(|(key, group)| (&group.people[0], is_named((key, group)))).collect();
    let shown = guard.complement(&parts);
    let is_folded = shown.contains(&false);
    let mut rows = Vec::new();
    for ((key, group), _) in groups.into_iter().zip(shown).filter(|(_, is_named)| *is_named) {
        group_rows(question, guard, &key, group, &mut rows);
    }
    if is_folded {
        let mut row = vec![Value::Text(WITHHELD.to_owned()); plan.breakdown.len()];
        row.resize(columns.len(), Value::Null);
        rows.push((row, true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    Rows::new(columns, rows, cost)
}

fn group_rows(
    question: &FunnelQuestion,
    guard: &Guard,
    key: &Key,
    mut group: Group,
    rows: &mut Vec<(Vec<Value>, bool)>,
) {
    let name = |step: usize| match &question.steps[step].event {
        spec::EventSelector::Named(name) => name.as_str(),
        spec::EventSelector::Any => "*",
    };
    let is_of_pairs = !question.count_by.is_empty();
    let sort = format!("pairs of {:?}", question.count_by);
    let shares = question.steps.len() as u64;
    let first = guard.n_told();
    // As they are told: what is computed from them tells nothing else.
    let mut told: Vec<Option<Value>> = Vec::new();
    for step in 0..question.steps.len() {
        let people = &group.people[step];
        let cell = || format!("{key:?} {step}");
        let value = cells::count(group.reached[step]);
        let reached = match is_of_pairs {
            false => match step.checked_sub(1).map(|before| (&group.people[before], &told[before])) {
                Some(before) => guard.part(people, before, &cell, (shares, first)),
                None => guard.step(people, &cell, (shares, first)),
            },
            // Where people give way to others, their pairs would tell of them: one each might have one.
            true if are_told(guard, (people, first), &|| format!("{} people", cell())) => {
                guard.told(Figure { sort: &sort, cell: &cell, people, amounts: &[], is_one_each: false, value, shares })
            }
            true => None,
        };
        told.push(reached);
        let between = format!("seconds from {} to {} {:?}", name(step.saturating_sub(1)), name(step), question.period);
        let value = median_seconds(&mut group.gaps[step]);
        let median = match step {
            0 => Some(Value::Null),
            _ => guard.told(Figure {
                sort: &between,
                cell: &cell,
                people,
                amounts: &[],
                is_one_each: false,
                value,
                shares,
            }),
        };
        let mut row = key.0.clone();
        row.push(cells::count(step as u64 + 1));
        row.push(Value::Text(name(step).to_owned()));
        let is_withheld = told[step].is_none() || median.is_none();
        row.push(told[step].clone().unwrap_or(Value::Null));
        row.push(rate(&told[step], &told[0]));
        row.push(rate(&told[step], &told[step.saturating_sub(1)]));
        row.push(median.unwrap_or(Value::Null));
        rows.push((row, is_withheld));
    }
}

/// Whether so many people are told as they are.
fn are_told(guard: &Guard, (people, first): (&People, usize), cell: &dyn Fn() -> String) -> bool {
    guard.step(people, cell, (1, first)) == Some(cells::count(people.len()))
}

/// A share in 0..=1, null of nothing and of what is not told.
fn rate(part: &Option<Value>, whole: &Option<Value>) -> Value {
    match (part, whole) {
        (Some(Value::Integer(part)), Some(Value::Integer(whole))) if *whole != 0 => {
            Value::Number(*part as f64 / *whole as f64)
        }
        _ => Value::Null,
    }
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
