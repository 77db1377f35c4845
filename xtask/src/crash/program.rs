//! The program under test: started, asked whether it is there, and killed without a word.

use super::world::{USER, World};
use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use xtask::http::{self, Request};
use xtask::shell::{Result, root};

/// Longer than this, a start is a failure of the run itself.
const START_MAX: Duration = Duration::from_secs(60);
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// A running program; it is killed when this is dropped.
pub(super) struct Program {
    child: Child,
    started: Instant,
    address: String,
    /// Whether it may end before it is killed here.
    may_end: bool,
}

impl Program {
    /// Starts it on an address; it is not there yet. The words `under`, if any, are another program's that starts it and
    /// may end it.
    pub(super) fn start(under: &[String], path: &Path, world: &World, address: &str) -> Result<Program> {
        let log = || {
            let file = OpenOptions::new().create(true).append(true).open(&world.log);
            file.map_err(|error| format!("{}: {error}", world.log.display()))
        };
        let mut up = match under {
            [] => Command::new(path),
            [first, more @ ..] => {
                let mut up = Command::new(first);
                up.args(more).arg(path);
                up
            }
        };
        up.current_dir(root()).arg("--workspace").arg(&world.workspace).arg("--data").arg(&world.data);
        up.args(["up", "--listen", address]).stdin(Stdio::null()).stdout(log()?).stderr(log()?);
        let started = Instant::now();
        let child = up.spawn().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Program { child, started, address: address.to_owned(), may_end: !under.is_empty() })
    }

    /// Waits until it says that it is ready and `probe` says that it takes messages; the seconds since its start.
    pub(super) fn wait(&mut self, mut probe: impl FnMut() -> bool) -> Result<f64> {
        let health = Request { method: "GET", path: "/health", headers: &[], body: "" };
        while !(http::send(&self.address, &health).is_ok_and(|answer| answer.status == 200) && probe()) {
            self.check_alive()?;
            if self.started.elapsed() > START_MAX {
                return Err(format!("the program took no messages within {START_MAX:?} from its start"));
            }
            std::thread::sleep(LOOKS_EVERY);
        }
        Ok(self.started.elapsed().as_secs_f64())
    }

    /// Kills it as the kernel would: it gets no chance to finish anything. Unless it may end by itself, it must have run
    /// until then.
    pub(super) fn kill(&mut self) -> Result<()> {
        if self.may_end && self.end()?.is_some() {
            return Ok(());
        }
        self.check_alive()?;
        self.child.kill().map_err(|error| format!("the program cannot be killed: {error}"))?;
        self.child.wait().map_err(|error| format!("the program cannot be waited for: {error}"))?;
        Ok(())
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; none while it runs.
    pub(super) fn end(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|error| format!("the program cannot be looked at: {error}"))
    }

    fn check_alive(&mut self) -> Result<()> {
        match self.end()? {
            None => Ok(()),
            Some(status) => Err(format!("the program ended by itself ({status}); program.log says why")),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is gone already where it was killed on purpose.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// A token with which questions are asked.
pub(super) fn token(path: &Path, world: &World) -> Result<String> {
    let mut token = Command::new(path);
    token.current_dir(root()).arg("--workspace").arg(&world.workspace).arg("--data").arg(&world.data);
    let output = token.args(["token", USER, "--for", "1 days"]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("entente token: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let word = text.split_whitespace().last().filter(|_| output.status.success());
    word.map(str::to_owned).ok_or(format!("entente token {USER}: no token ({})", output.status))
}

/// An address on this machine where nobody listens.
///
/// Its port is below those that the system gives to connections: while the program is down, a sender that knocks at one of
/// those could be given the same port for its own end, be connected with itself, and keep the program out.
pub(super) fn free_address() -> Result<String> {
    let start = u16::try_from(std::process::id() % 10_000).expect("it is below 10,000");
    let addresses = (0..10_000).map(|step| format!("127.0.0.1:{}", 20_000 + (start + step) % 10_000));
    let mut free = addresses.filter(|address| TcpListener::bind(address).is_ok());
    free.next().ok_or("no port from 20000 to 29999 is free".to_owned())
}
