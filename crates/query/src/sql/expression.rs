//! Expressions on rows about single people: what may be computed there, and what is changed so that no row can fail.
//!
//! A division by nothing is null, and so is a cast that does not work; decimals are computed with as doubles, which do not
//! overflow into an error. Functions come from a short list of those that cannot fail nor grow.

use super::govern::Governor;
use super::governed::{Governed, Kind};
use super::{Complaint, Step};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::expr::{Exists, InSubquery, TryCast};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, Projection, Subquery, lit, try_cast,
};
use std::sync::Arc;

/// The longest interval that is added to a time: more could reach the end of the calendar for some rows only.
const INTERVAL_MONTHS_MAX: i32 = 12 * 1_000;
const INTERVAL_DAYS_MAX: i64 = 366 * 1_000;

/// The rows of a query around a subquery.
pub(super) struct Frame {
    schema: DFSchema,
    kinds: Option<Vec<Kind>>,
}

impl Governor {
    /// An expression on rows of a plan, made safe.
    pub(super) fn expression(&mut self, expression: Expr, input: &Governed) -> Step<Expr> {
        if input.kinds.is_none() {
            return self.released_in(expression, input);
        }
        match expression {
            Expr::Column(column) => match input.kind_of_column(&column) {
                Some(Kind::Person(_)) => Err(Complaint::person()),
                _ => Ok(Expr::Column(column)),
            },
            Expr::OuterReferenceColumn(..) if self.is_person(&expression, input) => Err(Complaint::person()),
            Expr::BinaryExpr(binary) => self.binary(binary, input),
            Expr::IsNull(inner) if self.is_person(&inner, input) => Ok(Expr::IsNull(inner)),
            Expr::IsNotNull(inner) if self.is_person(&inner, input) => Ok(Expr::IsNotNull(inner)),
            Expr::Cast(cast) if !matches!(*cast.expr, Expr::Literal(..)) => {
                let inner = self.expression(*cast.expr, input)?;
                Ok(Expr::TryCast(TryCast { expr: Box::new(inner), field: cast.field }))
            }
            Expr::InSubquery(inside) => self.in_subquery(inside, input),
            Expr::Exists(Exists { subquery, negated }) => {
                let (subquery, found) = self.subquery(subquery, input)?;
                if found.kinds.is_some() && !found.is_about(None) {
                    return Err(Complaint::of_others());
                }
                Ok(Expr::Exists(Exists { subquery, negated }))
            }
            Expr::ScalarSubquery(subquery) => self.scalar(subquery, input),
            Expr::OuterReferenceColumn(..)
            | Expr::Alias(_)
            | Expr::Literal(..)
            | Expr::Like(_)
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
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::ScalarFunction(_) => self.children(expression, input),
            other => {
                let message = format!("`{}` cannot be computed on rows about single people", other.schema_name());
                Err(Complaint::new(&message, "compute it from groups"))
            }
        }
    }

    /// An expression on groups of enough people: only what is read in subqueries is looked at.
    pub(super) fn released(&mut self, expression: Expr) -> Step<Expr> {
        let nothing = Governed::empty();
        self.released_in(expression, &nothing)
    }

