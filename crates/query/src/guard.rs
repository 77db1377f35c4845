//! What may be told of the people that a figure is about: the last check before a figure leaves.
//!
//! Too few people are never told of. Where a purpose guards differences, neither are figures from which those of too few
//! follow by adding or subtracting what the user was told before; and where it wants noise, counts of people get it.

mod history;
mod people;

pub use history::{History, Told};
pub(crate) use people::{Class, People, Sorting, add_classes};

use crate::plan::{Limits, Stop};
use history::{Nearness, Relation, hash};
use policy::Grant;
use spec::{AnswerLimits, MeasureFunction, Question, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Draws noise: a whole number from the two-sided geometric distribution of a scale, `P(x) ~ exp(-|x| / scale)`.
/// Told which of the question's figures it is for, and the scale.
pub type Draw = Arc<dyn Fn(&str, f64) -> spec::Result<i64> + Send + Sync>;

/// What is done to figures before they leave.
#[derive(Clone, Default)]
pub enum Telling {
    /// Figures about enough people leave as they are.
    #[default]
    Plain,
    /// Those that are too near to what was told before give way to it.
    Guarded(Arc<History>),
    /// Counts of people get noise.
    Noisy(Draw),
    /// Nobody sees them.
    Unseen,
}

/// The sort of counts of people: these can be added to and subtracted from one another, whatever kind of question they answer,
/// and whatever it calls them.
pub(crate) const PEOPLE: &str = "people";

/// As much of what a class adds is kept: parts that differ are nearly never the same.
const PART: u32 = 0xffff;

/// The sort of a total: of the rows of events of any name, or of the values of a property.
pub(crate) fn sort_of(function: MeasureFunction, property: Option<&str>) -> String {
    match function {
        MeasureFunction::People => PEOPLE.to_owned(),
        MeasureFunction::Count => "rows".to_owned(),
        function => format!("{function:?} of {}", property.unwrap_or_default()),
    }
}

/// Looks at all figures of one answer.
pub(crate) struct Guard {
    min_group: u64,
    epsilon: f64,
    telling: Telling,
    question: String,
    stop: Stop,
    found: Mutex<Found>,
}

/// What came of looking.
#[derive(Default)]
struct Found {
    told: Vec<Told>,
    /// Questions whose figures are too near to these, and have to be asked again before these can be told.
    outdated: Vec<String>,
    fault: Option<spec::Error>,
}

/// A figure that may leave.
pub(crate) struct Figure<'a> {
    pub(crate) sort: &'a str,
    /// Which of the question's figures it is.
    pub(crate) cell: &'a dyn Fn() -> String,
    pub(crate) people: &'a People,
    /// What the people of each class add to a total, in any form in which equal parts are equal; a total without it is
    /// compared by its people alone.
    pub(crate) amounts: &'a [u32],
    /// Whether each of the people adds one to a total, which so is a count of them as well.
    pub(crate) is_one_each: bool,
    pub(crate) value: Value,
    /// So many of the answer's figures may be about the same person.
    pub(crate) shares: u64,
}

impl<'a> Figure<'a> {
    /// A count of people.
    fn of_people(people: &'a People, cell: &'a dyn Fn() -> String, value: Value, shares: u64) -> Figure<'a> {
        Figure { sort: PEOPLE, cell, people, amounts: &[], is_one_each: false, value, shares }
    }
}

impl Guard {
    pub(crate) fn new(question: &Question, grant: &Grant, limits: &Limits) -> Guard {
        // What the purpose asks for is done even if nobody knows what was told before, or how to draw noise.
        let telling = match &limits.telling {
            Telling::Plain | Telling::Guarded(_) if grant.limits().noise.is_some() => Telling::Unseen,
            Telling::Plain if is_guarded(grant) => Telling::Guarded(Arc::default()),
            telling => telling.clone(),
        };
        Guard {
            min_group: grant.min_group(),
            epsilon: grant.limits().noise.map_or(0.0, |noise| noise.epsilon),
            telling,
            question: question.hash(),
            stop: Arc::clone(&limits.stop),
            found: Mutex::default(),
        }
    }

