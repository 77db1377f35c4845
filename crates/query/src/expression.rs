//! Conditions as DataFusion expressions.
//!
//! The tree is translated node by node; no text of a user ever becomes SQL. Null is neither true nor false, and only
//! true lets a row pass.

use crate::error;
use crate::pass::column_name;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, cast, lit, not};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use rust_decimal::Decimal;
use spec::{Aggregate, CompareOp, Condition, Result, Term, Value};
use std::sync::{Arc, LazyLock};

/// Planning needs a session, which knows types and coercions and no table at all.
static SESSION: LazyLock<SessionContext> = LazyLock::new(SessionContext::new);

/// A condition, ready to be evaluated on batches of one schema.
pub(crate) struct Predicate {
    expression: Arc<dyn PhysicalExpr>,
}

impl Predicate {
    /// Compiles a condition; its aggregates are the columns `aggregate.N` for the N-th of `aggregates`.
    pub(crate) fn compile(condition: &Condition, schema: &SchemaRef, aggregates: &[Aggregate]) -> Result<Predicate> {
        let schema = DFSchema::try_from(schema.as_ref().clone()).map_err(error::from_datafusion)?;
        let logical = translate(condition, aggregates, &schema)?;
        let expression = SESSION.create_physical_expr(logical, &schema).map_err(error::from_datafusion)?;
        Ok(Predicate { expression })
    }

    /// Which rows pass.
    ///
    /// # Shape
    /// One boolean per row, never null.
    pub(crate) fn mask(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let value = self.expression.evaluate(batch).map_err(error::from_datafusion)?;
        let array = value.into_array(batch.num_rows()).map_err(error::from_datafusion)?;
        let array = array.as_boolean_opt().ok_or_else(|| error::bug("a condition is neither true nor false"))?;
        Ok(if array.null_count() > 0 { prep_null_mask_filter(array) } else { array.clone() })
    }
}

/// The name of the column that holds the N-th aggregate of a person.
pub(crate) fn aggregate_column(index: usize) -> String {
    format!("aggregate.{index}")
}

fn translate(condition: &Condition, aggregates: &[Aggregate], schema: &DFSchema) -> Result<Expr> {
    let inner = |part: &Condition| translate(part, aggregates, schema);
    let all = |parts: &[Condition]| parts.iter().map(inner).collect::<Result<Vec<_>>>();
    Ok(match condition {
        Condition::And(parts) => balanced(all(parts)?, Expr::and),
        Condition::Or(parts) => balanced(all(parts)?, Expr::or),
        Condition::Not(part) => not(inner(part)?),
        Condition::Compare { left, op, right } => {
            let [left, right] = [term(left, aggregates)?, term(right, aggregates)?];
            let is_double = has_double([&left, &right], schema)?;
            let alike = |side: Expr| if is_double { as_double(side, schema) } else { Ok(side) };
            compare(alike(left)?, *op, alike(right)?)
        }
        Condition::In { term: left, values } => {
            let (left, values) = (term(left, aggregates)?, values.iter().map(constant).collect::<Vec<_>>());
            let is_double = has_double(std::iter::once(&left).chain(&values), schema)?;
            let alike = |side: Expr| if is_double { as_double(side, schema) } else { Ok(side) };
            let values = values.into_iter().map(alike).collect::<Result<Vec<_>>>()?;
            alike(left)?.in_list(values, false)
        }
        // A backslash is a character like any other here; to arrow it would take the meaning of the one behind it.
        Condition::Like { term: left, pattern } => term(left, aggregates)?.like(lit(pattern.replace('\\', r"\\"))),
        Condition::IsNull(left) => term(left, aggregates)?.is_null(),
        Condition::Did(aggregate) => aggregate_expr(aggregate, aggregates)?.gt(lit(0_i64)),
        Condition::InAudience(_) => return Err(error::bug("an audience was not replaced by its condition")),
    })
}

/// Whether one of the terms is a double, so that all that are compared with it must be.
fn has_double<'a>(terms: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Result<bool> {
    for term in terms {
        if term.get_type(schema).map_err(error::from_datafusion)? == DataType::Float64 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A term as it is compared with a double: of a decimal, the double next to it. Left alone, DataFusion compares both as
/// decimals of fifteen places, in which a double of many digits is another number and a large one has no room.
fn as_double(term: Expr, schema: &DFSchema) -> Result<Expr> {
    if let Expr::Literal(ScalarValue::Decimal128(Some(digits), _, scale), _) = &term {
        let text = format!("{digits}e{}", -i32::from(*scale));
        return Ok(lit(text.parse::<f64>().map_err(|_| error::bug("a decimal is not a number"))?));
    }
    let is_decimal = matches!(term.get_type(schema).map_err(error::from_datafusion)?, DataType::Decimal128(_, _));
    Ok(if is_decimal { cast(term, DataType::Float64) } else { term })
}

/// Joins the parts as a tree of logarithmic depth, so that long lists cannot exhaust the stack.
fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Expr {
    while parts.len() > 1 {
        let mut halves = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            halves.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        parts = halves;
    }
    parts.pop().unwrap_or_else(|| lit(true))
}

fn compare(left: Expr, op: CompareOp, right: Expr) -> Expr {
    match op {
        CompareOp::Eq => left.eq(right),
        CompareOp::NotEq => left.not_eq(right),
        CompareOp::Less => left.lt(right),
        CompareOp::LessEq => left.lt_eq(right),
        CompareOp::Greater => left.gt(right),
        CompareOp::GreaterEq => left.gt_eq(right),
    }
}

fn term(term: &Term, aggregates: &[Aggregate]) -> Result<Expr> {
    match term {
        Term::Field(field) => Ok(Expr::Column(Column::from_name(column_name(field)))),
        Term::Value(value) => Ok(constant(value)),
        Term::Aggregate(aggregate) => aggregate_expr(aggregate, aggregates),
    }
}

fn aggregate_expr(aggregate: &Aggregate, aggregates: &[Aggregate]) -> Result<Expr> {
    let index = aggregates.iter().position(|other| other == aggregate);
    let index = index.ok_or_else(|| error::bug("an aggregate stands where none can be computed"))?;
    Ok(Expr::Column(Column::from_name(aggregate_column(index))))
}

fn constant(value: &Value) -> Expr {
    lit(match value {
        Value::Null | Value::List(_) => ScalarValue::Null,
        Value::Boolean(value) => ScalarValue::Boolean(Some(*value)),
        Value::Integer(value) => ScalarValue::Int64(Some(*value)),
        Value::Number(value) => ScalarValue::Float64(Some(*value)),
        Value::Decimal(value) => decimal_constant(*value),
        Value::Text(value) => ScalarValue::Utf8(Some(value.clone())),
        Value::Timestamp(value) => {
            ScalarValue::TimestampMicrosecond(Some(value.timestamp_micros()), Some("UTC".into()))
        }
        Value::Date(value) => {
            let days = value.signed_duration_since(chrono::NaiveDate::default()).num_days();
            ScalarValue::Date32(i32::try_from(days).ok())
        }
    })
}

/// The narrowest decimal type that holds the constant, so that comparing it with a column loses no digit.
fn decimal_constant(value: Decimal) -> ScalarValue {
    let n_digits = value.mantissa().unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    let precision = u8::try_from(n_digits.max(value.scale())).expect("a decimal has at most 29 digits");
    let scale = i8::try_from(value.scale()).expect("a decimal has at most 28 digits after the point");
    ScalarValue::Decimal128(Some(value.mantissa()), precision, scale)
}

#[cfg(test)]
mod tests;
