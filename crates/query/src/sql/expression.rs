//! Expressions: what may be computed, and what is changed so that nothing can fail.
//!
//! A failure would tell of the row that it is about, and the optimiser may move what is asked of groups to rows of single
//! people. So one list holds everywhere: a division by nothing is null, and so is a cast that does not work; what is
//! computed with decimals, and every division, is one of doubles, which do not overflow into an error. Functions come from
//! a short list of those that cannot fail nor grow. Types are those after coercion: what it put in is looked at as well.

use super::govern::Governor;
use super::governed::{Governed, Kind};
use super::{Complaint, Step};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::expr::{Cast, Exists, InSubquery, ScalarFunction, TryCast};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, Projection, Subquery, lit, try_cast,
};
use std::sync::Arc;

/// The longest interval that is added to a time: more could reach the end of the calendar for some rows only.
const INTERVAL_MONTHS_MAX: i32 = 12 * 1_000;
const INTERVAL_DAYS_MAX: i64 = 366 * 1_000;
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
                self.children(Expr::ScalarFunction(function), input)
            }
            Expr::Like(like) => {
                let pattern = match like.pattern.as_ref() {
                    Expr::Literal(value, _) => value.to_string(),
                    Expr::Cast(cast) => cast.expr.to_string(),
                    _ => return Err(Complaint::new("a pattern is not written out", "write it as in `LIKE 'spring%'`")),
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
            | Expr::Case(_)
            | Expr::TryCast(_) => self.children(expression, input),
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
            let known = value.cast_to(to).ok().filter(|found| found.is_null() == value.is_null());
            let known = known.ok_or_else(|| {
                let message = format!("{value} stands where it would have to be of another type");
                Complaint::new(&message, "compare values of one type; text and times stand in 'quotes'")
            })?;
            return Ok(Expr::Literal(known, metadata.clone()));
        }
        let inner = self.expression(*cast.expr, input)?;
        Ok(Expr::TryCast(TryCast { expr: Box::new(inner), field: cast.field }))
    }

    fn binary(&mut self, binary: BinaryExpr, input: &Governed) -> Step<Expr> {
        use Operator::{
            And, Divide, Eq, Gt, GtEq, ILikeMatch, IsDistinctFrom, IsNotDistinctFrom, LikeMatch, Lt, LtEq, Minus,
            Modulo, Multiply, NotEq, NotILikeMatch, NotLikeMatch, Or, Plus,
        };
        let BinaryExpr { left, op, right } = binary;
        if op == Eq && is_person(&left, input) && is_person(&right, input) {
            return Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }));
        }
        let computes = matches!(op, Plus | Minus | Multiply | Divide | Modulo);
        let compares = matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | And | Or | IsDistinctFrom | IsNotDistinctFrom)
            || matches!(op, LikeMatch | NotLikeMatch | ILikeMatch | NotILikeMatch);
        if !computes && !compares {
            return Err(Complaint::new(&format!("`{op}` cannot be computed here"), "use what the manual lists"));
        }
        let (mut left, mut right) = (self.expression(*left, input)?, self.expression(*right, input)?);
        if computes {
            let types = [left.get_type(input.schema())?, right.get_type(input.schema())?];
            if [&left, &right].into_iter().zip(&types).any(|(one, data_type)| may_leave_the_calendar(one, data_type)) {
                return Err(Complaint::new(
                    "an interval is too long, or not written out",
                    "add less than a thousand years",
                ));
            }
            let divides = matches!(op, Divide | Modulo);
            if divides || types.iter().any(|data_type| data_type.is_decimal()) {
                (left, right) = (try_cast(left, DataType::Float64), try_cast(right, DataType::Float64));
            }
            if divides {
                right = nullif(right, lit(0.0));
            }
        }
        Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
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

/// Whether a function cannot fail with what it is given; which functions there are the planner knows.
fn check_function(function: &ScalarFunction, input: &Governed) -> Step<()> {
    let literal = |place: usize| match function.args.get(place) {
        Some(Expr::Literal(value, _)) => Some(value.clone()),
        Some(Expr::Cast(cast)) => match cast.expr.as_ref() {
            Expr::Literal(value, _) => Some(value.clone()),
            _ => None,
        },
        _ => None,
    };
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
            let is_small = |value: ScalarValue| value.to_string().parse::<i32>().is_ok();
            if !literal(1).is_some_and(is_small) {
                return Err(Complaint::new("how many letters is not written out", "write it as in `left(name, 3)`"));
            }
        }
        _ => {}
    }
    Ok(())
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

/// Whether adding it to a time could fail for some times only.
fn may_leave_the_calendar(expression: &Expr, data_type: &DataType) -> bool {
    if !matches!(data_type, DataType::Interval(_) | DataType::Duration(_)) {
        return false;
    }
    let Expr::Literal(value, _) = expression else { return true };
    match value {
        ScalarValue::IntervalYearMonth(Some(months)) => months.saturating_abs() > INTERVAL_MONTHS_MAX,
        ScalarValue::IntervalDayTime(Some(time)) => i64::from(time.days).saturating_abs() > INTERVAL_DAYS_MAX,
        ScalarValue::IntervalMonthDayNano(Some(time)) => {
            time.months.saturating_abs() > INTERVAL_MONTHS_MAX
                || i64::from(time.days).saturating_abs() > INTERVAL_DAYS_MAX
        }
        _ => true,
    }
}

impl From<DataFusionError> for Complaint {
    fn from(error: DataFusionError) -> Complaint {
        Complaint::new(&super::plain(&error), "tables and columns are those of the contracts; text stands in 'quotes'")
    }
}
