//! Texts of a stretch: numbers into a dictionary, searched as numbers.

use super::{PersonRows, Row};
use crate::error;
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;
use spec::Result;
use std::collections::HashMap;
use std::sync::Arc;

/// So many rows are looked at to see whether codes are rare.
const SAMPLE_ROWS: usize = 256;
/// Rare is a code that no more than one row of so many has.
const RARE_ROWS: usize = 5;
/// Codes in a word, and codes that are searched at once.
const EIGHT: usize = 8;
const BLOCK: usize = 64;
/// The lowest bit of each of them.
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// Texts as numbers into a dictionary in which none stands twice.
#[derive(Debug)]
pub struct Texts {
    codes: Codes,
    values: StringArray,
}

/// The narrowest numbers that are wide enough.
#[derive(Debug)]
pub(crate) enum Codes {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Texts {
    /// Of no row.
    pub(super) fn none() -> Texts {
        Texts { codes: Codes::Narrow(Vec::new()), values: StringArray::new_null(0) }
    }

    /// Codes below the number of the values, and that number where there is none.
    pub(super) fn new(codes: impl Iterator<Item = u32>, values: StringArray) -> Texts {
        let missing = u32::try_from(values.len()).expect("there are fewer values than keys");
        Texts { codes: Codes::narrowest(codes, missing), values }
    }

    /// The same of codes that are as narrow as they can be.
    pub(crate) fn coded(codes: Codes, values: StringArray) -> Texts {
        Texts { codes, values }
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.codes.n_bytes() + self.values.get_array_memory_size()
    }

    pub(super) fn of(dictionary: &DictionaryArray<Int32Type>) -> Texts {
        let old = dictionary.values().as_string::<i32>();
        let mut known: HashMap<&str, u32> = HashMap::new();
        // Merging leaves values that stand twice.
        let renamed: Vec<u32> = old
            .iter()
            .map(|value| {
                let next = u32::try_from(known.len()).expect("there are fewer values than keys");
                *known.entry(value.unwrap_or_default()).or_insert(next)
            })
            .collect();
        let mut values = vec![""; known.len()];
        known.iter().for_each(|(value, code)| values[*code as usize] = value);
        let missing = u32::try_from(known.len()).expect("there are fewer values than keys");
        let keys = dictionary.keys();
        let code = |row: usize| match keys.is_valid(row) {
            true => usize::try_from(keys.value(row)).map_or(missing, |key| renamed[key]),
            false => missing,
        };
        Texts::new((0..dictionary.len()).map(code), StringArray::from_iter_values(values))
    }

    /// A number for the row's text: its place in [`Texts::values`], or one above all for none.
    #[inline]
    pub fn code(&self, row: Row) -> usize {
        self.codes.get(row)
    }

    /// Puts for each of a person's rows what stands at its code in `of_code` to its place in `of_rows`.
    pub fn translate<T: Copy>(&self, person: &PersonRows, of_code: &[T], of_rows: &mut [T]) {
        let (places, of_rows) = (person.places(), &mut of_rows[person.places()]);
        match &self.codes {
            Codes::Narrow(codes) => translate(&codes[places], of_code, of_rows),
            Codes::Middle(codes) => translate(&codes[places], of_code, of_rows),
            Codes::Wide(codes) => translate(&codes[places], of_code, of_rows),
        }
    }

    /// Appends the codes of rows.
    pub fn codes(&self, rows: &[Row], to: &mut Vec<usize>) {
        match &self.codes {
            Codes::Narrow(codes) => to.extend(rows.iter().map(|row| codes[row.index()] as usize)),
            Codes::Middle(codes) => to.extend(rows.iter().map(|row| codes[row.index()] as usize)),
            Codes::Wide(codes) => to.extend(rows.iter().map(|row| codes[row.index()] as usize)),
        }
    }

    /// Appends to `found` the rows of these people, who ascend, that have a wanted code, and to `ends` how many are found
    /// after each of the people.
    ///
    /// # Shape
    /// `wanted` says it of each code.
    pub fn find(&self, people: &[PersonRows], wanted: &[bool], found: &mut Vec<Row>, ends: &mut Vec<usize>) {
        if !wanted.contains(&true) {
            ends.resize(ends.len() + people.len(), found.len());
            return;
        }
        match &self.codes {
            Codes::Narrow(codes) => match needles(codes, people, wanted) {
                Some(needles) => search(codes, people, needles, found, ends),
                None => look(codes, people, wanted, found, ends),
            },
            Codes::Middle(codes) => look(codes, people, wanted, found, ends),
            Codes::Wide(codes) => look(codes, people, wanted, found, ends),
        }
    }

    /// The code of rows without a text; all others are lower.
    #[inline]
    pub fn missing(&self) -> usize {
        self.values.len()
    }

    /// The dictionary: also texts of rows that are not granted, so that only those of granted rows may be told.
    pub fn values(&self) -> &StringArray {
        &self.values
    }

    /// A row's text.
    pub fn text(&self, row: Row) -> Option<&str> {
        let code = self.code(row);
        (code < self.missing()).then(|| self.values.value(code))
    }

