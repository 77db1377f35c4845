//! What a user was told before, and whether a new figure is too near to it.

use spec::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A figure that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The question, by its hash.
    pub question: String,
    /// Which of its figures, by a hash.
    pub cell: u64,
    /// What sort of figure, by a hash.
    pub sort: u64,
    /// What was told.
    pub value: Value,
    /// How many people of each class it is about; behind them what these add to it, where that is compared as well.
    pub classes: Vec<u32>,
    /// The state of tables and rules in which it was told: in the same one it can be told again in place of another.
    pub state: u64,
    /// When it was told first, among all figures.
    pub sequence: i64,
}

impl Told {
    /// Whether the other is the same figure of the same state, whenever it was told.
    pub fn says_the_same(&self, other: &Told) -> bool {
        let is_same = (&self.question, self.cell, self.sort, self.state)
            == (&other.question, other.cell, other.sort, other.state);
        is_same && self.value == other.value && self.classes == other.classes
    }

    fn n_people(&self) -> i64 {
        self.classes.iter().map(|people| i64::from(*people)).sum()
    }
}

/// The sequence of the number of everybody who may be used: it was told before all others, and is told by every answer.
pub(super) const EVERYBODY: i64 = i64::MIN;

/// What a user was told about the people of a purpose.
#[derive(Debug, Default)]
pub struct History {
    /// The state of tables and rules now.
    state: u64,
    /// A secret from which it follows how near is too near, for each figure.
    salt: u64,
    /// By sort, each in the order of how many people they are about.
    by_sort: HashMap<u64, Vec<Entry>>,
    sequences: HashMap<(String, u64, u64), i64>,
}

#[derive(Clone, Debug)]
struct Entry {
    n_people: i64,
    told: Arc<Told>,
    /// Whether it is about to be told by the same answer.
    is_beside: bool,
}

/// What makes figures too near to one another.
#[derive(Clone, Copy)]
pub(super) struct Nearness {
    /// Whether figures of the sort are counts of people, so that they can be added and subtracted.
    pub(super) adds_up: bool,
    /// They differ by fewer people than this.
    pub(super) within: u64,
    /// Into so many classes people are sorted.
    pub(super) n_classes: usize,
}

/// How a figure stands to what was told.
pub(super) enum Relation {
    /// Nothing about too few people follows from it.
    Apart,
    /// It is about nearly the people of another, or of two others added or subtracted: what these were.
    Near(Value),
    /// The same, but the others were told in another state; their questions.
    Outdated(Vec<String>),
}

impl History {
    /// Puts together what was told, as it stands to a state of tables and rules; `salt` is known to nobody who asks.
    pub fn new(told: Vec<Arc<Told>>, state: u64, salt: u64) -> History {
        let mut history = History { state, salt, ..History::default() };
        for told in told {
            history.sequences.insert((told.question.clone(), told.cell, told.sort), told.sequence);
            let entry = Entry { n_people: told.n_people(), told, is_beside: false };
            history.by_sort.entry(entry.told.sort).or_default().push(entry);
        }
        history.by_sort.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.n_people));
        history
    }

    pub(super) fn state(&self) -> u64 {
        self.state
    }

    /// When this figure was told first; after all others if it was not.
    pub(super) fn sequence_of(&self, told: &Told) -> i64 {
        self.sequences.get(&(told.question.clone(), told.cell, told.sort)).copied().unwrap_or(i64::MAX)
    }

    /// By fewer than how many people others have to differ from these to be too near: the minimum group, and up to half as many
    /// more, which follows from who they are and from a secret. If everybody knew the bound, whether a figure gives way would
    /// tell of the one person who makes it nearer than that; and if it followed from the words, it could be drawn again.
    pub(super) fn within(&self, classes: &[u32], min_group: u64) -> u64 {
        let step =
            |mixed: u64, people: &u32| (mixed ^ u64::from(*people)).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31);
        let mixed = classes.iter().fold(self.salt, step);
        min_group + (mixed ^ mixed >> 33) % (Self::within_max(min_group) - min_group + 1)
    }

    /// The most that others may have to differ by.
    pub(super) fn within_max(min_group: u64) -> u64 {
        min_group.saturating_add(min_group / 2)
    }

    /// How a figure stands to those that were told before it, and to these `before` it in the same answer, if it is known
    /// before it is time to stop. What else the same question told is left aside whenever that was, so that who asks it again
    /// is told the same. Counts of people add up, and are too near to those that differ by fewer people than `within`. Of other sorts
    /// single figures are compared: one that differs from another in fewer classes differs by what fewer people add to it.
    pub(super) fn relation(
        &self,
        new: &Told,
        before: &[Told],
        Nearness { adds_up, within, n_classes }: Nearness,
        stop: &dyn Fn() -> bool,
    ) -> std::result::Result<Relation, Stopped> {
        let mut entries = Cow::Borrowed(self.by_sort.get(&new.sort).map_or(&[][..], Vec::as_slice));
        for told in before.iter().filter(|told| told.sort == new.sort) {
            let entry = Entry { n_people: told.n_people(), told: Arc::new(told.clone()), is_beside: true };
            let place = entries.partition_point(|known| known.n_people <= entry.n_people);
            entries.to_mut().insert(place, entry);
        }
        let search = Search {
            entries: &entries,
            new,
            n_people: new.n_people(),
            within: i64::try_from(within).unwrap_or(i64::MAX),
            n_classes,
            stop,
        };
        let mut outdated = Vec::new();
        let mut near = Vec::new();
        if adds_up {
            near.extend(search.single());
            near.extend(search.pairs()?);
        } else {
            near.extend(search.alike()?);
        }
        // The nearest, of single figures before pairs, and of those the one that was told first.
        near.sort_by_key(|(distance, combination)| (combination.len(), *distance, combination[0].1.sequence));
        for (_, combination) in near {
            let is_outdated = |told: &Told| told.state != self.state && told.sequence != EVERYBODY;
            let others = combination.iter().filter(|(_, told)| is_outdated(told));
            let n_known = outdated.len();
            outdated.extend(others.map(|(_, told)| told.question.clone()));
            if outdated.len() == n_known {
                return Ok(Relation::Near(sum(&combination)));
            }
        }
        Ok(if outdated.is_empty() { Relation::Apart } else { Relation::Outdated(outdated) })
    }
}

