//! Events in: who sends, what it says, whether it keeps its contract; then to the log, and an answer when it is on disk.
//!
//! Flow: `web` hands a delivery over -> its key -> limits -> each message against the contract -> one submission to the
//! intake log -> the receipt. Invariants: it needs neither tables nor questions; everything is bounded; what is answered as
//! taken is on disk; whatever is not taken of a delivery that was read is counted under its reason, in the log and in the
//! pulse. A delivery that is refused as a whole is in the pulse alone: its sender was told to send it again, or to mend it.

mod agent;
mod agents;
mod channel;
mod check;
mod consent;
mod delivery;
mod envelope;
mod extra;
mod fault;
mod fields;
mod heard;
mod identity;
mod intake;
mod json;
mod known;
mod landing;
mod lookups;
mod message;
mod meter;
mod places;
mod preferences;
mod referrers;
mod refusal;
mod replay;
mod rules;
mod settings;
mod signatures;
mod surroundings;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod value;
mod vouching;

pub use intake::Intake;
pub use places::Places;
pub use replay::Rechecked;
