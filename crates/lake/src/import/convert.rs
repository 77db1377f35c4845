//! Columns of Parquet files as columns of declared types; a value that does not fit becomes null, which the caller notes.

use super::column::{ColumnBuilder, stored_type};
use crate::from_text::{DAYS, TIMES, decimal_from_text, fits, with_one_zero};
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, PrimitiveArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, ArrowTimestampType, DataType, Date32Type, Date64Type, Decimal128Type, Float64Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampSecondType,
};
use spec::ValueType;
use std::sync::Arc;

/// The column in the stored type of the declared one; `None` when the types have nothing to do with each other.
pub(super) fn convert(source: &ArrayRef, value_type: ValueType) -> Option<ArrayRef> {
    let target = stored_type(value_type);
    let source = &in_calendar(source);
    if *source.data_type() == target && value_type != ValueType::Number {
        return Some(Arc::clone(source));
    }
    let plain = match source.data_type() {
        DataType::Null => return cast(source, &target).ok(),
        DataType::Dictionary(_, values) => return convert(&cast(source, values).ok()?, value_type),
        DataType::LargeUtf8 | DataType::Utf8View => return convert(&cast(source, &DataType::Utf8).ok()?, value_type),
        DataType::Float16 | DataType::Float32 => &from_narrow_float(source)?,
        _ => source,
    };
    let found = plain.data_type();
    match value_type {
        ValueType::Text if found.is_integer() || is_binary(found) => cast(plain, &target).ok(),
        ValueType::Text if *found == DataType::Utf8 => Some(Arc::clone(plain)),
        _ if *found == DataType::Utf8 => Some(parse(plain.as_string::<i32>(), value_type)),
        ValueType::Integer if found.is_integer() => cast(plain, &target).ok(),
        ValueType::Integer if *found == DataType::Float64 => Some(whole_numbers(plain.as_primitive())),
        ValueType::Number if *found == DataType::Float64 => Some(finite(plain.as_primitive())),
        ValueType::Number if found.is_integer() || found.is_decimal() => cast(plain, &target).ok(),
        ValueType::Decimal { scale } => decimals(plain, scale),
        ValueType::Timestamp if matches!(found, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64) => {
            cast(plain, &target).ok()
        }
        ValueType::Date if matches!(found, DataType::Timestamp(_, _) | DataType::Date64) => cast(plain, &target).ok(),
        _ => None,
    }
}

/// Days and times without those beyond the calendar: casts of them overflow, and what is stored breaks later questions.
fn in_calendar(source: &ArrayRef) -> ArrayRef {
    let days = || i64::from(*DAYS.start())..=i64::from(*DAYS.end());
    match source.data_type() {
        DataType::Date32 => within::<Date32Type>(source, |value| days().contains(&i64::from(value))),
        DataType::Date64 => within::<Date64Type>(source, |value| days().contains(&value.div_euclid(86_400_000))),
        DataType::Timestamp(TimeUnit::Second, _) => times_within::<TimestampSecondType>(source, 1_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => times_within::<TimestampMillisecondType>(source, 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => times_within::<TimestampMicrosecondType>(source, 1),
        // Nanoseconds need no look: 64 bits of them end in the year 2262.
        _ => Arc::clone(source),
    }
}

fn times_within<T: ArrowTimestampType>(source: &ArrayRef, micros_per_unit: i64) -> ArrayRef {
    within::<T>(source, |value| value.checked_mul(micros_per_unit).is_some_and(|micros| TIMES.contains(&micros)))
}

fn within<T: ArrowPrimitiveType>(source: &ArrayRef, is_good: impl Fn(T::Native) -> bool) -> ArrayRef {
    let values: &PrimitiveArray<T> = source.as_primitive();
    if values.iter().flatten().all(&is_good) {
        return Arc::clone(source);
    }
    let kept = values.unary_opt::<_, T>(|value| is_good(value).then_some(value));
    Arc::new(kept.with_data_type(source.data_type().clone()))
}

/// Text without any character is a missing value in every format.
pub(super) fn empty_to_null(column: ArrayRef) -> ArrayRef {
    let Some(texts) = column.as_string_opt::<i32>() else { return column };
    if texts.iter().any(|text| text == Some("")) {
        return Arc::new(texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect::<StringArray>());
    }
    column
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// The double that is written with the same digits as the narrow float, so that 2.1 stays 2.1.
fn from_narrow_float(source: &ArrayRef) -> Option<ArrayRef> {
    let texts = cast(&cast(source, &DataType::Float32).ok()?, &DataType::Utf8).ok()?;
    cast(&texts, &DataType::Float64).ok()
}

fn parse(texts: &StringArray, value_type: ValueType) -> ArrayRef {
    let mut builder = ColumnBuilder::new(value_type);
    for text in texts {
        match text {
            Some(text) if !text.is_empty() => {
                builder.append(text);
            }
            _ => builder.append_null(),
        }
    }
    builder.finish()
}

fn whole_numbers(values: &Float64Array) -> ArrayRef {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() <= EXACT_MAX).then_some(value as i64);
    Arc::new(values.unary_opt::<_, Int64Type>(whole))
}

fn finite(values: &Float64Array) -> ArrayRef {
    Arc::new(values.unary_opt::<_, Float64Type>(|value| value.is_finite().then_some(with_one_zero(value))))
}

fn decimals(plain: &ArrayRef, scale: u8) -> Option<ArrayRef> {
    let target = stored_type(ValueType::Decimal { scale });
    let values: Decimal128Array = match plain.data_type() {
        DataType::Decimal128(_, found) => {
            let found = *found;
            plain.as_primitive::<Decimal128Type>().unary_opt(|units| rescale(units, found, scale))
        }
        DataType::Decimal32(_, found) | DataType::Decimal64(_, found) => {
            let wide = cast(plain, &DataType::Decimal128(38, *found)).ok()?;
            return decimals(&wide, scale);
        }
        found if found.is_integer() => {
            let whole = cast(plain, &DataType::Int64).ok()?;
            let whole: &Int64Array = whole.as_primitive();
            whole.unary_opt(|value| rescale(i128::from(value), 0, scale))
        }
        DataType::Float64 => plain.as_primitive::<Float64Type>().unary_opt(|value| from_float(value, scale)),
        _ => return None,
    };
    Some(Arc::new(values.with_data_type(target)))
}

fn rescale(units: i128, found: i8, scale: u8) -> Option<i128> {
    let shift = i32::from(scale) - i32::from(found);
    let factor = 10i128.checked_pow(shift.unsigned_abs())?;
    let units = if shift >= 0 {
        units.checked_mul(factor)?
    } else if units % factor == 0 {
        units / factor
    } else {
        return None;
    };
    fits(units, scale)
}

/// A double means the decimal with the fewest digits that reads back as the same double.
fn from_float(value: f64, scale: u8) -> Option<i128> {
    let factor = 10f64.powi(i32::from(scale));
    let units = (value * factor).round();
    // Up to 2^53 both the units and the power of ten are exact, so the division is correctly rounded.
    if scale <= 15 && units.abs() < 9e15 && units / factor == value {
        return fits(units as i128, scale);
    }
    value.is_finite().then(|| format!("{value}")).and_then(|text| decimal_from_text(&text, scale))
}
