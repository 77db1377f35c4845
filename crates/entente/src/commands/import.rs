//! `entente import`: files into a source.

use crate::arguments::{Import, Place};
use crate::client::{Client, cannot_read};
use crate::commands::ask::problem;
use crate::commands::say;
use crate::{Ending, place};
use api::{Balance, Credential, ImportRequest, Product};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;
use spec::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One file to import.
struct Job {
    source: String,
    object: Option<String>,
    path: PathBuf,
}

/// Imports and prints the books of each file.
pub(crate) fn run(place: &Place, arguments: &Import) -> Result<Ending> {
    let jobs = jobs(place, arguments)?;
    // Before anything comes in: a list of files with one that is not there is a mistake.
    for job in &jobs {
        std::fs::File::open(&job.path).map_err(|cause| cannot_read(&job.path, cause))?;
    }
    let is_far = place.server.is_some() || app::server_of(&place::data(place)?).is_some();
    if is_far { through_server(place, arguments, &jobs) } else { here(place, arguments, &jobs) }
}

fn jobs(place: &Place, arguments: &Import) -> Result<Vec<Job>> {
    if let Some(source) = &arguments.source {
        let job = |path: &PathBuf| Job { source: source.clone(), object: arguments.object.clone(), path: path.clone() };
        return Ok(arguments.files.iter().map(job).collect());
    }
    let folder = place::workspace(place)?;
    let files = app::check(&folder)?.source_files.into_iter();
    let job = |(source, object, path)| Job { source, object: Some(object), path: folder.join(path) };
    Ok(files.map(job).collect())
}

fn here(place: &Place, arguments: &Import, jobs: &[Job]) -> Result<Ending> {
    let app = place::open(place)?;
    let owner = |user: &String| Credential::Owner { secret: app.owner_secret().to_owned(), user: user.clone() };
    let who = arguments.user.as_ref().map(|user| app.principal(&owner(user))).transpose()?;
    let bars = Bars::new();
    for job in jobs {
        let file_name = file_name(&job.path)?;
        let what = format!("{}/{file_name}", job.source);
        let request = ImportRequest {
            source: &job.source,
            object: job.object.as_deref(),
            path: &job.path,
            file_name: &file_name,
        };
        let progress = |done, all| bars.show(&what, done, all);
        let balance = match &who {
            Some(who) => app.import(who, &request, &progress),
            None => app.import_file(&request, &progress),
        };
        bars.clear();
        print_balance(&balance?)?;
    }
    Ok(Ending::Done)
}

fn through_server(place: &Place, arguments: &Import, jobs: &[Job]) -> Result<Ending> {
    let seat = place::seat(place, arguments.user.as_deref())?;
    let bars = Bars::new();
    for job in jobs {
        if let Some(ending) = upload(&seat.client, job, &bars)? {
            return Ok(ending);
        }
    }
    Ok(Ending::Done)
}

/// Sends one file; an ending when it was not taken.
fn upload(client: &Client, job: &Job, bars: &Bars) -> Result<Option<Ending>> {
    let name = file_name(&job.path)?;
    let mut path = format!("/api/v1/sources/{}/import?file_name={}", encoded(&job.source), encoded(&name));
    if let Some(object) = &job.object {
        path.push_str(&format!("&object={}", encoded(object)));
    }
    let what = format!("{}/{name}", job.source);
    let reply = client.post_file(&path, &job.path, &|done, all| bars.show(&what, done, all));
    bars.clear();
    let reply = reply?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body).map(Some);
    }
    let number = |key: &str| body.get(key).and_then(Json::as_u64).unwrap_or(0);
    let balance = Balance {
        what,
        received: number("received"),
        stored: number("stored"),
        duplicate: number("duplicate"),
        rejected: number("rejected"),
    };
    print_balance(&balance)?;
    Ok(None)
}

fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, format!("`{}` is no file", path.display())).with_hint("name a file")
    })
}

/// A text as a part of a URL.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The books of one file in one line.
fn balance_line(balance: &Balance) -> String {
    let Balance { what, received, stored, duplicate, rejected } = balance;
    format!("{what}: {received} received = {stored} stored + {duplicate} duplicate + {rejected} rejected")
}

/// Prints the books of one file, and where the reasons of what was rejected are.
pub(crate) fn print_balance(balance: &Balance) -> Result<()> {
    say(&balance_line(balance))?;
    if balance.rejected > 0 {
        say("  the reasons are on the source's page, under Data")?;
    }
    Ok(())
}

/// A progress bar per file.
pub(crate) struct Bars {
    current: Mutex<Option<(String, ProgressBar)>>,
}

impl Bars {
    /// None yet.
    pub(crate) fn new() -> Bars {
        Bars { current: Mutex::new(None) }
    }

    /// Shows how far a file is.
    pub(crate) fn show(&self, what: &str, done: u64, all: u64) {
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if current.as_ref().is_none_or(|(shown, _)| shown != what) {
            let style = ProgressStyle::with_template("{msg:44} {bar:30} {percent:>3} %  {elapsed}");
            let bar = ProgressBar::new(all).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            if let Some((_, before)) = current.replace((what.to_owned(), bar.with_message(what.to_owned()))) {
                before.finish_and_clear();
            }
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(all);
            bar.set_position(done);
        }
    }

    /// Takes the last bar away.
    pub(crate) fn clear(&self) {
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, bar)) = current.take() {
            bar.finish_and_clear();
        }
    }
}
