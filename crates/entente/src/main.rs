//! The program: arguments and environment in, the parts wired, an exit code out.
//!
//! Exit codes: 0 yes, 1 failure, 2 wrong input, 3 refused by a verdict. Invariants: no logic; the only reader of
//! environment variables; asking always goes over HTTP - to a server that runs, or to one made for this one call.

mod arguments;
mod client;
mod commands;
mod place;
mod table;

use arguments::{Arguments, Command};
use clap::Parser;
use spec::{Error, ErrorKind};
use std::process::ExitCode;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Messages make many small pieces on many threads, which the system's allocator keeps apart in many places.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command ends with, when it does not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It did what was asked.
    Done,
    /// The verdict was not yes.
    Refused,
    /// What the user wrote is wrong; it was said what.
    WrongInput,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    begin_log(&arguments.log);
    leave_no_memory_behind();
    let ended = match &arguments.command {
        Command::Up(up) => commands::up::run(&arguments.place, up),
        Command::Import(import) => commands::import::run(&arguments.place, import),
        Command::Ask(ask) => commands::ask::ask(&arguments.place, ask),
        Command::Judge(judge) => commands::ask::judge(&arguments.place, judge),
        Command::Check => commands::check::run(&arguments.place),
        Command::Token(token) => commands::token::run(&arguments.place, token),
        Command::Key(key) => commands::key::run(key),
        Command::Quarantine(quarantine) => commands::quarantine::list(&arguments.place, quarantine),
        Command::Replay(replay) => commands::quarantine::replay(&arguments.place, replay),
        Command::Identity { command } => commands::identity::run(&arguments.place, command),
        Command::Audit { command } => commands::audit::run(&arguments.place, command),
        Command::Completions { shell } => commands::manual::completions(*shell),
        Command::Manual => commands::manual::manual(),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Refused) => ExitCode::from(3),
        Ok(Ending::WrongInput) => ExitCode::from(2),
        Err(error) => {
            eprintln!("entente: {}", error.chain());
            if let Some(hint) = &error.hint {
                eprintln!("  {hint}");
            }
            ExitCode::from(exit_code(&error))
        }
    }
}

/// The crates whose words go to the log.
const OURS: [&str; 11] =
    ["api", "app", "collect", "consent", "entente", "lake", "policy", "query", "spec", "web", "workspace"];

/// Logs to standard error: of libraries only warnings and errors, since what they say in detail holds values, of questions and of
/// people.
fn begin_log(directives: &str) {
    let may_tell = |metadata: &Metadata<'_>| {
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() <= Level::WARN || OURS.contains(&crate_name)
    };
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false))
        .with(EnvFilter::new(directives))
        .with(filter_fn(may_tell))
        .init();
}

/// Keeps what is in memory out of core dumps: what people did, and keys. Elsewhere than on Linux the system decides.
fn leave_no_memory_behind() {
    let _ = std::fs::write("/proc/self/coredump_filter", "0x0");
}

fn exit_code(error: &Error) -> u8 {
    match error.kind {
        ErrorKind::Invalid | ErrorKind::NotFound => 2,
        ErrorKind::Denied | ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Bug => 1,
    }
}
