//! Parquet: column by column, with the sizes that the file declares held against limits first.
//!
//! The file comes from outside: whatever it claims, the outcome is records or an `Invalid` error. The decoder is not ours,
//! so a panic in it is taken for what it is, a file that lies.

use super::convert::convert;
use super::read_csv::match_columns;
use super::records::{Fault, ROWS_PER_BATCH, Reader, Records};
use crate::error;
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use spec::{Object, Result};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const CHUNK_BYTES_MAX: i64 = 1 << 30;
const ROWS_MAX: i64 = 10_000_000_000;
const GROUPS_MAX: usize = 100_000;

/// Reads the records of a Parquet file.
pub(super) struct ParquetReader<'a> {
    object: &'a Object,
    file_name: &'a str,
    reader: ParquetRecordBatchReader,
    rows_read: u64,
    rows_all: u64,
}

impl<'a> ParquetReader<'a> {
    pub(super) fn open(path: &Path, file_name: &'a str, object: &'a Object) -> Result<ParquetReader<'a>> {
        let file = File::open(path).map_err(|cause| error::io("open", path, cause))?;
        let bytes = file.metadata().map_err(|cause| error::io("read", path, cause))?.len();
        guarded(file_name, || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|cause| broken(file_name, &cause))?;
            let rows_all = check_sizes(builder.metadata(), bytes).map_err(|why| error::bad_file(file_name, &why))?;
            let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
            let places = match_columns(&names, file_name, object)?;
            let mask = ProjectionMask::roots(builder.parquet_schema(), places.into_iter().flatten());
            let reader = builder.with_projection(mask).with_batch_size(ROWS_PER_BATCH).build();
            let reader = reader.map_err(|cause| broken(file_name, &cause))?;
            Ok(ParquetReader { object, file_name, reader, rows_read: 0, rows_all })
        })
    }

    fn records(&self, batch: RecordBatch) -> Result<Records> {
        let mut faults: Vec<Option<Fault>> = vec![None; batch.num_rows()];
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in &self.object.fields {
            let Some(source) = batch.column_by_name(&field.name) else {
                let data_type = super::column::stored_type(field.value_type);
                columns.push(new_null_array(&data_type, batch.num_rows()));
                continue;
            };
            let Some(column) = convert(source, field.value_type) else {
                let why = format!(
                    "its column `{}` has type {}, where the contract has {}",
                    field.name,
                    source.data_type(),
                    field.value_type.name()
                );
                return Err(
                    error::bad_file(self.file_name, &why).with_hint("change the type in the file or in the contract")
                );
            };
            if column.null_count() > source.logical_null_count() {
                let fault = Fault::in_field(&field.name, &crate::from_text::value_form(field.value_type));
                mark_lost(&mut faults, source.as_ref(), column.as_ref(), &fault);
            }
            columns.push(super::convert::empty_to_null(column));
        }
        Ok(Records::of_rows(self.rows_read + 1, columns, faults, batch))
    }
}

impl Reader for ParquetReader<'_> {
    fn next(&mut self) -> Result<Option<Records>> {
        let file_name = self.file_name;
        guarded(file_name, || {
            let Some(batch) = self.reader.next() else {
                if self.rows_read == self.rows_all {
                    return Ok(None);
                }
                let why = format!("it declares {} rows and holds {}", self.rows_all, self.rows_read);
                return Err(error::bad_file(file_name, &why));
            };
            let batch = batch.map_err(|cause| broken(file_name, &cause))?;
            let n_rows = batch.num_rows() as u64;
            let records = self.records(batch)?;
            self.rows_read += n_rows;
            Ok(Some(records))
        })
    }

    fn progress(&self) -> (u64, u64) {
        (self.rows_read, self.rows_all)
    }
}

/// A value that was there and is not after the conversion has no meaning in the declared type.
fn mark_lost(faults: &mut [Option<Fault>], source: &dyn Array, column: &dyn Array, fault: &Fault) {
    let nulls = source.logical_nulls();
    for (row, slot) in faults.iter_mut().enumerate() {
        let was_there = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        if was_there && column.is_null(row) && slot.is_none() {
            *slot = Some(fault.clone());
        }
    }
}

fn guarded<T>(file_name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let outcome = catch_unwind(AssertUnwindSafe(read));
    outcome
        .unwrap_or_else(|_| Err(error::bad_file(file_name, "it is damaged: what it declares and what it holds differ")))
}

fn broken(file_name: &str, cause: &dyn std::error::Error) -> spec::Error {
    error::bad_file(file_name, &format!("it is not a whole Parquet file ({cause})"))
        .with_hint("write the file again, or send it again if it was cut off on the way")
}

/// The number of rows, if all declared sizes can be true.
fn check_sizes(metadata: &ParquetMetaData, file_bytes: u64) -> std::result::Result<u64, String> {
    if metadata.num_row_groups() > GROUPS_MAX {
        return Err(format!("it declares more than {GROUPS_MAX} row groups"));
    }
    let mut rows_all: i64 = 0;
    for group in metadata.row_groups() {
        rows_all = rows_all.saturating_add(group.num_rows());
        if group.num_rows() < 0 || rows_all > ROWS_MAX {
            return Err("it declares an impossible number of rows".to_owned());
        }
        for column in group.columns() {
            if column.uncompressed_size() > CHUNK_BYTES_MAX {
                return Err("a column of one of its row groups is larger than 1 GiB".to_owned());
            }
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = start.checked_add(column.compressed_size()).and_then(|end| u64::try_from(end).ok());
            if start < 0 || column.compressed_size() < 0 || end.is_none_or(|end| end > file_bytes) {
                return Err("it declares data beyond its end".to_owned());
            }
        }
    }
    if rows_all != metadata.file_metadata().num_rows() {
        return Err("its row groups do not add up to the rows that it declares".to_owned());
    }
    u64::try_from(rows_all).map_err(|_| "it declares an impossible number of rows".to_owned())
}
