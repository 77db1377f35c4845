//! What one channel was given: exact sums of shares, and distinct people.
//!
//! Shares are whole numbers of a common unit, so that sums do not depend on the order in which people are met, nor on where
//! parts and threads end.

use super::spread::Shares;
use crate::guard::{People, Sorting};
use lake::Number;

/// All of a conversion: the least number that 1 to 42 divide, so that equal shares of up to 42 touches are exact.
pub(super) const WHOLE: u64 = 219_060_189_739_591_200;

/// Parts are carried over from here on, long before they overflow.
const PART_MAX: u128 = 1 << 120;

/// A conversion of one person.
#[derive(Clone, Copy)]
pub(crate) struct Conversion {
    pub(crate) person: i64,
    pub(crate) value: Option<Number>,
}

/// `whole + part / WHOLE`, exactly.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    whole: i128,
    part: i128,
}

impl Sum {
    /// Adds a share of a number.
    #[inline]
    pub(super) fn add(&mut self, number: i128, share: u64) {
        let (unit, share) = (i128::from(WHOLE), i128::from(share));
        let mut small = number;
        if number.unsigned_abs() >= u128::from(WHOLE) {
            // Two decimals of 38 digits can be more than there is; then the most there is stands for it.
            self.whole = self.whole.saturating_add(number / unit * share);
            small = number % unit;
        }
        self.add_parts(small * share);
    }

    /// Adds parts of the unit, fewer than 2^126.
    #[inline]
    fn add_parts(&mut self, parts: i128) {
        self.part += parts;
        if self.part.unsigned_abs() > PART_MAX {
            self.carry();
        }
    }

    fn carry(&mut self) {
        let unit = i128::from(WHOLE);
        self.whole = self.whole.saturating_add(self.part.div_euclid(unit));
        self.part = self.part.rem_euclid(unit);
    }

    pub(super) fn merge(&mut self, other: Sum) {
        self.whole = self.whole.saturating_add(other.whole);
        self.part += other.part;
        self.carry();
    }

    /// As a number with so many digits after the point.
    pub(super) fn number(mut self, scale: u8) -> f64 {
        self.carry();
        let sum = self.whole as f64 + self.part as f64 / WHOLE as f64;
        sum / 10_u64.pow(u32::from(scale)) as f64
    }
}

/// Distinct people, who come one after the other.
#[derive(Clone)]
struct Met {
    people: People,
    last: Option<i64>,
}

impl Met {
    #[inline]
    fn add(&mut self, person: i64, sorting: Sorting) {
        if self.last != Some(person) {
            self.last = Some(person);
            self.people.add(sorting.class(person));
        }
    }
}

/// What one channel was given.
#[derive(Clone)]
pub(super) struct Tally {
    sorting: Sorting,
    conversions: Sum,
    exact: Sum,
    double: f64,
    people: Met,
    /// Those whose conversion has a value.
    valued: Met,
}

/// A tally as numbers.
#[derive(Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) conversions: f64,
    pub(crate) value: f64,
    /// Distinct people whose conversions these are, and those of them whose conversion has a value.
    pub(crate) people: People,
    pub(crate) valued: People,
}

impl Tally {
    pub(super) fn new(sorting: Sorting) -> Tally {
        let nobody = Met { people: sorting.nobody(), last: None };
        Tally {
            sorting,
            conversions: Sum::default(),
            exact: Sum::default(),
            double: 0.0,
            people: nobody.clone(),
            valued: nobody,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, conversion: Conversion, share: u64) {
        self.know(conversion);
        self.conversions.add(1, share);
        match conversion.value {
            Some(Number::Exact(value)) => self.exact.add(value, share),
            Some(Number::Double(value)) => self.double += value * (share as f64 / WHOLE as f64),
            None => {}
        }
    }

    /// Adds the shares of some of a person's conversions, one at least.
    #[inline]
    pub(super) fn add_shares(&mut self, person: i64, shares: &Shares) {
        self.people.add(person, self.sorting);
        if shares.n_valued > 0 {
            self.valued.add(person, self.sorting);
        }
        self.conversions.add_parts(shares.conversions);
        self.exact.add_parts(shares.values);
    }

    /// Counts the person alone.
    #[inline]
    pub(super) fn know(&mut self, conversion: Conversion) {
        self.people.add(conversion.person, self.sorting);
        if conversion.value.is_some() {
            self.valued.add(conversion.person, self.sorting);
        }
    }

    /// Adds what other people did.
    pub(super) fn merge(&mut self, other: &Tally) {
        self.conversions.merge(other.conversions);
        self.exact.merge(other.exact);
        self.double += other.double;
        self.people.people.merge(&other.people.people);
        self.valued.people.merge(&other.valued.people);
    }

    pub(super) fn figures(&self, scale: u8) -> Figures {
        Figures {
            conversions: self.conversions.number(0),
            // A property has one type: one of the two is nothing.
            value: self.exact.number(scale) + self.double,
            people: self.people.people.clone(),
            valued: self.valued.people.clone(),
        }
    }
}
