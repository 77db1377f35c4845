//! Paths: what people do after their first such event, or did before their last.
//!
//! Each person's path is a key of a few bits for each name, so that a person costs one look into a table of paths. Dictionary
//! codes are made over everybody's rows: names get their numbers when a granted person's path has them, and only the texts
//! of names decide orders.

use crate::cells::{self, WITHHELD};
use crate::error;
use crate::guard::{Guard, People, Sorting};
use crate::pass::{Filter, Part, Pass, Wanted};
use crate::period::period_bounds;
use crate::plan::{Limits, Rows, Scope};
use lake::{PersonRows, Texts};
use spec::{Column, Condition, PathsEnd, PathsQuestion, Result, Value, ValueType};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// What stands for the paths that may be named and are not among the most common.
const OTHER: &str = "(other)";
/// Bits of a name in a key; the steps of a question fit.
const NAME_BITS: u32 = 12;
/// Names have numbers from 1 to this.
const NAMES_MAX: usize = (1 << NAME_BITS) - 1;
/// Bytes that a path takes in a table that is just growing.
const PATH_BYTES: usize = 160;
/// A thread that has more paths brings them to those of the others.
const PATHS_APART_MAX: usize = 1 << 16;

/// Answers paths; their meaning is in the manual.
///
/// # Shape
/// One row per path: the most common first, equally common ones by their names; then one for all others and one for those
/// that are withheld, where there are any. Columns: path, people.
pub(crate) fn run(scope: Scope<'_>, question: &PathsQuestion) -> Result<Rows> {
    let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
    let mut wanted = Wanted::default();
    question.end.step().filter.iter().chain(&question.filter).for_each(|filter| wanted.condition(filter));
    // What follows may come after the period, what came before may lie before it.
    let bounds = match question.end {
        PathsEnd::From(_) => (Some(from), None),
        PathsEnd::To(_) => (None, Some(to)),
    };
    let pass = Pass::open(&scope.plan.properties, &wanted, bounds, scope.grant, scope.snapshot)?;
    let paths = Paths {
        question,
        ends: end_condition(question).map(|condition| pass.filter(&condition)).transpose()?,
        counts: question.filter.as_ref().map(|filter| pass.filter(filter)).transpose()?,
        period: (from.timestamp_micros(), to.timestamp_micros()),
    };
    scope.foretell(&pass, &|| false)?;
    // Threads bring together what they have as they go: the bound on memory is one for all of them.
    let new = || Counted { sorting: scope.guard.sorting(), ..Counted::default() };
    let all = Mutex::new(new());
    let bring = |counted: &mut Counted| {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.merge(std::mem::replace(counted, new()))?;
        all.check(scope.limits)
    };
    let add = |counted: &mut Counted, part: &Part<'_>| {
        paths.fold(counted, part)?;
        if counted.people.len() > PATHS_APART_MAX { bring(counted) } else { Ok(()) }
    };
    for mut counted in pass.fold_on(usize::MAX, scope.limits, &new, &add)? {
        bring(&mut counted)?;
    }
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (columns, rows) = table(&all, question, scope.guard);
    Ok(Rows::new(columns, rows, pass.cost()))
}

/// The condition of the event at the end and the question's own, both on the same event.
fn end_condition(question: &PathsQuestion) -> Option<Condition> {
    match (&question.end.step().filter, &question.filter) {
        (Some(own), Some(shared)) => Some(Condition::And(vec![own.clone(), shared.clone()])),
        (own, shared) => own.clone().or_else(|| shared.clone()),
    }
}

struct Paths<'a> {
    question: &'a PathsQuestion,
    /// Which events of its name are the end of a path.
    ends: Option<Filter>,
    /// Which events a path has.
    counts: Option<Filter>,
    /// When the event at the end happens, `[from, to)` in microseconds.
    period: (i64, i64),
}

