//! Expressions: what may be computed, and what is changed so that nothing can fail.
//!
//! A failure would tell of the row that it is about, and the optimiser may move what is asked of groups to rows of single
//! people. So one list holds everywhere: a division by nothing is null, and so is a cast that does not work; what is
//! computed with decimals, and every division, is one of doubles, which do not overflow into an error. Functions come from
//! a short list of those that cannot fail nor grow. Types are those after coercion: what it put in is looked at as well.

use super::govern::Governor;
use super::governed::{Governed, Kind};
use super::{Complaint, Step};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::expr::{Cast, Exists, InSubquery, ScalarFunction, TryCast};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, Projection, Subquery, lit, try_cast, when,
};
use std::sync::Arc;

/// The longest interval that is added to the time of an event, and to now, of which nanoseconds are counted: more could
/// reach the end of the calendar.
const YEARS_MAX: u32 = 999;
const YEARS_FROM_NOW_MAX: u32 = 99;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;
/// Functions that say what time it is.
const NOW: [&str; 2] = ["now", "current_date"];
/// Signs of a pattern that stand for any text: what is looked for takes as much longer for each.
const WILDCARDS_MAX: usize = 64;
/// Parts of a time that can be asked for, and those that nothing begins with.
const TIME_PARTS: [&str; 8] = ["day", "hour", "minute", "month", "quarter", "second", "week", "year"];
const DAY_NUMBERS: [&str; 2] = ["dow", "doy"];

impl Governor {
    /// An expression on rows of a plan, made safe.
    pub(super) fn expression(&mut self, expression: Expr, input: &Governed) -> Step<Expr> {
        match expression {
            Expr::Column(column) => match input.kind_of_column(&column) {
                Some(Kind::Person(_)) => Err(Complaint::person()),
                _ => Ok(Expr::Column(column)),
            },
            Expr::BinaryExpr(binary) => self.binary(binary, input),
            Expr::Negative(inner) => self.negative(*inner, input),
            Expr::IsNull(inner) if is_person(&inner, input) => Ok(Expr::IsNull(inner)),
            Expr::IsNotNull(inner) if is_person(&inner, input) => Ok(Expr::IsNotNull(inner)),
            Expr::Cast(cast) => self.cast(cast, input),
            Expr::InSubquery(inside) => self.in_subquery(inside, input),
            Expr::Exists(Exists { subquery, negated }) => {
                let (subquery, found) = self.subquery(subquery)?;
                if found.kinds.is_some() {
                    return Err(Complaint::of_others());
                }
                Ok(Expr::Exists(Exists { subquery, negated }))
            }
            Expr::ScalarSubquery(subquery) => {
                let (subquery, found) = self.subquery(subquery)?;
                if found.kinds.is_some() {
                    return Err(Complaint::new(
                        "a subquery gives a value of a single person",
                        "take a figure of a group",
                    ));
                }
                Ok(Expr::ScalarSubquery(subquery))
            }
            Expr::ScalarFunction(function) => {
                check_function(&function, input)?;
                let Expr::ScalarFunction(mut function) = self.children(Expr::ScalarFunction(function), input)? else {
                    return Err(Complaint::new("a function is none", "use what the manual lists"));
                };
                if let ("date_trunc", [_, time]) = (function.func.name(), function.args.as_mut_slice()) {
                    *time = within_nanoseconds(std::mem::take(time), input)?;
                }
                Ok(Expr::ScalarFunction(function))
            }
            Expr::Like(like) => {
                let Some(pattern) = literal(&like.pattern).map(ScalarValue::to_string) else {
                    return Err(Complaint::new("a pattern is not written out", "write it as in `LIKE 'spring%'`"));
                };
                if like.escape_char.is_some() || pattern.matches(['%', '_']).count() > WILDCARDS_MAX {
                    let message = format!("a pattern has `ESCAPE`, or more than {WILDCARDS_MAX} times `%` or `_`");
                    return Err(Complaint::new(&message, "look for less at once"));
                }
                self.children(Expr::Like(like), input)
            }
            Expr::OuterReferenceColumn(..) => Err(Complaint::tied()),
            Expr::Alias(_)
            | Expr::Literal(..)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Between(_)
            | Expr::InList(_)
            | Expr::Case(_) => self.children(expression, input),
            Expr::TryCast(TryCast { expr, field }) => self.cast(Cast { expr, field }, input),
            other => {
                let message = format!("`{}` cannot be computed here", other.schema_name());
                Err(Complaint::new(&message, "use what the manual lists"))
            }
        }
    }

