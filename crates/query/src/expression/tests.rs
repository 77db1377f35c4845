//! Doubles beside decimals, and patterns of text: which rows pass.

use super::Predicate;
use arrow::array::{ArrayRef, Decimal128Array, Float64Array, RecordBatch, StringArray};
use rust_decimal::Decimal;
use spec::{CompareOp, Condition, FieldRef, Term, Value};
use std::sync::Arc;

const DOUBLES: [f64; 5] = [19.1, 1_000_000.5, 1e18, -1e-7, 0.1];

/// Which of a column's rows pass; beside it stands the decimal `price` of 19.10 in each row.
fn passing(doubles: &[f64], condition: &Condition) -> Vec<bool> {
    let price = Decimal128Array::from(vec![1_910; doubles.len()]).with_precision_and_scale(12, 2).expect("it is one");
    let columns: [(&str, ArrayRef); 2] =
        [("event.weight", Arc::new(Float64Array::from(doubles.to_vec()))), ("event.price", Arc::new(price))];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    mask(&batch, condition)
}

fn mask(batch: &RecordBatch, condition: &Condition) -> Vec<bool> {
    let predicate = Predicate::compile(condition, &batch.schema(), &[]).expect("it is a condition");
    predicate.mask(batch).expect("all can be compared").values().iter().collect()
}

fn field(name: &str) -> Term {
    Term::Field(FieldRef::Property(name.to_owned()))
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().expect("it is a decimal"))
}

fn compare(left: Term, op: CompareOp, right: Term) -> Condition {
    Condition::Compare { left, op, right }
}

#[test]
fn a_double_equals_the_decimal_that_is_written_like_it() {
    let texts = ["19.1", "1000000.5", "1000000000000000000.0", "-0.0000001", "0.1"];
    for (index, text) in texts.into_iter().enumerate() {
        let only: Vec<bool> = (0..DOUBLES.len()).map(|other| other == index).collect();
        let constant = Term::Value(decimal(text));
        assert_eq!(passing(&DOUBLES, &compare(field("weight"), CompareOp::Eq, constant.clone())), only, "{text}");
        let higher: Vec<bool> = DOUBLES.iter().map(|double| *double > DOUBLES[index]).collect();
        assert_eq!(passing(&DOUBLES, &compare(constant, CompareOp::Less, field("weight"))), higher, "{text}");
    }
    let all = Condition::In { term: field("weight"), values: texts.into_iter().map(decimal).collect() };
    assert_eq!(passing(&DOUBLES, &all), [true; 5]);
}

#[test]
fn a_double_is_compared_with_a_column_of_decimals() {
    let equal = compare(field("weight"), CompareOp::Eq, field("price"));
    assert_eq!(passing(&DOUBLES, &equal), [true, false, false, false, false]);
    let higher = compare(field("price"), CompareOp::Less, field("weight"));
    assert_eq!(passing(&DOUBLES, &higher), [false, true, true, false, false]);
    let mixed = Condition::In { term: field("price"), values: vec![Value::Number(1e20), decimal("19.1")] };
    assert_eq!(passing(&DOUBLES, &mixed), [true; 5]);
}

#[test]
fn a_backslash_in_a_pattern_is_one() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![r"\", r"a\b", "ab", "100%", "two\nlines"]));
    let batch = RecordBatch::try_from_iter([("event.page", texts)]).expect("one column");
    for (pattern, matching) in [
        (r"%\%", [true, true, false, false, false]),
        (r"a\b", [false, true, false, false, false]),
        (r"_\_", [false, true, false, false, false]),
        (r"\", [true, false, false, false, false]),
        (r"100\%", [false; 5]),
        ("two_lines", [false, false, false, false, true]),
    ] {
        let condition = Condition::Like { term: field("page"), pattern: pattern.to_owned() };
        assert_eq!(mask(&batch, &condition), matching, "{pattern}");
    }
}

#[test]
fn case_43_signs_of_regular_expressions_are_signs_like_others() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["(a+)+$", "x(a+)+$y", "aaaa", r"\w{9}", "wwwwwwwww"]));
    let batch = RecordBatch::try_from_iter([("event.page", texts)]).expect("one column");
    for (pattern, matching) in [
        ("(a+)+$", [true, false, false, false, false]),
        ("%(a+)+$%", [true, true, false, false, false]),
        ("_(a+)+$_", [false, true, false, false, false]),
        (r"\w{9}", [false, false, false, true, false]),
        (".*", [false; 5]),
        ("[aw]%", [false; 5]),
    ] {
        let condition = Condition::Like { term: field("page"), pattern: pattern.to_owned() };
        assert_eq!(mask(&batch, &condition), matching, "{pattern}");
    }
}

#[test]
fn case_43_a_pattern_that_tries_everything_ends() {
    // Where each `%` is tried against each place, this takes longer than the world is old.
    let long = "a".repeat(10_000);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![long.clone(), format!("{long}b"), format!("{long}ba")]));
    let batch = RecordBatch::try_from_iter([("event.page", texts)]).expect("one column");
    let condition = Condition::Like { term: field("page"), pattern: format!("{}b", "%a".repeat(64)) };
    assert_eq!(mask(&batch, &condition), [false, true, false]);
}
