//! What the program is held against: the barest route that takes the same requests, in a process of its own.
//!
//! `bare read FOLDER` reads a body and answers; `bare commit FOLDER` writes all bodies that wait to one file, syncs it
//! once, and answers all. Nothing is checked and nothing can be asked.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Router, serve};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use xtask::shell::Result;

/// The word of the command line that serves.
pub(crate) const TASK: &str = "bare";

/// A body that waits for the disk, and who hears of it.
type Waiting = (Bytes, oneshot::Sender<()>);

/// Such a server, stopped when this is dropped.
pub(super) struct Bare {
    child: Child,
    /// `host:port`.
    pub(super) address: String,
}

impl Bare {
    /// Starts one: `read` or `commit`.
    pub(super) fn start(kind: &str, folder: &Path) -> Result<Bare> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut serving = Command::new(program);
        serving.args([TASK, kind]).arg(folder).stdout(Stdio::piped());
        let mut child = serving.spawn().map_err(|error| format!("{TASK} {kind}: {error}"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output was asked for");
        BufReader::new(stdout).read_line(&mut line).map_err(|error| format!("{TASK} {kind}: {error}"))?;
        Ok(Bare { child, address: line.trim().to_owned() })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// Serves until it is killed; prints its address first.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [kind, folder] = words else { return Err(format!("{TASK} read|commit FOLDER")) };
    let router = match kind.as_str() {
        "read" => Router::new().fallback(post(|_: Bytes| async { StatusCode::OK })),
        "commit" => committing(Path::new(folder))?,
        _ => return Err(format!("`{kind}` is neither `read` nor `commit`")),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(serve_at_any_port(router)).map_err(|error| error.to_string())
}

async fn serve_at_any_port(router: Router) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // As the program does it.
        stream.set_nodelay(true).ok();
    });
    serve(listener, router).await
}

/// The route before one thread that writes.
fn committing(folder: &Path) -> Result<Router> {
    let path = folder.join("bare.log");
    let file = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (sender, receiver) = channel::<Waiting>();
    std::thread::spawn(move || {
        if let Err(error) = write(file, &receiver) {
            eprintln!("the bare log: {error}");
        }
    });
    let take = |State(sender): State<Sender<Waiting>>, body: Bytes| async move {
        let (tell, told) = oneshot::channel();
        let is_kept = sender.send((body, tell)).is_ok() && told.await.is_ok();
        if is_kept { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
    };
    Ok(Router::new().fallback(post(take)).with_state(sender))
}

/// All that waits, one sync, all answers, again.
fn write(mut file: File, receiver: &Receiver<Waiting>) -> std::io::Result<()> {
    while let Ok(first) = receiver.recv() {
        let group: Vec<Waiting> = std::iter::once(first).chain(receiver.try_iter()).collect();
        let bytes: Vec<&[u8]> = group.iter().map(|(body, _)| body.as_ref()).collect();
        file.write_all(&bytes.concat())?;
        file.sync_data()?;
        for (_, tell) in group {
            // Whoever has left does not hear it.
            tell.send(()).ok();
        }
    }
    Ok(())
}
