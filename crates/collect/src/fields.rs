//! The fields of a message: each declared one from where it stands, everything else into the extra object.
//!
//! Properties that are objects are spread with `_`: `address.city` fills `address_city`. Where two ways lead to a name, the
//! later one in the message counts. A value of class `direct` goes to the vault or nowhere: not even a bad one is kept
//! beside.

use crate::extra::Extra;
use crate::fault::{self, Faults, outcome_of};
use crate::json;
use crate::message::Message;
use crate::rules::{FieldRules, ObjectRules};
use crate::surroundings::Surroundings;
use crate::value;
use api::{Call, MessageOutcome};
use lake::Datum;
use serde_json::value::RawValue;
use spec::{FieldClass, OnFault, ValueType};
use std::borrow::Cow;

/// How many levels of objects are spread into names.
const LEVELS_MAX: usize = 4;
/// The longest name under which an object is spread, in bytes; declared names are shorter.
const PREFIX_BYTES_MAX: usize = 256;

/// What a message says.
#[derive(Default)]
pub(crate) struct Values<'a> {
    pub(crate) fields: Vec<(Cow<'a, str>, Datum<'a>)>,
    /// Of class `direct`, as text.
    pub(crate) direct: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) extra: Extra,
}

/// Reads the fields of an object.
pub(crate) fn read<'a>(message: &Message<'a>, object: &'a ObjectRules, faults: &mut Faults) -> Values<'a> {
    let mut reading = Reading { object, slots: vec![None; object.fields.len()], values: Values::default() };
    let (name, sent) = match message.call {
        Some(Call::Identify | Call::Group) => ("traits", message.members.traits),
        _ => ("properties", message.members.properties),
    };
    if let Some(sent) = sent
        && !reading.spread("", 1, sent.get())
    {
        faults.add(MessageOutcome::Rejected, fault::not_members(name));
    }
    let mut surroundings = object.wanted.anything.then(|| Surroundings::of(message, object.wanted));
    for (at, field) in object.fields.iter().enumerate().filter(|(_, field)| !field.is_system) {
        let is_there = reading.keep_sent(at, field, message, faults)
            || reading.keep_known(field, surroundings.as_mut(), message, faults);
        if !is_there && field.is_required {
            let fault = fault::missing(&message.source.contract, &field.name);
            reading.values.extra.add_flagged(&field.name, &fault.reason);
            faults.add(outcome_of(message.source.door.bad_value), fault);
        }
    }
    reading.values
}

struct Reading<'a> {
    object: &'a ObjectRules,
    /// Per field what was sent for it.
    slots: Vec<Option<&'a RawValue>>,
    values: Values<'a>,
}

impl<'a> Reading<'a> {
    /// Lays what was sent into the slots; false when it is no object.
    fn spread(&mut self, prefix: &str, level: usize, sent: &'a str) -> bool {
        json::members(sent, &mut |key, value| {
            let name = if prefix.is_empty() { key } else { Cow::Owned(format!("{prefix}_{key}")) };
            match self.object.place(&name) {
                Some(at) => self.slots[at] = Some(value),
                None if json::is_object(value) && level < LEVELS_MAX && name.len() <= PREFIX_BYTES_MAX => {
                    self.spread(&name, level + 1, value.get());
                }
                None => self.values.extra.add_undeclared(&name, value.get()),
            }
        })
    }

    /// Keeps what was sent for a field; false when nothing was, or nothing that says anything.
    fn keep_sent(&mut self, at: usize, field: &'a FieldRules, message: &Message<'a>, faults: &mut Faults) -> bool {
        let Some(sent) = self.slots[at] else { return false };
        match value::read(sent, field) {
            Ok(None) => false,
            Ok(Some(datum)) => {
                self.push(field, datum, sent);
                true
            }
            Err(expected) => {
                let fault = fault::bad_value(&message.source.contract, &field.name, &expected);
                if message.source.door.bad_value == OnFault::Flag {
                    self.values.extra.add_flagged(&field.name, &fault.reason);
                    if field.class != FieldClass::Direct {
                        self.values.extra.add_undeclared(&field.name, sent.get());
                    }
                }
                faults.add(outcome_of(message.source.door.bad_value), fault);
                // It was sent, so it is not missing as well.
                true
            }
        }
    }

    /// Keeps what surrounds the message for a field that was not sent; what does not fit is left out, whatever the door
    /// says, since nobody sent it as this field.
    fn keep_known(
        &mut self,
        field: &'a FieldRules,
        surroundings: Option<&mut Surroundings<'a>>,
        message: &Message<'a>,
        faults: &mut Faults,
    ) -> bool {
        let known = field.known.and_then(|known| surroundings?.take(known));
        match known.map(|text| value::check_length(text, field)) {
            None => false,
            Some(Ok(text)) => {
                self.push_known(field, text);
                true
            }
            Some(Err(expected)) => {
                let fault = fault::bad_value(&message.source.contract, &field.name, &expected);
                self.values.extra.add_flagged(&field.name, &fault.reason);
                faults.add(MessageOutcome::Flagged, fault);
                false
            }
        }
    }

    fn push(&mut self, field: &'a FieldRules, datum: Datum<'a>, sent: &'a RawValue) {
        match datum {
            Datum::Text(text) => self.push_text(field, text),
            _ if field.class == FieldClass::Direct => {
                let text = json::text_of(sent).unwrap_or(Cow::Borrowed(sent.get()));
                self.values.direct.push((Cow::Borrowed(&field.name), text));
            }
            datum => self.values.fields.push((Cow::Borrowed(&field.name), datum)),
        }
    }

    /// What is known is text, but for what is true or false.
    fn push_known(&mut self, field: &'a FieldRules, text: Cow<'a, str>) {
        if field.value_type == ValueType::Boolean && field.class != FieldClass::Direct {
            self.values.fields.push((Cow::Borrowed(&field.name), Datum::Boolean(text == "true")));
        } else {
            self.push_text(field, text);
        }
    }

    fn push_text(&mut self, field: &'a FieldRules, text: Cow<'a, str>) {
        let name = Cow::Borrowed(field.name.as_str());
        if field.class == FieldClass::Direct {
            self.values.direct.push((name, text));
        } else {
            self.values.fields.push((name, Datum::Text(text)));
        }
    }
}
