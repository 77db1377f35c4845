//! What may happen to a file on its own: a bit turns, or the end is lost.

use crate::crash::chance::Chance;
use std::fs;
use std::path::Path;
use xtask::shell::Result;

/// Of a hundred damages so many are lost ends.
const LOST_END_PERCENT: u64 = 20;

/// Of a hundred damages so many are near the end, and how near.
const NEAR_END_PERCENT: u64 = 40;
const NEAR_END_BYTES: u64 = 20_000;

/// A change of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// This bit of this byte turns.
    Flip { byte: usize, bit: u8 },
    /// Only so many bytes are left.
    Cut { n_left: usize },
}

impl Damage {
    /// One for a file of so many bytes; none where there are none.
    pub(super) fn draw(n_bytes: usize, chance: &mut Chance) -> Option<Damage> {
        let end = u64::try_from(n_bytes).expect("a file's size is a number").max(1);
        // The end of a file is what was written last: the log has there what has not landed yet.
        let start = if chance.percent(NEAR_END_PERCENT) { end.saturating_sub(NEAR_END_BYTES) } else { 0 };
        let at = usize::try_from(start + chance.below(end - start)).expect("it is within the file");
        let bit = u8::try_from(chance.below(8)).expect("it is below 8");
        let is_cut = chance.percent(LOST_END_PERCENT);
        (n_bytes > 0).then_some(if is_cut { Damage::Cut { n_left: at } } else { Damage::Flip { byte: at, bit } })
    }

    /// Whether no byte is gone.
    pub(super) fn is_flip(self) -> bool {
        matches!(self, Damage::Flip { .. })
    }

    /// Writes the file with these bytes and the damage.
    pub(super) fn put(self, path: &Path, bytes: &[u8]) -> Result<()> {
        fs::write(path, self.of(bytes)).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Damage::Flip { byte, bit } => bytes[byte] ^= 1 << bit,
            Damage::Cut { n_left } => bytes.truncate(n_left),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Damage;

    #[test]
    fn damages_one_bit_or_the_end() {
        assert_eq!(Damage::Flip { byte: 1, bit: 7 }.of(b"abc"), b"a\xe2c");
        assert_eq!(Damage::Cut { n_left: 2 }.of(b"abc"), b"ab");
    }
}
