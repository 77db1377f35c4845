//! Trends: a measure per interval and group, by embedded DataFusion over the granted rows.

use crate::cells::{self, Key, WITHHELD};
use crate::error;
use crate::expression::Predicate;
use crate::pass::{self, Pass, Wanted};
use crate::plan::{Limits, Plan, Rows, Scope, Stop, span};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch};
use arrow::compute::{cast, filter_record_batch, is_null, nullif, or};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Column as ColumnName;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, max, min, sum};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use spec::{
    FieldRef, Instant, Interval, Measure, MeasureAtom, MeasureFunction, Period, Result, TrendQuestion, Value, ValueType,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Where DataFusion's tasks run; questions come in on threads of their own.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .thread_name("question")
        .build()
        .expect("the operating system gives threads at start")
});

/// Answers a trend; its meaning is in the manual.
///
/// # Shape
/// Interval x group, sorted by interval, then group ascending with null last; columns: interval (unless `by: none`),
/// breakdown..., value.
pub(crate) fn run(scope: Scope<'_>, question: &TrendQuestion) -> Result<Rows> {
    let (from, to) = period_bounds(scope, question.period.as_ref(), question.as_of)?;
    let starts = interval_starts(question.by, from, to, scope.plan.question.time_zone, scope.limits.groups_max)?;
    let atoms = match &question.measure {
        Measure::Atom(atom) => vec![atom.clone()],
        Measure::Ratio(top, bottom) => vec![top.clone(), bottom.clone()],
        Measure::Metric(_) => return Err(error::bug("a metric was not replaced by its definition")),
    };
    let feed = Feed::open(scope, question, atoms, &starts, (from, to))?;
    let feed = Arc::new(feed);
    let groups = RUNTIME.block_on(aggregate(&feed, scope.limits)).map_err(error::from_datafusion)?;
    if groups.iter().map(RecordBatch::num_rows).sum::<usize>() > scope.limits.groups_max {
        return Err(error::over_budget(&format!("{} groups", scope.limits.groups_max), "ask for fewer groups"));
    }
    let cells = read_cells(&feed, &groups)?;
    answer(scope, question, &starts, cells, feed.pass.cost())
}

/// The instants `[from, to)` that a question looks at; without a period, from the first event to the last.
pub(crate) fn period_bounds(
    scope: Scope<'_>,
    period: Option<&Period>,
    as_of: Option<Instant>,
) -> Result<(Instant, Instant)> {
    let as_of = as_of.unwrap_or(scope.plan.now);
    let zone = scope.plan.question.time_zone;
    match period {
        Some(Period::Dates { from, to }) => Ok((midnight(*from, zone)?, midnight(*to, zone)?)),
        Some(Period::Last(duration)) => {
            let from = as_of.checked_sub_signed(duration.delta());
            Ok((from.ok_or_else(|| error::bug("a period before the calendar"))?, as_of))
        }
        None => match span(scope.grant, scope.snapshot, scope.limits)? {
            Some((first, last)) => Ok((first.min(as_of), (last + TimeDelta::microseconds(1)).min(as_of))),
            None => Ok((as_of, as_of)),
        },
    }
}

/// When a local time comes to pass: the earlier of two, or the first instant after a gap.
fn local_instant(local: NaiveDateTime, zone: chrono_tz::Tz) -> Result<Instant> {
    let hours = (0..=24).map(|hours| local + TimeDelta::hours(hours));
    let found = hours.filter_map(|local| zone.from_local_datetime(&local).earliest()).next();
    found.map(|at| at.with_timezone(&Utc)).ok_or_else(|| error::bug("a day that never comes"))
}

fn midnight(day: NaiveDate, zone: chrono_tz::Tz) -> Result<Instant> {
    local_instant(day.and_time(NaiveTime::MIN), zone)
}

