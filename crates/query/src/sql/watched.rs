//! Plans that stop when they are told to, and join no more than can be joined.
//!
//! An operator asks its inputs for rows until it has some of its own; while it does, nobody else gets a word in. Tables look
//! at each batch whether to stop, but a join may make any number of rows from one batch. So what comes out of joins is
//! watched too: each batch is a look, and a chance for others. Where every row of one side meets every row of the other, the
//! side that is held in memory has a limit, since a batch of the other meets it whole between two looks.

use crate::error;
use crate::plan::Stop;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Rows of the side of a join that is held, where each meets all of the other: with a batch they make a billion pairs.
const PAIRED_ROWS_MAX: usize = 128 * 1024;

const RECOMPUTED: ReplaceChildrenOptions = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);

/// What comes out of an operator, watched.
struct Watched {
    input: Arc<dyn ExecutionPlan>,
    stop: Stop,
    rows_max: usize,
}

/// The plan with its joins watched.
pub(super) fn watched(plan: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let watch = |input: &Arc<dyn ExecutionPlan>, rows_max: usize| -> Arc<dyn ExecutionPlan> {
        Arc::new(Watched { input: Arc::clone(input), stop: Arc::clone(stop), rows_max })
    };
    let joins_watched = plan.transform_up(|node| {
        let children = node.children();
        // Whatever joins is watched, also what is not known here.
        if children.len() < 2 {
            return Ok(Transformed::no(node));
        }
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            // A filter that lets nothing through is where such a join stays for long.
            let filter = join.filter().map(|filter| {
                let looked: Arc<dyn PhysicalExpr> =
                    Arc::new(Look { inner: Arc::clone(filter.expression()), stop: Arc::clone(stop) });
                JoinFilter::new(looked, filter.column_indices().to_vec(), Arc::clone(filter.schema()))
            });
            let join: Arc<dyn ExecutionPlan> = Arc::new(join.builder().with_filter(filter).build()?);
            return Ok(Transformed::yes(watch(&join, usize::MAX)));
        }
        let rows_max = |side: usize| if side == 0 && meets_all(&node) { PAIRED_ROWS_MAX } else { usize::MAX };
        let sides = children.iter().enumerate().map(|(side, input)| watch(input, rows_max(side))).collect();
        Ok(Transformed::yes(watch(&node.replace_children(sides, RECOMPUTED)?, usize::MAX)))
    });
    joins_watched.map(|plan| plan.data)
}

/// An expression that asks whether to stop each time that it is computed.
struct Look {
    inner: Arc<dyn PhysicalExpr>,
    stop: Stop,
}

impl PartialEq for Look {
    fn eq(&self, other: &Look) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Look {}

impl Hash for Look {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.inner)
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

impl PhysicalExpr for Look {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if (self.stop)() {
            return Err(external(error::stopped()));
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let (Some(inner), true) = (children.pop(), children.is_empty()) else {
            return Err(DataFusionError::Internal("what is looked at is one expression".to_owned()));
        };
        Ok(Arc::new(Look { inner, stop: Arc::clone(&self.stop) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

/// Whether every row of one side meets every row of the other.
fn meets_all(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<NestedLoopJoinExec>() || node.is::<CrossJoinExec>()
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl DisplayAs for Watched {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl ExecutionPlan for Watched {
    fn name(&self) -> &'static str {
        "Watched"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return Err(DataFusionError::Internal("what is watched is one plan".to_owned()));
        };
        Ok(Arc::new(Watched { input, stop: Arc::clone(&self.stop), rows_max: self.rows_max }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (schema, stop, rows_max) = (input.schema(), Arc::clone(&self.stop), self.rows_max);
        let mut n_rows = 0;
        let look = move |batch: Result<RecordBatch>| {
            if stop() {
                return Err(external(error::stopped()));
            }
            let batch = batch?;
            n_rows += batch.num_rows();
            if n_rows > rows_max {
                let hint = "join by equal columns, or group what is joined before";
                return Err(external(error::over_budget(
                    &format!("{rows_max} rows joined with all rows of another table"),
                    hint,
                )));
            }
            Ok(batch)
        };
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(schema, input.map(look)))))
    }
}

fn external(cause: spec::Error) -> DataFusionError {
    DataFusionError::External(Box::new(cause))
}

#[cfg(test)]
mod tests;