    /// How people are sorted so that nearly equal sets of them are recognised.
    pub(crate) fn sorting(&self) -> Sorting {
        match self.telling {
            Telling::Guarded(_) => Sorting::for_groups(self.min_group),
            Telling::Plain | Telling::Noisy(_) | Telling::Unseen => Sorting::default(),
        }
    }

    /// Whether people, who are part of so many others, are too near to them to be told apart.
    pub(crate) fn is_near(&self, whole: u64, part: &People) -> bool {
        let Telling::Guarded(history) = &self.telling else { return false };
        part.len() >= self.min_group && whole - part.len() < history.within(part.classes(), self.min_group)
    }

    /// Whether there are enough people to be told of, or to be named as a group.
    ///
    /// Where differences are guarded, how many are enough follows from who they are and from a secret: if everybody knew the
    /// bound, whether others are told of would tell of the one person who makes them enough.
    pub(crate) fn is_enough(&self, people: &People) -> bool {
        let least = match &self.telling {
            Telling::Guarded(history) => history.within(people.classes(), self.min_group),
            Telling::Plain | Telling::Noisy(_) | Telling::Unseen => self.min_group,
        };
        people.len() >= least
    }

    /// So many people are enough, whoever they are.
    pub(crate) fn surely_enough(&self) -> u64 {
        match self.telling {
            Telling::Guarded(_) => History::within_max(self.min_group),
            Telling::Plain | Telling::Noisy(_) | Telling::Unseen => self.min_group,
        }
    }

    /// Whether each figure costs something, so that only what was asked for is told.
    pub(crate) fn is_sparing(&self) -> bool {
        matches!(self.telling, Telling::Noisy(_) | Telling::Unseen)
    }

    /// The figure as it may be told; `None` if it may not.
    pub(crate) fn told(&self, figure: Figure<'_>) -> Option<Value> {
        self.tell(figure, &[])
    }

    /// A count of some of the people of the counts before it, which it is held against as well, from so many figures of the
    /// answer on: what one takes away from another is people too.
    pub(crate) fn step(
        &self,
        people: &People,
        cell: &dyn Fn() -> String,
        (shares, first): (u64, usize),
    ) -> Option<Value> {
        let value = crate::cells::count(people.len());
        self.told_beside(Figure::of_people(people, cell, value, shares), first)
    }

    /// A count of some of those people who were told of as this: where these gave way to others, the few fewer give way with
    /// them.
    pub(crate) fn part(
        &self,
        people: &People,
        (whole, told): (&People, &Option<Value>),
        cell: &dyn Fn() -> String,
        at: (u64, usize),
    ) -> Option<Value> {
        let gave_way = *told != Some(crate::cells::count(whole.len()));
        if gave_way && self.is_near(whole.len(), people) { told.clone() } else { self.step(people, cell, at) }
    }

    /// A figure that is held against those before it in the same answer as well, from so many on.
    pub(crate) fn told_beside(&self, figure: Figure<'_>, first: usize) -> Option<Value> {
        let before = self.lock().told.get(first..).unwrap_or_default().to_vec();
        self.tell(figure, &before)
    }

    /// So many figures of the answer are told as they are.
    pub(crate) fn n_told(&self) -> usize {
        self.lock().told.len()
    }

    fn tell(&self, figure: Figure<'_>, before: &[Told]) -> Option<Value> {
        match &self.telling {
            Telling::Unseen => None,
            Telling::Noisy(draw) => self.noisy(draw, &figure),
            _ if !self.is_enough(figure.people) => None,
            Telling::Plain => Some(figure.value),
            Telling::Guarded(history) => match self.as_count_of_people(history, &figure, before) {
                Some(told) => told,
                None => self.guarded(history, figure, before),
            },
        }
    }

