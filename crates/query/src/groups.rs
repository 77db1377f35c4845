//! Groups by breakdown values: small numbers within a part, the values themselves across parts.

use crate::cells::Key;
use crate::number;
use crate::pass::{Part, Values};
use arrow::array::Array;
use lake::{Column, Number, PersonRows, Row, Texts};
use spec::{FieldRef, Result, Value};
use std::collections::HashMap;
use std::hash::Hash;

/// Up to so many pairs of numbers have one by their place, more by a hash table.
const PAIRS_MAX: usize = 1 << 16;

/// The groups of a part's rows.
pub(crate) struct PartGroups<'a> {
    part: &'a Part<'a>,
    fields: Vec<Values<'a>>,
    codes: Codes<'a>,
    /// All numbers are below.
    n_codes: usize,
    /// Rows of which any value is missing, when several fields make the groups.
    lacking: Vec<bool>,
}

enum Codes<'a> {
    /// All rows are in one group.
    One,
    /// The codes of one text property.
    Texts(&'a Texts),
    /// By the places of rows.
    Numbered(Vec<u32>),
}

impl<'a> PartGroups<'a> {
    /// Numbers the groups; rows with equal values have equal numbers.
    pub(crate) fn of(part: &'a Part<'a>, fields: &[FieldRef]) -> Result<PartGroups<'a>> {
        let fields: Vec<Values<'a>> = fields.iter().map(|field| part.values(field)).collect::<Result<_>>()?;
        let (codes, n_codes, lacking) = match fields.as_slice() {
            [] => (Codes::One, 1, Vec::new()),
            [Values::Property(Column::Texts(texts))] => (Codes::Texts(texts), texts.missing() + 1, Vec::new()),
            several => {
                let mut lacking = vec![false; part.n_rows()];
                let mut all: Option<(Vec<u32>, usize)> = None;
                for values in several {
                    let own = codes_of(part, values, &mut lacking);
                    all = Some(match all {
                        None => own,
                        Some(before) => paired(part, before, &own),
                    });
                }
                let (codes, n_codes) = all.unwrap_or((Vec::new(), 0));
                (Codes::Numbered(codes), n_codes, lacking)
            }
        };
        Ok(PartGroups { part, fields, codes, n_codes, lacking })
    }

    /// All groups have lower numbers.
    pub(crate) fn len(&self) -> usize {
        self.n_codes
    }

    /// The number of a row's group.
    #[inline]
    pub(crate) fn of_row(&self, row: Row) -> usize {
        match &self.codes {
            Codes::One => 0,
            Codes::Texts(texts) => texts.code(row),
            Codes::Numbered(codes) => codes[row.index()] as usize,
        }
    }

    /// Makes `numbers` those of the rows' groups.
    pub(crate) fn of_rows(&self, rows: &[Row], numbers: &mut Vec<usize>) {
        numbers.clear();
        match &self.codes {
            Codes::One => numbers.resize(rows.len(), 0),
            Codes::Texts(texts) => texts.codes(rows, numbers),
            Codes::Numbered(codes) => numbers.extend(rows.iter().map(|row| codes[row.index()] as usize)),
        }
    }

    /// Whether any of the row's values is missing.
    pub(crate) fn lacks(&self, row: Row) -> bool {
        match &self.codes {
            Codes::One => false,
            Codes::Texts(texts) => texts.code(row) == texts.missing(),
            Codes::Numbered(_) => self.lacking[row.index()],
        }
    }

    /// The values of a row's group.
    pub(crate) fn key(&self, row: Row) -> Result<Key> {
        self.fields.iter().map(|values| value(self.part, values, row)).collect::<Result<_>>().map(Key)
    }
}

/// The value of one row.
fn value(part: &Part<'_>, values: &Values<'_>, row: Row) -> Result<Value> {
    let (column, row) = match values {
        Values::Property(column) => (*column, Some(row)),
        Values::Trait(column, rows) => {
            (*column, rows[part.people().partition_point(|person| person.rows().next_back() < Some(row))])
        }
    };
    let Some(row) = row else { return Ok(Value::Null) };
    Ok(match column {
        Column::Missing => Value::Null,
        Column::Texts(texts) => texts.text(row).map_or(Value::Null, |text| Value::Text(text.to_owned())),
        Column::Numbers(numbers) => match numbers.get(row) {
            Some(number) => number::shown(number, numbers.data_type())?,
            None => Value::Null,
        },
        Column::Booleans(values) => {
            let is_there = values.is_valid(row.index());
            if is_there { Value::Boolean(values.value(row.index())) } else { Value::Null }
        }
    })
}

