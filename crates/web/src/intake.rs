//! Events in: the tracking calls that clients send, the settings that a browser's library asks for, and the pixel.
//!
//! Flow: head (`envelope`: key and sender) -> room for one more (`room`) -> body under limits of size and time ->
//! unpacked (`encoding`) -> `api::Collector` -> what became of it (`reply`). Small bodies are taken on the event loop,
//! others off it, since a large batch is work of milliseconds.
//! Invariants: what is held of deliveries is bounded in number and bytes until the collector has told of them; no cookie
//! is looked at and none is authority, so every site may read every answer; a refusal says nothing of the body.
//! Deliberately absent: what a key may send and what a message means. The collector decides.

mod encoding;
mod envelope;
mod reply;
mod room;

use crate::body::{declared_length, next_piece, pairs};
use crate::problem::Problem;
use crate::render::last;
use crate::routes::App;
use api::{Call, Collector, Delivery, MessageOutcome, Receipt};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use encoding::{Encoding, decode};
pub(crate) use envelope::sender_of;
pub(crate) use reply::problem_of;
use room::{Place, Room};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// The largest body as it is sent.
pub(crate) const PACKED_BYTES_MAX: usize = 500 << 10;
/// Up to this, a body that is not packed is taken on the event loop.
const SMALL_BYTES_MAX: usize = 16 << 10;
/// Other bodies that are unpacked and taken at once; a decoder may hold a window of several MiB.
const LARGE_AT_ONCE_MAX: usize = 4;
/// How much of a refused body is still read.
const DRAINED_BYTES_MAX: usize = 2 << 20;
/// The longest `data` of a pixel, in base64.
const PIXEL_BYTES_MAX: usize = 8 << 10;
/// How long a browser may remember the answer to a preflight, in seconds.
const PREFLIGHT_SECONDS: &str = "86400";
/// One transparent pixel.
const GIF: [u8; 43] = *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// On every response of the intake, problems included: any site may read it, since nothing in it depends on a cookie.
pub(crate) const HEADERS: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    // Without this a browser hides from its library when to try again.
    ("access-control-expose-headers", "retry-after, x-entente-outcome"),
    ("cross-origin-resource-policy", "cross-origin"),
];

/// The other side of a connection; `server` puts it on each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What deliveries may take of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Deliveries at once.
    pub(crate) deliveries_max: usize,
    /// Bytes of all of them.
    pub(crate) bytes_max: usize,
    /// How long a body may take in all.
    pub(crate) body_wait_max: Duration,
    /// How long the next piece of a body may take.
    pub(crate) piece_wait_max: Duration,
    /// How long the collector may take to tell what became of a delivery.
    pub(crate) told_wait_max: Duration,
}

impl Limits {
    /// Those of a server.
    pub(crate) const USUAL: Limits = Limits {
        deliveries_max: 1024,
        bytes_max: 16 << 20,
        body_wait_max: Duration::from_secs(10),
        piece_wait_max: Duration::from_secs(5),
        told_wait_max: Duration::from_secs(10),
    };
}

/// What the routes of the intake share.
pub(crate) struct Intake {
    collector: Arc<dyn Collector>,
    room: Arc<Room>,
    large: Arc<Semaphore>,
    limits: Limits,
}

