//! Questions: judged, answered, explained, written as files.

pub(crate) mod ask;
pub(crate) mod encode;
pub(crate) mod explain;
pub(crate) mod judge;
mod reason;
mod remedy;
