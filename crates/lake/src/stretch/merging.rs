//! Rows of the same people from several row groups, brought together in the order of (person, time, sequence).
//!
//! What landed lies beside what was compacted. The order is found once and kept as runs of rows; each column is then
//! copied run by run, so that people of whom nothing landed cost no more than the copying.

use super::{Column, Numbers, People, Row, Texts};
use crate::error;
use arrow::array::{Array, ArrayRef, BooleanArray, StringArray, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use spec::Result;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A code that was not met yet.
const UNMET: u32 = u32::MAX;

/// What the order of a row group's rows follows from; they are in order within it.
pub(crate) struct Ordered {
    people: Arc<People>,
    times: ScalarBuffer<i64>,
    sequence: ScalarBuffer<i64>,
    /// Rows that stay out.
    out: Option<BooleanArray>,
}

/// Where each row of the whole comes from.
#[derive(Debug)]
pub(crate) struct Runs {
    /// Whose rows lie where in the whole.
    pub(crate) people: Arc<People>,
    runs: Vec<Run>,
    n_rows: usize,
}

/// Rows of one source that follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    source: u32,
    start: u32,
    end: u32,
}

impl Ordered {
    /// # Shape
    /// `people`, times, sequences, and rows to leave out where there are any, all of one row group.
    pub(crate) fn new(people: Arc<People>, times: &Column, sequence: &Column, out: &Column) -> Result<Ordered> {
        let whole = |column: &Column| match column {
            Column::Numbers(numbers) => match numbers.as_ref() {
                Numbers { codes: None, values: super::Values::Whole(values), nulls: None, .. } => Ok(values.clone()),
                _ => Err(error::events_lack_columns()),
            },
            _ => Err(error::events_lack_columns()),
        };
        let out = match out {
            Column::Booleans(out) if out.true_count() > 0 => Some(out.clone()),
            _ => None,
        };
        Ok(Ordered { people, times: whole(times)?, sequence: whole(sequence)?, out })
    }

    fn key(&self, row: u32) -> (i64, i64) {
        (self.times[row as usize], self.sequence[row as usize])
    }

    fn is_out(&self, row: u32) -> bool {
        // A row without the mark has none.
        self.out.as_ref().is_some_and(|out| out.is_valid(row as usize) && out.value(row as usize))
    }
}

impl Runs {
    /// Finds the order of the rows of people in a range.
    pub(crate) fn of(sources: &[Ordered], people: (i64, i64)) -> Result<Runs> {
        let mut runs = Runs { people: Arc::new(People::default()), runs: Vec::new(), n_rows: 0 };
        let mut all = People::default();
        // The places of each source's people that are left.
        let mut left: Vec<Range<usize>> = sources.iter().map(|source| source.people.within(people)).collect();
        let mut of_person: Vec<(usize, Range<u32>)> = Vec::new();
        loop {
            let next = |(left, source): (&Range<usize>, &Ordered)| source.people.numbers[left.clone()].first().copied();
            let Some(person) = left.iter().zip(sources).filter_map(next).min() else { break };
            of_person.clear();
            for (index, (left, source)) in left.iter_mut().zip(sources).enumerate() {
                if source.people.numbers[left.clone()].first() == Some(&person) {
                    of_person.push((index, source.people.rows_of(left.start)));
                    left.start += 1;
                }
            }
            let before = runs.n_rows;
            runs.add_person(sources, &mut of_person);
            if runs.n_rows > before {
                all.numbers.push(person);
                all.ends.push(u32::try_from(runs.n_rows).map_err(|_| error::events_lack_columns())?);
            }
        }
        runs.people = Arc::new(all.fitting());
        runs.runs.shrink_to_fit();
        Ok(runs)
    }

    /// Adds one person's rows, given by source.
    fn add_person(&mut self, sources: &[Ordered], rows: &mut [(usize, Range<u32>)]) {
        if let [(source, rows)] = rows
            && sources[*source].out.is_none()
        {
            self.push(*source, rows.clone());
            return;
        }
        let first = |(source, rows): &(usize, Range<u32>)| {
            (!rows.is_empty()).then(|| (sources[*source].key(rows.start), *source))
        };
        while let Some(next) =
            (0..rows.len()).filter(|at| first(&rows[*at]).is_some()).min_by_key(|at| first(&rows[*at]))
        {
            let (source, rows) = &mut rows[next];
            if !sources[*source].is_out(rows.start) {
                self.push(*source, rows.start..rows.start + 1);
            }
            rows.start += 1;
        }
    }

