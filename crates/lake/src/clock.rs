//! Time and randomness as they are passed in, so that a history can be replayed.

use spec::Instant;
use std::sync::{Mutex, PoisonError};

/// What time it is.
pub trait Clock: Send + Sync {
    /// The instant that counts as now.
    fn now(&self) -> Instant;
}

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock of the machine.
pub struct SystemClock;

/// The random source of the operating system.
pub struct SystemRandom;

/// A clock that stands still.
pub struct FixedClock(pub Instant);

/// Bytes that follow from a seed; for tests and simulations, never for keys that matter.
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// Starts the sequence of a seed.
    pub fn new(seed: u64) -> SeededRandom {
        SeededRandom(Mutex::new(seed))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        chrono::Utc::now()
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's random source answers once the system runs");
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Instant {
        self.0
    }
}

/// # Source
/// Steele, Lea and Flood: Fast splittable pseudorandom number generators (OOPSLA 2014), SplitMix64.
impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}
