//! SQL: one `SELECT` over tables of granted people, planned and run by DataFusion.
//!
//! Flow: the text is planned against the tables that the question may read -> `govern` changes the plan so that nothing
//! about too few people leaves it -> DataFusion optimises it -> what it reads of each table is opened under the grant
//! (`tables`) -> it runs within bounds of memory, rows and time. Invariants: the planner knows no file, no network, no
//! function but those listed here and no statement but a query; rows come in one order.

mod expression;
mod govern;
mod governed;
mod provider;
mod sums;
mod tables;
mod watched;

use crate::cells;
use crate::error;
use crate::forecast::{Forecast, foretold};
use crate::pass::Pass;
use crate::plan::{Rows, Scope, Stop};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, SortExpr};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use expression::holds_all;
use futures::StreamExt;
use govern::Governor;
use provider::Provider;
use spec::{Column, Result, SqlQuestion, Value, ValueType};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use tables::{Opened, SqlTable};
use watched::watched;

/// How often a running plan is asked whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Plans nest as deeply as their texts; what walks over them is recursive.
const STACK_BYTES: usize = 128 << 20;

/// What is wrong with a text, for who wrote it.
#[derive(Debug)]
struct Complaint {
    message: String,
    hint: String,
    /// Whether rows about single people would come out.
    is_about_people: bool,
}

type Step<T> = std::result::Result<T, Complaint>;

impl Complaint {
    fn new(message: &str, hint: &str) -> Complaint {
        Complaint { message: message.to_owned(), hint: hint.to_owned(), is_about_people: false }
    }

    fn of_people(message: &str, hint: &str) -> Complaint {
        Complaint { is_about_people: true, ..Complaint::new(message, hint) }
    }

    fn person() -> Complaint {
        Complaint::new(
            "`person` tells people apart and says nothing else",
            "count it, group by it, join on it, or look for it with IN",
        )
    }

    fn of_others() -> Complaint {
        Complaint::new(
            "a subquery looks at single people who are not those of the row",
            "tie it to them: `person IN (SELECT person FROM ...)`",
        )
    }

    fn tied() -> Complaint {
        Complaint::new(
            "a subquery looks at the rows around it",
            "write `person IN (SELECT person FROM ...)`, or join what it reads",
        )
    }
}

/// Answers a question in SQL; its meaning is in the manual.
///
/// # Shape
/// The rows and columns of the `SELECT`, without groups of fewer people than the minimum; figures about fewer are null. In
/// the order that it asks for, and then by all columns.
///
/// # Errors
/// `Invalid` where the text cannot be answered, whatever the data; else as of every question.
pub(crate) fn run(scope: Scope<'_>, question: &SqlQuestion) -> Result<Rows> {
    // A thread of its own, since the depth of the stack that planning takes follows from the text.
    let work = || answer(scope, question);
    std::thread::scope(|threads| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(threads, work);
        let thread = thread.map_err(|cause| error::busy(Box::new(cause)))?;
        thread.join().unwrap_or_else(|_| Err(error::bug("a question in SQL failed")))
    })
}

fn answer(scope: Scope<'_>, question: &SqlQuestion) -> Result<Rows> {
    let tables = scope.plan.tables.iter().map(|(name, fields)| SqlTable::new(scope, name, fields));
    let provider = Provider::new(tables.collect::<Result<Vec<_>>>()?);
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let state = session(scope, n_threads)?;
    let plan = plan(&provider, &question.text, scope, &state).map_err(|complaint| match complaint.is_about_people {
        true => error::about_people(&complaint.message, &complaint.hint),
        false => error::unreadable(&complaint.message, &complaint.hint),
    })?;
    // Sums of doubles depend on their order: one thread keeps it.
    let (n_threads, state) = if adds_doubles(&plan) { (1, session(scope, 1)?) } else { (n_threads, state) };
    let plan = state.optimize(&plan).map_err(|cause| fault(scope, cause))?;
    check_casts(&plan)?;
    let (plan, passes) = open(scope, plan, n_threads)?;
    if scope.foretells {
        let all = passes.iter().try_fold(Forecast::default(), |all, pass| pass.reading().map(|own| all.and(own)))?;
        return Err(foretold(Some(all)));
    }
    let batches = execute(scope, state, plan.clone(), n_threads)?;
    let columns: Vec<Column> =
        plan.schema().fields().iter().map(|field| shown_column(field.name(), field.data_type())).collect();
    let mut rows = Vec::new();
    for batch in &batches {
        let arrays = batch.columns().iter().map(shown_array).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            rows.push(arrays.iter().map(|array| cells::value(array, row)).collect::<Result<Vec<Value>>>()?);
        }
    }
    let cost = passes.iter().map(|pass| pass.cost()).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    Ok(Rows::new(columns, rows, cost))
}

