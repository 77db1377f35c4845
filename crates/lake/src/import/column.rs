//! Columns of declared types, built from text.

use crate::Datum;
use crate::data_file::timestamp_type;
use crate::from_text::{
    boolean_from_text, date_from_text, decimal_from_text, decimal_precision, number_from_text, timestamp_from_text,
    with_one_zero,
};
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use spec::ValueType;
use std::sync::Arc;

/// The Arrow type that a declared type is stored as.
pub(crate) fn stored_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Text => DataType::Utf8,
        ValueType::Integer => DataType::Int64,
        ValueType::Number => DataType::Float64,
        ValueType::Decimal { scale } => {
            DataType::Decimal128(decimal_precision(scale), i8::try_from(scale).expect("scales are from 0 to 18"))
        }
        ValueType::Boolean => DataType::Boolean,
        ValueType::Timestamp => timestamp_type(),
        ValueType::Date => DataType::Date32,
    }
}

/// The declared type that is stored as an Arrow type.
pub(crate) fn declared_type(stored: &DataType) -> ValueType {
    match stored {
        DataType::Int64 => ValueType::Integer,
        DataType::Float64 => ValueType::Number,
        DataType::Decimal128(_, scale) => ValueType::Decimal { scale: u8::try_from(*scale).unwrap_or_default() },
        DataType::Boolean => ValueType::Boolean,
        DataType::Timestamp(_, _) => ValueType::Timestamp,
        DataType::Date32 => ValueType::Date,
        _ => ValueType::Text,
    }
}

/// A column under construction.
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Decimal(Decimal128Builder, u8),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
}

impl ColumnBuilder {
    pub(crate) fn new(value_type: ValueType) -> ColumnBuilder {
        match value_type {
            ValueType::Text => ColumnBuilder::Text(StringBuilder::new()),
            ValueType::Integer => ColumnBuilder::Integer(Int64Builder::new()),
            ValueType::Number => ColumnBuilder::Number(Float64Builder::new()),
            ValueType::Decimal { scale } => {
                let builder = Decimal128Builder::new().with_data_type(stored_type(value_type));
                ColumnBuilder::Decimal(builder, scale)
            }
            ValueType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::new()),
            ValueType::Timestamp => {
                ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(stored_type(value_type)))
            }
            ValueType::Date => ColumnBuilder::Date(Date32Builder::new()),
        }
    }

    /// Appends the value that the text stands for; false (and a null) if it stands for none.
    pub(super) fn append(&mut self, text: &str) -> bool {
        match self {
            ColumnBuilder::Text(builder) => {
                builder.append_value(text);
                true
            }
            ColumnBuilder::Integer(builder) => keep(text.parse().ok(), |value| builder.append_option(value)),
            ColumnBuilder::Number(builder) => keep(number_from_text(text), |value| builder.append_option(value)),
            ColumnBuilder::Decimal(builder, scale) => {
                keep(decimal_from_text(text, *scale), |value| builder.append_option(value))
            }
            ColumnBuilder::Boolean(builder) => keep(boolean_from_text(text), |value| builder.append_option(value)),
            ColumnBuilder::Timestamp(builder) => keep(timestamp_from_text(text), |value| builder.append_option(value)),
            ColumnBuilder::Date(builder) => keep(date_from_text(text), |value| builder.append_option(value)),
        }
    }

    /// Appends a value; false, and nothing appended, if the column cannot hold it exactly.
    pub(crate) fn append_datum(&mut self, datum: &Datum<'_>) -> bool {
        match (self, datum) {
            (ColumnBuilder::Text(builder), Datum::Text(value)) => builder.append_value(value),
            (ColumnBuilder::Integer(builder), Datum::Integer(value)) => builder.append_value(*value),
            (ColumnBuilder::Number(builder), Datum::Number(value)) => builder.append_value(with_one_zero(*value)),
            (ColumnBuilder::Decimal(builder, to), Datum::Decimal(units, from)) if to == from => {
                builder.append_value(*units);
            }
            (ColumnBuilder::Boolean(builder), Datum::Boolean(value)) => builder.append_value(*value),
            (ColumnBuilder::Timestamp(builder), Datum::Timestamp(micros)) => builder.append_value(*micros),
            (ColumnBuilder::Date(builder), Datum::Date(days)) => builder.append_value(*days),
            _ => return false,
        }
        true
    }

    /// Appends a missing value.
    pub(crate) fn append_null(&mut self) {
        match self {
            ColumnBuilder::Text(builder) => builder.append_null(),
            ColumnBuilder::Integer(builder) => builder.append_null(),
            ColumnBuilder::Number(builder) => builder.append_null(),
            ColumnBuilder::Decimal(builder, _) => builder.append_null(),
            ColumnBuilder::Boolean(builder) => builder.append_null(),
            ColumnBuilder::Timestamp(builder) => builder.append_null(),
            ColumnBuilder::Date(builder) => builder.append_null(),
        }
    }

    /// The column; the builder starts anew.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Integer(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Number(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(builder, _) => Arc::new(builder.finish()),
            ColumnBuilder::Boolean(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Timestamp(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
        }
    }
}

fn keep<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let is_value = value.is_some();
    append(value);
    is_value
}
