//! Distinct people of a figure: how many, and how many of each class.

use crate::number::double;
use spec::Value;

/// Classes for the smallest groups, and the most there are.
const CLASSES: (u64, u64) = (64, 1_024);

/// How people are sorted into classes; the default sorts nobody.
///
/// Two sets that differ by fewer than k people differ by fewer than k when all differences of their classes are added up.
/// The reverse is nearly always true as well: with four classes for each of k people, as there are for up to 256, sets that
/// have nothing to do with one another differ by more, unless they are smaller than k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorting {
    n_classes: u32,
}

/// A person's class.
#[derive(Clone, Copy)]
pub(crate) struct Class(u32);

impl Sorting {
    /// Classes that tell sets apart which differ by so many people.
    pub(crate) fn for_groups(min_group: u64) -> Sorting {
        let n_classes = min_group.saturating_mul(4).clamp(CLASSES.0, CLASSES.1).next_power_of_two();
        Sorting { n_classes: u32::try_from(n_classes).expect("there are few classes") }
    }

    pub(crate) fn n_classes(self) -> usize {
        self.n_classes as usize
    }

    /// The class of a person.
    #[inline]
    pub(crate) fn class(self, person: i64) -> Class {
        // A multiplication mixes the bits of neighbours; the upper half of the product is the mixed one.
        let mixed = (person as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        Class(mixed as u32 & self.n_classes.wrapping_sub(1))
    }

    /// No people yet.
    pub(crate) fn nobody(self) -> People {
        People { n: 0, classes: vec![0; self.n_classes()] }
    }

    /// The people with these numbers, each once.
    pub(crate) fn people(self, numbers: impl Iterator<Item = i64>) -> People {
        let mut people = self.nobody();
        numbers.for_each(|person| people.add(self.class(person)));
        people
    }
}

/// Some people, each counted once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct People {
    n: u64,
    /// Empty where people are not sorted.
    classes: Vec<u32>,
}

impl People {
    /// So many people, of these classes.
    pub(crate) fn from_parts(n: u64, classes: &[u32]) -> People {
        People { n, classes: classes.to_vec() }
    }

    /// Counts a person who was not counted yet.
    #[inline]
    pub(crate) fn add(&mut self, class: Class) {
        self.n += 1;
        if let Some(of_class) = self.classes.get_mut(class.0 as usize) {
            *of_class += 1;
        }
    }

    /// Counts other people.
    pub(crate) fn merge(&mut self, other: &People) {
        self.n += other.n;
        if self.classes.is_empty() {
            self.classes.clone_from(&other.classes);
        } else {
            add_classes(&mut self.classes, &other.classes);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.n
    }

    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Whether they are sorted and each of them adds one to a total, by what those of each class add to it.
    pub(crate) fn are_one_each(&self, amounts: &[u32], total: &Value) -> bool {
        !amounts.is_empty() && amounts == self.classes && double(total) == Some(self.n as f64)
    }
}

impl Class {
    /// Its place among the classes.
    #[inline]
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

/// Adds other people class by class, or what they add to a figure, which may go round.
pub(crate) fn add_classes(classes: &mut [u32], others: &[u32]) {
    classes.iter_mut().zip(others).for_each(|(own, more)| *own = own.wrapping_add(*more));
}
