//! What became of people of an experiment, summed up variant by variant.

use super::{MICROS_PER_DAY, NO_VARIANT, VARIANTS_MAX};
use crate::cells::Key;
use crate::error;
use crate::guard::{Class, People, Sorting, add_classes};
use crate::number;
use lake::Number;
use spec::{MeasureFunction, Result, Value};
use std::collections::BTreeMap;

/// What became of people, variant by variant.
#[derive(Default)]
pub(super) struct Arms {
    pub(super) sorting: Sorting,
    pub(super) numbers: BTreeMap<Key, usize>,
    pub(super) arms: Vec<Arm>,
    /// People who were exposed to several variants.
    pub(super) several: People,
    /// How many people were first exposed on each day of the period, where that is wanted, and all of them.
    pub(super) new_people: Vec<u64>,
    pub(super) arrived: People,
}

pub(super) struct Arm {
    pub(super) people: People,
    pub(super) sums: Vec<Sums>,
}

/// One metric of the people of one variant.
#[derive(Clone)]
pub(super) struct Sums {
    /// People whom the figure is about.
    pub(super) acted: People,
    /// What the people of each class add to the sum, where people are sorted.
    pub(super) amounts: Vec<u32>,
    pub(super) sum: Total,
    pub(super) squares: Total,
}

/// A sum: exact of whole numbers and mantissas, rounded of doubles.
#[derive(Clone, Copy, Default)]
pub(super) struct Total {
    pub(super) exact: i128,
    pub(super) double: f64,
}

/// One metric of one person.
#[derive(Clone, Copy, Default)]
pub(super) struct Own {
    pub(super) events: u64,
    /// Those of them that have a value.
    pub(super) values: u64,
    pub(super) total: Total,
    /// The values as parts of a sum that is only compared: row by row, as those of a trend.
    part: u32,
}

impl Own {
    /// Adds what an event holds.
    pub(super) fn add(&mut self, value: Number) -> Result<()> {
        self.values += 1;
        self.part = self.part.wrapping_add(number::part(value));
        self.total.add(value)
    }

    /// What the figure adds to a sum that is only compared.
    pub(super) fn part(&self, function: MeasureFunction) -> u32 {
        match function {
            MeasureFunction::Sum => self.part,
            function => number::part(Number::Exact(self.figure(function).exact)),
        }
    }

    pub(super) fn figure(&self, function: MeasureFunction) -> Total {
        match function {
            MeasureFunction::People => Total { exact: i128::from(self.events > 0), double: 0.0 },
            MeasureFunction::Sum => self.total,
            _ => Total { exact: self.events.into(), double: 0.0 },
        }
    }

    /// Whether the figure is about them too: a sum is about those who have a value, anything else about those with an event.
    pub(super) fn counts_for(&self, function: MeasureFunction) -> bool {
        if function == MeasureFunction::Sum { self.values > 0 } else { self.events > 0 }
    }
}

impl Total {
    pub(super) fn add(&mut self, value: Number) -> Result<()> {
        match value {
            Number::Exact(value) => self.exact = self.exact.checked_add(value).ok_or_else(too_large)?,
            Number::Double(value) => self.double += value,
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: Total) -> Result<()> {
        self.exact = self.exact.checked_add(other.exact).ok_or_else(too_large)?;
        self.double += other.double;
        Ok(())
    }

    /// Its square; one of the two is zero.
    pub(super) fn square(self) -> Result<Total> {
        let exact = self.exact.checked_mul(self.exact).ok_or_else(too_large)?;
        Ok(Total { exact, double: self.double * self.double })
    }

    /// As a double, of a number with so many decimal places.
    pub(super) fn double(self, scale: u32) -> f64 {
        self.exact as f64 / 10f64.powi(i32::try_from(scale).unwrap_or(0)) + self.double
    }
}

impl Sums {
    /// Of nobody.
    pub(super) fn new(sorting: Sorting) -> Sums {
        let amounts = vec![0; sorting.n_classes()];
        Sums { acted: sorting.nobody(), amounts, sum: Total::default(), squares: Total::default() }
    }

    /// Adds the figure of a person of a class.
    pub(super) fn add(&mut self, class: Class, own: &Own, function: MeasureFunction) -> Result<()> {
        if own.counts_for(function) {
            self.acted.add(class);
        }
        if let Some(amount) = self.amounts.get_mut(class.place()) {
            *amount = amount.wrapping_add(own.part(function));
        }
        let figure = own.figure(function);
        self.sum.merge(figure)?;
        self.squares.merge(figure.square()?)
    }

    pub(super) fn merge(&mut self, other: &Sums) -> Result<()> {
        self.acted.merge(&other.acted);
        add_classes(&mut self.amounts, &other.amounts);
        self.sum.merge(other.sum)?;
        self.squares.merge(other.squares)
    }
}

impl Arms {
    /// Of nobody.
    pub(super) fn new(sorting: Sorting) -> Arms {
        Arms { sorting, several: sorting.nobody(), arrived: sorting.nobody(), ..Arms::default() }
    }

    /// Notes that somebody of a class was exposed so many microseconds after the period began.
    pub(super) fn arrive(&mut self, class: Class, since: i64) {
        self.arrived.add(class);
        let day = usize::try_from(since / MICROS_PER_DAY).unwrap_or(0);
        if let Some(people) = self.new_people.get_mut(day) {
            *people += 1;
        }
    }

    /// The number of a variant, a new one if it was not seen yet.
    pub(super) fn number(&mut self, variant: Key) -> Result<u32> {
        if variant.0.first() == Some(&Value::Null) {
            return Ok(NO_VARIANT);
        }
        let next = self.arms.len();
        if let Some(known) = self.numbers.get(&variant) {
            return Ok(u32::try_from(*known).expect("there are few variants"));
        }
        if next >= VARIANTS_MAX {
            let hint = "name a property that tells variants apart, or say in `where` which exposures count";
            return Err(error::over_budget(&format!("{VARIANTS_MAX} variants"), hint));
        }
        self.numbers.insert(variant, next);
        self.arms.push(Arm { people: self.sorting.nobody(), sums: Vec::new() });
        Ok(u32::try_from(next).expect("there are few variants"))
    }

    pub(super) fn merge(&mut self, other: Arms) -> Result<()> {
        self.several.merge(&other.several);
        self.arrived.merge(&other.arrived);
        self.new_people.iter_mut().zip(&other.new_people).for_each(|(all, more)| *all += more);
        for (variant, number) in other.numbers {
            let arm = &other.arms[number];
            let into = self.number(variant)? as usize;
            let into = &mut self.arms[into];
            into.people.merge(&arm.people);
            into.sums.resize(arm.sums.len().max(into.sums.len()), Sums::new(self.sorting));
            for (into, sums) in into.sums.iter_mut().zip(&arm.sums) {
                into.merge(sums)?;
            }
        }
        Ok(())
    }
}

fn too_large() -> spec::Error {
    error::over_budget("38 digits in one figure", "ask for a shorter period, or measure something smaller")
}
