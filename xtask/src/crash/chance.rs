//! Numbers that look random and follow from a seed.

use std::time::Duration;

/// A stream of them; SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of a seed with this number.
    pub(super) fn new(seed: u64, stream: u64) -> Chance {
        let mut chance = Chance(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        // Neighbouring seeds part ways.
        Chance(chance.next())
    }

    /// A number from 0 up to this one, which is left out.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "there is something to draw from");
        // Lower numbers come a little more often, by less than one in 2^40 for what is drawn here.
        self.next() % end
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    /// A time in whole milliseconds, both ends included.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