/// The plan of a text, safe to answer, with an order of all rows and no more of them than may be.
fn plan(provider: &Provider, text: &str, scope: Scope<'_>, state: &SessionState) -> Step<LogicalPlan> {
    let plan = provider.plan(text)?;
    // What coercion puts in has to be safe as well.
    let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
    let plan = Governor::new(scope.grant.min_group()).whole(&plan)?;
    let plan = in_order(plan)?;
    Ok(LogicalPlanBuilder::from(plan)
        .limit(0, Some(scope.limits.rows_max.min(scope.limits.groups_max) + 1))?
        .build()?)
}

/// The plan with all columns as the last things to sort by, under its limit.
fn in_order(plan: LogicalPlan) -> Step<LogicalPlan> {
    let by_all = |plan: &LogicalPlan| -> Vec<SortExpr> {
        plan.schema().columns().into_iter().map(|column| Expr::Column(column).sort(true, false)).collect()
    };
    Ok(match plan {
        LogicalPlan::Limit(mut limit) => {
            limit.input = Arc::new(in_order(Arc::unwrap_or_clone(limit.input))?);
            LogicalPlan::Limit(limit)
        }
        // Sorted by something that is not shown.
        LogicalPlan::Projection(mut projection) if matches!(*projection.input, LogicalPlan::Sort(_)) => {
            projection.input = Arc::new(in_order(Arc::unwrap_or_clone(projection.input))?);
            LogicalPlan::Projection(projection)
        }
        LogicalPlan::Sort(mut sort) => {
            let columns = sort.input.schema().columns().into_iter();
            sort.expr.extend(columns.map(|column| Expr::Column(column).sort(true, false)));
            LogicalPlan::Sort(sort)
        }
        other => {
            let order = by_all(&other);
            LogicalPlanBuilder::from(other).sort(order)?.build()?
        }
    })
}

fn session(scope: Scope<'_>, n_threads: usize) -> Result<SessionState> {
    let memory = Arc::new(GreedyMemoryPool::new(scope.limits.memory_bytes_max));
    let no_files = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(memory).with_disk_manager_builder(no_files).build_arc();
    let config = SessionConfig::new().with_target_partitions(n_threads);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime.map_err(error::from_datafusion)?)
        .build();
    state.execution_props_mut().query_execution_start_time = Some(scope.plan.now);
    Ok(state)
}

/// The plan with its tables opened for what it reads of them.
fn open(scope: Scope<'_>, plan: LogicalPlan, n_threads: usize) -> Result<(LogicalPlan, Vec<Arc<Pass>>)> {
    let mut passes = Vec::new();
    let mut failed = None;
    let opened = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        let provider = source_as_provider(&scan.source)?;
        let Some(table) = provider.downcast_ref::<SqlTable>() else {
            return Err(DataFusionError::Internal("a table that is not ours".to_owned()));
        };
        match table.open(scope, scan.projection.as_ref(), &scan.filters, n_threads) {
            Ok(Opened { table, pass }) => {
                passes.push(pass);
                scan.source = provider_as_source(table);
            }
            Err(cause) => drop(failed.get_or_insert(cause)),
        }
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    });
    let opened = opened.map_err(error::from_datafusion)?.data;
    failed.map_or(Ok((opened, passes)), Err)
}

