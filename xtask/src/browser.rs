//! The walks of browser/: a real browser on a real server.

use crate::server;
use crate::shell::{Result, command, has, output, root, step};
use std::process::Stdio;

/// Which walks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walks {
    /// One width, light: with the fast tests.
    Short,
    /// Both widths, light and dark, and the keyboard.
    All,
}

/// Programs the walks need, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 3] = [("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")];

/// Installs what is missing, builds the program and walks; says why where it cannot.
pub(crate) fn run(walks: Walks) -> Result<()> {
    if let Err(why) = install() {
        eprintln!("> browser walks: skipped, {why}");
        return Ok(());
    }
    server::build_for_tests()?;
    let mut walk = command("node", &["browser/run.mjs", if walks == Walks::Short { "short" } else { "all" }]);
    walk.env("ENTENTE_BIN", server::binary());
    step(walk)
}

fn install() -> Result<()> {
    let missing: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        let is_root = output("id", &["-u"]).is_ok_and(|id| id.trim() == "0");
        if !is_root || !has("apt-get") {
            return Err(format!("not installed, and this is not root on Debian: {}", missing.join(", ")));
        }
        step(command("apt-get", &["update", "-q"]))?;
        let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
        install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        step(install)?;
    }
    if !root().join("browser/node_modules/playwright-core").is_dir() {
        step(command("npm", &["--prefix", "browser", "ci", "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}
