//! File systems that are mounted for a run and gone after it.

use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::shell::{Result, has};

/// A mounted folder; it is unmounted when this is dropped.
pub(super) struct Mount(PathBuf);

impl Mount {
    /// Mounts with these words of `mount`.
    pub(super) fn new(words: &[&str], folder: &Path) -> Result<Mount> {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder_text = text(folder)?;
        call("mount", &[words, &[folder_text]].concat())?;
        Ok(Mount(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let done = text(&self.0).and_then(|folder| call("umount", &[folder]));
        if let Err(error) = done {
            eprintln!("{} stays mounted: {error}", self.0.display());
        }
    }
}

/// Why nothing can be mounted here, or which of these programs is missing; none where all is well.
pub(super) fn why_not(programs: &[&str]) -> Option<String> {
    if let Some(missing) = programs.iter().find(|program| !has(program)) {
        return Some(format!("`{missing}` is not installed"));
    }
    let folder = std::env::temp_dir().join(format!("entente-mount-{}", std::process::id()));
    let tried = Mount::new(&["-t", "tmpfs", "tmpfs"], &folder).map(drop);
    std::fs::remove_dir(&folder).ok();
    tried.err().map(|error| format!("nothing can be mounted here: {error}"))
}

/// Runs a program of the system; what it prints.
pub(super) fn call(program: &str, words: &[&str]) -> Result<String> {
    let line = format!("{program} {}", words.join(" "));
    let output = Command::new(program).args(words).output().map_err(|error| format!("`{line}`: {error}"))?;
    if !output.status.success() {
        // What follows its first line are hints for people at a terminal.
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{line}` failed: {}", said.lines().next().unwrap_or_default()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A path as a word.
pub(super) fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{}: the path is not text", path.display()))
}