/// It was time to stop before all was compared.
#[derive(Debug)]
pub(super) struct Stopped;

/// Between so many figures it is asked whether to stop.
const BETWEEN_STOPS: usize = 256;

/// Figures with their signs.
type Combination<'h> = Vec<(i64, &'h Told)>;

/// A look for figures of which the new one is nearly made.
struct Search<'h> {
    entries: &'h [Entry],
    new: &'h Told,
    n_people: i64,
    /// Sets that differ by fewer people are nearly the same.
    within: i64,
    n_classes: usize,
    stop: &'h dyn Fn() -> bool,
}

impl<'h> Search<'h> {
    /// Figures that were told before the new one and are about so many people, give or take fewer than a group.
    fn about(&self, n_people: i64) -> impl Iterator<Item = &'h Told> {
        let first = self.entries.partition_point(|entry| entry.n_people <= n_people.saturating_sub(self.within));
        let last = self.entries.partition_point(|entry| entry.n_people < n_people.saturating_add(self.within));
        self.entries[first..last.max(first)].iter().filter(|entry| self.is_before(entry)).map(|entry| &*entry.told)
    }

    /// Whether the new figure is held against another.
    fn is_before(&self, entry: &Entry) -> bool {
        let Entry { told, is_beside, .. } = entry;
        *is_beside || (told.question != self.new.question && told.sequence < self.new.sequence)
    }

    /// Figures about nearly the same people.
    fn single(&self) -> Vec<(i64, Combination<'h>)> {
        self.about(self.n_people).filter_map(|told| self.near(vec![(1, told)])).collect()
    }

    /// Pairs of figures that add up to nearly the same people, or leave them.
    fn pairs(&self) -> std::result::Result<Vec<(i64, Combination<'h>)>, Stopped> {
        let mut found = Vec::new();
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| self.is_before(entry)) {
            self.check(place)?;
            let one = &*entry.told;
            if entry.n_people * 2 <= self.n_people + self.within {
                let others = self.about(self.n_people - entry.n_people);
                found.extend(others.filter_map(|other| self.near(vec![(1, one), (1, other)])));
            }
            if entry.n_people >= self.n_people {
                let others = self.about(entry.n_people - self.n_people);
                found.extend(others.filter_map(|other| self.near(vec![(1, one), (-1, other)])));
            }
        }
        Ok(found)
    }

    /// Figures that differ in fewer classes than would be too near; by how many.
    fn alike(&self) -> std::result::Result<Vec<(i64, Combination<'h>)>, Stopped> {
        let mut found = Vec::new();
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| self.is_before(entry)) {
            self.check(place)?;
            found.extend(self.n_unlike(&entry.told).map(|distance| (distance, vec![(1, &*entry.told)])));
        }
        Ok(found)
    }

    /// In how many classes a figure gets another part from its people, if these are few; of a figure without parts, has
    /// other people. Who adds nothing to either does not set them apart.
    fn n_unlike(&self, told: &Told) -> Option<i64> {
        let (new, old) = (&self.new.classes, &told.classes);
        // Under another minimum group there were other classes; what was told then is compared by nothing.
        if new.len() != old.len() {
            return None;
        }
        let first = if new.len() > self.n_classes { self.n_classes } else { 0 };
        // There are too few classes to tell large groups apart one by one: half of them is as many as can be asked for.
        let within = self.within.min((self.n_classes / 2).max(1) as i64);
        let mut n_unlike = 0;
        for place in first..first + self.n_classes {
            n_unlike += i64::from(new.get(place) != old.get(place));
            if n_unlike >= within {
                return None;
            }
        }
        Some(n_unlike)
    }

    fn check(&self, place: usize) -> std::result::Result<(), Stopped> {
        if place.is_multiple_of(BETWEEN_STOPS) && (self.stop)() { Err(Stopped) } else { Ok(()) }
    }

    /// The combination and by how many people it differs from the new figure, if these are fewer than a group.
    fn near(&self, combination: Combination<'h>) -> Option<(i64, Combination<'h>)> {
        let mut distance = 0;
        for (class, people) in self.new.classes.iter().enumerate() {
            let of = |(sign, told): &(i64, &Told)| sign * i64::from(told.classes.get(class).copied().unwrap_or(0));
            distance += (i64::from(*people) - combination.iter().map(of).sum::<i64>()).abs();
            if distance >= self.within {
                return None;
            }
        }
        Some((distance, combination))
    }
}

/// What a combination comes to; only counts are ever combined.
fn sum(combination: &[(i64, &Told)]) -> Value {
    if let [(1, told)] = combination {
        return told.value.clone();
    }
    let of = |(sign, told): &(i64, &Told)| match told.value {
        Value::Integer(value) => sign * value,
        _ => 0,
    };
    Value::Integer(combination.iter().map(of).sum())
}

/// A name as a number that is the same in every process.
pub(super) fn hash(name: &str) -> u64 {
    // FNV-1a; nobody gains by two names with one number.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
