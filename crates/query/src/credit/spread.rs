//! Equal shares of many conversions at once.
//!
//! Windows of a person's conversions overlap, so that a touch has shares of many. Instead of giving each its own, what each
//! window adds is taken down where it begins and taken away where it ends; one walk along the touches adds it all up.

use super::Touch;
use super::tally::{Conversion, Tally};
use lake::Number;
use std::ops::Range;

/// Values from here on are given touch by touch: those of the most conversions of one person then add up in 126 bits.
const VALUE_MAX: i128 = 1 << 39;

/// What was taken down of one person's conversions.
#[derive(Default)]
pub(super) struct Spread {
    /// At each touch what differs from the one before, and after the last; all zero between people.
    changes: Vec<Shares>,
    is_dirty: bool,
}

/// Shares of a touch, in the unit of [`super::tally::WHOLE`].
#[derive(Clone, Copy, Default)]
pub(super) struct Shares {
    pub(super) conversions: i128,
    pub(super) values: i128,
    /// Conversions that have a value.
    pub(super) n_valued: i64,
}

impl Shares {
    /// An equal share of a conversion among so many, if such shares add up exactly.
    pub(super) fn of(conversion: Conversion, whole: u64, n_touches: usize) -> Option<Shares> {
        let share = i128::from(whole / u64::try_from(n_touches).ok()?);
        match conversion.value {
            None => Some(Shares { conversions: share, values: 0, n_valued: 0 }),
            Some(Number::Exact(value)) if value.abs() < VALUE_MAX => {
                Some(Shares { conversions: share, values: value * share, n_valued: 1 })
            }
            Some(_) => None,
        }
    }

    fn change(&mut self, sign: i64, other: &Shares) {
        self.conversions += i128::from(sign) * other.conversions;
        self.values += i128::from(sign) * other.values;
        self.n_valued += sign * other.n_valued;
    }
}

impl Spread {
    /// Gives shares to each of some touches.
    pub(super) fn add(&mut self, touches: Range<usize>, shares: &Shares) {
        if touches.is_empty() {
            return;
        }
        if self.changes.len() <= touches.end {
            self.changes.resize(touches.end + 1, Shares::default());
        }
        self.changes[touches.start].change(1, shares);
        self.changes[touches.end].change(-1, shares);
        self.is_dirty = true;
    }

    /// Adds up what a person's touches were given, and forgets it.
    pub(super) fn settle(&mut self, person: i64, touches: &[Touch], tallies: &mut [Tally]) {
        if !std::mem::take(&mut self.is_dirty) {
            return;
        }
        let mut now = Shares::default();
        for (touch, change) in touches.iter().zip(&mut self.changes) {
            now.change(1, &std::mem::take(change));
            if now.conversions > 0 {
                tallies[touch.channel as usize].add_shares(person, &now);
            }
        }
        // What ends with the last touch.
        self.changes.iter_mut().skip(touches.len()).take(1).for_each(|change| *change = Shares::default());
    }
}
