//! Talks to a server: the same requests that any other client would send.

use spec::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Response;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// A server and who talks to it.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    headers: Vec<(&'static str, String)>,
}

/// What a server said.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client that shows a token.
    pub(crate) fn with_token(url: &str, token: &str) -> Client {
        Client::new(url, vec![("authorization", format!("Bearer {token}"))])
    }

    /// A client of the data folder's owner, acting as a user.
    pub(crate) fn as_owner(url: &str, secret: &str, user: &str) -> Client {
        Client::new(url, vec![("x-entente-owner", secret.to_owned()), ("x-entente-as", user.to_owned())])
    }

    /// The same client, whose requests have a name by which the server finds them while they run.
    pub(crate) fn named(&self, name: &str) -> Client {
        let headers = self.headers.iter().cloned().chain([("x-request-id", name.to_owned())]).collect();
        Client { agent: self.agent.clone(), url: self.url.clone(), headers }
    }

    fn new(url: &str, headers: Vec<(&'static str, String)>) -> Client {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .max_redirects(0)
            // A proxy of the environment would see the secret, and knows no way to this machine.
            .proxy(None)
            .build()
            .new_agent();
        Client { agent, url: url.trim_end_matches('/').to_owned(), headers }
    }

    /// Gets JSON.
    pub(crate) fn get_json(&self, path: &str) -> Result<Reply> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        self.read(request.header("accept", "application/json").call())
    }

    /// Posts JSON and reads what comes back.
    pub(crate) fn post_json(&self, path: &str, body: &str, accept: &str) -> Result<Reply> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let sent = request.header("content-type", "application/json").header("accept", accept).send(body);
        self.read(sent)
    }

    /// Posts a file and reads what comes back; `progress` hears how many bytes are sent, and of how many.
    pub(crate) fn post_file(&self, path: &str, file: &Path, progress: &dyn Fn(u64, u64)) -> Result<Reply> {
        let opened = File::open(file).map_err(|cause| cannot_read(file, cause))?;
        let n_bytes = opened.metadata().map_err(|cause| cannot_read(file, cause))?.len();
        let mut watched = Watched { file: opened, n_sent: 0, n_bytes, progress };
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.header("content-type", "application/octet-stream").header("content-length", n_bytes);
        // A server that does not want the file says so before it is sent, and is heard.
        let request = request.header("expect", "100-continue");
        let sent = request.send(ureq::SendBody::from_reader(&mut watched));
        self.read(sent)
    }

    fn read(&self, sent: std::result::Result<Response<ureq::Body>, ureq::Error>) -> Result<Reply> {
        let unreachable = |cause: ureq::Error| {
            Error::new(ErrorKind::Unavailable, format!("cannot talk to `{}`", self.url))
                .with_hint("is the server running there?")
                .with_source(Box::new(cause))
        };
        let response = sent.map_err(unreachable)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let (_, content) = response.into_parts();
        let mut reader = content.into_reader().take(ANSWER_BYTES_MAX);
        reader.read_to_end(&mut body).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the answer broke off".to_owned()).with_source(Box::new(cause))
        })?;
        Ok(Reply { status, body })
    }
}

/// A file that says how much of it was read.
struct Watched<'a> {
    file: File,
    n_sent: u64,
    n_bytes: u64,
    progress: &'a dyn Fn(u64, u64),
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.file.read(buffer)?;
        self.n_sent += n_read as u64;
        (self.progress)(self.n_sent, self.n_bytes);
        Ok(n_read)
    }
}

/// The error of a file that cannot be read.
pub(crate) fn cannot_read(file: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::NotFound, format!("cannot read `{}`", file.display()))
        .with_hint("is the path right, and may you read it?")
        .with_source(Box::new(cause))
}
