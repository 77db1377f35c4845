//! A line of the answer to how large a test has to be. The names of its columns stand here and nowhere else.

use super::TestKind;
use crate::{Column, Error, ErrorKind, Result, Value, ValueType};

/// What a test takes that has so many variants and is read in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPlan {
    /// Variants, the one that changes nothing included.
    pub variants: u32,
    /// How it is read.
    pub test: TestKind,
    /// People per variant; absent: no number is enough.
    pub per_variant: Option<u64>,
    /// People in all variants; absent like those per variant.
    pub people: Option<u64>,
    /// Days until so many have come; absent: they do not.
    pub days: Option<u64>,
    /// The smallest lift that is found within the days of the question; absent: there is none, or the question has no days.
    pub lift: Option<f64>,
    /// The metric's mean before the test.
    pub mean: f64,
    /// New people in a week, on average; absent: not known.
    pub new_people: Option<u64>,
}

/// The columns in their order: name, type, unit.
const COLUMNS: [(&str, ValueType, Option<&str>); 8] = [
    (TestPlan::VARIANTS, ValueType::Integer, None),
    (TestPlan::TEST, ValueType::Text, None),
    (TestPlan::PER_VARIANT, ValueType::Integer, Some("people")),
    (TestPlan::PEOPLE, ValueType::Integer, Some("people")),
    (TestPlan::DAYS, ValueType::Integer, Some("days")),
    (TestPlan::LIFT, ValueType::Number, None),
    (TestPlan::MEAN, ValueType::Number, None),
    (TestPlan::NEW_PEOPLE, ValueType::Integer, Some("people")),
];

impl TestPlan {
    /// The column of `variants`.
    pub const VARIANTS: &str = "variants";
    /// The column of `test`.
    pub const TEST: &str = "test";
    /// The column of `per_variant`.
    pub const PER_VARIANT: &str = "per_variant";
    /// The column of `people`.
    pub const PEOPLE: &str = "people";
    /// The column of `days`.
    pub const DAYS: &str = "days";
    /// The column of `lift`.
    pub const LIFT: &str = "lift";
    /// The column of `mean`.
    pub const MEAN: &str = "mean";
    /// The column of `new_people`.
    pub const NEW_PEOPLE: &str = "new_people";

    /// The columns of an answer, in the order of `row`.
    pub fn columns() -> Vec<Column> {
        let column = |(name, value_type, unit): (&str, ValueType, Option<&str>)| Column {
            name: name.to_owned(),
            value_type: value_type.name(),
            unit: unit.map(str::to_owned),
        };
        COLUMNS.map(column).into()
    }

    /// The cells of a row, in the order of `columns`.
    pub fn row(&self) -> Vec<Value> {
        // More than can be counted is no number of people, nor of days.
        let whole =
            |number: Option<u64>| number.and_then(|n| i64::try_from(n).ok()).map_or(Value::Null, Value::Integer);
        vec![
            Value::Integer(self.variants.into()),
            Value::Text(self.test.name().to_owned()),
            whole(self.per_variant),
            whole(self.people),
            whole(self.days),
            self.lift.map_or(Value::Null, Value::Number),
            Value::Number(self.mean),
            whole(self.new_people),
        ]
    }

    /// Reads the rows of an answer by the names of its columns, whatever else it has.
    ///
    /// # Errors
    /// `Bug` when a column is missing or a cell of one holds something else.
    pub fn read(columns: &[Column], rows: &[Vec<Value>]) -> Result<Vec<TestPlan>> {
        for (name, ..) in COLUMNS {
            place_of(columns, name)?;
        }
        rows.iter().map(|row| TestPlan::read_row(columns, row)).collect()
    }

    fn read_row(columns: &[Column], row: &[Value]) -> Result<TestPlan> {
        let cell = |name: &str| row.get(place_of(columns, name)?).ok_or_else(|| unreadable(name));
        let whole = |name: &str| match cell(name)? {
            Value::Null => Ok(None),
            Value::Integer(number) => u64::try_from(*number).map(Some).map_err(|_| unreadable(name)),
            _ => Err(unreadable(name)),
        };
        let number = |name: &str| match cell(name)? {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(Some(*number)),
            _ => Err(unreadable(name)),
        };
        let variants = whole(TestPlan::VARIANTS)?.and_then(|variants| u32::try_from(variants).ok());
        let kind = |test: &Value| TestKind::ALL.into_iter().find(|kind| *test == Value::Text(kind.name().to_owned()));
        Ok(TestPlan {
            variants: variants.ok_or_else(|| unreadable(TestPlan::VARIANTS))?,
            test: kind(cell(TestPlan::TEST)?).ok_or_else(|| unreadable(TestPlan::TEST))?,
            per_variant: whole(TestPlan::PER_VARIANT)?,
            people: whole(TestPlan::PEOPLE)?,
            days: whole(TestPlan::DAYS)?,
            lift: number(TestPlan::LIFT)?,
            mean: number(TestPlan::MEAN)?.ok_or_else(|| unreadable(TestPlan::MEAN))?,
            new_people: whole(TestPlan::NEW_PEOPLE)?,
        })
    }
}

fn place_of(columns: &[Column], name: &str) -> Result<usize> {
    let place = columns.iter().position(|column| column.name == name);
    place.ok_or_else(|| Error::new(ErrorKind::Bug, format!("an answer about a test lacks the column `{name}`")))
}

fn unreadable(name: &str) -> Error {
    Error::new(ErrorKind::Bug, format!("an answer about a test has something else in the column `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> Vec<TestPlan> {
        let all = TestPlan {
            variants: 3,
            test: TestKind::Sequential,
            per_variant: Some(3_350),
            people: Some(10_050),
            days: Some(28),
            lift: Some(0.0541),
            mean: 0.12,
            new_people: Some(1_290),
        };
        let none =
            TestPlan { per_variant: None, people: None, days: None, lift: None, new_people: None, ..all.clone() };
        vec![TestPlan { test: TestKind::Fixed, ..all.clone() }, all, none]
    }

    fn rows() -> Vec<Vec<Value>> {
        plans().iter().map(TestPlan::row).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        assert!(rows().iter().all(|row| row.len() == TestPlan::columns().len()));
        assert_eq!(TestPlan::read(&TestPlan::columns(), &rows()).expect("it was written"), plans());
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let (mut columns, mut rows) = (TestPlan::columns(), rows());
        columns.reverse();
        columns.insert(2, Column { name: "withheld".to_owned(), value_type: "boolean", unit: None });
        for row in &mut rows {
            row.reverse();
            row.insert(2, Value::Boolean(false));
        }
        assert_eq!(TestPlan::read(&columns, &rows).expect("their order does not count"), plans());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (place, (name, ..)) in COLUMNS.into_iter().enumerate() {
            let mut columns = TestPlan::columns();
            columns.remove(place);
            let missing = TestPlan::read(&columns, &[]).expect_err(name);
            assert!(missing.kind == ErrorKind::Bug && missing.message.contains(&format!("`{name}`")), "{missing}");
            let mut rows = rows();
            rows[1][place] = Value::Boolean(true);
            let wrong = TestPlan::read(&TestPlan::columns(), &rows).expect_err(name);
            assert!(wrong.message.contains(&format!("`{name}`")), "{wrong}");
        }
        let short = TestPlan::read(&TestPlan::columns(), &[vec![Value::Integer(2)]]);
        assert!(short.is_err(), "{short:?}");
    }
}