/// The starts of all intervals that touch `[from, to)`; one for the whole with `by: none`.
fn interval_starts(by: Interval, from: Instant, to: Instant, zone: chrono_tz::Tz, most: usize) -> Result<Vec<Instant>> {
    let mut starts = Vec::new();
    if by == Interval::None {
        return Ok(vec![from]);
    }
    let local = from.with_timezone(&zone).naive_local();
    let day = local.date();
    let first_day = match by {
        Interval::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        Interval::Month => day.with_day(1).ok_or_else(|| error::bug("a month without a first day"))?,
        Interval::Hour | Interval::Day | Interval::None => day,
    };
    let mut at = match by {
        // Hours are counted in absolute time, so that a repeated hour is two hours.
        Interval::Hour => from - TimeDelta::microseconds(from.timestamp_micros().rem_euclid(MICROS_PER_HOUR)),
        _ => midnight(first_day, zone)?,
    };
    let mut next_day = first_day;
    while at < to {
        if starts.len() >= most {
            return Err(error::over_budget(
                &format!("{most} intervals"),
                "ask for longer intervals or a shorter period",
            ));
        }
        starts.push(at);
        at = match by {
            Interval::Hour => at + TimeDelta::hours(1),
            _ => {
                next_day = match by {
                    Interval::Week => next_day + Days::new(7),
                    Interval::Month => next_day + Months::new(1),
                    _ => next_day + Days::new(1),
                };
                midnight(next_day, zone)?
            }
        };
    }
    Ok(starts)
}

/// The rows that DataFusion groups, made from the pass part by part.
///
/// Columns: `interval`, `group.N`, and for the N-th function `person.N` and `value.N`, null in rows it does not count.
struct Feed {
    pass: Pass,
    schema: SchemaRef,
    atoms: Vec<MeasureAtom>,
    filter: Option<Predicate>,
    groups: Vec<FieldRef>,
    /// Starts of the intervals and the end of the period, in microseconds.
    borders: Vec<i64>,
    from: i64,
    stop: Stop,
}

impl Feed {
    fn open(
        scope: Scope<'_>,
        question: &TrendQuestion,
        atoms: Vec<MeasureAtom>,
        starts: &[Instant],
        (from, to): (Instant, Instant),
    ) -> Result<Feed> {
        let plan = scope.plan;
        let mut wanted = Wanted::new();
        for atom in &atoms {
            wanted.event(&atom.event);
            atom.property.iter().for_each(|name| wanted.property(name));
        }
        question.filter.iter().for_each(|filter| wanted.condition(filter));
        plan.breakdown.iter().for_each(|field| wanted.field(field));
        let pass = Pass::open(&plan.properties, &wanted, (Some(from), Some(to)), scope.grant, scope.snapshot)?;
        let filter =
            question.filter.as_ref().map(|filter| Predicate::compile(filter, &pass.schema, &[])).transpose()?;
        let mut fields = vec![Field::new("interval", DataType::Int32, false)];
        let type_of = |name: &str| pass.schema.field_with_name(name).map(|field| field.data_type().clone());
        for (index, field) in plan.breakdown.iter().enumerate() {
            let group_type = grouped_type(type_of(&pass::column_name(field)).map_err(error::from_arrow)?);
            fields.push(Field::new(format!("group.{index}"), group_type, true));
        }
        for (index, atom) in atoms.iter().enumerate() {
            fields.push(Field::new(format!("person.{index}"), DataType::Int64, true));
            if let Some(property) = &atom.property {
                let name = pass::column_name(&FieldRef::Property(property.clone()));
                let value_type = type_of(&name).map_err(error::from_arrow)?;
                fields.push(Field::new(format!("value.{index}"), summed_type(atom.function, value_type), true));
            }
        }
        let mut borders: Vec<i64> = starts.iter().map(Instant::timestamp_micros).collect();
        borders.push(to.timestamp_micros());
        let (schema, from) = (Arc::new(Schema::new(fields)), from.timestamp_micros());
        Ok(Feed {
            pass,
            schema,
            atoms,
            filter,
            groups: plan.breakdown.clone(),
            borders,
            from,
            stop: Arc::clone(&scope.limits.stop),
        })
    }

