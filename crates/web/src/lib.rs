//! The pages, the HTTP interface and the intake, over any `api::Product` and `api::Collector`.
//!
//! Flow: connection (`server`) -> headers and limits (`routes`) -> who is it and may it (`gate`) -> handler (`api_v1`,
//! `pages`, `intake`) -> product, off the event loop (`work`) -> JSON, a table file, or a template (`render`).
//! Invariants: one route table makes the router, the OpenAPI document and the authorisation matrix; every response
//! carries the same security headers; no script or style is inline; every body, queue and wait has a limit.
//! Deliberately absent: any rule about data. What a caller may see is decided behind the trait.

mod api_v1;
mod assets;
mod attribution;
mod body;
mod chart;
mod csv;
mod dashboard;
mod diff;
mod edit;
mod experiment;
mod flow;
mod gate;
mod glossary;
mod intake;
mod leaving;
mod lineage;
mod openapi;
mod pages;
mod paths;
mod power;
mod problem;
mod prometheus;
mod render;
mod routes;
mod running;
mod sentence;
mod server;
mod standing;
mod table;
mod typed;
mod words;
mod work;

#[cfg(test)]
#[path = "../examples/preview/fixture.rs"]
mod fixture;
#[cfg(test)]
#[path = "../examples/preview/sample_collector.rs"]
mod sample_collector;
#[cfg(test)]
mod tests;

pub use openapi::openapi;
pub use routes::{Rights, RouteInfo, RouteKind, routes};
pub use server::{Options, serve};