    fn released_in(&mut self, expression: Expr, input: &Governed) -> Step<Expr> {
        match expression {
            Expr::InSubquery(inside) => self.in_subquery(inside, input),
            Expr::Exists(Exists { subquery, negated }) => {
                let (subquery, found) = self.subquery(subquery, input)?;
                if found.kinds.is_some() {
                    return Err(Complaint::of_others());
                }
                Ok(Expr::Exists(Exists { subquery, negated }))
            }
            Expr::ScalarSubquery(subquery) => self.scalar(subquery, input),
            Expr::SetComparison(_) => Err(Complaint::new("ANY and ALL cannot be asked here", "use IN or EXISTS")),
            other => self.children(other, input),
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

    fn binary(&mut self, binary: BinaryExpr, input: &Governed) -> Step<Expr> {
        use Operator::{
            And, Divide, Eq, Gt, GtEq, ILikeMatch, IsDistinctFrom, IsNotDistinctFrom, LikeMatch, Lt, LtEq, Minus,
            Modulo, Multiply, NotEq, NotILikeMatch, NotLikeMatch, Or, Plus,
        };
        let BinaryExpr { left, op, right } = binary;
        if op == Eq && self.is_person(&left, input) && self.is_person(&right, input) {
            return Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }));
        }
        let computes = matches!(op, Plus | Minus | Multiply | Divide | Modulo);
        let compares = matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | And | Or | IsDistinctFrom | IsNotDistinctFrom)
            || matches!(op, LikeMatch | NotLikeMatch | ILikeMatch | NotILikeMatch);
        if !computes && !compares {
            let message = format!("`{op}` cannot be computed on rows about single people");
            return Err(Complaint::new(&message, "compute it from groups"));
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
            if types.iter().any(|data_type| matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))) {
                (left, right) = (try_cast(left, DataType::Float64), try_cast(right, DataType::Float64));
            }
            if matches!(op, Divide | Modulo) {
                right = nullif(right, lit(0));
            }
        }
        Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
    }

    fn in_subquery(&mut self, inside: InSubquery, input: &Governed) -> Step<Expr> {
        let InSubquery { expr, subquery, negated } = inside;
        let (subquery, found) = self.subquery(subquery, input)?;
        let expr = match found.kinds.as_deref() {
            // Values of enough people.
            None => Box::new(self.expression(*expr, input)?),
            Some([Kind::Person(person), ..]) if self.is_person(&expr, input) && found.is_about(Some(*person)) => expr,
            Some(_) => return Err(Complaint::of_others()),
        };
        Ok(Expr::InSubquery(InSubquery { expr, subquery, negated }))
    }

    /// A query inside of a condition, and what its rows are about.
    fn subquery(&mut self, subquery: Subquery, input: &Governed) -> Step<(Subquery, Governed)> {
        let n_columns = subquery.subquery.schema().fields().len();
        self.outer.push(Frame { schema: input.schema().clone(), kinds: input.kinds.clone() });
        let governed = self.govern(&subquery.subquery);
        self.outer.pop();
        let governed = governed?;
        let plan = if governed.kinds.is_some() {
            // Without the columns that follow people.
            let shown = governed.schema().columns().into_iter().take(n_columns).map(Expr::Column).collect();
            LogicalPlan::Projection(Projection::try_new(shown, Arc::new(governed.plan.clone()))?)
        } else {
            governed.plan.clone()
        };
        Ok((Subquery { subquery: Arc::new(plan), ..subquery }, governed))
    }

    /// A query that gives one value: of groups, and the same for all rows.
    fn scalar(&mut self, subquery: Subquery, input: &Governed) -> Step<Expr> {
        if !subquery.outer_ref_columns.is_empty() {
            return Err(Complaint::new(
                "a subquery gives a value for each row",
                "join it instead: group it by `person` and join by that",
            ));
        }
        let (subquery, found) = self.subquery(subquery, input)?;
        if found.kinds.is_some() {
            return Err(Complaint::new("a subquery gives a value of a single person", "take a figure of a group"));
        }
        Ok(Expr::ScalarSubquery(subquery))
    }

    /// The people of a plan who are the same as in the rows around it, wherever a condition holds.
    pub(super) fn tied(&self, condition: &Expr, input: &Governed) -> Vec<usize> {
        let pair = |term: &&Expr| {
            let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = term else { return None };
            let (inner, outer) = match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), outer @ Expr::OuterReferenceColumn(..)) => (column, outer),
                (outer @ Expr::OuterReferenceColumn(..), Expr::Column(column)) => (column, outer),
                _ => return None,
            };
            match input.kind_of_column(inner) {
                Some(Kind::Person(number)) if self.is_person(outer, input) => Some(number),
                _ => None,
            }
        };
        split_conjunction(condition).iter().filter_map(pair).collect()
    }

    fn is_person(&self, expression: &Expr, input: &Governed) -> bool {
        let kind = match expression {
            Expr::Column(column) => input.kind_of_column(column),
            Expr::OuterReferenceColumn(_, column) => self.outer.iter().rev().find_map(|frame| {
                let place = frame.schema.maybe_index_of_column(column)?;
                frame.kinds.as_ref()?.get(place).copied()
            }),
            _ => None,
        };
        matches!(kind, Some(Kind::Person(_)))
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