    /// The rows of one part that any function counts.
    fn read(&self, part: usize) -> Result<RecordBatch> {
        let batch = self.pass.read(part)?;
        let passes = self.filter.as_ref().map(|filter| filter.mask(&batch)).transpose()?;
        let until = self.borders[self.borders.len() - 1];
        let in_period = |at: &i64| *at >= self.from && *at < until;
        let base: Vec<bool> = pass::times(&batch)
            .iter()
            .enumerate()
            .map(|(row, at)| in_period(at) && passes.as_ref().is_none_or(|passes| passes.value(row)))
            .collect();
        let counted = |atom: &MeasureAtom| -> BooleanArray {
            let is_event = pass::event_mask(&batch, &atom.event);
            base.iter().zip(is_event).map(|(base, is_event)| Some(*base && is_event)).collect()
        };
        let masks: Vec<BooleanArray> = self.atoms.iter().map(counted).collect();
        let any: BooleanArray =
            (0..batch.num_rows()).map(|row| Some(masks.iter().any(|mask| mask.value(row)))).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.intervals(&batch))];
        for (index, field) in self.groups.iter().enumerate() {
            let group_type = self.schema.field(1 + index).data_type();
            columns.push(pass::typed(pass::column(&batch, field)?, group_type));
        }
        for (atom, mask) in self.atoms.iter().zip(&masks) {
            let skipped = arrow::compute::not(mask).map_err(error::from_arrow)?;
            let Some(property) = &atom.property else {
                columns.push(nullif(batch.column(0), &skipped).map_err(error::from_arrow)?);
                continue;
            };
            // A figure about a property is about the people who have it.
            let values = pass::column(&batch, &FieldRef::Property(property.clone()))?;
            let missing = or(&skipped, &is_null(values).map_err(error::from_arrow)?).map_err(error::from_arrow)?;
            columns.push(nullif(batch.column(0), &missing).map_err(error::from_arrow)?);
            let values =
                cast(values, &summed_type(atom.function, values.data_type().clone())).map_err(error::from_arrow)?;
            columns.push(nullif(&values, &skipped).map_err(error::from_arrow)?);
        }
        let all = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(error::from_arrow)?;
        filter_record_batch(&all, &any).map_err(error::from_arrow)
    }

    /// The interval of each row; 0 for rows before the first, which are left out anyway.
    fn intervals(&self, batch: &RecordBatch) -> Int32Array {
        let index = |at: &i64| {
            let n_before = self.borders.partition_point(|border| border <= at);
            i32::try_from(n_before.saturating_sub(1)).expect("intervals are bounded")
        };
        pass::times(batch).iter().map(|at| Some(index(at))).collect()
    }
}

/// Of a trait that no file had there are nulls only, and they have no type to be grouped by.
fn grouped_type(group_type: DataType) -> DataType {
    if group_type == DataType::Null { DataType::Utf8 } else { group_type }
}

/// What whole numbers are summed as: no contract has decimals of 19 digits.
const WHOLE_SUMMED: DataType = DataType::Decimal128(19, 0);

/// Whole numbers are summed as decimals, whose sums have room for more digits than one of them.
fn summed_type(function: MeasureFunction, value_type: DataType) -> DataType {
    match (function, value_type) {
        (MeasureFunction::Sum | MeasureFunction::Avg, DataType::Int64) => WHOLE_SUMMED,
        (_, value_type) => value_type,
    }
}

/// Every n-th part of a feed, as a stream.
struct FeedStream {
    feed: Arc<Feed>,
    first: usize,
    every: usize,
}

impl fmt::Debug for FeedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "granted rows, part {} of {}", self.first + 1, self.every)
    }
}

impl PartitionStream for FeedStream {
    fn schema(&self) -> &SchemaRef {
        &self.feed.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let feed = Arc::clone(&self.feed);
        let parts = (self.first..feed.pass.len()).step_by(self.every);
        let read = move |part| if (feed.stop)() { Err(error::stopped()) } else { feed.read(part) };
        let batches = parts.map(move |part| read(part).map_err(|error| DataFusionError::External(Box::new(error))));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.feed.schema), futures::stream::iter(batches)))
    }
}

