//! Records as they come out of a file: declared columns, and what is wrong with which row.

#[cfg(test)]
mod tests;

use super::column::ColumnBuilder;
use crate::from_text::value_form;
use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::filter;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use spec::{Object, Result};

/// Records are handled in batches of at most this many rows.
pub(super) const ROWS_PER_BATCH: usize = 8 * 1024;
/// A batch of lines ends before that when its lines have this many bytes: memory is bounded, and so are Arrow's offsets.
const BYTES_PER_BATCH: usize = 16 * 1024 * 1024;
/// How much of a rejected record quarantine keeps.
pub(super) const RAW_BYTES_MAX: usize = 4 * 1024;

/// Where records come from: a file of one of the formats.
pub(super) trait Reader {
    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<Records>>;
    /// How much of the file is read, and of how much.
    fn progress(&self) -> (u64, u64);
}

/// A batch of records in the columns of the contract.
pub(super) struct Records {
    /// The number of the first row in the file, from 1.
    pub(super) first_row: u64,
    /// One column per field of the object, in its declared type; empty of rows that were not readable at all.
    pub(super) columns: Vec<ArrayRef>,
    /// Per row: what is wrong with it.
    pub(super) faults: Vec<Option<Fault>>,
    raw: Raw,
}

/// Why a record is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The field; `None`: the record as a whole.
    pub(super) field: Option<String>,
    /// What was expected, in plain words; the same for all records with the same fault.
    pub(super) reason: String,
}

impl Fault {
    /// A field with a value that it cannot have.
    pub(super) fn in_field(field: &str, expected: &str) -> Fault {
        Fault { field: Some(field.to_owned()), reason: format!("`{field}`: expected {expected}") }
    }

    /// A field that has to be there.
    pub(super) fn missing(field: &str) -> Fault {
        Fault { field: Some(field.to_owned()), reason: format!("`{field}`: missing, and the contract requires it") }
    }

    /// A record that is not one.
    pub(super) fn of_record(reason: &str) -> Fault {
        Fault { field: None, reason: reason.to_owned() }
    }
}

enum Raw {
    Lines { text: Vec<u8>, ends: Vec<usize> },
    Rows(RecordBatch),
}

impl Records {
    /// Records of a columnar file.
    pub(super) fn of_rows(
        first_row: u64,
        columns: Vec<ArrayRef>,
        faults: Vec<Option<Fault>>,
        raw: RecordBatch,
    ) -> Records {
        Records { first_row, columns, faults, raw: Raw::Rows(raw) }
    }

    /// What the record at `index` looked like in the file, as far as quarantine keeps it.
    pub(super) fn raw_text(&self, index: usize) -> String {
        match &self.raw {
            Raw::Lines { text, ends } => {
                let start = if index == 0 { 0 } else { ends[index - 1] };
                String::from_utf8_lossy(&text[start..ends[index]]).into_owned()
            }
            Raw::Rows(batch) => cut(&row_text(batch, index), RAW_BYTES_MAX).to_owned(),
        }
    }

    /// The columns and row numbers of the records without fault.
    pub(super) fn accepted(&self) -> Result<(Vec<ArrayRef>, Vec<u64>)> {
        let rows =
            (self.first_row..).zip(&self.faults).filter(|(_, fault)| fault.is_none()).map(|(row, _)| row).collect();
        if self.faults.iter().all(Option::is_none) {
            return Ok((self.columns.clone(), rows));
        }
        let mask: BooleanArray = self.faults.iter().map(|fault| Some(fault.is_none())).collect();
        let columns: std::result::Result<Vec<ArrayRef>, _> =
            self.columns.iter().map(|column| filter(column, &mask)).collect();
        let columns = columns.map_err(|cause| crate::error::bug("cannot filter records", Box::new(cause)))?;
        Ok((columns, rows))
    }
}

/// Builds records row by row from text.
pub(super) struct RecordsBuilder<'a> {
    object: &'a Object,
    builders: Vec<ColumnBuilder>,
    faults: Vec<Option<Fault>>,
    text: Vec<u8>,
    ends: Vec<usize>,
    first_row: u64,
    /// Bytes of the lines so far, what quarantine would cut off included.
    n_bytes: usize,
}

impl<'a> RecordsBuilder<'a> {
    pub(super) fn new(object: &'a Object) -> RecordsBuilder<'a> {
        let builders = object.fields.iter().map(|field| ColumnBuilder::new(field.value_type)).collect();
        let (faults, text, ends) = (Vec::new(), Vec::new(), Vec::new());
        RecordsBuilder { object, builders, faults, text, ends, first_row: 1, n_bytes: 0 }
    }

    /// Adds a record: per field its text, nothing when it is missing, or a fault.
    pub(super) fn push(&mut self, raw: &[u8], cells: &[Cell<'_>]) {
        let mut fault = None;
        for ((field, builder), cell) in self.object.fields.iter().zip(&mut self.builders).zip(cells) {
            let is_good = match cell {
                Cell::Missing => {
                    builder.append_null();
                    true
                }
                Cell::Text(text) => builder.append(text),
                Cell::Unreadable => {
                    builder.append_null();
                    false
                }
            };
            if !is_good && fault.is_none() {
                fault = Some(Fault::in_field(&field.name, &value_form(field.value_type)));
            }
        }
        self.end_row(raw, fault);
    }

    /// Adds a record that could not be taken apart.
    pub(super) fn push_fault(&mut self, raw: &[u8], fault: Fault) {
        self.builders.iter_mut().for_each(ColumnBuilder::append_null);
        self.end_row(raw, Some(fault));
    }

    /// Whether it holds as much as a batch may have.
    pub(super) fn is_full(&self) -> bool {
        self.faults.len() >= ROWS_PER_BATCH || self.n_bytes >= BYTES_PER_BATCH
    }

    /// The records so far; `None` without any.
    pub(super) fn finish(&mut self) -> Option<Records> {
        if self.faults.is_empty() {
            return None;
        }
        let first_row = self.first_row;
        self.first_row += self.faults.len() as u64;
        self.n_bytes = 0;
        Some(Records {
            first_row,
            columns: self.builders.iter_mut().map(ColumnBuilder::finish).collect(),
            faults: std::mem::take(&mut self.faults),
            raw: Raw::Lines { text: std::mem::take(&mut self.text), ends: std::mem::take(&mut self.ends) },
        })
    }

    fn end_row(&mut self, raw: &[u8], fault: Option<Fault>) {
        self.n_bytes += raw.len();
        self.text.extend_from_slice(&raw[..raw.len().min(RAW_BYTES_MAX)]);
        self.ends.push(self.text.len());
        self.faults.push(fault);
    }
}

/// One value of a record in text.
pub(super) enum Cell<'a> {
    /// Not there.
    Missing,
    /// There.
    Text(std::borrow::Cow<'a, str>),
    /// There, and of no form that the field could have.
    Unreadable,
}

/// The text up to a number of bytes, cut at a character.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn row_text(batch: &RecordBatch, index: usize) -> String {
    let options = FormatOptions::default();
    let mut cells = serde_json::Map::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let shown =
            ArrayFormatter::try_new(column.as_ref(), &options).map(|formatter| formatter.value(index).to_string());
        let shown = if column.is_null(index) { None } else { shown.ok() };
        cells.insert(field.name().clone(), shown.map(|text| cut(&text, RAW_BYTES_MAX).to_owned()).into());
    }
    serde_json::Value::Object(cells).to_string()
}
