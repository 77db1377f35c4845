//! What browser/ checks with Node: walks with a real browser on a real server, other makers' client libraries on the same
//! one, contracts against the standard's schema.

use std::process::Stdio;
use xtask::server;
use xtask::shell::{Result, command, has, output, root, step};

/// Which walks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walks {
    /// One width, light: with the fast tests.
    Short,
    /// Both widths, light and dark, and the keyboard.
    All,
}

/// Programs the walks need, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 3] = [("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")];

/// `walks short|all`.
pub(crate) fn walks(words: &[String]) -> Result<()> {
    match words {
        [word] if word == "short" => run(Walks::Short),
        [word] if word == "all" => run(Walks::All),
        _ => Err("cargo xtask walks short|all".to_owned()),
    }
}

/// Installs what is missing, builds the program and walks; says why where it cannot.
fn run(walks: Walks) -> Result<()> {
    if let Err(why) = install() {
        eprintln!("> browser walks: skipped, {why}");
        return Ok(());
    }
    server::build()?;
    let mut walk = command("node", &["browser/run.mjs", if walks == Walks::Short { "short" } else { "all" }]);
    walk.env("ENTENTE_BIN", server::binary());
    step(walk)
}

/// Looks whether any string that a page can show runs in it.
pub(crate) fn canaries() -> Result<()> {
    if let Err(why) = install() {
        eprintln!("> canaries: skipped, {why}");
        return Ok(());
    }
    server::build()?;
    let mut canaries = command("node", &["browser/canaries.mjs"]);
    canaries.env("ENTENTE_BIN", server::binary());
    step(canaries)
}

/// Holds the demo's contracts against the schema of their standard.
pub(crate) fn contracts() -> Result<()> {
    if !has("node") || !has("npm") {
        eprintln!("> contracts: not checked, `node` and `npm` are not installed");
        return Ok(());
    }
    install_modules()?;
    step(command("node", &["browser/contracts.mjs"]))
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
    install_modules()
}

/// Installs the modules that the lock file names, unless these are the ones that are there.
pub(crate) fn install_modules() -> Result<()> {
    let written = |path: &str| root().join(path).metadata().and_then(|file| file.modified()).ok();
    let is_newer = written("browser/node_modules/.package-lock.json") >= written("browser/package-lock.json");
    if is_newer { Ok(()) } else { step(command("npm", &["--prefix", "browser", "ci", "--no-audit", "--no-fund"])) }
}
