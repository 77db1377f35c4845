//! Waiting for an answer in a terminal: after a second a bar says how far it is.

use crate::client::{Client, Reply};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;
use spec::Result;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What is answered sooner needs no bar; then so often it is asked how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// Steps of the bar.
const STEPS: u64 = 1_000;

/// Posts a question and waits for what comes back. Nothing is shown where nobody looks at a terminal.
pub(crate) fn ask(client: &Client, body: &str, accept: &str) -> Result<Reply> {
    let name = format!("ask-{}", std::process::id());
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        let name = name.as_str();
        let watch = move || {
            let mut bar = None;
            // The other end goes when there is an answer.
            while is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let bar = bar.get_or_insert_with(new_bar);
                if let Some(progress) = progress(client, name) {
                    bar.set_position((progress * STEPS as f64) as u64);
                }
                bar.tick();
            }
            bar.iter().for_each(ProgressBar::finish_and_clear);
        };
        let watching = std::thread::Builder::new().spawn_scoped(scope, watch);
        let reply = client.named(name).post_json("/api/v1/ask", body, accept);
        drop(done);
        // Without a thread there is no bar, and nothing else is missing.
        drop(watching);
        reply
    })
}

/// How much of a request is done; nothing where that is not known.
fn progress(client: &Client, name: &str) -> Option<f64> {
    let reply = client.get_json(&format!("/api/v1/running/{name}")).ok()?;
    let json: Json = serde_json::from_slice(&reply.body).ok()?;
    json["progress"].as_f64()
}

fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("still working [{bar:30}] {percent} %, {elapsed}");
    ProgressBar::new(STEPS).with_style(style.expect("the template is right")).with_elapsed(PATIENCE)
}
