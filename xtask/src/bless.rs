//! `bless`: accepts what changed in snapshots, case files and lists. Read the diff afterwards.

use crate::shell::{Result, all, command, step};
use crate::tidy;

/// Rewrites every file that a test compares with.
pub(crate) fn run() -> Result<()> {
    let mut tests =
        command("cargo", &["test", "--quiet", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    tests.env("INSTA_UPDATE", "always").env("INSTA_FORCE_PASS", "1").env("BLESS", "1");
    all(vec![tidy::bless(), step(tests), step(command("git", &["diff", "--stat"]))])
}