    fn push(&mut self, source: usize, rows: Range<u32>) {
        let source = u32::try_from(source).expect("a part has few sources");
        self.n_rows += rows.len();
        match self.runs.last_mut() {
            Some(last) if last.source == source && last.end == rows.start => last.end = rows.end,
            _ => self.runs.push(Run { source, start: rows.start, end: rows.end }),
        }
    }

    /// Bytes that are held.
    pub(crate) fn n_bytes(&self) -> usize {
        self.people.n_bytes() + self.runs.len() * size_of::<Run>()
    }

    /// A column of the whole from that of each source.
    pub(crate) fn column(&self, sources: &[Column]) -> Result<Column> {
        match sources.iter().find(|column| !matches!(column, Column::Missing)) {
            None | Some(Column::Missing) => Ok(Column::Missing),
            Some(Column::Texts(_)) => Ok(Column::Texts(Arc::new(self.texts(sources)?))),
            Some(Column::Numbers(kind)) => Column::of(&self.picked(sources, kind.data_type())?),
            Some(Column::Booleans(_)) => Column::of(&self.picked(sources, &DataType::Boolean)?),
        }
    }

    fn picked(&self, sources: &[Column], data_type: &DataType) -> Result<ArrayRef> {
        let array = |(source, column): (usize, &Column)| match column {
            Column::Numbers(numbers) => numbers.whole(),
            Column::Booleans(values) => Ok(Arc::new(values.clone()) as ArrayRef),
            Column::Missing => Ok(new_null_array(data_type, self.n_rows_of(source))),
            Column::Texts(_) => Err(error::events_lack_columns()),
        };
        let arrays: Vec<ArrayRef> = sources.iter().enumerate().map(array).collect::<Result<_>>()?;
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        let rows = |run: &Run| {
            let source = run.source as usize;
            (run.start as usize..run.end as usize).map(move |row| (source, row))
        };
        let places: Vec<(usize, usize)> = self.runs.iter().flat_map(rows).collect();
        interleave(&arrays, &places).map_err(|cause| error::bug("cannot merge a column", Box::new(cause)))
    }

    /// All rows that come from a source are below.
    fn n_rows_of(&self, source: usize) -> usize {
        self.runs.iter().filter(|run| run.source as usize == source).map(|run| run.end as usize).max().unwrap_or(0)
    }

    fn texts(&self, sources: &[Column]) -> Result<Texts> {
        let texts: Vec<Option<&Texts>> = sources
            .iter()
            .map(|column| match column {
                Column::Texts(texts) => Ok(Some(texts.as_ref())),
                Column::Missing => Ok(None),
                _ => Err(error::events_lack_columns()),
            })
            .collect::<Result<_>>()?;
        let mut values = Values::default();
        // For each source the numbers of the whole by its own.
        let mut renamed: Vec<Vec<u32>> =
            texts.iter().map(|texts| vec![UNMET; texts.map_or(0, Texts::missing)]).collect();
        let mut codes: Vec<u32> = Vec::with_capacity(self.n_rows);
        for run in &self.runs {
            let Some(texts) = texts[run.source as usize] else {
                codes.extend(std::iter::repeat_n(UNMET, (run.end - run.start) as usize));
                continue;
            };
            let renamed = &mut renamed[run.source as usize];
            codes.extend((run.start..run.end).map(|row| {
                let code = texts.code(Row(row));
                // None is known of the code for what is missing.
                let Some(new) = renamed.get_mut(code) else { return UNMET };
                if *new == UNMET {
                    *new = values.number(texts.values().value(code));
                }
                *new
            }));
        }
        let missing = u32::try_from(values.all.len()).expect("a part has fewer rows than 2^32");
        let codes = codes.into_iter().map(|code| code.min(missing));
        Ok(Texts::new(codes, StringArray::from_iter_values(values.all)))
    }
}

/// Texts by number, each once.
#[derive(Default)]
struct Values<'a> {
    numbers: HashMap<&'a str, u32>,
    all: Vec<&'a str>,
}

impl<'a> Values<'a> {
    fn number(&mut self, value: &'a str) -> u32 {
        let next = u32::try_from(self.all.len()).expect("a part has fewer rows than 2^32");
        *self.numbers.entry(value).or_insert_with(|| {
            self.all.push(value);
            next
        })
    }
}