impl Intake {
    /// Makes the intake before a collector.
    pub(crate) fn new(collector: Arc<dyn Collector>, limits: Limits) -> Intake {
        Intake {
            collector,
            room: Room::new(limits.deliveries_max, limits.bytes_max),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE_MAX)),
            limits,
        }
    }

    /// Reads a body; its bytes count in its place as they come.
    async fn read(&self, body: &mut Body, declared: Option<u64>, place: &mut Place) -> Result<Vec<u8>, Problem> {
        let end = Instant::now() + self.limits.body_wait_max;
        let mut bytes = Vec::with_capacity(declared.map_or(0, |length| as_bytes(length).min(PACKED_BYTES_MAX)));
        loop {
            let next_by = end.min(Instant::now() + self.limits.piece_wait_max);
            match timeout_at(next_by, next_piece(body)).await {
                Ok(None) => return Ok(bytes),
                Ok(Some(Ok(piece))) if bytes.len() + piece.len() > PACKED_BYTES_MAX => return Err(too_large()),
                Ok(Some(Ok(piece))) => {
                    place.hold(bytes.len() + piece.len())?;
                    bytes.extend_from_slice(&piece);
                }
                Ok(Some(Err(_))) => {
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off before its end")
                        .with_hint("send as many bytes as `Content-Length` says"));
                }
                Err(_) => {
                    return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
                        .with_hint("send it again, over a steadier connection or in smaller parts"));
                }
            }
        }
    }

    /// Reads on in a body that is refused already and keeps nothing of it.
    ///
    /// A client that is still sending when the connection ends would never see the refusal, and send it all again.
    async fn drain(&self, body: &mut Body) {
        let reading = async {
            let mut n_bytes = 0;
            while let Some(Ok(piece)) = next_piece(body).await {
                n_bytes += piece.len();
                if n_bytes > DRAINED_BYTES_MAX {
                    break;
                }
            }
        };
        let _ = timeout(self.limits.piece_wait_max, reading).await;
    }

    /// Unpacks a delivery, hands it to the collector, and waits for what it tells.
    async fn take(&self, mut place: Place, packed: Packed, delivery: Delivery) -> Result<Receipt, Problem> {
        let (tell, told) = oneshot::channel();
        let collector = self.collector.clone();
        let is_small = packed.encoding == Encoding::Plain && packed.bytes.len() <= SMALL_BYTES_MAX;
        let hand_over = move || -> Result<(), Problem> {
            let decoded = decode(packed.encoding, packed.bytes)?;
            let body = if packed.is_form { envelope::json_of_form(decoded)? } else { decoded };
            place.hold(body.len())?;
            // The place is kept until the collector is done, also when the client no longer waits.
            let told = move |receipt| {
                drop(place);
                let _ = tell.send(receipt);
            };
            collector.take(Delivery { body, ..delivery }, Box::new(told));
            Ok(())
        };
        if is_small {
            hand_over()?;
        } else {
            let turn = self.large.clone().acquire_owned().await.expect("the semaphore is never closed");
            let done = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                hand_over()
            });
            done.await.map_err(|panic| fault(&panic))??;
        }
        match timeout(self.limits.told_wait_max, told).await {
            Ok(Ok(receipt)) => Ok(receipt),
            Ok(Err(untold)) => Err(fault(&untold)),
            Err(_) => Err(Problem::busy("what was delivered is not on disk yet")
                .with_hint("send it again with the same message ids; what is there already is stored once")),
        }
    }

    /// Takes what a pixel carries. All of it stands in the URL, so its key does as well.
    async fn take_pixel(&self, parts: &Parts) -> Result<Receipt, Problem> {
        let name = parts.uri.path().rsplit('/').next().unwrap_or_default();
        let call = call_of(name).ok_or_else(no_call)?;
        let query = pairs(parts.uri.query().unwrap_or_default());
        let data = last(&query, "data");
        let bytes = Some(data).filter(|data| data.len() <= PIXEL_BYTES_MAX).and_then(envelope::base64);
        let bytes = bytes.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "`data` is not base64, or too long"))?;
        let key_inside = envelope::key_in(&bytes)
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "`data` is no message in JSON"))?;
        let key_beside = Some(last(&query, "writeKey")).filter(|key| !key.is_empty()).map(str::to_owned);
        let mut place = Room::enter(&self.room, bytes.len())?;
        place.hold(bytes.len())?;
        let delivery = Delivery {
            key: key_beside.or(key_inside),
            is_key_in_url: true,
            call,
            body: Vec::new(),
            sender: envelope::sender_of(parts),
        };
        self.take(place, Packed { bytes, encoding: Encoding::Plain, is_form: false }, delivery).await
    }
}

/// A body as it came.
struct Packed {
    bytes: Vec<u8>,
    encoding: Encoding,
    is_form: bool,
}

