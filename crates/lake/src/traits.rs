//! Traits of people: of several objects, and of several messages, with the same trait the newest value counts.
//!
//! Like the columns of events these are made once for everybody, kept among the hot columns, and looked at by rows that only
//! granted people have.

use crate::error;
use crate::hot::{Hot, HotColumns, Rows};
use crate::import::{MessageKey, PERSON_BEFORE, trait_column};
use crate::ledger::read_table;
use crate::mask::Masking;
use crate::stretch::{Column, PersonRows, Row, granted_within};
use crate::table::Table;
use crate::vault::{Roots, Vault};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt64Array};
use arrow::compute::{take, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use policy::Grant;
use spec::{FieldRef, Mask, PersonId, Release, Result};
use std::ops::Range;
use std::sync::Arc;

/// Some traits under a grant.
pub struct Traits {
    table: Arc<TraitTable>,
    columns: Vec<(String, Column)>,
    grant: Grant,
}

/// All traits of one state of the lake.
pub(crate) struct TraitTable {
    /// Of those who people are by now, in their order; the last column says who they were at first.
    rows: RecordBatch,
    /// Everybody who has a row, ascending, and the first row of each.
    people: Vec<i64>,
    starts: Vec<usize>,
    /// Under which its columns are kept.
    name: Arc<str>,
}

impl Traits {
    /// The state that they are of.
    pub(crate) fn table(&self) -> &Arc<TraitTable> {
        &self.table
    }

    /// Whether no trait was asked for, so that nobody has a row.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// One value per row; `None` when the trait was not asked for.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    /// The rows of granted people, who ascend; none of people without any trait.
    pub fn rows_of(&self, people: &[PersonRows]) -> Vec<Option<Row>> {
        if self.columns.is_empty() {
            return vec![None; people.len()];
        }
        self.rows(people.iter().map(PersonRows::person))
    }

    /// The first so many of the granted people in a range of stored numbers, both ends included, and their rows.
    pub fn everybody(&self, range: (i64, i64), n_people_max: usize) -> (Vec<i64>, Vec<Option<Row>>) {
        let people: Vec<i64> = granted_within(&self.grant, range).take(n_people_max).collect();
        let rows = if self.columns.is_empty() { vec![None; people.len()] } else { self.rows(people.iter().copied()) };
        (people, rows)
    }

    /// The row of a granted person.
    pub fn row_of(&self, person: PersonId) -> Option<Row> {
        let place = self.table.people.binary_search(&person.stored()).ok();
        place.filter(|_| self.grant.allows(person)).map(Row::at)
    }

    fn rows(&self, people: impl Iterator<Item = i64>) -> Vec<Option<Row>> {
        let with_traits = &self.table.people;
        let mut people = people.peekable();
        let mut at = people.peek().map_or(0, |first| with_traits.partition_point(|person| person < first));
        let row_of = |person: i64| {
            at += with_traits[at..].iter().take_while(|other| **other < person).count();
            (with_traits.get(at) == Some(&person)).then(|| Row::at(at))
        };
        people.map(row_of).collect()
    }
}

impl TraitTable {
    /// Reads the table as it is for those who people are by now.
    pub(crate) fn load(table: &Table, roots: &Roots) -> Result<TraitTable> {
        let rows = rows_by_person(table, roots)?;
        let all = rows.column(0).as_primitive::<Int64Type>().values();
        let mut people = Vec::new();
        let mut starts = Vec::new();
        let mut start = 0;
        for run in all.chunk_by(|one, other| one == other) {
            people.push(run[0]);
            starts.push(start);
            start += run.len();
        }
        let name = format!("traits {} {}", table.version(), roots.n_entries()).into();
        Ok(TraitTable { rows, people, starts, name })
    }

    /// Under which its columns are kept.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a person, as of now and as at first, has a message other than the one with this sequence.
    pub(crate) fn holds(&self, (person, at_first): (i64, i64), key: &MessageKey, sequence: i64) -> bool {
        let Ok(place) = self.people.binary_search(&person) else { return false };
        let digests = self.rows.column(3).as_binary::<i32>();
        let sequences = self.rows.column_by_name("seq").map(|column| column.as_primitive::<Int64Type>());
        let is_other = |row: usize| sequences.is_none_or(|of| of.is_null(row) || of.value(row) != sequence);
        let before = self.rows.column(self.rows.num_columns() - 1).as_primitive::<Int64Type>();
        let mut rows = self.rows_at(place);
        rows.any(|row| digests.value(row) == key.as_slice() && before.value(row) == at_first && is_other(row))
    }

    /// Some traits as the grant's masks show them.
    ///
    /// # Errors
    /// Denied for a trait that the grant does not hold.
    pub(crate) fn under(
        self: &Arc<TraitTable>,
        grant: &Grant,
        names: &[String],
        hot: &HotColumns,
        vault: &Vault,
    ) -> Result<Traits> {
        let mut columns = Vec::new();
        for name in names {
            let mask = grant.mask_of(&FieldRef::Trait(name.clone())).filter(|mask| *mask != Mask::Hide);
            let mask = mask.ok_or_else(|| error::field_not_granted(name, grant.purpose()))?;
            let masking = Masking::under(grant, mask, vault);
            columns.push((name.clone(), self.column(name, masking.as_ref(), grant.release(), hot)?));
        }
        Ok(Traits { table: Arc::clone(self), columns, grant: grant.clone() })
    }

    /// The values of a trait, one for each of the people, under a mask if there is one.
    fn column(&self, name: &str, masking: Option<&Masking<'_>>, release: Release, hot: &HotColumns) -> Result<Column> {
        let groups = Arc::from([(Arc::clone(&self.name), 0)]);
        let rows = Rows { groups, people: (i64::MIN, i64::MAX), only_vouched: release >= Release::List };
        let key: Arc<str> =
            masking.map_or_else(|| name.to_owned(), |masking| format!("{name} {}", masking.name())).into();
        if let Some(Some(Hot::Column(column))) = hot.get(&rows, std::slice::from_ref(&key)).pop() {
            return Ok(column);
        }
        let column = match self.newest_values(&trait_column(name), rows.only_vouched)? {
            None => Column::Missing,
            Some(values) => {
                let values = masking.map_or_else(|| Ok(Arc::clone(&values)), |masking| masking.values(&values))?;
                Column::of(&values)?
            }
        };
        hot.keep(&rows, &key, &Hot::Column(column.clone()));
        Ok(column)
    }

    fn rows_at(&self, place: usize) -> Range<usize> {
        self.starts[place]..self.starts.get(place + 1).copied().unwrap_or(self.rows.num_rows())
    }

    /// Per person the value of the newest row that has one; `None` for a trait that no row has.
    ///
    /// What nobody vouches for may be counted, but nobody gets onto a list by it.
    fn newest_values(&self, column: &str, only_vouched: bool) -> Result<Option<ArrayRef>> {
        let Some(values) = self.rows.column_by_name(column) else { return Ok(None) };
        let times = self.rows.column(2).as_primitive::<TimestampMicrosecondType>();
        let digests = self.rows.column(3).as_binary::<i32>();
        let claimed = self.rows.column_by_name("claimed").map(|column| column.as_boolean());
        let is_claimed = |row: usize| claimed.is_some_and(|claimed| claimed.is_valid(row) && claimed.value(row));
        // What is only claimed never stands before what somebody vouches for, however new it is.
        let rank = |row: usize| (!is_claimed(row), times.value(row), digests.value(row));
        let newest = |place: usize| {
            let mut rows = self.rows_at(place).filter(|row| values.is_valid(*row));
            let newest = match rows.clone().nth(1) {
                None => rows.next(),
                Some(_) => rows.max_by_key(|row| rank(*row)),
            };
            newest.filter(|row| !(only_vouched && is_claimed(*row))).map(|row| row as u64)
        };
        let newest: UInt64Array = (0..self.people.len()).map(newest).collect();
        take(values, &newest, None).map(Some).map_err(|cause| error::bug("cannot pick traits", Box::new(cause)))
    }
}

fn rows_by_person(table: &Table, roots: &Roots) -> Result<RecordBatch> {
    let fields: Vec<Field> = table.columns()?.fields().iter().map(|field| field.as_ref().clone()).collect();
    let stored = read_table(table, &fields)?;
    let fields = fields.into_iter().chain([Field::new(PERSON_BEFORE, DataType::Int64, true)]);
    let mut columns = stored.columns().to_vec();
    columns.push(Arc::clone(stored.column(0)));
    columns[0] = Arc::new(roots.roots(stored.column(0).as_primitive())?);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
        .map_err(|cause| error::bug("cannot name the people of traits", Box::new(cause)))?;
    let people: &Int64Array = rows.column(0).as_primitive();
    if people.values().is_sorted() {
        return Ok(rows);
    }
    let mut order: Vec<usize> = (0..people.len()).collect();
    order.sort_by_key(|row| people.value(*row));
    let order = UInt64Array::from_iter_values(order.into_iter().map(|row| row as u64));
    take_record_batch(&rows, &order).map_err(|cause| error::bug("cannot bring traits in order", Box::new(cause)))
}
