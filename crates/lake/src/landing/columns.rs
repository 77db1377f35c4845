//! Columns of declared values that grow row by row, each row with the values that it has.

use crate::Datum;
use crate::import::{ColumnBuilder, declared_type, stored_type};
use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use spec::ValueType;
use std::collections::HashMap;

/// Columns under construction.
pub(super) struct Columns<'t> {
    /// What the table has already; a column keeps its type for good.
    table: &'t Schema,
    /// The name of a value's column in the table.
    name_of: fn(&str) -> String,
    places: HashMap<String, usize>,
    columns: Vec<Column>,
    n_rows: usize,
}

struct Column {
    field: Field,
    builder: ColumnBuilder,
    n_rows: usize,
}

impl<'t> Columns<'t> {
    pub(super) fn new(table: &'t Schema, name_of: fn(&str) -> String) -> Columns<'t> {
        Columns { table, name_of, places: HashMap::new(), columns: Vec::new(), n_rows: 0 }
    }

    /// Adds a value to the row at hand; false if its column cannot hold it.
    pub(super) fn add(&mut self, name: &str, datum: &Datum<'_>) -> bool {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => self.new_column(name, datum),
        };
        let column = &mut self.columns[place];
        if column.n_rows > self.n_rows {
            return false;
        }
        column.fill(self.n_rows);
        let is_held = column.builder.append_datum(datum);
        column.n_rows += usize::from(is_held);
        is_held
    }

    /// Ends the row at hand.
    pub(super) fn end_row(&mut self) {
        self.n_rows += 1;
    }

    /// The columns, all of them as long as there are rows.
    pub(super) fn finish(self) -> Vec<(Field, ArrayRef)> {
        let n_rows = self.n_rows;
        let finished = self.columns.into_iter().map(|mut column| {
            column.fill(n_rows);
            (column.field, column.builder.finish())
        });
        finished.collect()
    }

    fn new_column(&mut self, name: &str, datum: &Datum<'_>) -> usize {
        let column_name = (self.name_of)(name);
        let known = self.table.field_with_name(&column_name).ok();
        let value_type = known.map_or_else(|| type_of(datum), |field| declared_type(field.data_type()));
        let field = Field::new(column_name, stored_type(value_type), true);
        self.columns.push(Column { field, builder: ColumnBuilder::new(value_type), n_rows: 0 });
        self.places.insert(name.to_owned(), self.columns.len() - 1);
        self.columns.len() - 1
    }
}

impl Column {
    /// Makes it as long as `n_rows`.
    fn fill(&mut self, n_rows: usize) {
        while self.n_rows < n_rows {
            self.builder.append_null();
            self.n_rows += 1;
        }
    }
}

fn type_of(datum: &Datum<'_>) -> ValueType {
    match datum {
        Datum::Text(_) => ValueType::Text,
        Datum::Integer(_) => ValueType::Integer,
        Datum::Number(_) => ValueType::Number,
        Datum::Decimal(_, scale) => ValueType::Decimal { scale: *scale },
        Datum::Boolean(_) => ValueType::Boolean,
        Datum::Timestamp(_) => ValueType::Timestamp,
        Datum::Date(_) => ValueType::Date,
    }
}
