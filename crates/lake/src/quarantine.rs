//! Messages that are kept aside: to look at, and to take out once they have been taken in.
//!
//! They tell what people did, in the words of their senders. Whoever lists them gets reasons and counts; only the way back
//! to the door gets the messages themselves, and it shows them to nobody.

use crate::Random;
use crate::data_file::{read_files, schema_of, write_file};
use crate::error;
use crate::import::quarantine_columns;
use crate::table::{Change, Engine, Table, TableFile};
use crate::vault::Vault;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef, TimestampMicrosecondType};
use spec::{Instant, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Messages of one source that are aside for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsideGroup {
    /// The source.
    pub source: String,
    /// The object of the contract, or what the messages call themselves.
    pub object: String,
    /// What is wrong.
    pub reason: String,
    /// The field, where it is one.
    pub field: Option<String>,
    /// How many there are.
    pub n_messages: u64,
    /// When the first and the last of them came.
    pub span: (Instant, Instant),
}

/// A message on its way back to the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsideMessage {
    /// Its place in the log when it came; by it it is taken out again.
    pub offset: u64,
    /// The name of the key that it came with.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
    /// As it came, completed by what the request told.
    pub raw: String,
}

/// The rows of one file that are messages, in these columns.
struct Rows {
    batch: RecordBatch,
}

impl Rows {
    fn text(&self, name: &str) -> &StringArray {
        self.batch.column_by_name(name).expect("the column was asked for").as_string()
    }

    fn value(&self, name: &str, row: usize) -> Option<&str> {
        let texts = self.text(name);
        texts.is_valid(row).then(|| texts.value(row))
    }

    fn offset(&self, row: usize) -> u64 {
        let offsets = self.batch.column_by_name("row").expect("the column was asked for").as_primitive::<Int64Type>();
        u64::try_from(offsets.value(row)).unwrap_or_default()
    }

    fn at_micros(&self, row: usize) -> i64 {
        let times = self.batch.column_by_name("at").expect("the column was asked for");
        times.as_primitive::<TimestampMicrosecondType>().value(row)
    }

    /// Whether the row is a message and not a record of a file.
    fn is_message(&self, row: usize) -> bool {
        self.text("key").is_valid(row)
    }
}

/// What is aside, by source, object and reason.
pub(crate) fn groups(table: &Table) -> Result<Vec<AsideGroup>> {
    type Place = (String, String, String, Option<String>);
    let mut groups: BTreeMap<Place, (u64, i64, i64)> = BTreeMap::new();
    for file in table.files()? {
        let rows = read(table, &file)?;
        for row in (0..rows.batch.num_rows()).filter(|row| rows.is_message(*row)) {
            let owned = |name: &str| rows.value(name, row).unwrap_or_default().to_owned();
            let place =
                (owned("source"), owned("object"), owned("reason"), rows.value("field", row).map(str::to_owned));
            let at = rows.at_micros(row);
            let group = groups.entry(place).or_insert((0, at, at));
            *group = (group.0 + 1, group.1.min(at), group.2.max(at));
        }
    }
    let instant = |micros| Instant::from_timestamp_micros(micros).unwrap_or_default();
    let group = |((source, object, reason, field), (n_messages, first, last)): (Place, (u64, i64, i64))| AsideGroup {
        source,
        object,
        reason,
        field,
        n_messages,
        span: (instant(first), instant(last)),
    };
    Ok(groups.into_iter().map(group).collect())
}

/// The messages of a source after a place in the log, at most so many, in the order in which they came.
pub(crate) fn messages(
    (table, vault): (&Table, &Vault),
    source: &str,
    after: Option<u64>,
    n_max: usize,
) -> Result<Vec<AsideMessage>> {
    let mut found = BTreeMap::new();
    for file in table.files()? {
        let rows = read(table, &file)?;
        for row in (0..rows.batch.num_rows()).filter(|row| rows.is_message(*row)) {
            let offset = rows.offset(row);
            if rows.value("source", row) != Some(source) || after.is_some_and(|after| offset <= after) {
                continue;
            }
            let owned = |name: &str| rows.value(name, row).unwrap_or_default().to_owned();
            found
                .insert(offset, AsideMessage { offset, key: owned("key"), reason: owned("reason"), raw: owned("raw") });
            if found.len() > n_max {
                found.pop_last();
            }
        }
    }
    let opened = found.into_values().map(|message| Ok(AsideMessage { raw: vault.open_text(&message.raw)?, ..message }));
    opened.collect()
}

/// Takes messages out, which have come in by now; returns how many of them were there.
pub(crate) fn take_out(
    table: &mut Table,
    engine: &Engine,
    random: &dyn Random,
    now: Instant,
    (source, offsets): (&str, &BTreeSet<u64>),
) -> Result<u64> {
    let (mut add, mut remove, mut n_taken) = (Vec::new(), Vec::new(), 0);
    for file in table.files()? {
        let rows = read(table, &file)?;
        let goes = |row: usize| {
            rows.is_message(row) && rows.value("source", row) == Some(source) && offsets.contains(&rows.offset(row))
        };
        let stays: BooleanArray = (0..rows.batch.num_rows()).map(|row| Some(!goes(row))).collect();
        if stays.true_count() == stays.len() {
            continue;
        }
        n_taken += (stays.len() - stays.true_count()) as u64;
        let rest = filter_record_batch(&rows.batch, &stays);
        let rest = rest.map_err(|cause| error::bug("cannot take messages out", Box::new(cause)))?;
        if rest.num_rows() > 0 {
            add.push(write_file(table.folder(), random, &rest)?);
        }
        remove.push(file);
    }
    if n_taken > 0 {
        let (figure, at_millis) = (table.version(), now.timestamp_millis());
        let replaced = remove.clone();
        table.commit(engine, Change { add, remove, new_columns: Vec::new(), app_id: "replay", figure, at_millis })?;
        table.forget(&replaced);
    }
    Ok(n_taken)
}

fn read(table: &Table, file: &TableFile) -> Result<Rows> {
    Ok(Rows { batch: read_files(&[table.folder().join(&file.name)], &columns(table)?)? })
}

/// All columns of the table, and those that only messages fill, which a table without one may lack.
fn columns(table: &Table) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = table.columns()?.fields().iter().map(|field| field.as_ref().clone()).collect();
    let of_messages = ["key", "message_id"].map(|name| Field::new(name, DataType::Utf8, true));
    for field in quarantine_columns().into_iter().chain(of_messages) {
        if fields.iter().all(|known| known.name() != field.name()) {
            fields.push(field);
        }
    }
    Ok(schema_of(&fields))
}
