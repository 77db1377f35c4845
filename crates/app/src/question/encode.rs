//! An answer as a table file.

use crate::error;
use api::EncodeFormat;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::StreamWriter;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use spec::{Answer, Column, Error, ErrorKind, Result, Value};
use std::sync::Arc;

/// Writes an answer.
///
/// # Shape
/// The answer's rows x columns; decimals have the largest scale of their column.
pub(crate) fn encode(answer: &Answer, format: EncodeFormat) -> Result<Vec<u8>> {
    let arrays: Vec<ArrayRef> =
        answer.columns.iter().enumerate().map(|(index, column)| array(answer, index, column)).collect::<Result<_>>()?;
    let field = |(column, array): (&Column, &ArrayRef)| Field::new(&column.name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(answer.columns.iter().zip(&arrays).map(field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|cause| fault(Box::new(cause)))?;
    let mut bytes = Vec::new();
    match format {
        EncodeFormat::Arrow => {
            let mut writer = StreamWriter::try_new(&mut bytes, &schema).map_err(|cause| fault(Box::new(cause)))?;
            writer.write(&batch).map_err(|cause| fault(Box::new(cause)))?;
            writer.finish().map_err(|cause| fault(Box::new(cause)))?;
        }
        EncodeFormat::Parquet => {
            let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).map_err(|cause| fault(Box::new(cause)))?;
            writer.write(&batch).map_err(|cause| fault(Box::new(cause)))?;
            writer.close().map_err(|cause| fault(Box::new(cause)))?;
        }
    }
    Ok(bytes)
}

fn fault(cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(ErrorKind::Bug, "the answer could not be written as a table".to_owned()).with_source(cause)
}

fn array(answer: &Answer, index: usize, column: &Column) -> Result<ArrayRef> {
    let cells = || answer.rows.iter().map(|row| &row[index]);
    // A cell of another type stands for what may not be named; it makes the whole column text.
    let is_plain = cells().all(|value| is_of_type(value, column.value_type));
    Ok(match column.value_type {
        _ if !is_plain => text(&mut cells()),
        "integer" => Arc::new(
            cells()
                .map(|value| if let Value::Integer(value) = value { Some(*value) } else { None })
                .collect::<Int64Array>(),
        ),
        "number" => Arc::new(
            cells()
                .map(|value| if let Value::Number(value) = value { Some(*value) } else { None })
                .collect::<Float64Array>(),
        ),
        "boolean" => Arc::new(
            cells()
                .map(|value| if let Value::Boolean(value) = value { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        "decimal" => decimals(&mut cells())?,
        "timestamp" => {
            let micros =
                cells().map(|value| if let Value::Timestamp(at) = value { Some(at.timestamp_micros()) } else { None });
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        "date" => Arc::new(cells().map(days).collect::<Date32Array>()),
        _ => text(&mut cells()),
    })
}

fn is_of_type(value: &Value, value_type: &str) -> bool {
    match value {
        Value::Null => true,
        Value::Boolean(_) => value_type == "boolean",
        Value::Integer(_) => value_type == "integer",
        Value::Number(_) => value_type == "number",
        Value::Decimal(_) => value_type == "decimal",
        Value::Timestamp(_) => value_type == "timestamp",
        Value::Date(_) => value_type == "date",
        Value::Text(_) | Value::List(_) => false,
    }
}

fn text(cells: &mut dyn Iterator<Item = &Value>) -> ArrayRef {
    Arc::new(
        cells.map(|value| if *value == Value::Null { None } else { Some(value.to_string()) }).collect::<StringArray>(),
    )
}

fn days(value: &Value) -> Option<i32> {
    let Value::Date(day) = value else { return None };
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

fn decimals(cells: &mut dyn Iterator<Item = &Value>) -> Result<ArrayRef> {
    let values: Vec<Option<rust_decimal::Decimal>> =
        cells.map(|value| if let Value::Decimal(value) = value { Some(*value) } else { None }).collect();
    let scale = values.iter().flatten().map(rust_decimal::Decimal::scale).max().unwrap_or(0);
    let mantissas = values.into_iter().map(|value| {
        value.map(|mut value| {
            value.rescale(scale);
            value.mantissa()
        })
    });
    let scale = i8::try_from(scale).map_err(|_| error::bug("a decimal with more than 127 digits"))?;
    let array = mantissas.collect::<Decimal128Array>().with_precision_and_scale(38, scale);
    array.map(|array| Arc::new(array) as ArrayRef).map_err(|cause| fault(Box::new(cause)))
}
