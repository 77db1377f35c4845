//! What the tasks share with the programs beside them: other programs, the demo's server, HTTP to it.
//!
//! `main` has the tasks. `bench` measures a program that is started by `server`, and is a crate of its own so that the
//! tasks compile without its server and its runtime.

pub mod http;
pub mod python;
pub mod server;
pub mod shell;
