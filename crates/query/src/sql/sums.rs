//! Sums of whole numbers that are exact: one that does not fit is null, where the engine's own would begin again from below.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan, Projection, cast, try_cast};
use std::sync::Arc;

/// Holds every whole number of 64 bits, with a sign or without; a sum has ten digits more.
const WHOLE: DataType = DataType::Decimal128(20, 0);

/// The plan with its sums of whole numbers taken as decimals and brought back.
pub(super) fn exact(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(exact_node)?.data)
}

fn exact_node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
    let is_whole: Vec<bool> = aggregate.aggr_expr.iter().map(|figure| is_whole_sum(figure, aggregate)).collect();
    if !is_whole.contains(&true) {
        return Ok(Transformed::no(plan));
    }
    let figures = aggregate.aggr_expr.iter().zip(&is_whole).enumerate();
    let figures =
        figures.map(|(place, (figure, is_whole))| if *is_whole { as_decimal(figure, place) } else { figure.clone() });
    let (input, groups) = (Arc::clone(&aggregate.input), aggregate.group_expr.clone());
    let wide = Aggregate::try_new(input, groups, figures.collect())?;
    let n_groups = wide.schema.fields().len() - is_whole.len();
    let of_groups = std::iter::repeat_n(false, n_groups);
    let shown = aggregate.schema.iter().zip(wide.schema.columns()).zip(of_groups.chain(is_whole));
    let shown = shown.map(|(((relation, field), column), is_whole)| {
        let value = Expr::Column(column);
        let value = if is_whole { try_cast(value, field.data_type().clone()) } else { value };
        value.alias_qualified(relation.cloned(), field.name())
    });
    let shown: Vec<Expr> = shown.collect();
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(shown, Arc::new(LogicalPlan::Aggregate(wide)))?)))
}

fn is_whole_sum(figure: &Expr, aggregate: &Aggregate) -> bool {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = figure.clone().unalias() else { return false };
    let is_whole = |argument: &Expr| {
        let data_type = argument.get_type(aggregate.input.schema());
        data_type.is_ok_and(|data_type| data_type.is_integer())
    };
    func.name() == "sum" && params.args.iter().all(is_whole)
}

/// The sum of the same as decimals, under a name of its own.
fn as_decimal(figure: &Expr, place: usize) -> Expr {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = figure.clone().unalias() else {
        return figure.clone();
    };
    let args = params.args.into_iter().map(|argument| cast(argument, WHOLE)).collect();
    let params = AggregateFunctionParams { args, ..params };
    Expr::AggregateFunction(AggregateFunction { func, params }).alias(format!("__whole_{place}"))
}
