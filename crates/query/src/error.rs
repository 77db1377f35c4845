//! The errors of this crate.

use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use spec::{Error, ErrorKind};
use std::fmt;

/// The question would take more than it may.
pub(crate) fn over_budget(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "the answer would be too large".to_owned())
        .with_hint(hint)
        .with_source(Box::new(OverBudget { what: what.to_owned() }))
}

/// The cause of an error about the size of an answer.
#[derive(Debug)]
pub(crate) struct OverBudget {
    what: String,
}

impl OverBudget {
    /// The limit: `10000 groups`.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Whether the limit is one of groups.
    pub(crate) fn is_of_groups(&self) -> bool {
        self.what.ends_with(" groups")
    }
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it needs more than {}", self.what)
    }
}

impl std::error::Error for OverBudget {}

/// The question was stopped from outside: its time is over, or nobody waits for it any more.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "the question was stopped before it was answered".to_owned())
        .with_hint("ask for a shorter period or fewer groups")
        .with_source(Box::new(Stopped))
}

/// The question took so many seconds and was not answered.
pub fn out_of_time(seconds: u64) -> Error {
    over_budget(&format!("{seconds} seconds"), "ask for a shorter period, fewer groups, or fewer rows to join")
}

/// The cause of an error about a question that was stopped.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its time is over, or nobody waits for it any more")
    }
}

impl std::error::Error for Stopped {}

/// The grant is older than it may be.
pub(crate) fn grant_is_over() -> Error {
    Error::new(ErrorKind::Denied, "the grant for this question is over".to_owned()).with_hint("ask again")
}

/// A text that cannot be answered, whatever the data.
pub(crate) fn unreadable(message: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Invalid, message.to_owned()).with_hint(hint)
}

/// A text whose rows would be about single people, whatever the data.
pub(crate) fn about_people(message: &str, hint: &str) -> Error {
    unreadable(message, hint).with_source(Box::new(AboutPeople))
}

/// The cause of an error about rows of single people.
#[derive(Debug)]
pub(crate) struct AboutPeople;

impl fmt::Display for AboutPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what leaves is about groups of people")
    }
}

impl std::error::Error for AboutPeople {}

/// The machine has no thread for it.
pub(crate) fn busy(cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(ErrorKind::Unavailable, "the question found no room to run in".to_owned())
        .with_hint("ask again in a moment")
        .with_source(cause)
}

/// Something that checked input rules out.
pub(crate) fn bug(message: &str) -> Error {
    Error::new(ErrorKind::Bug, message.to_owned())
}

/// A property is stored with another type than its contract says by now.
pub(crate) fn stored_otherwise(property: &str, stored: &DataType, declared: &DataType) -> Error {
    let message = format!("`{property}` is stored as {stored} and declared as {declared}");
    Error::new(ErrorKind::Unavailable, message)
        .with_hint("set the type in the contract back, or declare the new one under another name")
}

/// What DataFusion says: conditions were checked, so that it is a fault.
///
/// Only what sort of error it is goes to the log: its text may hold values.
pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    let sort = error.find_root().strip_backtrace();
    let sort = sort.split(':').next().unwrap_or_default().to_owned();
    Error::new(ErrorKind::Bug, "the question could not be computed".to_owned()).with_source(sort.into())
}

/// An error of ours that came back through others, who may share it.
pub(crate) fn said_by(own: &Error) -> Error {
    let hint = own.hint.clone().unwrap_or_default();
    match own.source.as_ref().and_then(|source| source.downcast_ref::<OverBudget>()) {
        Some(over) => over_budget(over.what(), &hint),
        None => Error { hint: own.hint.clone(), ..Error::new(own.kind, own.chain()) },
    }
}

/// What an Arrow kernel says: a fault.
pub(crate) fn from_arrow(error: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Bug, "columns could not be computed".to_owned()).with_source(Box::new(error))
}
