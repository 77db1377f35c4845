//! May this actor, for this purpose, see or do this, on which people and columns, and why.
//!
//! `decide` is the only maker of a `Grant`, and everything that reads facts about people takes one. Invariants: pure - no
//! IO, no clock, no randomness; the strictest of all rules wins, whatever their order; what no rule allows is withheld.

mod decide;
mod grant;
mod people;
mod table;
#[cfg(test)]
mod tests;

pub use decide::{FieldUse, Refusal, Request, Shows, decide};
pub use grant::Grant;
pub use people::{Use, Withholding, law_of, may_use};
pub use table::table;
