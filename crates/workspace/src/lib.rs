//! Files as code: path -> text in, definitions and diagnostics out.
//!
//! Flow: `yaml` turns a text into a tree of nodes with places; `load` reads the nodes of every file into `Definitions`;
//! `condition`, `measure` and `question` parse what people ask; `resolve` puts definitions in the place of names and
//! checks names and types against the contracts; `words` says a question in a plain sentence. `sql_text` changes a text in
//! SQL, `proposal` writes a change of a definition into the text of its file. `lineage` says what rests on what.
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
mod lineage;
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
mod sql_text;
mod teams;
mod types;
mod values;
mod words;
mod yaml;

pub use condition::parse_condition;
pub use dashboard::{Subjects, parse_dashboard};
pub use definitions::Definitions;
pub use diagnostic::render;
pub use files::definition_of;
pub use lineage::{DefinedAt, Lineage, Thing, ThingKind, question_rests_on};
pub use load::load;
pub use measure::parse_measure;
pub use names::is_name;
pub use proposal::proposed;
pub use question::{parse_question, parse_rest, question_from_yaml};
pub use resolve::sql::sql_columns;
pub use resolve::{Resolved, USER_ID, Unresolved, resolve, resolve_for, resolve_partly};
pub use sql_text::SqlText;
pub use values::{nearest_patterns, nearest_values};
pub use words::{condition_parts, condition_words, field_words, measure_words, percent, question_words};
