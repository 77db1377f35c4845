//! Files as code: path -> text in, definitions and diagnostics out.
//!
//! Flow: `yaml` turns a text into a tree of nodes with places; `load` reads the nodes of every file into `Definitions`;
//! `condition`, `measure` and `question` parse what people ask; `resolve` puts definitions in the place of names and
//! checks names and types against the contracts; `words` says a question in a plain sentence. `proposal` writes a change of a
//! definition into the text of its file.
//!
//! Invariants: nothing here fails, panics on input, touches the disk or reads a clock. A text that is wrong gives
//! diagnostics, all of them; a definition that is wrong is left out and takes no other with it. Every input has a limit.
//! The YAML parser and the SQL tokeniser are named in this crate alone.

mod built;
mod condition;
mod contract;
mod cursor;
mod cycles;
mod dashboard;
mod definitions;
mod destinations;
mod diagnostic;
mod examine;
mod fields;
mod files;
#[cfg(test)]
mod fixture;
mod keys;
mod load;
mod measure;
mod names;
mod node;
mod proposal;
mod question;
mod rename;
mod resolve;
mod rules;
mod signers;
mod sources;
mod teams;
mod types;
mod words;
mod yaml;

pub use condition::parse_condition;
pub use dashboard::{Subjects, parse_dashboard};
pub use definitions::Definitions;
pub use diagnostic::render;
pub use files::definition_of;
pub use load::load;
pub use measure::parse_measure;
pub use names::is_name;
pub use proposal::proposed;
pub use question::{parse_question, question_from_yaml};
pub use resolve::sql::sql_columns;
pub use resolve::{Resolved, USER_ID, Unresolved, resolve, resolve_partly};
pub use words::{condition_parts, condition_words, percent, question_words};
