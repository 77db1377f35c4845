//! The tables that SQL reads: granted people and their events, part by part.

use crate::cells;
use crate::error;
use crate::pass::{Part, Pass, Values, Wanted, arrow_type, typed};
use crate::plan::{Report, Scope, Stop};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use lake::Row;
use spec::{EventSelector, FieldRef, Instant, Result, SqlQuestion};
use std::fmt;
use std::sync::Arc;

/// Rows that go through a plan at once.
const BATCH_ROWS: usize = 8_192;

/// A table as a text can name it.
#[derive(Clone, Debug)]
pub(super) struct SqlTable {
    pub(super) name: String,
    columns: Vec<SqlColumn>,
    schema: SchemaRef,
    /// Which events; none for the people themselves.
    event: Option<EventSelector>,
}

#[derive(Clone, Debug, PartialEq)]
enum SqlColumn {
    Person,
    Time,
    Event,
    Field(FieldRef),
}

/// A table that can be read, and the pass that reads it.
pub(super) struct Opened {
    pub(super) table: Arc<dyn TableProvider>,
    pub(super) pass: Arc<Pass>,
}

impl SqlTable {
    /// Whether it has the people themselves, each once.
    pub(super) fn is_of_people(&self) -> bool {
        self.event.is_none()
    }

    /// A table with these columns besides those that it has anyway.
    pub(super) fn new(scope: Scope<'_>, name: &str, fields: &[String]) -> Result<SqlTable> {
        let event = match name {
            SqlQuestion::PEOPLE => None,
            SqlQuestion::EVENTS => Some(EventSelector::Any),
            event => Some(EventSelector::Named(event.to_owned())),
        };
        let mut columns = vec![SqlColumn::Person];
        columns.extend(event.is_some().then_some(SqlColumn::Time));
        columns.extend((name == SqlQuestion::EVENTS).then_some(SqlColumn::Event));
        let mut schema = vec![Field::new(SqlQuestion::PERSON, DataType::Int64, false)];
        schema.extend(event.is_some().then(|| Field::new(SqlQuestion::TIME, micros(), false)));
        schema.extend((name == SqlQuestion::EVENTS).then(|| Field::new(SqlQuestion::EVENT, text(), true)));
        for field in fields {
            let (known, field_ref) = match event {
                Some(_) => (&scope.plan.properties, FieldRef::Property(field.clone())),
                None => (&scope.plan.traits, FieldRef::Trait(field.clone())),
            };
            let value_type = known.get(field).ok_or_else(|| error::bug("a column of SQL without a type"))?;
            columns.push(SqlColumn::Field(field_ref));
            schema.push(Field::new(field, arrow_type(*value_type), true));
        }
        Ok(SqlTable { name: name.to_owned(), columns, schema: Arc::new(Schema::new(schema)), event })
    }

    /// The table with what a plan reads of it: these columns, and all rows that these filters could let through.
    pub(super) fn open(
        &self,
        scope: Scope<'_>,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        n_partitions: usize,
    ) -> Result<Opened> {
        let is_read = |place: usize| projection.is_none_or(|places| places.contains(&place));
        let mut wanted = Wanted::default();
        for (place, column) in self.columns.iter().enumerate() {
            if let SqlColumn::Field(field) = column
                && is_read(place)
            {
                wanted.field(field);
            }
        }
        let bounds = if self.event.is_some() { time_bounds(filters) } else { (None, None) };
        let pass = Pass::open(&scope.plan.properties, &wanted, bounds, scope.grant, scope.snapshot)?;
        let pass = Arc::new(pass);
        let n_partitions = if self.event.is_some() { n_partitions } else { 1 };
        let partition = |number: usize| {
            let (table, pass) = (self.clone(), Arc::clone(&pass));
            let (stop, report) = (Arc::clone(&scope.limits.stop), Arc::clone(&scope.limits.report));
            let is_read = (0..self.columns.len()).map(is_read).collect();
            Arc::new(Partition { table, pass, stop, report, is_read, number, n_partitions }) as Arc<dyn PartitionStream>
        };
        let table = StreamingTable::try_new(Arc::clone(&self.schema), (0..n_partitions).map(partition).collect());
        Ok(Opened { table: Arc::new(table.map_err(error::from_datafusion)?), pass })
    }
}

/// Only planned with; what is read comes from `open`.
#[async_trait]
impl TableProvider for SqlTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let of_time = |filter: &&Expr| match time_bound(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of_time).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal("a table was read that was not opened".to_owned()))
    }
}

/// The comparison of the time with a constant that a filter is.
fn time_bound(filter: &Expr) -> Option<(Operator, i64)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let is_time = |expression: &Expr| matches!(expression, Expr::Column(column) if column.name == SqlQuestion::TIME);
    let constant = |expression: &Expr| match expression {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(at), _), _) => Some(*at),
        Expr::Literal(ScalarValue::TimestampNanosecond(Some(at), _), _) => Some(at.div_euclid(1_000)),
        _ => None,
    };
    if is_time(left) {
        Some((*op, constant(right)?))
    } else if is_time(right) {
        Some((op.swap()?, constant(left)?))
    } else {
        None
    }
}

