//! `check`: what can be said about the code without running it.

use crate::tidy;
use xtask::shell::{Result, all, cargo, command, has, has_cargo, output, root, step};

/// Runs every check, also after one has failed.
pub(crate) fn run() -> Result<()> {
    all(vec![
        cargo(&["fmt", "--all", "--check"]),
        cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        tidy::run(),
        licences(),
        javascript(),
    ])
}

fn licences() -> Result<()> {
    if has_cargo("deny") {
        return cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]);
    }
    eprintln!("> licences: not checked, `cargo-deny` is not installed (cargo install cargo-deny)");
    Ok(())
}

/// The syntax of every script of ours.
fn javascript() -> Result<()> {
    if !has("node") {
        eprintln!("> JavaScript: not checked, `node` is not installed");
        return Ok(());
    }
    let files = output("git", &["ls-files", "--cached", "--others", "--exclude-standard", "*.js", "*.mjs"])?;
    let ours: Vec<&str> = files.lines().filter(|path| !path.contains("/vendor/")).collect();
    all(ours.iter().filter(|path| root().join(path).is_file()).map(|path| check_script(path)).collect())
}

/// Pages load our scripts as modules, so they are read as modules here.
fn check_script(path: &str) -> Result<()> {
    let script = std::fs::File::open(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let mut node = command("node", &["--check", "--input-type=module", "-"]);
    node.stdin(script);
    step(node).map_err(|message| format!("{path}: {message}"))
}
