//! Conditions on events and on people: a tree that round-trips to its text.
//!
//! The text is an SQL expression of a closed grammar; `workspace` parses it. A tree is data: it is never pasted into SQL.

use crate::{Duration, EventSelector, Value};
use std::fmt;

/// A condition; it is true, false or unknown (null), and only true lets pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them (at least two).
    And(Vec<Condition>),
    /// Any of them (at least two).
    Or(Vec<Condition>),
    /// Its contrary.
    Not(Box<Condition>),
    /// A comparison of two terms.
    Compare {
        /// Left side.
        left: Term,
        /// How they are compared.
        op: CompareOp,
        /// Right side.
        right: Term,
    },
    /// Membership in a list of constants (never empty).
    In {
        /// What is looked up.
        term: Term,
        /// The list.
        values: Vec<Value>,
    },
    /// Text that matches a pattern with `%` and `_`.
    Like {
        /// The text.
        term: Term,
        /// The pattern.
        pattern: String,
    },
    /// A missing value.
    IsNull(Term),
    /// The person did the event at least once. `Aggregate::function` is `Count`.
    Did(Aggregate),
    /// The person is in the audience of this name; replaced by its condition when names are resolved.
    InAudience(String),
}

/// How two terms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
}

impl CompareOp {
    /// The sign in the text form.
    pub fn sign(self) -> &'static str {
        match self {
            CompareOp::Eq => "=",
            CompareOp::NotEq => "<>",
            CompareOp::Less => "<",
            CompareOp::LessEq => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterEq => ">=",
        }
    }
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A property of the event or a trait of the person.
    Field(FieldRef),
    /// A constant. Text compared with a timestamp or a date is read as one when names are resolved.
    Value(Value),
    /// A figure about the person's events; in audiences only.
    Aggregate(Aggregate),
}

/// The name of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldRef {
    /// A property of the event at hand, written `event.p`.
    Property(String),
    /// A trait of the person, written by its bare name.
    Trait(String),
}

/// The function of an aggregate over a person's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// Number of events; 0 without any.
    Count,
    /// Sum of a property; null without any value.
    Sum,
    /// Mean of a property; null without any value.
    Avg,
    /// Smallest value; null without any value.
    Min,
    /// Largest value; null without any value.
    Max,
    /// Whole days (of 24 hours, rounded down) from the last event to `as_of`; null without any.
    DaysSinceLast,
    /// Whole days (of 24 hours, rounded down) from the first event to `as_of`; null without any.
    DaysSinceFirst,
}

impl AggregateFunction {
    /// The word in the text form.
    pub fn name(self) -> &'static str {
        match self {
            AggregateFunction::Count => "count",
            AggregateFunction::Sum => "sum",
            AggregateFunction::Avg => "avg",
            AggregateFunction::Min => "min",
            AggregateFunction::Max => "max",
            AggregateFunction::DaysSinceLast => "days_since_last",
            AggregateFunction::DaysSinceFirst => "days_since_first",
        }
    }
}

/// A figure about a person's events up to `as_of`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// What is computed.
    pub function: AggregateFunction,
    /// Over which events.
    pub event: EventSelector,
    /// Over which property; present for sum, avg, min and max only.
    pub property: Option<String>,
    /// Only events with `as_of - within < ts <= as_of`; without it `ts <= as_of`.
    pub within: Option<Duration>,
    /// Only events that meet this condition on `event.p`.
    pub filter: Option<Box<Condition>>,
}

impl Condition {
    /// The top-level terms: those of an `AND`, or the condition alone.
    pub fn conjuncts(&self) -> &[Condition] {
        match self {
            Condition::And(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }
}

/// The text form; parsing it gives the same tree.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::And(parts) => write_joined(f, parts, " AND "),
            Condition::Or(parts) => write_joined(f, parts, " OR "),
            Condition::Not(inner) => write_not(f, inner),
            Condition::Compare { left, op, right } => write!(f, "{left} {} {right}", op.sign()),
            Condition::In { term, values } => write_in(f, term, values, "IN"),
            Condition::Like { term, pattern } => write!(f, "{term} LIKE {}", quoted(pattern)),
            Condition::IsNull(term) => write!(f, "{term} IS NULL"),
            Condition::Did(aggregate) => write_aggregate(f, "did", aggregate),
            Condition::InAudience(name) => write!(f, "in_audience({})", quoted(name)),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Field(field) => write!(f, "{field}"),
            Term::Value(value) => write_constant(f, value),
            Term::Aggregate(aggregate) => write_aggregate(f, aggregate.function.name(), aggregate),
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldRef::Property(name) => write!(f, "event.{}", identifier(name)),
            FieldRef::Trait(name) => f.write_str(&identifier(name)),
        }
    }
}

/// Writes the parts with brackets where their own operator binds less tightly.
fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Condition], joint: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(joint)?;
        }
        match part {
            Condition::And(_) | Condition::Or(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn write_not(f: &mut fmt::Formatter<'_>, inner: &Condition) -> fmt::Result {
    match inner {
        Condition::In { term, values } => write_in(f, term, values, "NOT IN"),
        Condition::Like { term, pattern } => write!(f, "{term} NOT LIKE {}", quoted(pattern)),
        Condition::IsNull(term) => write!(f, "{term} IS NOT NULL"),
        Condition::Did(_) | Condition::InAudience(_) => write!(f, "NOT {inner}"),
        _ => write!(f, "NOT ({inner})"),
    }
}

fn write_in(f: &mut fmt::Formatter<'_>, term: &Term, values: &[Value], word: &str) -> fmt::Result {
    write!(f, "{term} {word} (")?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_constant(f, value)?;
    }
    f.write_str(")")
}

fn write_aggregate(f: &mut fmt::Formatter<'_>, word: &str, aggregate: &Aggregate) -> fmt::Result {
    let event = match &aggregate.event {
        EventSelector::Named(name) => identifier(name),
        EventSelector::Any => "*".to_owned(),
    };
    write!(f, "{word}({event}")?;
    if let Some(property) = &aggregate.property {
        write!(f, ".{}", identifier(property))?;
    }
    if let Some(within) = &aggregate.within {
        write!(f, ", within => '{within}'")?;
    }
    if let Some(filter) = &aggregate.filter {
        write!(f, ", where => ({filter})")?;
    }
    f.write_str(")")
}

fn write_constant(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Boolean(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
        Value::Integer(_) | Value::Decimal(_) => write!(f, "{value}"),
        // The exponent tells a double from a decimal.
        Value::Number(value) => write!(f, "{value:e}"),
        other => f.write_str(&quoted(&other.to_string())),
    }
}

/// A text as the grammar reads it: in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as the grammar reads it: bare where it can be, else in double quotes.
pub fn identifier(name: &str) -> String {
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    let plain = starts_well && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && !is_reserved(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether a word is no name unless in double quotes, in whatever case.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word.to_ascii_lowercase().as_str())
}

/// Words that the grammar does not take for a name.
const RESERVED: [&str; 26] = [
    "all", "and", "any", "as", "between", "by", "case", "cast", "event", "exists", "false", "from", "group", "having",
    "in", "interval", "is", "like", "limit", "not", "null", "or", "order", "select", "true", "where",
];
