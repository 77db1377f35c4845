//! Accepted records as rows of tables: people instead of identifiers, keys, and the columns that tables keep.

use super::column::stored_type;
use super::digest::{Keyer, MessageKey};
use super::records::Records;
use crate::data_file::timestamp_type;
use crate::error;
use crate::vault::{Draft, Roots};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use spec::{FieldClass, Object, ObjectKind, PersonId, Result};
use std::sync::Arc;

/// The column of `events` that says whether nobody but a public key vouches for a row.
pub(crate) const CLAIMED: &str = "claimed";
/// The column of `events` that says who a person was before a merge.
pub(crate) const PERSON_BEFORE: &str = "person_before";

/// The columns of `events` besides the properties.
pub(crate) fn event_columns() -> Vec<Field> {
    vec![
        Field::new("person", DataType::Int64, true),
        Field::new("ts", timestamp_type(), true),
        Field::new("seq", DataType::Int64, true),
        Field::new("event", DataType::Utf8, true),
        Field::new("source", DataType::Utf8, true),
        Field::new("message_key", DataType::Binary, true),
        // Whether nobody but a public key vouches for it; missing: somebody does.
        Field::new(CLAIMED, DataType::Boolean, true),
        // What no contract declares, as JSON; for no question until it is declared.
        Field::new("extra", DataType::Utf8, true),
        // Who it was at first, of people who have become one; missing: the same.
        Field::new(PERSON_BEFORE, DataType::Int64, true),
    ]
}

/// The column of a property in `events`.
pub(crate) fn property_column(property: &str) -> String {
    format!("p_{property}")
}

/// The column of a trait in `traits`.
pub(crate) fn trait_column(name: &str) -> String {
    format!("t_{name}")
}

/// The fields that tables keep: neither the person, the time and the id, nor what lives in the vault.
pub(super) fn kept_fields(object: &Object) -> impl Iterator<Item = (usize, &spec::Field)> {
    object.fields.iter().enumerate().filter(|(_, field)| {
        field.class != FieldClass::Direct
            && field.name != object.person_column
            && Some(&field.name) != object.time_column.as_ref()
            && Some(&field.name) != object.message_id_column.as_ref()
    })
}

/// The column that a kept field has in a table.
pub(super) fn column_of(field: &spec::Field, name: String) -> Field {
    Field::new(name, stored_type(field.value_type), true)
}

/// Accepted records of one batch.
pub(super) struct Accepted {
    /// One column per field of the object.
    pub(super) columns: Vec<ArrayRef>,
    /// Their places in the file.
    pub(super) rows: Vec<u64>,
    pub(super) people: Vec<PersonId>,
    pub(super) times: TimestampMicrosecondArray,
    pub(super) keys: Vec<MessageKey>,
}

/// Finds the people of the records, takes direct identifiers into the vault's draft, and makes the keys.
pub(super) fn accept(
    records: &Records,
    object: &Object,
    now_micros: i64,
    keyer: &Keyer,
    draft: &mut Draft<'_>,
) -> Result<Accepted> {
    let (columns, rows) = records.accepted()?;
    let column = |name: &str| object.fields.iter().position(|field| field.name == name).map(|at| &columns[at]);
    let person_column = column(&object.person_column).expect("the object was checked to have the column");
    let people = people(person_column, &object.person_prefix, draft)?;
    let times: TimestampMicrosecondArray = match object.time_column.as_deref().and_then(column) {
        Some(times) => cast_to_time(times)?,
        None => TimestampMicrosecondArray::from(vec![now_micros; rows.len()]).with_timezone("UTC"),
    };
    // Traits are told apart by what they say: their key is the digest of it all.
    let id_column = object.message_id_column.as_deref().filter(|_| object.kind != ObjectKind::Traits);
    let keys = match id_column.and_then(column) {
        Some(ids) => keyer.keys_of_ids(ids),
        None => {
            let content: Vec<(&str, &ArrayRef)> =
                object.fields.iter().map(|field| field.name.as_str()).zip(&columns).collect();
            keyer.keys_of_content(&content)
        }
    };
    for (field, column) in object.fields.iter().zip(&columns) {
        if field.class == FieldClass::Direct && field.name != object.person_column {
            note_identifiers(&field.name, column, &people, &times, draft)?;
        }
    }
    Ok(Accepted { columns, rows, people, times, keys })
}

impl Accepted {
    /// The people, as they were at first, as a column.
    pub(super) fn person_column(&self) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(self.people.iter().map(|person| person.stored())))
    }

    /// Who they are by now, and who they were before where that is somebody else.
    pub(super) fn root_columns(&self, roots: &Roots) -> [ArrayRef; 2] {
        let people = || self.people.iter().map(|person| (*person, roots.root(*person)));
        let before = people().map(|(person, root)| (person != root).then_some(person.stored()));
        let before: Int64Array = before.collect();
        [Arc::new(Int64Array::from_iter_values(people().map(|(_, root)| root.stored()))), Arc::new(before)]
    }

    /// The keys as a column.
    pub(super) fn key_column(&self) -> ArrayRef {
        Arc::new(BinaryArray::from_iter_values(&self.keys))
    }

    /// The times as a column.
    pub(super) fn time_column(&self) -> ArrayRef {
        Arc::new(self.times.clone())
    }

    /// A column of text by its field, if the object has one.
    pub(super) fn texts(&self, object: &Object, name: &str) -> Option<&StringArray> {
        let at = object.fields.iter().position(|field| field.name == name)?;
        self.columns[at].as_string_opt::<i32>()
    }
}

fn people(column: &ArrayRef, prefix: &str, draft: &mut Draft<'_>) -> Result<Vec<PersonId>> {
    let values = as_text(column)?;
    let mut people = Vec::with_capacity(values.len());
    let mut last: Option<(&str, PersonId)> = None;
    for value in values.iter() {
        let value = value.expect("records without a person were rejected");
        let person = match last {
            Some((same, person)) if same == value => person,
            _ if prefix.is_empty() => draft.person(value),
            _ => draft.person(&format!("{prefix}{value}")),
        };
        last = Some((value, person));
        people.push(person);
    }
    Ok(people)
}

fn note_identifiers(
    kind: &str,
    column: &ArrayRef,
    people: &[PersonId],
    times: &TimestampMicrosecondArray,
    draft: &mut Draft<'_>,
) -> Result<()> {
    let texts = as_text(column)?;
    for (row, person) in people.iter().enumerate() {
        if texts.is_valid(row) {
            draft.identifier(*person, kind, times.value(row), texts.value(row));
        }
    }
    Ok(())
}

fn as_text(column: &ArrayRef) -> Result<StringArray> {
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options);
    let formatter = formatter.map_err(|cause| error::bug("cannot write a value as text", Box::new(cause)))?;
    let text = |row: usize| column.is_valid(row).then(|| formatter.value(row).to_string());
    Ok((0..column.len()).map(text).collect())
}

fn cast_to_time(column: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let times =
        cast(column, &timestamp_type()).map_err(|cause| error::bug("cannot read a day as a time", Box::new(cause)))?;
    Ok(times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().clone())
}
