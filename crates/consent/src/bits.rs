//! Bits of a text in base64url, read from the first to the last.
//!
//! Everybody can send such a text. So nothing is made that is out of proportion to it: sets of ids stay ranges.

use crate::{Malformed, TEXT_BYTES_MAX};
use std::collections::BTreeSet;

/// Bits in one character.
const PER_CHARACTER: usize = 6;

/// Bits that are read one after the other.
pub(crate) struct Bits {
    /// Six in each.
    characters: Vec<u8>,
    at: usize,
}

/// Ids as ranges, both ends included, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Ids(Vec<(u16, u16)>);

impl Ids {
    /// Whether an id is among them.
    pub fn contains(&self, id: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&id))
    }

    /// All of them, ascending; for tests and displays, since a short text can name 65,535.
    pub fn all(&self) -> BTreeSet<u16> {
        self.0.iter().flat_map(|(first, last)| *first..=*last).collect()
    }

    /// How many there are, where none comes twice.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|(first, last)| usize::from(last - first) + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, id: u16) {
        match self.0.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            _ => self.0.push((id, id)),
        }
    }
}

impl Bits {
    /// The bits of a text without padding.
    pub(crate) fn of(text: &str) -> Result<Bits, Malformed> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let characters = text.bytes().map(six_bits).collect::<Option<Vec<u8>>>();
        Ok(Bits { characters: characters.ok_or(Malformed::Character)?, at: 0 })
    }

    /// The next bit.
    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        let character = self.characters.get(self.at / PER_CHARACTER).ok_or(Malformed::TooShort)?;
        let shift = PER_CHARACTER - 1 - self.at % PER_CHARACTER;
        self.at += 1;
        Ok(character >> shift & 1 == 1)
    }

    /// A whole number of up to 64 bits.
    pub(crate) fn number(&mut self, n_bits: usize) -> Result<u64, Malformed> {
        (0..n_bits).try_fold(0, |number, _| Ok(number * 2 + u64::from(self.flag()?)))
    }

    /// A whole number of up to 16 bits.
    pub(crate) fn short(&mut self, n_bits: usize) -> Result<u16, Malformed> {
        self.number(n_bits).map(|number| number as u16)
    }

    /// Tenths of seconds since 1970, as milliseconds.
    pub(crate) fn millis(&mut self) -> Result<i64, Malformed> {
        self.number(36).map(|tenths| tenths as i64 * 100)
    }

    /// Two capital letters.
    pub(crate) fn letters(&mut self) -> Result<String, Malformed> {
        (0..2).map(|_| self.letter()).collect()
    }

    fn letter(&mut self) -> Result<char, Malformed> {
        match self.number(6)? as u8 {
            place @ 0..26 => Ok((b'A' + place) as char),
            _ => Err(Malformed::Letter),
        }
    }

    /// One bit for each id from 1 on.
    pub(crate) fn field(&mut self, n_ids: u16) -> Result<Ids, Malformed> {
        let mut ids = Ids::default();
        for id in 1..=n_ids {
            if self.flag()? {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Ids as single ones and ranges, of 16 bits each.
    pub(crate) fn ranges(&mut self) -> Result<Ids, Malformed> {
        let n_ranges = self.number(12)?;
        let mut ids = Ids::default();
        for _ in 0..n_ranges {
            let is_range = self.flag()?;
            let first = self.short(16)?;
            let last = if is_range { self.short(16)? } else { first };
            if first > last {
                return Err(Malformed::Range);
            }
            ids.0.push((first, last));
        }
        Ok(ids)
    }

    /// Ids of vendors: a bit for each up to the largest, or ranges.
    pub(crate) fn vendors(&mut self) -> Result<Ids, Malformed> {
        let largest = self.short(16)?;
        let vendors = if self.flag()? { self.ranges()? } else { self.field(largest)? };
        if vendors.contains(0) { Err(Malformed::Range) } else { Ok(vendors) }
    }

    /// The same, with ranges by Fibonacci numbers.
    pub(crate) fn vendors_by_fibonacci(&mut self) -> Result<Ids, Malformed> {
        let largest = self.short(16)?;
        if self.flag()? { self.fibonacci_ranges() } else { self.field(largest) }
    }

    /// So many numbers of two bits.
    pub(crate) fn pairs(&mut self, n: usize) -> Result<Vec<u8>, Malformed> {
        (0..n).map(|_| self.number(2).map(|value| value as u8)).collect()
    }

    /// A whole number as a sum of Fibonacci numbers, no two of which follow each other; the last bit is one more.
    pub(crate) fn fibonacci(&mut self) -> Result<u16, Malformed> {
        let (mut number, mut next): (u32, (u32, u32)) = (0, (1, 2));
        let mut is_last_set = false;
        loop {
            let is_set = self.flag()?;
            if is_set && is_last_set {
                return u16::try_from(number).map_err(|_| Malformed::Range);
            }
            if is_set {
                number += next.0;
            }
            is_last_set = is_set;
            next = (next.1, next.0.checked_add(next.1).ok_or(Malformed::Range)?);
        }
    }

    /// Ids as single ones and ranges, each by how much it is above the one before.
    pub(crate) fn fibonacci_ranges(&mut self) -> Result<Ids, Malformed> {
        let n_ranges = self.number(12)?;
        let mut ids = Ids::default();
        let mut last: u16 = 0;
        for _ in 0..n_ranges {
            let is_range = self.flag()?;
            let first = last.checked_add(self.fibonacci()?).ok_or(Malformed::Range)?;
            last = if is_range { first.checked_add(self.fibonacci()?).ok_or(Malformed::Range)? } else { first };
            ids.0.push((first, last));
        }
        Ok(ids)
    }
}

fn six_bits(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}
