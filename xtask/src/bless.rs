//! `bless`: accepts what changed in snapshots, case files and lists. Read the diff afterwards.

use crate::tidy;
use xtask::shell::{Result, all, cargo, command, has_cargo, step};

/// Rewrites every file that a test compares with.
pub(crate) fn run() -> Result<()> {
    let mut tests =
        command("cargo", &["test", "--quiet", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    tests.env("INSTA_UPDATE", "always").env("INSTA_FORCE_PASS", "1").env("BLESS", "1");
    all(vec![tidy::bless(), step(tests), inline(), step(command("git", &["diff", "--stat"]))])
}

/// Snapshots that stand in the tests themselves are only noted down beside them by a run.
fn inline() -> Result<()> {
    if has_cargo("insta") {
        return cargo(&["insta", "accept"]);
    }
    eprintln!(
        "> snapshots in tests: not accepted, `cargo-insta` is not installed (cargo install cargo-insta --locked)"
    );
    Ok(())
}
