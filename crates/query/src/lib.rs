//! A question and a grant in, rows out.
//!
//! Flow: the lake's scan opens the rows of granted people, in the order of people and time (`pass`); each kind of question
//! is one fold over them, person by person (`trend`, `funnel`, `retention`, `attribution`, `paths`,
//! `experiment`, `power`, `audience`), with conditions evaluated by
//! DataFusion (`expression`). What may be told of
//! the people of a figure is decided here, before anything leaves (`guard`). Invariants: no public
//! function runs without a `Grant`; nothing here knows a role, a consent or a file.
//!
//! There is no way in without a grant:
//!
//! ```compile_fail,E0061
//! fn without(plan: &query::Plan<'_>, snapshot: &lake::Snapshot, limits: &query::Limits) {
//!     let _ = query::run(plan, snapshot, limits);
//! }
//! ```
//!
//! The same call with one compiles, so the example above fails for the right reason:
//!
//! ```no_run
//! fn with(plan: &query::Plan<'_>, grant: &policy::Grant, snapshot: &lake::Snapshot, limits: &query::Limits) {
//!     let _ = query::run(plan, grant, snapshot, limits);
//! }
//! ```

mod attribution;
mod audience;
mod cells;
mod chain;
mod credit;
mod error;
mod experiment;
mod expression;
mod fold;
mod forecast;
mod funnel;
mod groups;
mod guard;
mod markov;
mod number;
mod pass;
mod paths;
mod period;
mod picked;
mod plan;
mod power;
mod retention;
mod sample_ratio;
mod sql;
mod trend;

pub use error::out_of_time;
pub use forecast::{Forecast, forecast};
pub use guard::{Draw, History, Telling, Told, everybody, is_guarded, surely_enough};
pub use plan::{
    Limits, Plan, Report, Rows, Stop, has_too_many_groups, is_about_people, is_over_budget, is_stopped, run, span,
};
