//! The intake log: what was acknowledged is here first, and on disk, before it is anywhere else.
//!
//! Flow: `submit` queues records -> `commit` writes all that waits as one group with one fdatasync and answers every
//! sender -> landing reads groups in order -> `release` lets go of segments whose records are in the tables. Invariants:
//! an answer means that the record is on disk, and so is the folder's entry of its segment; a file that failed to sync is
//! never written again; an old segment is never changed, so opening it twice finds the same; opening always ends. The
//! log knows neither events nor contracts: a record is bytes; what the bytes say is `record`'s business.

mod files;
mod format;
mod log;
mod record;
mod segment;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use files::{AppendFile, DiskFiles, Files, free_bytes};
pub use log::{Done, IntakeLog, IntakeOptions, Recovered};
pub use record::{Alias, Arrival, Aside, Consent, Datum, Message, MessageKind, Origin, Refused};
