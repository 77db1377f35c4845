//! Reads request bodies under limits: strict JSON, forms, and files that are streamed to disk.
//!
//! Invariant: nothing is read past its limit, and JSON means one thing: no key twice, nothing after the end.

use crate::problem::Problem;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::body::Body as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use spec::Diagnostic;
use std::fmt;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

/// The largest question or form.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest file to import.
pub(crate) const FILE_BYTES_MAX: u64 = 2 << 30;
/// The same in words.
const FILE_LIMIT: &str = "2 GiB";
/// The deepest nesting of JSON.
const DEPTH_MAX: usize = 32;
/// The longest wait for the next piece of a body.
const PIECE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Reads a whole body of at most `BODY_BYTES_MAX`.
pub(crate) async fn read(request: Request<Body>) -> Result<Vec<u8>, Problem> {
    if declared_length(request.headers()).is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large("1 MiB"));
    }
    match tokio::time::timeout(PIECE_WAIT_MAX, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(_)) => Err(too_large("1 MiB")),
        Err(_) => Err(too_slow("the body did not arrive in time")),
    }
}

/// Reads a JSON body that is an object with these keys and no others; the first has to be there.
pub(crate) async fn read_object(request: Request<Body>, keys: &[&str]) -> Result<Map<String, Json>, Problem> {
    read_keys(request, keys, Some(keys[0])).await
}

/// Reads a JSON body that is an object with some of these keys and no others.
pub(crate) async fn read_any_object(request: Request<Body>, keys: &[&str]) -> Result<Map<String, Json>, Problem> {
    read_keys(request, keys, None).await
}

async fn read_keys(
    request: Request<Body>,
    keys: &[&str],
    required: Option<&str>,
) -> Result<Map<String, Json>, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not declared as JSON")
            .with_hint("send `Content-Type: application/json`"));
    }
    let bytes = read(request).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::invalid(vec![diagnostic("", 1, 1, "the body is not UTF-8", "send the text as UTF-8")]))?;
    let Json::Object(object) = parse_json(text).map_err(|error| Problem::invalid(vec![error]))? else {
        let hint = format!("send an object with the key `{}`", keys[0]);
        return Err(Problem::invalid(vec![diagnostic("", 1, 1, "the body is not an object", &hint)]));
    };
    let mut errors: Vec<Diagnostic> =
        object.keys().filter(|key| !keys.contains(&key.as_str())).map(|key| unknown_key(key, keys)).collect();
    if let Some(missing) = required.filter(|key| !object.contains_key(*key)) {
        let hint = format!("write {{\"{missing}\": ...}}");
        errors.push(diagnostic("", 1, 1, &format!("the key `{missing}` is missing"), &hint));
    }
    if errors.is_empty() { Ok(object) } else { Err(Problem::invalid(errors)) }
}

/// Parses JSON strictly.
pub(crate) fn parse_json(text: &str) -> Result<Json, Diagnostic> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let full = error.to_string();
        let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
        diagnostic(
            "",
            error.line().max(1),
            error.column().max(1),
            message,
            "send one JSON value, each key once, and nothing after it",
        )
    })
}

/// Makes the folder for uploads, for its owner alone, and removes what an earlier run left there.
pub(crate) fn empty_spool(folder: &Path) {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let emptied = made.and_then(|()| {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    });
    if let Err(error) = emptied {
        tracing::warn!(folder = %folder.display(), cause = %error, "the folder for uploads cannot be used");
    }
}

/// The pairs of a body that is a form.
pub(crate) async fn form(request: Request<Body>) -> Result<Vec<(String, String)>, Problem> {
    Ok(pairs(&String::from_utf8_lossy(&read(request).await?)))
}

/// Streams a body into a file of the folder that only this user can open; it is gone when dropped.
pub(crate) async fn spool(folder: &Path, request: Request<Body>) -> Result<NamedTempFile, Problem> {
    if declared_length(request.headers()).is_some_and(|length| length > FILE_BYTES_MAX) {
        return Err(too_large(FILE_LIMIT));
    }
    let folder = folder.to_owned();
    let make = move || -> std::io::Result<(NamedTempFile, File)> {
        let file = NamedTempFile::new_in(folder)?;
        let writer = file.reopen()?;
        Ok((file, writer))
    };
    let made = tokio::task::spawn_blocking(make).await.map_err(std::io::Error::from).and_then(|made| made);
    let (file, writer) = made.map_err(|error| disk(&error))?;
    // Tokio's file is written off the event loop.
    let mut writer = tokio::fs::File::from_std(writer);
    let mut body = request.into_body();
    let mut n_bytes: u64 = 0;
    loop {
        let piece = tokio::time::timeout(PIECE_WAIT_MAX, next_piece(&mut body)).await;
        match piece {
            Err(_) => return Err(too_slow("the file did not arrive in time")),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Problem::new(StatusCode::BAD_REQUEST, "the file broke off before its end")),
            Ok(Some(Ok(bytes))) => {
                n_bytes += bytes.len() as u64;
                if n_bytes > FILE_BYTES_MAX {
                    return Err(too_large(FILE_LIMIT));
                }
                writer.write_all(&bytes).await.map_err(|error| disk(&error))?;
            }
        }
    }
    writer.flush().await.map_err(|error| disk(&error))?;
    Ok(file)
}

/// The pairs of a form or a query string, in their order.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| String::from_utf8_lossy(&percent_decode(part.as_bytes())).into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// A value as it stands in a query string.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The bytes that a part of a form or a query string stands for.
pub(crate) fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                out.push(value);
                rest = &tail[2..];
            }
            _ => {
                out.push(if byte == b'+' { b' ' } else { byte });
                rest = tail;
            }
        }
    }
    out
}

/// The next bytes of a body; `None` at its end.
pub(crate) async fn next_piece(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            Ok(Err(_trailers)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// The length that a head declares.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: &str) -> Problem {
    let hint = if limit == FILE_LIMIT { "split the file; each part has its own header" } else { "send less at once" };
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {limit}")).with_hint(hint)
}

fn too_slow(detail: &str) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail).with_hint("send it again, over a steadier connection")
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!(cause = %error, "a file to import could not be kept");
    Problem::busy("there is no room to receive the file")
}

fn unknown_key(key: &str, keys: &[&str]) -> Diagnostic {
    let hint =
        format!("the keys here are {}", keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
    diagnostic(&format!("/{key}"), 1, 1, &format!("unknown key `{key}`"), &hint)
}

fn diagnostic(path: &str, line: usize, column: usize, message: &str, hint: &str) -> Diagnostic {
    Diagnostic { path: path.to_owned(), line, column, message: message.to_owned(), hint: hint.to_owned() }
}

/// Builds a JSON value, refusing keys that come twice and nesting that is too deep.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Strict, E> {
        if self.depth >= DEPTH_MAX {
            Err(E::custom(format!("nested deeper than {DEPTH_MAX}")))
        } else {
            Ok(Strict { depth: self.depth + 1 })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Json::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` comes twice")));
            }
            map.insert(key, value);
        }
        Ok(Json::Object(map))
    }
}
