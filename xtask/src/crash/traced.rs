//! The program under strace, which lets one of its system calls fail or be its last.
//!
//! Invariants: strace runs apart, so that the child that is started is the program itself and a kill reaches it. Calls
//! are counted thread by thread: `n` is the n-th call of whichever thread gets that far.
//! It needs no change of the program and knows nothing about it: a call is chosen by its name only.

use super::chance::Chance;
use std::process::{Child, Command};
use xtask::shell::Result;

/// Calls before which it is killed, and up to which of them: what a start makes alone, and some more.
const KILLERS: &[(&str, u64)] = &[
    ("fdatasync", 60),
    ("fsync", 30),
    ("write", 150),
    ("pwrite64", 40),
    ("openat", 120),
    ("mkdir", 20),
    ("link", 6),
    ("linkat", 6),
    ("rename", 6),
    ("renameat", 6),
    ("renameat2", 6),
    ("unlink", 12),
    ("ftruncate", 6),
];

/// What puts bytes on the disk.
const SYNCS: &str = "fdatasync,fsync";

/// A call, and which one of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: &'static str,
    n: u64,
}

impl Call {
    /// One of those before which it is killed; early ones come more often.
    pub(super) fn draw(chance: &mut Chance) -> Call {
        let at = usize::try_from(chance.below(KILLERS.len() as u64)).expect("it is a small table");
        let (name, n_max) = KILLERS[at];
        let bound = 1 + chance.below(n_max);
        Call { name, n: 1 + chance.below(bound) }
    }

    /// The words before the program that have it killed there.
    pub(super) fn kill(self) -> Vec<String> {
        strace(self.name, &format!("signal=SIGKILL:when={}", self.n))
    }
}

/// The words before a program whose n-th sync fails with an error of the disk, in each thread.
pub(super) fn failing_sync(n: u64) -> Vec<String> {
    let mut words = strace(SYNCS, &format!("error=EIO:when={n}"));
    // Stops at these calls only; strace cannot send signals that way, but errors it can.
    words.insert(1, "--seccomp-bpf".to_owned());
    words
}

/// Lets the n-th sync of each thread of a running program fail, counted from now on; strace ends with the program.
pub(super) fn fail_sync_of(process: u32, n: u64) -> Result<Child> {
    let mut words = strace(SYNCS, &format!("error=EIO:when={n}"));
    // It is nobody's parent here, so it need not go apart.
    words.retain(|word| word != "-D");
    let strace = Command::new(&words[0]).args(&words[1..]).args(["-p", &process.to_string()]).spawn();
    strace.map_err(|error| format!("strace: {error}"))
}

/// Why strace cannot be used here; none where it can.
pub(super) fn why_not() -> Option<String> {
    let words = strace("fsync", "error=EIO:when=1");
    match Command::new(&words[0]).args(&words[1..]).arg("true").output() {
        Err(_) => Some("strace is not installed (apt install strace)".to_owned()),
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(format!("strace may not trace here: {}", said.lines().next().unwrap_or_default()))
        }
    }
}

fn strace(calls: &str, what: &str) -> Vec<String> {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{what}"));
    let words = ["strace", "-D", "-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Call, KILLERS};
    use crate::crash::chance::Chance;
    use std::collections::BTreeSet;

    #[test]
    fn draws_every_call_within_its_bound() {
        let mut chance = Chance::new(1, 0);
        let mut seen = BTreeSet::new();
        for _ in 0..1_000 {
            let call = Call::draw(&mut chance);
            let (_, n_max) = KILLERS.iter().find(|(name, _)| *name == call.name).expect("it is in the table");
            assert!((1..=*n_max).contains(&call.n), "{call:?}");
            seen.insert(call.name);
        }
        assert_eq!(seen.len(), KILLERS.len());
    }
}