/// Runs a plan until it is done or is to stop.
fn execute(scope: Scope<'_>, state: SessionState, plan: LogicalPlan, n_threads: usize) -> Result<Vec<RecordBatch>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_threads)
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|cause| error::busy(Box::new(cause)))?;
    let rows_max = scope.limits.rows_max.min(scope.limits.groups_max);
    let (done, is_done) = channel();
    let stop = Arc::clone(&scope.limits.stop);
    runtime.spawn(async move {
        // Nobody listens any more when it was told to stop.
        let _ = done.send(batches(&state, &plan, &stop, rows_max).await);
    });
    // All threads of the runtime may be busy between two looks: who waits is not one of them.
    let found = loop {
        match is_done.recv_timeout(LOOK_EVERY) {
            Ok(found) => break found,
            Err(RecvTimeoutError::Timeout) if (scope.limits.stop)() => {
                break Err(DataFusionError::External(Box::new(error::stopped())));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                break Err(DataFusionError::Internal("a query ended abnormally".to_owned()));
            }
        }
    };
    // What still runs stops at its next batch.
    runtime.shutdown_background();
    let (batches, n_rows) = found.map_err(|cause| fault(scope, cause))?;
    if n_rows > rows_max {
        let hint = "group by fewer values, or put a LIMIT at the end";
        return Err(error::over_budget(&format!("{rows_max} rows"), hint));
    }
    Ok(batches)
}

/// The rows of a plan, and how many there are; what is beyond the most that may be is not read.
async fn batches(
    state: &SessionState,
    plan: &LogicalPlan,
    stop: &Stop,
    rows_max: usize,
) -> std::result::Result<(Vec<RecordBatch>, usize), DataFusionError> {
    let physical = state.create_physical_plan(plan).await?;
    let mut stream = execute_stream(watched(physical, stop)?, state.task_ctx())?;
    let (mut batches, mut n_rows) = (Vec::new(), 0);
    while let Some(batch) = stream.next().await.transpose()? {
        n_rows += batch.num_rows();
        batches.push(batch);
        if n_rows > rows_max {
            break;
        }
    }
    Ok((batches, n_rows))
}