/// Groups the feed.
///
/// # Shape
/// One row per interval and group; `interval`, `group.N`, then per function `people.N` and its parts.
async fn aggregate(feed: &Arc<Feed>, limits: &Limits) -> datafusion::error::Result<Vec<RecordBatch>> {
    // Sums of doubles depend on their order. One stream keeps that of people and time, whatever stands between them.
    let has_doubles = feed.schema.fields().iter().any(|field| *field.data_type() == DataType::Float64);
    let n_threads = if has_doubles { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let n_streams = n_threads.min(feed.pass.len()).max(1);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_bytes_max)));
    let config = SessionConfig::new().with_target_partitions(n_streams).with_batch_size(32_768);
    let session = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
    let stream =
        |first| Arc::new(FeedStream { feed: Arc::clone(feed), first, every: n_streams }) as Arc<dyn PartitionStream>;
    let table = StreamingTable::try_new(Arc::clone(&feed.schema), (0..n_streams).map(stream).collect())?;
    let mut groups = vec![named("interval".to_owned())];
    groups.extend((0..feed.groups.len()).map(|index| named(format!("group.{index}"))));
    let mut figures = Vec::new();
    for (index, atom) in feed.atoms.iter().enumerate() {
        let person = || named(format!("person.{index}"));
        let value = || named(format!("value.{index}"));
        figures.push(count_distinct(person()).alias(format!("people.{index}")));
        match atom.function {
            MeasureFunction::People => {}
            MeasureFunction::Count => figures.push(count(person()).alias(format!("count.{index}"))),
            MeasureFunction::Sum => figures.push(sum(value()).alias(format!("sum.{index}"))),
            MeasureFunction::Min => figures.push(min(value()).alias(format!("min.{index}"))),
            MeasureFunction::Max => figures.push(max(value()).alias(format!("max.{index}"))),
            MeasureFunction::Avg => {
                figures.push(sum(value()).alias(format!("sum.{index}")));
                figures.push(count(value()).alias(format!("count.{index}")));
            }
        }
    }
    let frame = session.read_table(Arc::new(table))?.aggregate(groups, figures)?;
    frame.limit(0, Some(limits.groups_max + 1))?.collect().await
}

fn named(name: String) -> Expr {
    Expr::Column(ColumnName::from_name(name))
}

/// One cell of a trend, before small groups are withheld.
struct Cell {
    value: Value,
    /// The fewest distinct people that any of its functions is about.
    n_people: u64,
}

type Cells = BTreeMap<usize, BTreeMap<Key, Cell>>;

/// Reads what DataFusion grouped: per interval its groups.
fn read_cells(feed: &Feed, batches: &[RecordBatch]) -> Result<Cells> {
    let mut cells = Cells::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let interval = batch.column(0).as_primitive::<Int32Type>().value(row);
            let group = (0..feed.groups.len()).map(|index| cells::value(batch.column(1 + index), row));
            let group: Vec<Value> = group.collect::<Result<_>>()?;
            let figures: Vec<(Value, u64)> = feed
                .atoms
                .iter()
                .enumerate()
                .map(|(index, atom)| figure(feed, batch, row, (index, atom)))
                .collect::<Result<_>>()?;
            let n_people = figures.iter().map(|(_, n_people)| *n_people).min().unwrap_or(0);
            let value = match figures.as_slice() {
                [(value, _)] => value.clone(),
                [(top, _), (bottom, _)] => ratio(top, bottom),
                _ => return Err(error::bug("a measure of three functions")),
            };
            let interval = usize::try_from(interval).map_err(|_| error::bug("a negative interval"))?;
            cells.entry(interval).or_default().insert(Key(group), Cell { value, n_people });
        }
    }
    Ok(cells)
}

/// The value of one function in one group, and how many distinct people it is about.
fn figure(feed: &Feed, batch: &RecordBatch, row: usize, (index, atom): (usize, &MeasureAtom)) -> Result<(Value, u64)> {
    let column = |name: &str| {
        let column = batch.column_by_name(&format!("{name}.{index}"));
        column.ok_or_else(|| error::bug("a figure that was asked for is missing"))
    };
    let whole = |name: &str| column(name).map(|column| column.as_primitive::<Int64Type>().value(row));
    let n_people = whole("people")?;
    let value = match atom.function {
        MeasureFunction::People => Value::Integer(n_people),
        MeasureFunction::Count => Value::Integer(whole("count")?),
        MeasureFunction::Sum => {
            let summed = feed.schema.field_with_name(&format!("value.{index}")).map_err(error::from_arrow)?;
            let sum = cells::value(column("sum")?, row)?;
            if *summed.data_type() == WHOLE_SUMMED { whole_if_it_fits(sum) } else { sum }
        }
        MeasureFunction::Min => cells::value(column("min")?, row)?,
        MeasureFunction::Max => cells::value(column("max")?, row)?,
        MeasureFunction::Avg => ratio(&cells::value(column("sum")?, row)?, &Value::Integer(whole("count")?)),
    };
    Ok((value, u64::try_from(n_people).unwrap_or(0)))
}

/// A decimal without digits after the point as an integer, unless it is too large for one.
fn whole_if_it_fits(value: Value) -> Value {
    match value {
        Value::Decimal(sum) if sum.scale() == 0 => i64::try_from(sum.mantissa()).map_or(value, Value::Integer),
        value => value,
    }
}

