//! Statistics on numbers: how large an experiment must be, how long it takes, and whether it was split as it was meant to be.
//!
//! Numbers in, numbers out. Invariants: pure - no IO, no clock, no randomness, so that the same input gives the same
//! figure; bad input is a value of its own, never a panic and never a number that is none. Deliberately not here: what
//! the figures mean to anybody, and what may be told of them.

mod duration;
mod fault;
mod power;
mod sample_ratio;
#[cfg(test)]
mod tests;

pub use duration::Arrivals;
pub use fault::Fault;
pub use power::{Baseline, Design, Test, detectable_lift, people_per_variant, power_with};
pub use sample_ratio::chi_square;