    /// Rows as an array whose dictionary has their texts alone: whoever computes with it looks at all of the dictionary.
    pub fn array(&self, rows: impl Iterator<Item = Option<Row>>) -> Result<ArrayRef> {
        let (mut places, mut used) = (vec![None; self.missing()], Vec::new());
        let key = |row: Option<Row>| {
            let code = self.code(row?);
            let place = places.get_mut(code)?;
            if place.is_none() {
                *place = i32::try_from(used.len()).ok();
                used.push(code);
            }
            *place
        };
        let keys: Int32Array = rows.map(key).collect();
        let values = StringArray::from_iter_values(used.iter().map(|code| self.values.value(*code)));
        let array = DictionaryArray::try_new(keys, Arc::new(values));
        Ok(Arc::new(array.map_err(|cause| error::bug("cannot pick rows", Box::new(cause)))?))
    }
}

#[inline]
fn translate<C: Copy + TryInto<usize>, T: Copy>(codes: &[C], of_code: &[T], of_rows: &mut [T]) {
    for (of_row, code) in of_rows.iter_mut().zip(codes) {
        // Each code is below the length of a vector.
        *of_row = of_code[(*code).try_into().unwrap_or(usize::MAX)];
    }
}

/// Finds rows with wanted codes by a look at each.
fn look<C: Copy + TryInto<usize>>(
    codes: &[C],
    people: &[PersonRows],
    wanted: &[bool],
    found: &mut Vec<Row>,
    ends: &mut Vec<usize>,
) {
    let mut n_found = found.len();
    let n_rows: usize = people.iter().map(|person| person.places().len()).sum();
    found.resize(n_found + n_rows, Row(0));
    for person in people {
        for (row, code) in (person.start..).zip(&codes[person.places()]) {
            // A row that is not wanted is written over by the next: there is no branch for the processor to guess.
            found[n_found] = Row(row);
            n_found += usize::from(wanted[(*code).try_into().unwrap_or(usize::MAX)]);
        }
        ends.push(n_found);
    }
    found.truncate(n_found);
}

/// Finds rows with one of three codes, many at once.
fn search(codes: &[u8], people: &[PersonRows], needles: [u8; 3], found: &mut Vec<Row>, ends: &mut Vec<usize>) {
    let (Some(first), Some(last)) = (people.first(), people.last()) else { return };
    let (start, end) = (first.places().start, last.places().end);
    let needles = needles.map(|needle| u64::from(needle) * EACH_BYTE);
    let mut people = people.iter().map(PersonRows::places).peekable();
    for (block, first) in codes[start..end].chunks(BLOCK).zip((start..).step_by(BLOCK)) {
        let mut hits = hits(block, needles);
        while hits != 0 {
            let row = first + hits.trailing_zeros() as usize;
            hits &= hits - 1;
            while people.next_if(|own| own.end <= row).is_some() {
                ends.push(found.len());
            }
            // Between people of whom rows are looked at lie those of others.
            if people.peek().is_some_and(|own| own.start <= row) {
                found.push(Row::at(row));
            }
        }
    }
    people.for_each(|_| ends.push(found.len()));
}

/// Which of up to 64 codes are one of the needles, each of which fills a word: the lowest bit is that of the first code.
fn hits(block: &[u8], needles: [u64; 3]) -> u64 {
    let (words, rest) = block.as_chunks::<EIGHT>();
    let mut last = [0; EIGHT];
    last[..rest.len()].copy_from_slice(rest);
    let of_word = |word: [u8; EIGHT]| {
        let word = u64::from_le_bytes(word);
        let zero = needles.iter().fold(0, |zero, needle| zero | zero_bytes(word ^ needle));
        // One bit from each byte: each is brought to its place among the highest eight, and no two meet.
        (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let mut hits = 0;
    for (word, n) in words.iter().zip(0..) {
        hits |= of_word(*word) << (n * EIGHT);
    }
    if !rest.is_empty() {
        let of_rest = of_word(last) & ((1 << rest.len()) - 1);
        hits |= of_rest << (words.len() * EIGHT);
    }
    hits
}

/// The highest bit of each byte that is zero.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = !(EACH_BYTE << 7);
    // Adding what is below the highest bit carries into it, unless the whole byte is zero.
    !(((word & LOW) + LOW) | word | LOW)
}

/// The wanted codes, where a search for them is faster than a look at each row: they are three at most, and rare among the
/// first rows.
fn needles(codes: &[u8], people: &[PersonRows], wanted: &[bool]) -> Option<[u8; 3]> {
    let first = people.first()?.places().start;
    let sample = &codes[first..codes.len().min(first + SAMPLE_ROWS)];
    let n_hits = sample.iter().filter(|code| wanted[usize::from(**code)]).count();
    let mut all = (0..=u8::MAX).zip(wanted).filter(|(_, is_wanted)| **is_wanted).map(|(code, _)| code);
    // Without a second and a third one the first stands for them.
    let one = all.next()?;
    let (two, three) = (all.next().unwrap_or(one), all.next().unwrap_or(one));
    (all.next().is_none() && n_hits * RARE_ROWS < sample.len()).then_some([one, two, three])
}

impl Codes {
    /// Codes of which none is above the one for what is missing.
    fn narrowest(codes: impl Iterator<Item = u32>, missing: u32) -> Codes {
        match missing {
            0..=0xFF => Codes::Narrow(codes.map(|code| code as u8).collect()),
            0x100..=0xFFFF => Codes::Middle(codes.map(|code| code as u16).collect()),
            _ => Codes::Wide(codes.collect()),
        }
    }

    /// The code of a row.
    #[inline]
    pub(super) fn get(&self, row: Row) -> usize {
        match self {
            Codes::Narrow(codes) => codes[row.index()] as usize,
            Codes::Middle(codes) => codes[row.index()] as usize,
            Codes::Wide(codes) => codes[row.index()] as usize,
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Middle(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Middle(codes) => codes.len() * 2,
            Codes::Wide(codes) => codes.len() * 4,
        }
    }
}

#[cfg(test)]
mod tests;