/// What tells the values of a column apart; `None` for a missing one.
fn bits(column: &Column, row: Row) -> Option<i128> {
    match column {
        Column::Missing => None,
        Column::Texts(texts) => Some(texts.code(row)).filter(|code| *code < texts.missing()).map(|code| code as i128),
        Column::Numbers(numbers) => numbers.get(row).map(|number| match number {
            Number::Exact(value) => value,
            Number::Double(value) => value.to_bits().into(),
        }),
        Column::Booleans(values) => values.is_valid(row.index()).then(|| values.value(row.index()).into()),
    }
}

/// A number for each row's pair of numbers, and one that is higher than all.
fn paired(part: &Part<'_>, (mut codes, n_codes): (Vec<u32>, usize), own: &(Vec<u32>, usize)) -> (Vec<u32>, usize) {
    let n_pairs = n_codes.saturating_mul(own.1);
    if n_pairs <= PAIRS_MAX {
        let n_own = u32::try_from(own.1).expect("pairs are few");
        codes.iter_mut().zip(&own.0).for_each(|(code, own)| *code = *code * n_own + own);
        return (codes, n_pairs);
    }
    let mut pairs = Numbered::default();
    for row in part.rows() {
        codes[row.index()] = pairs.of((codes[row.index()], own.0[row.index()]));
    }
    (codes, pairs.known.len())
}

/// A number for each row's value, and one that is higher than all; notes which rows have none.
fn codes_of(part: &Part<'_>, values: &Values<'_>, lacking: &mut [bool]) -> (Vec<u32>, usize) {
    let mut numbers = Numbers::of(values);
    let mut codes = vec![0; part.n_rows()];
    let mut note = |row: Row, (code, lacks): (u32, bool)| {
        lacking[row.index()] |= lacks;
        codes[row.index()] = code;
    };
    match values {
        Values::Property(column) => part.rows().for_each(|row| note(row, numbers.number(column, Some(row)))),
        // Each person's value, then for each row its person's.
        Values::Trait(column, rows) => {
            for (person, row) in part.people().iter().zip(*rows) {
                let number = numbers.number(column, *row);
                PersonRows::rows(person).for_each(|row| note(row, number));
            }
        }
    }
    (codes, numbers.len())
}

/// Numbers for the values of a column.
enum Numbers<'a> {
    /// Texts have some already.
    Texts(&'a Texts),
    Met(Numbered<Option<i128>>),
}

impl Numbers<'_> {
    fn of<'a>(values: &Values<'a>) -> Numbers<'a> {
        match values {
            // Everybody's texts are in the dictionary of a trait: of many, a part has few.
            Values::Property(Column::Texts(texts)) | Values::Trait(Column::Texts(texts), _)
                if texts.missing() < PAIRS_MAX =>
            {
                Numbers::Texts(texts)
            }
            Values::Property(_) | Values::Trait(..) => Numbers::Met(Numbered::default()),
        }
    }

    /// The number of a row's value, and whether there is none.
    #[inline]
    fn number(&mut self, column: &Column, row: Option<Row>) -> (u32, bool) {
        match self {
            Numbers::Texts(texts) => {
                let code = row.map_or(texts.missing(), |row| texts.code(row));
                (u32::try_from(code).expect("a text has 32 bits for its code"), code == texts.missing())
            }
            Numbers::Met(met) => {
                let bits = row.and_then(|row| bits(column, row));
                (met.of(bits), bits.is_none())
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Numbers::Texts(texts) => texts.missing() + 1,
            Numbers::Met(met) => met.known.len(),
        }
    }
}

/// Numbers for values, in the order in which they first come.
struct Numbered<V> {
    known: HashMap<V, u32>,
}

impl<V> Default for Numbered<V> {
    fn default() -> Self {
        Numbered { known: HashMap::new() }
    }
}

impl<V: Eq + Hash> Numbered<V> {
    fn of(&mut self, value: V) -> u32 {
        let next = u32::try_from(self.known.len()).expect("a part has fewer rows than 2^32");
        *self.known.entry(value).or_insert(next)
    }
}
