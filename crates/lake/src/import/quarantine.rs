//! Rejected records on their way to the table `quarantine`, in bounded memory.

use super::records::{RAW_BYTES_MAX, Records, cut};
use super::{ImportFile, Reasons};
use crate::Random;
use crate::data_file::{DataFileWriter, NewFile, WHOLE, schema_of, timestamp_type};
use crate::error;
use crate::vault::Vault;
use arrow::array::{ArrayRef, Int64Builder, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;
use spec::Result;
use std::path::PathBuf;
use std::sync::Arc;

const ROWS_PER_WRITE: usize = 1024;
const ROWS_PER_GROUP: usize = 16 * 1024;

/// The columns of the table.
pub(crate) fn columns() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    vec![
        text("source"),
        text("object"),
        text("file"),
        Field::new("row", DataType::Int64, true),
        text("reason"),
        text("field"),
        text("raw"),
        Field::new("at", timestamp_type(), true),
    ]
}

/// Collects rejected records and why they were.
pub(super) struct Quarantine<'a> {
    file: &'a ImportFile<'a>,
    folder: PathBuf,
    random: &'a dyn Random,
    vault: &'a Vault,
    at_micros: i64,
    writer: Option<DataFileWriter>,
    rows: Int64Builder,
    texts: [StringBuilder; 3],
    n_waiting: usize,
    /// Records so far.
    pub(super) n_rejected: u64,
    /// Why.
    pub(super) reasons: Reasons,
}

impl<'a> Quarantine<'a> {
    pub(super) fn new(
        file: &'a ImportFile<'a>,
        folder: PathBuf,
        (random, vault): (&'a dyn Random, &'a Vault),
        at_micros: i64,
    ) -> Quarantine<'a> {
        Quarantine {
            file,
            folder,
            random,
            vault,
            at_micros,
            writer: None,
            rows: Int64Builder::new(),
            texts: Default::default(),
            n_waiting: 0,
            n_rejected: 0,
            reasons: Reasons::default(),
        }
    }

    /// Takes the records of a batch that have a fault.
    pub(super) fn take(&mut self, records: &Records) -> Result<()> {
        for (index, fault) in records.faults.iter().enumerate() {
            let Some(fault) = fault else { continue };
            let row = records.first_row + index as u64;
            self.reasons.add(&fault.reason, self.file.file_name, row);
            self.rows.append_value(i64::try_from(row).unwrap_or(i64::MAX));
            let [reason, field, raw] = &mut self.texts;
            reason.append_value(&fault.reason);
            field.append_option(fault.field.as_ref());
            raw.append_value(self.vault.seal_text(cut(&records.raw_text(index), RAW_BYTES_MAX)));
            self.n_rejected += 1;
            self.n_waiting += 1;
            if self.n_waiting >= ROWS_PER_WRITE {
                self.write()?;
            }
        }
        Ok(())
    }

    /// The file with all of them; `None` without any.
    pub(super) fn finish(&mut self) -> Result<Option<NewFile>> {
        self.write()?;
        self.writer.take().map(DataFileWriter::finish).transpose()
    }

    fn write(&mut self) -> Result<()> {
        let n_rows = std::mem::take(&mut self.n_waiting);
        if n_rows == 0 {
            return Ok(());
        }
        let same = |value: &str| -> ArrayRef {
            Arc::new(arrow::array::StringArray::from_iter_values(std::iter::repeat_n(value, n_rows)))
        };
        let [reason, field, raw] = &mut self.texts;
        let at = TimestampMicrosecondArray::from(vec![self.at_micros; n_rows]).with_timezone("UTC");
        let columns: Vec<ArrayRef> = vec![
            same(self.file.source),
            same(&self.file.object.name),
            same(self.file.file_name),
            Arc::new(self.rows.finish()),
            Arc::new(reason.finish()),
            Arc::new(field.finish()),
            Arc::new(raw.finish()),
            Arc::new(at),
        ];
        let schema = schema_of(&self::columns());
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
        let batch = batch.map_err(|cause| error::bug("cannot write rejected records", Box::new(cause)))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(DataFileWriter::create(WHOLE, &self.folder, self.random, &schema)?),
        };
        writer.write(&batch)?;
        if writer.rows_in_group() >= ROWS_PER_GROUP { writer.end_group() } else { Ok(()) }
    }
}