    fn children(&mut self, expression: Expr, input: &Governed) -> Step<Expr> {
        let mut complaint = None;
        let mapped = expression.map_children(|child| match self.expression(child.clone(), input) {
            Ok(child) => Ok(Transformed::yes(child)),
            Err(why) => {
                complaint.get_or_insert(why);
                Ok(Transformed::new(child, false, TreeNodeRecursion::Stop))
            }
        })?;
        complaint.map_or(Ok(mapped.data), Err)
    }

    /// A cast that gives null where it does not work; of what is written in the text, it has to.
    fn cast(&mut self, cast: Cast, input: &Governed) -> Step<Expr> {
        let to = cast.field.data_type();
        if let Expr::Literal(value, metadata) = cast.expr.as_ref() {
            if !can_be_tried(&value.data_type(), to) && sort(to) == Some(Sort::Time) {
                return Err(not_of(value, to));
            }
            let known = value.cast_to(to).ok().filter(|found| found.is_null() == value.is_null());
            let known = known.ok_or_else(|| not_of(value, to))?;
            return Ok(Expr::Literal(known, metadata.clone()));
        }
        let from = cast.expr.get_type(input.schema())?;
        let inner = self.expression(*cast.expr, input)?;
        if !can_be_tried(&from, to) {
            let message = format!("{} cannot be taken for {}", sort_of(&from), sort_of(to));
            return Err(Complaint::new(&message, "compare values of one type; text and times stand in 'quotes'"));
        }
        Ok(Expr::TryCast(TryCast { expr: Box::new(inner), field: cast.field }))
    }

    fn binary(&mut self, binary: BinaryExpr, input: &Governed) -> Step<Expr> {
        use Operator::{And, Divide, Eq, Gt, GtEq, Lt, LtEq, Minus, Modulo, Multiply, NotEq, Or, Plus};
        let BinaryExpr { left, op, right } = binary;
        if op == Eq && is_person(&left, input) && is_person(&right, input) {
            return Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }));
        }
        let computes = matches!(op, Plus | Minus | Multiply | Divide | Modulo);
        if !computes && !matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | And | Or) {
            return Err(Complaint::new(&format!("`{op}` cannot be computed here"), "use what the manual lists"));
        }
        let (mut left, mut right) = (self.expression(*left, input)?, self.expression(*right, input)?);
        if computes {
            let types = [left.get_type(input.schema())?, right.get_type(input.schema())?];
            if types.iter().any(is_of_calendar) {
                check_calendar(&left, op, &right, input)?;
            }
            let divides = matches!(op, Divide | Modulo);
            if divides || types.iter().any(DataType::is_decimal) {
                (left, right) = (try_cast(left, DataType::Float64), try_cast(right, DataType::Float64));
            }
            if divides {
                right = nullif(right, lit(0.0));
            }
        }
        Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
    }

    /// Less than nothing by what a number is, as it is computed with everywhere else.
    fn negative(&mut self, inner: Expr, input: &Governed) -> Step<Expr> {
        let data_type = inner.get_type(input.schema())?;
        let nothing = match data_type {
            DataType::Int64 => lit(0_i64),
            _ if data_type.is_numeric() => lit(0.0),
            _ => return Err(Complaint::new("`-` stands before something that is no number", "write 0 - x")),
        };
        self.binary(BinaryExpr { left: Box::new(nothing), op: Operator::Minus, right: Box::new(inner) }, input)
    }

    fn in_subquery(&mut self, inside: InSubquery, input: &Governed) -> Step<Expr> {
        let InSubquery { expr, subquery, negated } = inside;
        let (subquery, found) = self.subquery(subquery)?;
        let expr = match found.kinds.as_deref() {
            // Values of enough people.
            None => Box::new(self.expression(*expr, input)?),
            Some([Kind::Person(person), ..]) if is_person(&expr, input) && found.is_about(Some(*person)) => expr,
            Some(_) => return Err(Complaint::of_others()),
        };
        Ok(Expr::InSubquery(InSubquery { expr, subquery, negated }))
    }

    /// A query inside of a condition, and what its rows are about. It says the same for all rows around it.
    fn subquery(&mut self, subquery: Subquery) -> Step<(Subquery, Governed)> {
        if !subquery.outer_ref_columns.is_empty() {
            return Err(Complaint::tied());
        }
        let n_columns = subquery.subquery.schema().fields().len();
        let governed = self.govern(&subquery.subquery)?;
        let plan = if governed.kinds.is_some() {
            // Without the columns that follow people.
            let shown = governed.schema().columns().into_iter().take(n_columns).map(Expr::Column).collect();
            LogicalPlan::Projection(Projection::try_new(shown, Arc::new(governed.plan.clone()))?)
        } else {
            governed.plan.clone()
        };
        Ok((Subquery { subquery: Arc::new(plan), ..subquery }, governed))
    }
}

