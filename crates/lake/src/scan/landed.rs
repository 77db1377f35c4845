//! Rows of landed files, and bringing them together with those of compacted ones.
//!
//! Landed files are small and their people overlap, so that a scan reads all of them once, in the order of (person, ts,
//! seq), and each of its parts takes the stretch of its own people.

use super::{EventFile, Scan};
use crate::error;
use crate::import::Order;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use spec::Result;
use std::sync::Arc;

/// A part of landed rows alone ends at the first person border after this many.
const ROWS_PER_PART: usize = 64 * 1024;

/// The landed rows that a scan lets through, and how far they have been given out.
pub(super) struct Landed {
    rows: RecordBatch,
    at: usize,
}

impl Landed {
    /// Reads the files.
    pub(super) fn read(files: &[Arc<EventFile>], scan: &Scan) -> Result<Landed> {
        let mut batches = Vec::new();
        for file in files {
            for group in 0..file.groups.len() {
                if scan.may_hold_rows(&file.groups[group]) {
                    batches.push(scan.read_group(file, group, true)?.0);
                }
            }
        }
        let rows = concat_batches(&scan.schema_with_sequence, &batches)
            .map_err(|cause| error::bug("cannot join landed rows", Box::new(cause)))?;
        Ok(Landed { rows: order_of(&rows).sorted(&rows)?, at: 0 })
    }

    /// The next rows of people up to and including this number.
    pub(super) fn up_to(&mut self, person: i64) -> RecordBatch {
        let people = self.rows.column(0).as_primitive::<Int64Type>().values();
        let n_rows = people[self.at..].partition_point(|other| *other <= person);
        let rows = self.rows.slice(self.at, n_rows);
        self.at += n_rows;
        rows
    }

    /// The next rows of people up to and including this number, in pieces that end at person borders.
    pub(super) fn pieces_up_to(&mut self, person: i64) -> Vec<RecordBatch> {
        let mut rest = self.up_to(person);
        let mut pieces = Vec::new();
        while rest.num_rows() > ROWS_PER_PART {
            let people = rest.column(0).as_primitive::<Int64Type>().values();
            let last = people[ROWS_PER_PART - 1];
            let n_rows = people.partition_point(|other| *other <= last);
            pieces.push(rest.slice(0, n_rows));
            rest = rest.slice(n_rows, rest.num_rows() - n_rows);
        }
        pieces.extend((rest.num_rows() > 0).then_some(rest));
        pieces
    }
}

/// Two batches, each in order, as one in order; both have the columns of [`Scan::schema_with_sequence`].
pub(super) fn merged(stored: &RecordBatch, landed: &RecordBatch) -> Result<RecordBatch> {
    let (left, right) = (order_of(stored), order_of(landed));
    let mut picks = Vec::with_capacity(left.len() + right.len());
    let (mut at, mut beside) = (0, 0);
    while at < left.len() || beside < right.len() {
        let is_left = beside == right.len() || (at < left.len() && left.key(at) <= right.key(beside));
        picks.push(if is_left { (0, at) } else { (1, beside) });
        if is_left {
            at += 1;
        } else {
            beside += 1;
        }
    }
    interleave_record_batch(&[stored, landed], &picks)
        .map_err(|cause| error::bug("cannot merge landed rows", Box::new(cause)))
}

/// The order of rows in the columns of [`Scan::schema_with_sequence`].
fn order_of(rows: &RecordBatch) -> Order<'_> {
    let sequence = rows.column(rows.num_columns() - 1);
    Order {
        people: rows.column(0).as_primitive::<Int64Type>().values(),
        times: rows.column(1).as_primitive::<TimestampMicrosecondType>().values(),
        sequence: sequence.as_primitive::<Int64Type>().values(),
    }
}
