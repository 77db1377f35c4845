//! Python environments of our own, made at first use in the target folder.

use crate::shell::{Result, step, target};
use std::path::PathBuf;
use std::process::Command;

/// The interpreter of an environment with these packages.
///
/// # Errors
/// When Python is missing or a package cannot be installed; what was begun is made again next time.
pub fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = target().join(name);
    let (python, whole) = (folder.join("bin").join("python"), folder.join("whole"));
    // The list is what is in it: another list makes it anew.
    let list = packages.join("\n");
    if std::fs::read_to_string(&whole).is_ok_and(|installed| installed == list) {
        return Ok(python);
    }
    println!("making a Python environment in {}", folder.display());
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    step(make)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet"]).args(packages);
    step(install)?;
    std::fs::write(&whole, list).map_err(|error| format!("{}: {error}", whole.display()))?;
    Ok(python)
}
