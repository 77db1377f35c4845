//! Running other programs, and where we are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a task gives: nothing, or what to tell the person at the terminal.
pub type Result<T> = std::result::Result<T, String>;

/// The folder of the repository: the one that cargo runs this for, since clones share a target folder.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().expect("xtask is a folder of the repository").to_owned()
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Where nextest says what a profile's last run came to.
pub fn report(profile: &str) -> PathBuf {
    // Beside the sources, wherever cargo builds.
    root().join("target/nextest").join(profile).join("junit.xml")
}

/// A program to be run in the repository's folder.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    // What cargo says about xtask itself. A build script that reads it would run again, and all that depends on it be
    // compiled again, whenever `cargo` and `cargo xtask` take turns.
    for (name, _) in std::env::vars_os() {
        let is_about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if name.to_str().is_some_and(|name| is_about_us.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}

/// Says what runs, runs it, and fails if it fails.
pub fn step(mut command: Command) -> Result<()> {
    let line = line_of(&command);
    eprintln!("> {line}");
    let started = Instant::now();
    let status = command.status().map_err(|error| format!("`{line}` did not start: {error}"))?;
    let seconds = started.elapsed().as_secs();
    if status.success() {
        eprintln!("  done in {seconds} s");
        Ok(())
    } else {
        Err(format!("`{line}` failed after {seconds} s ({status})"))
    }
}

/// Runs `cargo` with these words.
pub fn cargo(arguments: &[&str]) -> Result<()> {
    step(command("cargo", arguments))
}

/// What a program prints; it must succeed.
pub fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = command(program, arguments);
    let line = line_of(&command);
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| format!("`{line}` did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` printed what is not text"))
}

/// Whether a program is there.
pub fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// Whether a cargo command is there (`cargo nextest`).
pub fn has_cargo(subcommand: &str) -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let program = format!("cargo-{subcommand}");
    has(&program) || home.is_some_and(|home| home.join("bin").join(&program).is_file())
}

/// All failures as one, or none.
pub fn all(results: Vec<Result<()>>) -> Result<()> {
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(format!("\nfailed:\n- {}", failures.join("\n- "))) }
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