    /// What is told of a total to which each adds one: it is a count of people as well, and gives way as one. `None` if nothing
    /// stands against it as such.
    fn as_count_of_people(&self, history: &History, figure: &Figure<'_>, before: &[Told]) -> Option<Option<Value>> {
        if !figure.is_one_each {
            return None;
        }
        let count = crate::cells::count(figure.people.len());
        let cell = || format!("{} people", (figure.cell)());
        let told = self.guarded(history, Figure::of_people(figure.people, &cell, count.clone(), 1), before);
        (told.as_ref() != Some(&count)).then(|| told.and_then(|told| like(told, &figure.value)))
    }

    /// A count of people as it may be told.
    pub(crate) fn people(&self, people: &People, cell: &dyn Fn() -> String, shares: u64) -> Option<Value> {
        let value = crate::cells::count(people.len());
        self.told(Figure::of_people(people, cell, value, shares))
    }

    /// Of groups that together are everybody, which may be told so that none follows from the others: told of each who they
    /// are and whether they are enough.
    ///
    /// If the people of the groups that may not be told are too few together, whoever knows the whole knows of too few; so the
    /// smallest of the others is not told either.
    pub(crate) fn complement(&self, groups: &[(&People, bool)]) -> Vec<bool> {
        let mut shown: Vec<bool> = groups.iter().map(|(_, is_enough)| *is_enough).collect();
        let mut hidden = groups.iter().filter(|(_, is_enough)| !is_enough).map(|(people, _)| *people).peekable();
        if !matches!(self.telling, Telling::Guarded(_)) || hidden.peek().is_none() {
            return shown;
        }
        let mut together = self.sorting().nobody();
        hidden.for_each(|people| together.merge(people));
        if self.is_enough(&together) {
            return shown;
        }
        let told = groups.iter().enumerate().filter(|(_, (_, is_enough))| *is_enough);
        if let Some((smallest, _)) = told.min_by_key(|(_, (people, _))| people.len()) {
            shown[smallest] = false;
        }
        shown
    }

    /// What was told, and which questions have to be asked again first.
    pub(crate) fn finish(self) -> spec::Result<(Vec<Told>, Vec<String>)> {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.fault.map_or(Ok((found.told, found.outdated)), Err)
    }

    fn noisy(&self, draw: &Draw, figure: &Figure<'_>) -> Option<Value> {
        let Value::Integer(count) = figure.value else { return None };
        if figure.sort != PEOPLE {
            return None;
        }
        match draw(&(figure.cell)(), figure.shares as f64 / self.epsilon) {
            Ok(noise) => {
                let noisy = count.saturating_add(noise);
                u64::try_from(noisy).is_ok_and(|noisy| noisy >= self.min_group).then_some(Value::Integer(noisy))
            }
            Err(fault) => {
                self.lock().fault = Some(fault);
                None
            }
        }
    }

