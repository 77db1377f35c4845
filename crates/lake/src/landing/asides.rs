//! Messages that are kept aside, as rows of `quarantine`.

use super::rows::Line;
use crate::data_file::{schema_of, timestamp_type};
use crate::error;
use crate::vault::Vault;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field};
use spec::Result;
use std::sync::Arc;

/// A message that is kept aside.
pub(super) struct AsideRow {
    pub(super) offset: u64,
    pub(super) line: Line,
    pub(super) reason: String,
    object: String,
    field: Option<String>,
    message_id: String,
    /// Sealed: it tells what somebody did, and who that is.
    raw: String,
}

impl AsideRow {
    pub(super) fn of(offset: u64, line: Line, aside: &crate::Aside<'_>, vault: &Vault) -> AsideRow {
        AsideRow {
            offset,
            line,
            reason: aside.reason.clone().into_owned(),
            object: aside.object.clone().into_owned(),
            field: aside.field.clone().map(std::borrow::Cow::into_owned),
            message_id: aside.message_id.clone().into_owned(),
            raw: vault.seal_text(&aside.raw),
        }
    }
}

/// The rows of records from an offset on.
pub(super) fn batch(asides: &[AsideRow], offset: u64) -> Result<Option<RecordBatch>> {
    let rows: Vec<&AsideRow> = asides.iter().filter(|aside| aside.offset >= offset).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let text = |name: &str, value: fn(&AsideRow) -> Option<&str>| -> (Field, ArrayRef) {
        let values: StringArray = rows.iter().map(|row| value(row)).collect();
        (Field::new(name, DataType::Utf8, true), Arc::new(values))
    };
    let offsets = rows.iter().map(|row| i64::try_from(row.offset).unwrap_or(i64::MAX));
    let times: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.line.received_micros)).collect();
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = [
        text("source", |row| Some(&row.line.source)),
        text("object", |row| Some(&row.object)),
        (Field::new("row", DataType::Int64, true), Arc::new(Int64Array::from_iter_values(offsets)) as ArrayRef),
        text("reason", |row| Some(&row.reason)),
        text("field", |row| row.field.as_deref()),
        text("raw", |row| Some(&row.raw)),
        (Field::new("at", timestamp_type(), true), Arc::new(times.with_timezone("UTC")) as ArrayRef),
        text("key", |row| Some(&row.line.key)),
        text("message_id", |row| Some(&row.message_id)),
    ]
    .into_iter()
    .unzip();
    let batch = RecordBatch::try_new(schema_of(&fields), columns);
    batch.map(Some).map_err(|cause| error::bug("cannot write messages that are kept aside", Box::new(cause)))
}
