//! The use cases as a whole: small worlds of files and people, asked through the product's own door.
//!
//! `world` builds a workspace and its data in a temporary folder; `cases` runs the files of `cases/`; `laws`, `twins` and
//! `routes` hold for random questions on random worlds; `attribution`, `paths` and `experiment` are held against a search by the book; `bad_input`,
//! `demo`, `editing`, `forecasts`, `lineage`, `masks`, `meant`, `policy_table`, `saving`, `sessions`, `signed` and `standing` say what their names say. On the
//! demo's import `requests` asks what a marketing department asks over a year.

mod attack;
mod attribution;
mod bad_input;
mod cases;
mod changes;
mod demo;
mod editing;
mod experiment;
mod forecasts;
mod given_up;
mod kept;
mod laws;
mod limits;
mod lineage;
mod masks;
mod meant;
mod messages;
mod paths;
mod policy_table;
mod published;
mod questions;
mod requests;
mod routes;
mod saving;
mod sessions;
mod signed;
mod standing;
mod twins;
mod world;
