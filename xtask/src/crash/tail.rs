//! What a loss of power may leave behind the log's end, put there on purpose.
//!
//! A file may have grown on the disk without its last bytes having arrived: then zeros, old blocks or half a write stand
//! behind what was synced. Nothing that was acknowledged is touched, since it lies before the end.

use super::chance::Chance;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use xtask::shell::Result;

const BYTES_MAX: u64 = 8_192;

/// Adds a torn write to the log's last file; nothing where there is no log yet.
pub(super) fn tear(data: &Path, chance: &mut Chance) -> Result<()> {
    let folder = data.join("intake");
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    // Names are numbers of fixed width, so that the last one by name is the one that is written to.
    let Some(last) = entries.flatten().map(|entry| entry.path()).max() else { return Ok(()) };
    let failed = |error: std::io::Error| format!("{}: {error}", last.display());
    let bytes = torn(&fs::read(&last).map_err(failed)?, chance);
    let mut file = OpenOptions::new().append(true).open(&last).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)
}

/// Zeros, noise, or a piece of what was written before.
fn torn(before: &[u8], chance: &mut Chance) -> Vec<u8> {
    let n_bytes = usize::try_from(1 + chance.below(BYTES_MAX)).expect("it is small");
    match chance.below(3) {
        0 => vec![0; n_bytes],
        1 => (0..n_bytes).map(|_| u8::try_from(chance.below(256)).expect("it is below 256")).collect(),
        _ => {
            let at = usize::try_from(chance.below(before.len().max(1) as u64)).expect("a file is in memory");
            before.iter().skip(at).take(n_bytes).copied().collect()
        }
    }
}
