//! The demo's server: in the foreground for people, or on a temporary data folder for figures and browsers.

use crate::http::{self, Request};
use crate::shell::{Result, cargo, command, root, step, target};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ADDRESS: &str = "127.0.0.1:7800";
const START_SECONDS_MAX: u64 = 180;

/// Serves the demo until it is stopped; more words are passed on to `entente up`.
pub fn run(more: &[String]) -> Result<()> {
    build()?;
    let mut up = Command::new(binary());
    up.current_dir(root()).args(["up", "--workspace", "demo", "--listen", ADDRESS, "--sign-ins"]).args(more);
    // A change of a page shows at the next reload.
    up.args(["--templates", "crates/web"]);
    step(up)
}

/// Builds the program as `make run` and the tests have it.
pub fn build() -> Result<()> {
    cargo(&["build", "--package", "entente"])
}

/// The program that `build` makes.
pub fn binary() -> PathBuf {
    target().join("debug").join(format!("entente{}", std::env::consts::EXE_SUFFIX))
}

/// A folder that is gone when this is.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one in the target folder.
    pub fn new(name: &str) -> Result<TemporaryFolder> {
        let path = target().join("tmp").join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(TemporaryFolder(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves it where it is.
    pub fn keep(self) -> PathBuf {
        std::mem::ManuallyDrop::new(self).0.clone()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// A server of ours; it is stopped when this is dropped.
pub struct Server {
    program: PathBuf,
    workspace: PathBuf,
    data: PathBuf,
    child: Child,
    /// `host:port`.
    pub address: String,
    /// Seconds from start to the first answer.
    pub start_seconds: f64,
    /// Name and secret of each user, as it printed them: a password, or a link that signs in.
    pub sign_ins: Vec<(String, String)>,
}

impl Server {
    /// Starts a program on a workspace and a data folder, and waits until it answers.
    pub fn start(program: &Path, workspace: &Path, data: &Path) -> Result<Server> {
        Server::start_with(program, workspace, data, &[])
    }

    /// The same with more words for `entente up`.
    pub fn start_with(program: &Path, workspace: &Path, data: &Path, more: &[&str]) -> Result<Server> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?;
        let address = port.to_string();
        let started = Instant::now();
        let mut up = Command::new(program);
        up.current_dir(root()).args(["up", "--listen", &address, "--sign-ins", "--workspace"]);
        up.arg(workspace).arg("--data").arg(data).args(more);
        let mut child = up.stdout(Stdio::piped()).spawn().map_err(|error| format!("entente up: {error}"))?;
        let lines = printed(&mut child);
        let mut server = Server {
            program: program.to_owned(),
            workspace: workspace.to_owned(),
            data: data.to_owned(),
            child,
            address,
            start_seconds: 0.0,
            sign_ins: Vec::new(),
        };
        server.wait(started)?;
        server.start_seconds = started.elapsed().as_secs_f64();
        // What it prints before it answers is in the pipe by now, or comes within the second.
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(1)) {
            server.sign_ins.extend(sign_in(&line));
        }
        Ok(server)
    }

    /// A token for a user, by the command line on the same data folder.
    pub fn token(&self, user: &str) -> Result<String> {
        let mut token = Command::new(&self.program);
        token.current_dir(root()).args(["token", user, "--workspace"]);
        token.arg(&self.workspace).arg("--data").arg(&self.data);
        let output = token.stderr(Stdio::inherit()).output().map_err(|error| format!("entente token: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let word = text.split_whitespace().last().filter(|_| output.status.success());
        word.map(str::to_owned).ok_or(format!("entente token {user}: no token ({})", output.status))
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self, started: Instant) -> Result<()> {
        let request = Request { method: "GET", path: "/", headers: &[], body: "" };
        while started.elapsed().as_secs() < START_SECONDS_MAX {
            if http::send(&self.address, &request).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("entente up ended before it answered ({status})"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("entente up did not answer within {START_SECONDS_MAX} s"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that it can finish what it writes; `kill` is on every machine this runs on.
        let id = self.child.id().to_string();
        let is_asked = command("kill", &["-TERM", &id]).status().is_ok_and(|status| status.success());
        for _ in 0..100 {
            if !is_asked || matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// A process's resident memory in MB; absent where /proc is.
pub fn memory_mb(id: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok().map(|kilobytes: f64| kilobytes / 1024.0)
}

/// The lines that a child prints, as they come.
fn printed(child: &mut Child) -> std::sync::mpsc::Receiver<String> {
    let stdout = child.stdout.take().expect("its output was asked for");
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
            // Nobody listens any more once the server runs; what it prints then is let go.
            sender.send(line).ok();
        }
    });
    receiver
}

/// `marketer ... SECRET`: the first word and the last one of a line about one of the demo's users.
fn sign_in(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| ["marketer", "engineer", "privacy", "executive"].contains(name))?;
    Some((name.to_owned(), words.last()?.to_owned()))
}
