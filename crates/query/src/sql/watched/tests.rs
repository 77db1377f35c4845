//! Joins end when they are told to, and where they would never end.

use super::*;
use crate::error::Stopped;
use datafusion::execution::SessionStateBuilder;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::physical_plan::collect;
use std::sync::atomic::{AtomicUsize, Ordering};

const N_ROWS: i64 = 500;

fn rows(name: &str) -> LogicalPlanBuilder {
    let values = LogicalPlanBuilder::values((0..N_ROWS).map(|row| vec![lit(row)]).collect());
    values.and_then(|values| values.alias(name)).expect("a table")
}

fn joined(one: LogicalPlanBuilder, other: LogicalPlanBuilder) -> LogicalPlanBuilder {
    one.cross_join(other.build().expect("a plan")).expect("a join")
}

/// Counts the rows of a plan, and says to stop after so many looks.
fn counted(plan: LogicalPlanBuilder, n_looks_max: usize) -> (spec::Error, usize) {
    let plan: LogicalPlan = plan
        .aggregate(Vec::<datafusion::logical_expr::Expr>::new(), [count(lit(1))])
        .and_then(LogicalPlanBuilder::build)
        .expect("a plan");
    let n_looks = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_looks);
    let stop: Stop = Arc::new(move || counter.fetch_add(1, Ordering::Relaxed) >= n_looks_max);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let failed = runtime.block_on(async {
        let state = SessionStateBuilder::new_with_default_features().build();
        let physical = state.create_physical_plan(&plan).await.expect("a physical plan");
        collect(watched(physical, &stop).expect("a plan"), state.task_ctx())
            .await
            .expect_err("it does not end by itself")
    });
    let DataFusionError::External(own) = failed.find_root() else { panic!("{failed}") };
    (error::said_by(own.downcast_ref().expect("an error of ours")), n_looks.load(Ordering::Relaxed))
}

#[test]
fn a_join_of_any_number_of_rows_stops_at_the_next_look() {
    let many = joined(joined(rows("a"), rows("b")), rows("c"));
    let (error, n_looks) = counted(many, 5);
    assert!(error.message.contains("stopped"), "{error}: {Stopped}");
    assert!((6..20).contains(&n_looks), "each stream looks at it once more at most: {n_looks}");
}

#[test]
fn what_meets_all_rows_has_a_limit() {
    let many = joined(joined(rows("a"), rows("b")), joined(rows("c"), rows("d")));
    let (error, _) = counted(many, usize::MAX);
    assert_eq!(crate::is_over_budget(&error), Some("131072 rows joined with all rows of another table"));
}