    fn guarded(&self, history: &History, figure: Figure<'_>, before: &[Told]) -> Option<Value> {
        let Figure { sort, cell, people, amounts, value, .. } = figure;
        // People who were counted without their classes are like any others, and so are told of to nobody.
        if people.classes().len() != self.sorting().n_classes() {
            self.lock().fault = Some(crate::error::bug("people of a figure were not sorted"));
            return None;
        }
        let mut told = Told {
            question: self.question.clone(),
            cell: hash(&cell()),
            sort: hash(sort),
            value,
            classes: people.classes().iter().copied().chain(amounts.iter().map(|part| part & PART)).collect(),
            state: history.state(),
            sequence: i64::MAX,
        };
        // What was told first is not held against what was told later.
        told.sequence = history.sequence_of(&told);
        let nearness = Nearness {
            adds_up: sort == PEOPLE,
            within: history.within(people.classes(), self.min_group),
            n_classes: people.classes().len(),
        };
        let Ok(relation) = history.relation(&told, before, nearness, &*self.stop) else {
            self.lock().fault = Some(crate::error::stopped());
            return None;
        };
        match relation {
            Relation::Apart => {
                let value = told.value.clone();
                self.lock().told.push(told);
                Some(value)
            }
            // A figure of another type would not fit into the column.
            Relation::Near(value) => like(value, &told.value),
            Relation::Outdated(questions) => {
                let mut found = self.lock();
                for question in questions {
                    if !found.outdated.contains(&question) {
                        found.outdated.push(question);
                    }
                }
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value in the place of another: as it is, or a whole number or a decimal as a number; else it is not told.
fn like(value: Value, wanted: &Value) -> Option<Value> {
    if std::mem::discriminant(&value) == std::mem::discriminant(wanted) {
        return Some(value);
    }
    matches!(wanted, Value::Number(_)).then(|| crate::number::double(&value).map(Value::Number)).flatten()
}

/// How many people a grant is about: a figure that every answer tells.
pub fn everybody(grant: &Grant) -> Told {
    let sorting = Sorting::for_groups(grant.min_group());
    let people = sorting.people(grant.people().iter().map(u64::cast_signed));
    Told {
        question: String::new(),
        cell: 0,
        sort: hash(PEOPLE),
        value: crate::cells::count(people.len()),
        classes: people.classes().to_vec(),
        state: 0,
        sequence: history::EVERYBODY,
    }
}

/// So many people are told of, whoever they are, under a minimum group and these limits.
pub fn surely_enough(min_group: u64, limits: &AnswerLimits) -> u64 {
    if limits.guards_differences() { History::within_max(min_group) } else { min_group }
}

/// Whether answers under a grant are held against what was told before.
pub fn is_guarded(grant: &Grant) -> bool {
    grant.limits().guards_differences()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(telling: Telling) -> Guard {
        Guard {
            min_group: 10,
            epsilon: 0.0,
            telling,
            question: String::new(),
            stop: Arc::new(|| false),
            found: Mutex::default(),
        }
    }

    #[test]
    fn the_smallest_part_goes_with_those_that_are_too_few_together() {
        let guard = guard(Telling::Guarded(Arc::new(History::new(Vec::new(), 0, 7))));
        let shown = |sizes: &[i64]| {
            let sorting = Sorting::for_groups(10);
            let parts: Vec<People> =
                (0..).zip(sizes).map(|(n, size)| sorting.people(n * 1_000..n * 1_000 + size)).collect();
            guard.complement(&parts.iter().map(|people| (people, guard.is_enough(people))).collect::<Vec<_>>())
        };
        assert_eq!(shown(&[40, 20, 30]), [true; 3], "nobody is hidden");
        assert_eq!(shown(&[40, 20, 30, 9]), [true, false, true, false]);
        assert_eq!(
            shown(&[40, 20, 30, 9, 9]),
            [true, true, true, false, false],
            "eighteen are enough, whoever they are"
        );
        let n_shown = (0..50).filter(|n| shown(&[40 + n, 20, 6, 6])[1]).count();
        assert!([0, 50].contains(&n_shown), "it follows from those that are hidden");
        assert_eq!(shown(&[5]), [false], "nobody is left to go with them");
    }

    #[test]
    fn how_many_are_enough_is_known_to_nobody_where_differences_are_guarded() {
        let (plain, guarded) =
            (guard(Telling::Plain), guard(Telling::Guarded(Arc::new(History::new(Vec::new(), 0, 7)))));
        let people = |first: i64, n: i64| Sorting::for_groups(10).people(first..first + n);
        let n_enough = |guard: &Guard, n| (0..100).filter(|first| guard.is_enough(&people(first * 100, n))).count();
        assert_eq!([9, 10].map(|n| n_enough(&plain, n)), [0, 100]);
        assert_eq!([9, 15].map(|n| n_enough(&guarded, n)), [0, 100]);
        assert!((11..=14).all(|n| (1..100).contains(&n_enough(&guarded, n))), "it depends on who they are");
        assert_eq!((plain.surely_enough(), guarded.surely_enough()), (10, 15));
    }
}
