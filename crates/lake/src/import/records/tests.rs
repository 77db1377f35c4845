//! Batches of lines are bounded in rows and in bytes.

use super::{BYTES_PER_BATCH, Cell, Fault, ROWS_PER_BATCH, RecordsBuilder};
use crate::tests::fixture::purchase;
use spec::Object;

/// How many lines of this length fill a batch.
fn lines_until_full(object: &Object, line_bytes: usize) -> usize {
    let mut builder = RecordsBuilder::new(object);
    let line = vec![b'x'; line_bytes];
    for _ in 0..2 {
        for n_lines in 0.. {
            if builder.is_full() {
                let records = builder.finish().expect("it holds lines");
                assert_eq!(records.faults.len(), n_lines);
                break;
            }
            if n_lines % 2 == 0 {
                builder.push(&line, &[Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing]);
            } else {
                builder.push_fault(&line, Fault::of_record("it is no record"));
            }
        }
    }
    let mut n_lines = 0;
    while !builder.is_full() {
        builder.push_fault(&line, Fault::of_record("it is no record"));
        n_lines += 1;
    }
    n_lines
}

#[test]
fn a_batch_ends_by_its_rows_or_by_its_bytes() {
    let object = purchase(false);
    assert_eq!(lines_until_full(&object, 10), ROWS_PER_BATCH);
    assert_eq!(lines_until_full(&object, 1 << 20), BYTES_PER_BATCH >> 20);
}