/// One number divided by another, null where either is null or the divisor is 0.
fn ratio(top: &Value, bottom: &Value) -> Value {
    match (double(top), double(bottom)) {
        (Some(top), Some(bottom)) if bottom != 0.0 => Value::Number(top / bottom),
        _ => Value::Null,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Number(value) => Some(*value),
        Value::Decimal(value) => value.to_string().parse().ok(),
        _ => None,
    }
}

/// Fills every interval of every named group and folds the groups that may not be named.
fn answer(
    scope: Scope<'_>,
    question: &TrendQuestion,
    starts: &[Instant],
    mut cells: Cells,
    cost: (u64, u64),
) -> Result<Rows> {
    let Scope { plan, grant, limits, .. } = scope;
    let mut columns = columns(plan, question);
    let is_shown = |cell: &Cell| cell.n_people >= grant.min_group();
    let all: BTreeSet<&Key> = cells.values().flat_map(BTreeMap::keys).collect();
    // A group is named when enough people stand behind one of its cells; without a breakdown there is one, always named.
    let shown = cells.values().flatten().filter(|(_, cell)| is_shown(cell)).map(|(key, _)| key.clone());
    let mut named: BTreeSet<Key> = shown.collect();
    let is_folded = !plan.breakdown.is_empty() && named.len() < all.len();
    if plan.breakdown.is_empty() {
        named = BTreeSet::from([Key(Vec::new())]);
    }
    if named.len().saturating_mul(starts.len()) > limits.groups_max {
        return Err(error::over_budget(&format!("{} rows", limits.groups_max), "break down by fewer properties"));
    }
    let mut rows = Vec::new();
    for (interval, start) in starts.iter().enumerate() {
        let mut of_interval = cells.remove(&interval).unwrap_or_default();
        for group in &named {
            let value = of_interval.remove(group).filter(|cell| is_shown(cell)).map(|cell| cell.value);
            let mut row: Vec<Value> = Vec::with_capacity(columns.len());
            if question.by != Interval::None {
                row.push(Value::Timestamp(*start));
            }
            row.extend(group.0.iter().cloned());
            let is_withheld = value.is_none();
            row.push(value.unwrap_or(Value::Null));
            rows.push((row, is_withheld));
        }
    }
    let offset = question.offset.map_or(0, |offset| offset as usize);
    let limit = question.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut rows: Vec<(Vec<Value>, bool)> = rows.into_iter().skip(offset).take(limit).collect();
    if is_folded {
        rows.push((folded(plan, question), true));
    }
    let rows = cells::mark_withheld(&mut columns, rows);
    Ok(Rows { columns, rows, steps: Vec::new(), people: None, rows_read: cost.0, bytes_read: cost.1 })
}

fn columns(plan: &Plan<'_>, question: &TrendQuestion) -> Vec<spec::Column> {
    let mut columns = Vec::new();
    if question.by != Interval::None {
        columns.push(cells::column("interval", ValueType::Timestamp, None));
    }
    for field in &plan.breakdown {
        let (name, value_type) = match field {
            FieldRef::Property(name) => (name, plan.properties.get(name)),
            FieldRef::Trait(name) => (name, plan.traits.get(name)),
        };
        columns.push(cells::column(name, value_type.copied().unwrap_or(ValueType::Text), None));
    }
    let value_type = match &question.measure {
        Measure::Atom(atom) => match atom.function {
            MeasureFunction::Count | MeasureFunction::People => ValueType::Integer,
            MeasureFunction::Avg => ValueType::Number,
            MeasureFunction::Sum | MeasureFunction::Min | MeasureFunction::Max => {
                plan.measure_type.unwrap_or(ValueType::Number)
            }
        },
        Measure::Ratio(..) | Measure::Metric(_) => ValueType::Number,
    };
    columns.push(cells::column("value", value_type, plan.unit.as_deref()));
    columns
}

/// The one row that stands for all groups too small to be named.
fn folded(plan: &Plan<'_>, question: &TrendQuestion) -> Vec<Value> {
    let mut row = Vec::new();
    if question.by != Interval::None {
        row.push(Value::Null);
    }
    row.extend(vec![Value::Text(WITHHELD.to_owned()); plan.breakdown.len()]);
    row.push(Value::Null);
    row
}
