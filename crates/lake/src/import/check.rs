//! What holds for the records of every format: what is required, how long text may be, when things can have happened.

use super::records::{Fault, Records};
use crate::data_file::timestamp_type;
use crate::from_text::IDENTIFIER_BYTES_MAX;
use arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use chrono::{NaiveDate, TimeDelta};
use spec::{ConsentState, FieldClass, Instant, Object, ObjectKind};

/// The columns of a statement.
pub(super) const PURPOSE: &str = "purpose";
pub(super) const STATE: &str = "state";

/// What a word in a file of statements says.
pub(crate) fn consent_state(word: &str) -> Option<ConsentState> {
    match word {
        "granted" => Some(ConsentState::Granted),
        "denied" | "objected" => Some(ConsentState::Denied),
        _ => None,
    }
}

/// The times at which something can have happened, in microseconds.
#[derive(Clone, Copy)]
pub(super) struct TimeBounds {
    min: i64,
    max: i64,
}

impl TimeBounds {
    /// From the year 1900 to tomorrow.
    pub(super) fn at(now: Instant) -> TimeBounds {
        let first = NaiveDate::from_ymd_opt(1900, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        TimeBounds {
            min: first.expect("the day exists").and_utc().timestamp_micros(),
            max: (now + TimeDelta::days(1)).timestamp_micros(),
        }
    }
}

/// Whether each record must have the field: because it says so, or because nothing can be done with a record without it.
///
/// Without an id a record would be the same as every other without one.
pub(super) fn is_needed(object: &Object, field: &spec::Field) -> bool {
    let is = |column: &Option<String>| column.as_ref() == Some(&field.name);
    let is_id = is(&object.message_id_column) && object.kind != ObjectKind::Traits;
    field.required || is_id || is(&object.time_column) || field.name == object.person_column
}

/// Marks the records that the contract does not allow.
pub(super) fn check(records: &mut Records, object: &Object, bounds: TimeBounds) {
    for (at, field) in object.fields.iter().enumerate() {
        let column = &records.columns[at];
        let is_time = object.time_column.as_ref() == Some(&field.name);
        let is_person = object.person_column == field.name;
        if is_needed(object, field) && column.null_count() > 0 {
            mark(&mut records.faults, &Fault::missing(&field.name), |row| column.is_null(row));
        }
        if let Some(texts) = column.as_string_opt::<i32>() {
            check_length(&mut records.faults, field, texts, is_person);
        }
        if is_time && let Ok(times) = cast(column, &timestamp_type()) {
            let times: &TimestampMicrosecondArray = times.as_primitive();
            let fault = Fault::in_field(&field.name, "a time from the year 1900 up to tomorrow");
            let is_possible = |row: usize| (bounds.min..=bounds.max).contains(&times.value(row));
            mark(&mut records.faults, &fault, |row| times.is_valid(row) && !is_possible(row));
        }
        if object.kind == ObjectKind::Consent {
            check_statement(&mut records.faults, &field.name, column);
        }
    }
}

/// A statement names a purpose and says yes or no.
fn check_statement(faults: &mut [Option<Fault>], name: &str, column: &ArrayRef) {
    if name != STATE && name != PURPOSE {
        return;
    }
    mark(faults, &Fault::missing(name), |row| column.is_null(row));
    if let (STATE, Some(states)) = (name, column.as_string_opt::<i32>()) {
        let fault = Fault::in_field(name, "granted, denied or objected");
        mark(faults, &fault, |row| states.is_valid(row) && consent_state(states.value(row)).is_none());
    }
}

fn check_length(faults: &mut [Option<Fault>], field: &spec::Field, texts: &StringArray, is_person: bool) {
    let fault = Fault::in_field(&field.name, &format!("at most {} characters", field.length_max));
    let is_long = |text: &str| text.len() > field.length_max && text.chars().count() > field.length_max;
    mark(faults, &fault, |row| texts.is_valid(row) && is_long(texts.value(row)));
    if is_person || field.class == FieldClass::Direct {
        let fault = Fault::in_field(&field.name, &format!("at most {IDENTIFIER_BYTES_MAX} bytes"));
        mark(faults, &fault, |row| texts.is_valid(row) && texts.value(row).len() > IDENTIFIER_BYTES_MAX);
    }
}

fn mark(faults: &mut [Option<Fault>], fault: &Fault, is_bad: impl Fn(usize) -> bool) {
    for (row, slot) in faults.iter_mut().enumerate() {
        if slot.is_none() && is_bad(row) {
            *slot = Some(fault.clone());
        }
    }
}