/// The instants `[from, to)` that all rows have which pass the filters.
fn time_bounds(filters: &[Expr]) -> (Option<Instant>, Option<Instant>) {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    for (op, at) in filters.iter().filter_map(time_bound) {
        match op {
            Operator::Gt | Operator::GtEq => from = from.max(at),
            // A constant may have been cut to whole microseconds.
            Operator::Lt | Operator::LtEq => to = to.min(at.saturating_add(1)),
            Operator::Eq => (from, to) = (from.max(at), to.min(at.saturating_add(1))),
            _ => {}
        }
    }
    let instant = |micros: i64| Some(micros).filter(|micros| ![i64::MIN, i64::MAX].contains(micros));
    (instant(from).and_then(Instant::from_timestamp_micros), instant(to).and_then(Instant::from_timestamp_micros))
}

/// Every n-th part of a table.
struct Partition {
    table: SqlTable,
    pass: Arc<Pass>,
    stop: Stop,
    report: Report,
    /// Which columns a plan looks at; others are empty.
    is_read: Vec<bool>,
    number: usize,
    n_partitions: usize,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.table.name, self.number + 1, self.n_partitions)
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.table.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let partition = Partition {
            table: self.table.clone(),
            pass: Arc::clone(&self.pass),
            stop: Arc::clone(&self.stop),
            report: Arc::clone(&self.report),
            is_read: self.is_read.clone(),
            ..*self
        };
        let n_parts = if self.table.event.is_some() { self.pass.len() } else { 1 };
        let parts = (self.number..n_parts).step_by(self.n_partitions);
        let stop = Arc::clone(&self.stop);
        let batches = parts.flat_map(move |part| slices(partition.read(part).map_err(external)));
        let looked = batches.map(move |batch| if stop() { Err(external(error::stopped())) } else { batch });
        let stream = futures::stream::iter(looked);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.table.schema), stream))
    }
}

fn external(cause: spec::Error) -> DataFusionError {
    DataFusionError::External(Box::new(cause))
}

/// A large batch as small ones.
fn slices(batch: DataFusionResult<RecordBatch>) -> Vec<DataFusionResult<RecordBatch>> {
    match batch {
        Ok(batch) => {
            let n_rows = batch.num_rows();
            let slice = |first: usize| Ok(batch.slice(first, BATCH_ROWS.min(n_rows - first)));
            (0..n_rows).step_by(BATCH_ROWS).map(slice).collect()
        }
        Err(cause) => vec![Err(cause)],
    }
}

impl Partition {
    fn read(&self, part: usize) -> Result<RecordBatch> {
        if (self.stop)() {
            return Err(error::stopped());
        }
        match &self.table.event {
            Some(event) => {
                (self.report)(part, self.pass.len());
                self.events(&self.pass.read(part)?, event)
            }
            None => self.people(),
        }
    }

    fn people(&self) -> Result<RecordBatch> {
        let traits = self.pass.traits();
        let (people, rows) = traits.everybody((i64::MIN, i64::MAX), usize::MAX);
        let n_rows = people.len();
        let people: ArrayRef = Arc::new(Int64Array::from(people));
        self.batch(n_rows, |column| match column {
            SqlColumn::Person => Ok(Arc::clone(&people)),
            SqlColumn::Field(FieldRef::Trait(name)) => {
                let column = traits.column(name).ok_or_else(|| error::bug("a trait was not read"))?;
                column.array(rows.iter().copied())
            }
            _ => Err(error::bug("a column that people do not have")),
        })
    }

    fn events(&self, part: &Part<'_>, event: &EventSelector) -> Result<RecordBatch> {
        let takers = part.takers([event].into_iter());
        let codes = part.events();
        let (mut people, mut rows): (Vec<i64>, Vec<Row>) = (Vec::new(), Vec::new());
        for person in part.people() {
            let taken = person.rows().filter(|row| !takers[codes.code(*row)].is_empty());
            rows.extend(taken);
            people.resize(rows.len(), person.person());
        }
        let times: TimestampMicrosecondArray = rows.iter().map(|row| Some(part.time(*row))).collect();
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let people: ArrayRef = Arc::new(Int64Array::from(people));
        self.batch(rows.len(), |column| {
            let some = || rows.iter().map(|row| Some(*row));
            match column {
                SqlColumn::Person => Ok(Arc::clone(&people)),
                SqlColumn::Time => Ok(Arc::clone(&times)),
                SqlColumn::Event => codes.array(some()),
                SqlColumn::Field(field) => match part.values(field)? {
                    Values::Property(column) => column.array(some()),
                    Values::Trait(..) => Err(error::bug("a trait in a table of events")),
                },
            }
        })
    }

    /// A batch of the table's columns, empty where a plan does not look at them.
    fn batch(&self, n_rows: usize, array: impl Fn(&SqlColumn) -> Result<ArrayRef>) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.table.columns.len());
        for ((column, field), is_read) in self.table.columns.iter().zip(self.table.schema.fields()).zip(&self.is_read) {
            let is_key = matches!(column, SqlColumn::Person | SqlColumn::Time);
            arrays.push(if *is_read || is_key {
                typed(array(column)?, field.data_type())
            } else {
                new_null_array(field.data_type(), n_rows)
            });
        }
        cells::batch(&self.table.schema, arrays, n_rows)
    }
}

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn text() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}