fn is_person(expression: &Expr, input: &Governed) -> bool {
    let Expr::Column(column) = expression else { return false };
    matches!(input.kind_of_column(column), Some(Kind::Person(_)))
}

/// What is written in the text, under a cast or not.
fn literal(expression: &Expr) -> Option<&ScalarValue> {
    match expression {
        Expr::Literal(value, _) => Some(value),
        Expr::Cast(cast) => match cast.expr.as_ref() {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a function cannot fail with what it is given; which functions there are the planner knows.
fn check_function(function: &ScalarFunction, input: &Governed) -> Step<()> {
    let literal = |place: usize| function.args.get(place).and_then(literal);
    match function.func.name() {
        "date_part" | "date_trunc" => {
            let part = literal(0).map(|value| value.to_string().to_lowercase()).unwrap_or_default();
            let is_number = function.func.name() == "date_part" && DAY_NUMBERS.contains(&part.as_str());
            if !is_number && !TIME_PARTS.contains(&part.as_str()) {
                let hint = "write it out: year, quarter, month, week, day, hour, minute, second";
                return Err(Complaint::new("a part of a time that is not known", hint));
            }
            let of = function.args.get(1).map(|time| time.get_type(input.schema())).transpose()?;
            if !matches!(of, Some(DataType::Timestamp(..) | DataType::Date32)) {
                return Err(Complaint::new("a part of something that is no time", "take it of a time or a day"));
            }
        }
        "left" | "right" => {
            let is_small = |value: &ScalarValue| value.to_string().parse::<i32>().is_ok();
            if !literal(1).is_some_and(is_small) {
                return Err(Complaint::new("how many letters is not written out", "write it as in `left(name, 3)`"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// A time that is null at the ends of the calendar of nanoseconds and beyond: there `date_trunc` fails.
fn within_nanoseconds(time: Expr, input: &Governed) -> Step<Expr> {
    // Most of the first and the last year of it is left out.
    let (first, last) = (i64::MIN / 1_000 * 997, i64::MAX / 1_000 * 997);
    let bounds = match time.get_type(input.schema())? {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            [first, last].map(|nanos| ScalarValue::TimestampNanosecond(Some(nanos), zone.clone()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            [first, last].map(|nanos| ScalarValue::TimestampMicrosecond(Some(nanos / 1_000), zone.clone()))
        }
        DataType::Date32 => {
            let days = |nanos: i64| i32::try_from(nanos / NANOS_PER_DAY).ok();
            [first, last].map(|nanos| ScalarValue::Date32(days(nanos)))
        }
        _ => return Err(Complaint::new("a part of something that is no time", "take it of a time or a day")),
    };
    let [first, last] = bounds.map(lit);
    Ok(when(time.clone().between(first, last), time).end()?)
}

/// Whether a type holds everything that another one does, so that a cast to it cannot fail.
pub(super) fn holds_all(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Boolean, Date32, Decimal128, Dictionary, Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, Null,
        Timestamp, UInt8, UInt16, UInt32, Utf8, Utf8View,
    };
    match (from, to) {
        (from, to) if from == to => true,
        (Null, _) => true,
        (Dictionary(_, values), to) => holds_all(values, to),
        (from, Dictionary(_, values)) => holds_all(from, values),
        (Utf8 | Utf8View | LargeUtf8, Utf8 | Utf8View | LargeUtf8) => true,
        (Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32, Int64 | Float64) => true,
        (Int8 | Int16 | Int32 | UInt8 | UInt16, Int32) => true,
        (Float32 | Decimal128(..), Float64) => true,
        (Int8 | Int16 | Int32 | Int64, Decimal128(precision, scale)) => i16::from(*precision) - i16::from(*scale) >= 19,
        (Decimal128(precision, scale), Decimal128(wider, finer)) => {
            finer >= scale && i16::from(*wider) - i16::from(*finer) >= i16::from(*precision) - i16::from(*scale)
        }
        (Timestamp(unit, _), Timestamp(other, _)) => unit == other,
        (Timestamp(..), Date32) => true,
        _ => false,
    }
}

/// Sorts of types that may be cast to each other.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Nothing,
    Number,
    Text,
    Time,
}

fn sort(data_type: &DataType) -> Option<Sort> {
    match data_type {
        DataType::Null => Some(Sort::Nothing),
        DataType::Dictionary(_, values) => sort(values),
        DataType::Boolean => Some(Sort::Number),
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _) | DataType::Date32 => Some(Sort::Time),
        text if text.is_string() => Some(Sort::Text),
        number if number.is_numeric() => Some(Sort::Number),
        _ => None,
    }
}

/// What a type is called in a message.
fn sort_of(data_type: &DataType) -> &'static str {
    match sort(data_type) {
        Some(Sort::Nothing) => "nothing",
        Some(Sort::Number) => "a number",
        Some(Sort::Text) => "a text",
        Some(Sort::Time) => "a time",
        None => "something else",
    }
}

/// Whether a cast is null where it does not work. A time made of any number may be one that cannot be shown, which fails.
fn can_be_tried(from: &DataType, to: &DataType) -> bool {
    match (sort(from), sort(to)) {
        (Some(Sort::Number), Some(Sort::Time)) | (_, None) | (None, _) => false,
        (Some(_), Some(_)) => true,
    }
}

/// Complains about a value that is written in the text and should be of a type.
fn not_of(value: &ScalarValue, to: &DataType) -> Complaint {
    let hint = match sort(to) {
        Some(Sort::Time) => "write times as '2017-02-01' or '2017-02-01 12:00:00', of the years 1678 to 2261",
        _ => "compare values of one type; text and times stand in 'quotes'",
    };
    Complaint::new(&format!("`{value}` stands where {} has to", sort_of(to)), hint)
}

fn is_of_calendar(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Interval(_)
            | DataType::Duration(_)
    )
}

/// Complains about what is computed with times unless it stays within the calendar, whichever row it is computed of: an
/// interval that is written out, added to the time of an event or to now.
fn check_calendar(left: &Expr, op: Operator, right: &Expr, input: &Governed) -> Step<()> {
    let (time, interval) =
        if matches!(left, Expr::Literal(..)) && op == Operator::Plus { (right, left) } else { (left, right) };
    let years_max = match time {
        _ if !matches!(op, Operator::Plus | Operator::Minus) => 0,
        Expr::Column(column) if input.kind_of_column(column) == Some(Kind::Time) => YEARS_MAX,
        Expr::ScalarFunction(function) if NOW.contains(&function.func.name()) => YEARS_FROM_NOW_MAX,
        _ => {
            let hint = "add an interval to `time` or `now()`, or write the time out: time < '2017-03-01'";
            return Err(Complaint::new("something is computed with times", hint));
        }
    };
    let Expr::Literal(interval, _) = interval else {
        return Err(Complaint::new("an interval is not written out", "write it as in `time + INTERVAL '7 days'`"));
    };
    let (months, days) = match interval {
        ScalarValue::IntervalYearMonth(Some(months)) => (*months, 0),
        ScalarValue::IntervalDayTime(Some(time)) => (0, time.days),
        // Nanoseconds of 64 bits are less than 300 years.
        ScalarValue::IntervalMonthDayNano(Some(time)) => {
            let days = i32::try_from(time.nanoseconds / NANOS_PER_DAY).unwrap_or(i32::MAX);
            (time.months, time.days.saturating_add(days))
        }
        _ => return Err(Complaint::new("an interval is of an unknown kind", "write it as in `INTERVAL '7 days'`")),
    };
    if months.unsigned_abs() > years_max * 12 || days.unsigned_abs() > years_max * 365 {
        let message = format!("an interval is longer than {years_max} years");
        return Err(Complaint::new(&message, "write the time out: time < '2017-03-01'"));
    }
    Ok(())
}

impl From<DataFusionError> for Complaint {
    fn from(error: DataFusionError) -> Complaint {
        Complaint::new(&super::plain(&error), "tables and columns are those of the contracts; text stands in 'quotes'")
    }
}