impl Paths<'_> {
    /// Adds the people of one part.
    fn fold(&self, counted: &mut Counted, part: &Part<'_>) -> Result<()> {
        let order = NameOrder::of(part.events(), self.is_backwards());
        let is_end = self.ends_of(part)?;
        let counts = self.counts.as_ref().map(|filter| filter.mask(part)).transpose()?;
        // For each name of the part its number in keys, once it has one.
        let mut numbers = vec![0_u16; order.codes.len()];
        let (mut path, mut instant) = (Vec::new(), Vec::new());
        for person in part.people() {
            let Some(end) = self.end(part, person, &is_end) else { continue };
            let walk = Walk { part, person, end, is_end: &is_end, counts: counts.as_deref(), order: &order };
            self.walk(&walk, &mut path, &mut instant);
            let mut key = 0;
            for place in &path {
                let number = &mut numbers[*place];
                if *number == 0 {
                    *number = counted.number(order.name(part.events(), *place))?;
                }
                key = pushed(key, *number);
            }
            let sorting = counted.sorting;
            counted.people.entry(key).or_insert_with(|| sorting.nobody()).add(sorting.class(person.person()));
        }
        Ok(())
    }

    fn is_backwards(&self) -> bool {
        matches!(self.question.end, PathsEnd::To(_))
    }

    /// Which rows can be the end of a path, by their places.
    fn ends_of(&self, part: &Part<'_>) -> Result<Vec<bool>> {
        let takers = part.takers(std::iter::once(&self.question.end.step().event));
        let of_code: Vec<bool> = takers.iter().map(|taken_by| !taken_by.is_empty()).collect();
        let mut is_end = vec![false; part.n_rows()];
        part.people().iter().for_each(|person| part.events().translate(person, &of_code, &mut is_end));
        if let Some(filter) = &self.ends {
            is_end.iter_mut().zip(filter.mask(part)?).for_each(|(is_end, passes)| *is_end &= passes);
        }
        Ok(is_end)
    }

    /// Which of a person's rows is the first end inside the period, or the last one backwards.
    fn end(&self, part: &Part<'_>, person: &PersonRows, is_end: &[bool]) -> Option<usize> {
        let (times, is_end) = (part.times_of(person), &is_end[person.places()]);
        let first = times.partition_point(|at| *at < self.period.0);
        let last = times.partition_point(|at| *at < self.period.1);
        let mut inside = is_end.get(first..last)?.iter();
        let found = if self.is_backwards() { inside.rposition(|end| *end) } else { inside.position(|end| *end) };
        found.map(|n| first + n)
    }

    /// Puts the places of the path's names in their order into `path`, in the order of time; `instant` is room to work in.
    fn walk(&self, walk: &Walk<'_>, path: &mut Vec<usize>, instant: &mut Vec<usize>) {
        let (times, n_steps) = (walk.part.times_of(walk.person), self.question.steps as usize);
        // The n-th row on the way.
        let place = |n: usize| if self.is_backwards() { times.len() - 1 - n } else { n };
        let mut n = place(walk.end);
        while n > 0 && times[place(n - 1)] == times[walk.end] {
            n -= 1;
        }
        path.clear();
        let mut is_first = true;
        while n < times.len() && path.len() < n_steps {
            // What happened in the same instant comes in the order of names.
            let at = times[place(n)];
            let mut end = usize::MAX;
            instant.clear();
            while n < times.len() && times[place(n)] == at {
                let row = walk.person.row(place(n));
                let name = walk.order.places[walk.part.events().code(row)];
                if walk.counts.is_none_or(|counts| counts[row.index()]) {
                    instant.push(name);
                }
                if is_first && walk.is_end[row.index()] {
                    end = end.min(name);
                }
                n += 1;
            }
            instant.sort_unstable();
            // The end itself is not of the path, nor is what comes before it in its instant.
            let n_before = if is_first { instant.partition_point(|name| *name < end) + 1 } else { 0 };
            for name in instant.iter().skip(n_before) {
                if path.len() < n_steps && !(self.question.collapse && path.last() == Some(name)) {
                    path.push(*name);
                }
            }
            is_first = false;
        }
        if self.is_backwards() {
            path.reverse();
        }
    }
}

/// Where a person's path is looked for.
struct Walk<'a> {
    part: &'a Part<'a>,
    person: &'a PersonRows,
    /// Which of the person's rows is the end.
    end: usize,
    is_end: &'a [bool],
    counts: Option<&'a [bool]>,
    order: &'a NameOrder,
}

/// The names of a part's events in the order in which they stand within an instant.
struct NameOrder {
    /// The code at each place.
    codes: Vec<usize>,
    /// The place of each code.
    places: Vec<usize>,
}

impl NameOrder {
    fn of(events: &Texts, is_backwards: bool) -> NameOrder {
        let mut codes: Vec<usize> = (0..=events.missing()).collect();
        codes.sort_unstable_by_key(|code| (*code < events.missing()).then(|| events.values().value(*code)));
        if is_backwards {
            codes.reverse();
        }
        let mut places = vec![0; codes.len()];
        codes.iter().enumerate().for_each(|(place, code)| places[*code] = place);
        NameOrder { codes, places }
    }

