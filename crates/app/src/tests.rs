//! The use cases as a whole: small worlds of files and people, asked through the product's own door.
//!
//! `world` builds a workspace and its data in a temporary folder; `cases` runs the files of `cases/`; `laws`, `twins` and
//! `routes` hold for random questions on random worlds; `attribution`, `paths` and `experiment` are held against a search by the book; `bad_input`,
//! `demo`, `masks`, `policy_table`, `saving`, `sessions` and `signed` say what their names say.

mod attack;
mod attribution;
mod bad_input;
mod cases;
mod changes;
mod demo;
mod experiment;
mod given_up;
mod kept;
mod laws;
mod limits;
mod masks;
mod messages;
mod paths;
mod policy_table;
mod published;
mod questions;
mod routes;
mod saving;
mod sessions;
mod signed;
mod twins;
mod world;