/// Refuses a plan in which a cast could fail: the optimiser has put together what was safe apart.
fn check_casts(plan: &LogicalPlan) -> Result<()> {
    let mut unsafe_cast = None;
    let looked = plan.apply_with_subqueries(|node| {
        let inputs = node.inputs();
        let schema = if inputs.is_empty() { node.schema().as_ref().clone() } else { merge_schema(&inputs) };
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Cast(cast) = part {
                    let from = cast.expr.get_type(&schema)?;
                    if !holds_all(&from, cast.field.data_type()) {
                        unsafe_cast = Some(format!("{from} is taken for {}", cast.field.data_type()));
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    looked.map_err(error::from_datafusion)?;
    match unsafe_cast {
        Some(what) => Err(error::unreadable(&what, "compare values of one type; text and times stand in 'quotes'")),
        None => Ok(()),
    }
}

/// Whether the plan adds up doubles.
fn adds_doubles(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let looked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node {
            let has_doubles =
                |schema: &DFSchema| schema.fields().iter().any(|field| *field.data_type() == DataType::Float64);
            found |= has_doubles(aggregate.input.schema()) || has_doubles(&aggregate.schema);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found || looked.is_err()
}

/// What DataFusion says while it runs.
fn fault(scope: Scope<'_>, cause: DataFusionError) -> spec::Error {
    if (scope.limits.stop)() {
        return error::stopped();
    }
    if let DataFusionError::External(own) = cause.find_root()
        && let Some(own) = own.downcast_ref::<spec::Error>()
    {
        return error::said_by(own);
    }
    match cause.find_root() {
        DataFusionError::ResourcesExhausted(_) => {
            let most = format!("{} MiB of memory", scope.limits.memory_bytes_max >> 20);
            error::over_budget(&most, "ask for a shorter period, fewer groups, or join fewer rows")
        }
        DataFusionError::NotImplemented(message) if message.contains("subquery") => error::unreadable(
            "a subquery stands where none can be computed",
            "put it into WHERE, or join what it reads",
        ),
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::NotImplemented(_) => {
            error::unreadable(&plain(&cause), "compare values of one type; text stands in 'quotes'")
        }
        // What it says may hold values, perhaps of one person.
        DataFusionError::ArrowError(arrow, _) if is_about_values(arrow) => error::unreadable(
            "a value is outside of what its type can hold",
            "see to it that no value is; `nullif(x, 0)` keeps from dividing by zero",
        ),
        DataFusionError::Execution(_) => error::unreadable(
            "a function was given what it cannot work with",
            "look at the values that functions are given",
        ),
        _ => error::from_datafusion(cause),
    }
}

/// Whether an error tells of values that cannot be computed with, rather than of what is wrong with the program.
fn is_about_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
    )
}

/// A message of DataFusion without what it wraps around it, in words of who wrote the text.
fn plain(error: &DataFusionError) -> String {
    let root = error.find_root().strip_backtrace();
    let known = ["Error during planning: ", "Schema error: ", "This feature is not implemented: ", "Internal error: "];
    let message = known.iter().fold(root.as_str(), |message, known| message.strip_prefix(known).unwrap_or(message));
    let known = [
        ("unique expression names", "two columns have the same name: name one of them with AS"),
        ("Cannot infer common argument type", "values of types that have nothing in common are compared"),
        ("LIKE expression", "something that is no text is compared with a pattern"),
        ("failed to match any signature", "a figure is asked for of values that it cannot be of"),
        ("to satisfy a call to", "a function is given other values, or more or fewer, than it takes"),
        ("syntax for type interval", "an interval cannot be read: write it as in `INTERVAL '7 days'`"),
    ];
    if let Some((_, ours)) = known.iter().find(|(theirs, _)| message.contains(theirs)) {
        return (*ours).to_owned();
    }
    let message = message.split("This issue was likely caused by a bug").next().unwrap_or(message);
    message
        .replace("count(Int64(1))", "count(*)")
        .replace("While expanding wildcard, column", "column")
        .trim_end()
        .to_owned()
}

fn shown_column(name: &str, data_type: &DataType) -> Column {
    let value_type = match shown_type(data_type) {
        DataType::Boolean => ValueType::Boolean,
        DataType::Int64 => ValueType::Integer,
        DataType::Float64 => ValueType::Number,
        DataType::Decimal128(_, scale) => ValueType::Decimal { scale: u8::try_from(scale).unwrap_or(0) },
        DataType::Date32 => ValueType::Date,
        DataType::Timestamp(..) => ValueType::Timestamp,
        _ => ValueType::Text,
    };
    cells::column(name, value_type, None)
}

/// The type of answers that shows one of DataFusion's.
fn shown_type(data_type: &DataType) -> DataType {
    use DataType::{
        Boolean, Date32, Date64, Decimal128, Float16, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp, UInt8,
        UInt16, UInt32, UInt64, Utf8,
    };
    match data_type {
        Boolean => Boolean,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => Int64,
        Float16 | Float32 | Float64 => Float64,
        Decimal128(precision, scale) if *scale >= 0 => Decimal128(*precision, *scale),
        Date32 | Date64 => Date32,
        Timestamp(..) => Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Null => DataType::Null,
        _ => Utf8,
    }
}

fn shown_array(array: &ArrayRef) -> Result<ArrayRef> {
    let shown = shown_type(array.data_type());
    if shown == *array.data_type() { Ok(Arc::clone(array)) } else { cast(array, &shown).map_err(error::from_arrow) }
}
