//! What the disk of the data folder takes for the least that durable writing costs.

use super::tally::quantile;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use xtask::shell::Result;

const N_WRITES: usize = 300;
const WRITE_BYTES: usize = 4 << 10;

/// Appends and syncs again and again, and prints how long that took.
pub(super) fn print(folder: &Path) -> Result<()> {
    let path = folder.join("device");
    let mut milliseconds = measure(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let [middle, high, most] = [0.5, 0.99, 1.0].map(|share| quantile(&mut milliseconds, share));
    println!("fdatasync after 4 KiB, ms of {N_WRITES}: p50 {middle:.2}, p99 {high:.2}, max {most:.2}");
    Ok(())
}

fn measure(path: &Path) -> std::io::Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let block = [7; WRITE_BYTES];
    let mut milliseconds = Vec::with_capacity(N_WRITES);
    for _ in 0..N_WRITES {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(path)?;
    Ok(milliseconds)
}
