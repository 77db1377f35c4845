//! The vocabulary of Entente: checked definitions, questions, verdicts and the one `Error`.
//!
//! Every other crate speaks in these types; they carry the rules, so that a value that exists is a value that is valid.
//! Invariants: no IO, no async, no clock, no randomness. Text is turned into these types by `workspace`.

mod answer;
mod change;
mod condition;
mod contract;
mod definition;
mod destination;
mod diagnostic;
mod error;
mod hex;
mod measure;
mod part;
mod person;
mod policy;
mod question;
mod spreadsheet;
mod team;
mod time;
mod value;
mod verdict;

pub use answer::{Answer, Column, Cost, PeopleCounts, Provenance, SampleRatio, VariantShare, WaterfallStep};
pub use change::Change;
pub use condition::{
    Aggregate, AggregateFunction, CompareOp, Condition, FieldRef, Term, identifier, is_reserved, quoted,
};
pub use contract::{Contract, Door, Field, FieldClass, Freshness, Object, ObjectKind, OnFault, Terms};
pub use definition::{
    AudienceDefinition, Dashboard, Key, KeyKind, MetricDefinition, SavedQuestion, Source, SourceFile, Tile,
    TileSubject, TileWidth,
};
pub use destination::Destination;
pub use diagnostic::Diagnostic;
pub use error::{Error, ErrorKind, Result};
pub use hex::hex;
pub use measure::{EventSelector, Measure, MeasureAtom, MeasureFunction};
pub use part::{ConditionForm, ConditionPart};
pub use person::PersonId;
pub use policy::{
    AnswerLimits, Basis, ConsentState, DefinitionKind, Differences, Law, LawRule, Mask, Noise, Purpose, Release, Role,
    Signals, Statement, TcfUse, UsOptOut, User,
};
pub use question::{
    AttributionModel, AttributionQuestion, AudienceQuestion, ExperimentMetric, ExperimentQuestion, FunnelOrder,
    FunnelQuestion, FunnelStep, Interval, PathsEnd, PathsQuestion, PowerQuestion, Question, QuestionBody,
    RetentionQuestion, SqlQuestion, TestKind, TestPlan, TrendQuestion,
};
pub use spreadsheet::{guarded, unguarded};
pub use team::{Budget, Team, closeness};
pub use time::{Duration, Instant, Period};
pub use value::{Value, ValueType};
pub use verdict::{Gap, Outcome, Reason, ReasonCode, Remedy, Verdict, Work};