/// `POST /v1/{call}`: one message, or a batch.
pub(crate) async fn take(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, mut body) = request.into_parts();
    match receive(&app.intake, &name, &parts, &mut body).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            if problem.status() != StatusCode::REQUEST_TIMEOUT {
                app.intake.drain(&mut body).await;
            }
            Err(problem)
        }
    }
}

async fn receive(intake: &Intake, name: &str, parts: &Parts, body: &mut Body) -> Result<Response, Problem> {
    let call = call_of(name).ok_or_else(no_call)?;
    let shown = envelope::key_of(parts)?;
    let encoding = Encoding::of(&parts.headers)?;
    let declared = declared_length(&parts.headers);
    if declared.is_some_and(|length| length > PACKED_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut place = Room::enter(&intake.room, declared.map_or(0, as_bytes))?;
    let bytes = intake.read(body, declared, &mut place).await?;
    let delivery = Delivery {
        key: shown.key,
        is_key_in_url: shown.is_in_url,
        call,
        body: Vec::new(),
        sender: envelope::sender_of(parts),
    };
    let packed = Packed { bytes, encoding, is_form: envelope::is_form(&parts.headers) };
    let receipt = intake.take(place, packed, delivery).await?;
    Ok(reply::reply(call, &receipt))
}

/// `OPTIONS` of the calls: any page may send any of them, and no cookie along.
pub(crate) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
        // The last is what a browser's library adds when it tries again.
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, content-encoding, x-retry-count"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `GET /v1/projects/{key}/settings`: what a browser's library needs so that it sends to this server and nowhere else.
pub(crate) async fn settings(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut settings = app.intake.collector.settings(&key).ok_or_else(|| {
        Problem::not_found("public write key").with_hint("take the write key of a source that browsers send to")
    })?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
    let host = host.ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "the header `Host` names no host")
            .with_hint("send the server's name in it")
    })?;
    let segment = member(member(&mut settings, "integrations"), "Segment.io");
    if member(segment, "apiKey").is_null() {
        segment["apiKey"] = key.into();
    }
    segment["apiHost"] = format!("{host}/v1").into();
    segment["protocol"] = if app.secure_cookies { "https" } else { "http" }.into();
    // The library would report on itself to its maker otherwise.
    member(&mut settings, "metrics")["sampleRate"] = 0.into();
    Ok(Json(settings).into_response())
}

/// `GET /v1/pixel/{call}`: a picture whatever happens; what became of the message is in a header.
pub(crate) async fn pixel(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let outcome = match app.intake.take_pixel(&parts).await {
        Ok(receipt) => reply::outcome(&receipt),
        Err(_) => MessageOutcome::Rejected,
    };
    let mut response = ([(header::CONTENT_TYPE, "image/gif")], GIF).into_response();
    let name = HeaderName::from_static("x-entente-outcome");
    response.headers_mut().insert(name, HeaderValue::from_static(outcome.name()));
    response
}

/// The call of a path: its name, its first letter as browsers write it, or `import`, an old name of `batch`.
fn call_of(name: &str) -> Option<Call> {
    match name {
        "track" | "t" => Some(Call::Track),
        "identify" | "i" => Some(Call::Identify),
        "page" | "p" => Some(Call::Page),
        "screen" | "s" => Some(Call::Screen),
        "group" | "g" => Some(Call::Group),
        "alias" | "a" => Some(Call::Alias),
        "consent" => Some(Call::Consent),
        "batch" | "b" | "import" => Some(Call::Batch),
        _ => None,
    }
}

fn as_bytes(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn no_call() -> Problem {
    Problem::not_found("call")
        .with_hint("the calls are `track`, `identify`, `page`, `screen`, `group`, `alias`, `consent` and `batch`")
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 500 KiB")
        .with_hint("send fewer messages at once, or pack the body")
}

fn fault(cause: &dyn std::error::Error) -> Problem {
    tracing::error!(cause = %cause, "a delivery ended abnormally");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side; it is in the server's log")
}

/// Whether a text can be a host with a port; it goes into what browsers are told.
fn is_authority(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

/// A member of an object; what is no object becomes one.
fn member<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    &mut value[name]
}

#[cfg(test)]
mod tests;