    /// The name at a place; every event has one.
    fn name<'a>(&self, events: &'a Texts, place: usize) -> &'a str {
        let code = self.codes[place];
        if code < events.missing() { events.values().value(code) } else { "" }
    }
}

/// How many people went which way.
#[derive(Default)]
struct Counted {
    sorting: Sorting,
    /// By key: the numbers of names, the last one in the lowest bits, no name being 0.
    people: HashMap<u128, People>,
    names: Vec<String>,
    numbers: BTreeMap<String, u16>,
}

impl Counted {
    /// The number of a name.
    fn number(&mut self, name: &str) -> Result<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        if self.names.len() == NAMES_MAX {
            let most = format!("{NAMES_MAX} names of events");
            return Err(error::over_budget(&most, "ask for a shorter period or fewer steps"));
        }
        self.names.push(name.to_owned());
        let number = u16::try_from(self.names.len()).expect("names are bounded");
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    /// The numbers of a path's names.
    fn numbers_of(mut key: u128) -> Vec<u16> {
        let mut numbers = Vec::new();
        while key != 0 {
            numbers.push((key & NAMES_MAX as u128) as u16);
            key >>= NAME_BITS;
        }
        numbers.reverse();
        numbers
    }

    fn names_of(&self, key: u128) -> Vec<&str> {
        let names = Counted::numbers_of(key).into_iter().map(|number| self.names[usize::from(number) - 1].as_str());
        names.collect()
    }

    /// Adds other people, whose names have numbers of their own.
    fn merge(&mut self, other: Counted) -> Result<()> {
        let numbers: Vec<u16> = other.names.iter().map(|name| self.number(name)).collect::<Result<_>>()?;
        for (key, people) in other.people {
            let own = Counted::numbers_of(key).into_iter().map(|number| numbers[usize::from(number) - 1]);
            match self.people.entry(own.fold(0, pushed)) {
                Entry::Occupied(mut known) => known.get_mut().merge(&people),
                Entry::Vacant(place) => drop(place.insert(people)),
            }
        }
        Ok(())
    }

    fn check(&self, limits: &Limits) -> Result<()> {
        if self.people.len().saturating_mul(PATH_BYTES + self.sorting.n_classes() * size_of::<u32>())
            > limits.memory_bytes_max
        {
            let most = format!("{} MiB of memory", limits.memory_bytes_max >> 20);
            return Err(error::over_budget(&most, "ask for fewer steps"));
        }
        Ok(())
    }
}

/// A key with one more name.
fn pushed(key: u128, number: u16) -> u128 {
    key << NAME_BITS | u128::from(number)
}

/// The answer's columns and rows.
fn table(counted: &Counted, question: &PathsQuestion, guard: &Guard) -> (Vec<Column>, Vec<Vec<Value>>) {
    let path = Column { name: "path".to_owned(), value_type: "list", unit: None };
    let mut columns = vec![path, cells::column("people", ValueType::Integer, Some("people"))];
    let mut all: Vec<(&People, Vec<&str>)> =
        counted.people.iter().map(|(key, people)| (people, counted.names_of(*key))).collect();
    all.sort_unstable_by(|(one, names), (other, others)| other.len().cmp(&one.len()).then_with(|| names.cmp(others)));
    let parts: Vec<(&People, bool)> = all.iter().map(|(people, _)| (*people, guard.is_enough(people))).collect();
    let shown = guard.complement(&parts);
    let (named, withheld): (Vec<_>, Vec<_>) = all.into_iter().zip(shown).partition(|(_, is_named)| *is_named);
    let n_withheld = withheld.len();
    let list = |names: &[&str]| Value::List(names.iter().map(|name| Value::Text((*name).to_owned())).collect());
    let (top, others) = named.split_at(named.len().min(question.top as usize));
    let row = |people: &People, names: &[&str]| {
        let told = guard.people(people, &|| format!("{names:?}"), 1);
        let is_withheld = told.is_none();
        (vec![list(names), told.unwrap_or(Value::Null)], is_withheld)
    };
    let mut rows: Vec<(Vec<Value>, bool)> = top.iter().map(|((people, names), _)| row(people, names)).collect();
    if !others.is_empty() {
        let mut people = counted.sorting.nobody();
        others.iter().for_each(|((more, _), _)| people.merge(more));
        rows.push(row(&people, &[OTHER]));
    }
    if n_withheld > 0 {
        rows.push((vec![list(&[WITHHELD]), Value::Null], true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    (columns, rows)
}
