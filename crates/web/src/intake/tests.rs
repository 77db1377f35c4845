//! What clients send and what they are told: through the router, and over a socket where the wire matters.
//!
//! Numbers of cases are those of the list of attacks and bad inputs that the collector has to stand.

use super::*;
use crate::fixture::Fixture;
use crate::routes::router;
use crate::sample_collector::{PUBLIC_KEY, SECRET_KEY, SampleCollector};
use crate::server::{Options, serve_app};
use api::{Choice, Delivery, LinkHolder, MessageReceipt, PreferenceLink, Pulse, Refusal, RefusalKind};
use axum::body::to_bytes;
use axum::http::{Method, Request};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::json;
use std::convert::Infallible;
use std::io::Write;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

mod storms;

const MESSAGE: &str = r#"{"event":"Bought","properties":{"n":1}}"#;
/// The same, packed by another program.
const MESSAGE_IN_BROTLI: &str =
    "1b2600f88dc33816fc513461f3508becb9c54c1d963e98c88940d69a1ff15d400e557084185ee9a491e31e";
/// Four million blanks.
const BOMB_IN_BROTLI: &str = "9bffff3ff82540e2b14020f7fe07";
/// `KEY:` of the public key.
const BASIC: &str = "Basic cGtfd2ViOg==";

type Tell = Box<dyn FnOnce(Receipt) + Send>;

/// Writes down what it is given, and answers as the sample does unless it is told otherwise.
#[derive(Default)]
struct Recorder {
    taken: Mutex<Vec<Delivery>>,
    refusal: Option<Refusal>,
    /// Keeps what it should tell.
    is_slow: bool,
    untold: Mutex<Vec<Tell>>,
}

impl Collector for Recorder {
    fn take(&self, delivery: Delivery, told: Tell) {
        self.taken.lock().expect("a lock").push(delivery.clone());
        if self.is_slow {
            self.untold.lock().expect("a lock").push(told);
        } else if let Some(refusal) = &self.refusal {
            told(Receipt::Refused(refusal.clone()));
        } else {
            SampleCollector { mark: "" }.take(delivery, told);
        }
    }
    fn preferences(&self, link: &PreferenceLink) -> Result<LinkHolder, Refusal> {
        SampleCollector { mark: "" }.preferences(link)
    }
    fn choose(&self, link: &PreferenceLink, choice: Choice, told: Tell) {
        SampleCollector { mark: "" }.choose(link, choice, told);
    }
    fn settings(&self, key: &str) -> Option<Value> {
        SampleCollector { mark: "" }.settings(key)
    }
    fn pulse(&self) -> Pulse {
        Pulse::default()
    }
}

fn app(recorder: &Arc<Recorder>, limits: Limits) -> App {
    let options = Options {
        product: Arc::new(Fixture { mark: "" }),
        collector: recorder.clone(),
        templates_from: None,
        secure_cookies: false,
        spool: std::env::temp_dir(),
    };
    App::new(options, limits)
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("headers are text")).unwrap_or_default()
    }
}

async fn send_to(app: App, request: Request<Body>) -> Got {
    let (parts, body) = router(app).oneshot(request).await.expect("the router never fails").into_parts();
    let body = to_bytes(body, 64 << 20).await.expect("the body is in memory").to_vec();
    let got = Got { status: parts.status.as_u16(), headers: parts.headers, body };
    assert_eq!(got.header("access-control-allow-origin"), "*");
    assert_eq!(got.header("cross-origin-resource-policy"), "cross-origin");
    assert!(!got.headers.contains_key("access-control-allow-credentials") && !got.headers.contains_key("set-cookie"));
    assert_eq!(got.header("cache-control"), "no-store");
    got
}

/// Sends one request; says what came back and what the collector was given.
async fn send(request: Request<Body>) -> (Got, Vec<Delivery>) {
    let recorder = Arc::new(Recorder::default());
    let got = send_to(app(&recorder, Limits::USUAL), request).await;
    let taken = recorder.taken.lock().expect("a lock").clone();
    (got, taken)
}

fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let request = headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    request.body(body.into()).expect("a request")
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).expect("memory takes it")
}

/// A body without a declared length.
struct Undeclared(Option<Vec<u8>>);

impl hyper::body::Body for Undeclared {
    type Data = axum::body::Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Infallible>>> {
        let taken = self.0.as_mut().map(|rest| rest.drain(..rest.len().min(8192)).collect::<Vec<u8>>());
        let frame = taken.filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(hyper::body::Frame::data(bytes.into())));
        std::task::Poll::Ready(frame)
    }
}

#[tokio::test]
async fn every_call_has_its_names() {
    use Call::{Alias, Batch, Group, Identify, Page, Screen, Track};
    for (names, call) in [
        (vec!["track", "t"], Track),
        (vec!["identify", "i"], Identify),
        (vec!["page", "p"], Page),
        (vec!["screen", "s"], Screen),
        (vec!["group", "g"], Group),
        (vec!["alias", "a"], Alias),
        (vec!["batch", "b", "import"], Batch),
    ] {
        for name in names {
            let headers = [("authorization", BASIC), ("content-type", "application/json")];
            let (got, taken) = send(post(&format!("/v1/{name}"), &headers, MESSAGE)).await;
            assert_eq!((got.status, taken.len(), taken[0].call), (200, 1, call), "{name}");
            assert_eq!(taken[0].body, MESSAGE.as_bytes());
        }
    }
    for name in ["m", "tracks", "T", "%74rack%2f"] {
        let (got, taken) = send(post(&format!("/v1/{name}"), &[("authorization", BASIC)], MESSAGE)).await;
        assert_eq!((got.status, taken.len()), (404, 0), "{name}");
        assert_eq!(got.header("content-type"), "application/problem+json");
    }
    let (got, _) = send(Request::get("/v1/track").body(Body::empty()).expect("a request")).await;
    assert_eq!(got.status, 405);
    let (got, _) = send(Request::get("/v1/no/such").body(Body::empty()).expect("a request")).await;
    assert_eq!((got.status, got.header("content-type")), (404, "application/problem+json"));
}

#[tokio::test]
async fn keys_are_shown_in_a_header_the_url_or_the_body() {
    let check = |path: &'static str, headers: Vec<(&'static str, &'static str)>| async move {
        let (got, taken) = send(post(path, &headers, MESSAGE)).await;
        (got.status, taken.into_iter().next().map(|delivery| (delivery.key, delivery.is_key_in_url)))
    };
    let public = |is_in_url| Some((Some(PUBLIC_KEY.to_owned()), is_in_url));
    assert_eq!(check("/v1/t", vec![("authorization", BASIC)]).await, (200, public(false)));
    assert_eq!(check("/v1/t", vec![("authorization", "basic cGtfd2ViOnNlY3JldA")]).await, (200, public(false)));
    assert_eq!(check("/v1/t", vec![("authorization", "Bearer pk_web")]).await, (200, public(false)));
    assert_eq!(check("/v1/t?writeKey=pk_web", vec![]).await, (200, public(true)));
    assert_eq!(
        check("/v1/t?writeKey=x", vec![("authorization", BASIC)]).await,
        (200, public(false)),
        "the header wins"
    );
    assert_eq!(check("/v1/t", vec![]).await, (401, Some((None, false))), "the body's is the collector's to read");
    assert_eq!(check("/v1/t", vec![("cookie", "entente=session-ivo")]).await, (401, Some((None, false))));
    for broken in ["Basic", "Basic ???", "Basic cGtfd2Vi", "Basic Og==", "Digest x", "Bearer ", "pk_web"] {
        assert_eq!(check("/v1/t?writeKey=pk_web", vec![("authorization", broken)]).await, (401, None), "{broken}");
    }
    let twice = vec![("authorization", BASIC), ("authorization", BASIC)];
    assert_eq!(check("/v1/t", twice).await, (401, None));
    // Case 20: a secret where everybody reads it.
    assert_eq!(check("/v1/t", vec![("authorization", "Bearer sk_shop")]).await.0, 200);
    assert_eq!(check("/v1/t?writeKey=sk_shop", vec![]).await.0, 401);
    let (got, _) = send(post("/v1/t", &[("authorization", "Basic ???")], MESSAGE)).await;
    assert_eq!((got.header("www-authenticate"), got.json()["status"].as_u64()), ("Bearer", Some(401)));
    assert!(got.json()["hint"].as_str().is_some_and(|hint| hint.contains("Basic")));
}

#[tokio::test]
async fn the_sender_is_told_on_and_the_address_is_the_connections() {
    let headers = [
        ("authorization", BASIC),
        ("user-agent", "curl/8"),
        ("referer", "https://shop.example/?writeKey=pk_web"),
        ("sec-gpc", "1"),
        ("x-forwarded-for", "6.6.6.6"),
    ];
    let mut request = post("/v1/t", &headers, MESSAGE);
    request.extensions_mut().insert(Peer([10, 0, 0, 7].into()));
    let sender = send(request).await.1[0].sender.clone();
    assert_eq!(sender.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(sender.referrer.as_deref(), Some("https://shop.example/?writeKey=pk_web"));
    assert_eq!((sender.address, sender.refuses_sale), (Some([10, 0, 0, 7].into()), true));
    let sender = send(post("/v1/t", &[("authorization", BASIC), ("sec-gpc", "0")], MESSAGE)).await.1[0].sender.clone();
    assert_eq!((sender.address, sender.refuses_sale, sender.user_agent), (None, false, None));
}

#[tokio::test]
async fn every_encoding_comes_out_as_it_went_in() {
    let check = |encoding: &'static str, body: Vec<u8>| async move {
        let headers = [("authorization", BASIC), ("content-encoding", encoding)];
        let (got, taken) = send(post("/v1/track", &headers, body)).await;
        assert_eq!(got.status, 200, "{encoding}");
        assert_eq!(String::from_utf8_lossy(&taken[0].body), MESSAGE, "{encoding}");
    };
    let plain = MESSAGE.as_bytes();
    check("identity", plain.to_vec()).await;
    check("gzip", gzip(plain)).await;
    check("GZIP", [gzip(&plain[..9]), gzip(&plain[9..])].concat()).await;
    check("deflate", zlib(plain)).await;
    check("deflate", deflate(plain)).await;
    check("br", hex(MESSAGE_IN_BROTLI)).await;
    check("zstd", [zstd(&plain[..9]), zstd(&plain[9..])].concat()).await;
}

#[tokio::test]
async fn case_1_a_body_over_the_limit_is_refused_declared_or_not() {
    let recorder = Arc::new(Recorder::default());
    let app = app(&recorder, Limits::USUAL);
    let at = |n_bytes: usize| {
        let rest = n_bytes - MESSAGE.len();
        format!("{MESSAGE}{}", " ".repeat(rest)).into_bytes()
    };
    for (n_bytes, status) in [(PACKED_BYTES_MAX, 200), (PACKED_BYTES_MAX + 1, 413)] {
        let declared = post("/v1/t", &[("authorization", BASIC)], at(n_bytes));
        assert_eq!(send_to(app.clone(), declared).await.status, status);
        let undeclared = post("/v1/t", &[("authorization", BASIC)], Body::new(Undeclared(Some(at(n_bytes)))));
        assert_eq!(send_to(app.clone(), undeclared).await.status, status);
    }
    let length = (PACKED_BYTES_MAX + 1).to_string();
    let promised = post("/v1/t", &[("authorization", BASIC), ("content-length", &length)], Body::empty());
    let got = send_to(app, promised).await;
    assert_eq!((got.status, &got.json()["detail"]), (413, &json!("the body is larger than 500 KiB")));
    assert!(got.json()["hint"].is_string());
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 2, "nothing of the others");
}

#[tokio::test]
async fn case_2_bombs_end_at_the_limit_of_what_is_decoded() {
    let blanks = vec![b' '; 64 << 20];
    let nested = gzip(&gzip(&blanks));
    for (encoding, bomb) in [
        ("gzip", gzip(&blanks)),
        ("deflate", zlib(&blanks)),
        ("br", hex(BOMB_IN_BROTLI)),
        ("zstd", zstd(&blanks)),
        ("gzip", std::iter::repeat_n(gzip(&blanks[..1 << 19]), 400).collect::<Vec<_>>().concat()),
    ] {
        assert!(bomb.len() <= PACKED_BYTES_MAX, "{encoding}");
        let headers = [("authorization", BASIC), ("content-encoding", encoding)];
        let (got, taken) = send(post("/v1/batch", &headers, bomb)).await;
        assert_eq!((got.status, taken.len()), (413, 0), "{encoding}");
        assert!(got.json()["hint"].is_string());
    }
    // What is packed twice is unpacked once, and is no JSON.
    let (got, _) = send(post("/v1/batch", &[("authorization", BASIC), ("content-encoding", "gzip")], nested)).await;
    assert!([400, 413].contains(&got.status));
    // Exactly as much as may be, and one byte more.
    let packed = |n_bytes: usize| gzip(&vec![b' '; n_bytes]);
    assert_eq!(decode(Encoding::Gzip, packed(512 << 10)).map(|bytes| bytes.len()), Ok(512 << 10));
    assert_eq!(decode(Encoding::Gzip, packed((512 << 10) + 1)), Err(encoding::Undecodable::TooLarge));
}

#[tokio::test]
async fn case_3_zstd_that_holds_nothing_is_stopped_by_the_limit_of_what_is_sent() {
    let frame = [&[0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0x00, 0x00][..], &[0; 0xffff]].concat();
    let headers = [("authorization", BASIC), ("content-encoding", "zstd")];
    let (got, taken) = send(post("/v1/batch", &headers, frame.repeat(8))).await;
    assert_eq!((got.status, taken.len()), (413, 0));
    let (got, _) = send(post("/v1/batch", &headers, frame.repeat(7))).await;
    assert_eq!(got.status, 400, "nothing is no JSON");
}

#[tokio::test]
async fn case_4_unknown_encodings_and_lists_of_them_are_refused() {
    for encodings in [vec!["gzip, gzip"], vec!["gzip", "gzip"], vec!["compress"], vec!["gzip,br"], vec!["\u{ff}"]] {
        let mut request = Request::post("/v1/batch").header("authorization", BASIC);
        for encoding in &encodings {
            request = request.header("content-encoding", encoding.as_bytes());
        }
        let (got, taken) = send(request.body(gzip(MESSAGE.as_bytes()).into()).expect("a request")).await;
        assert_eq!((got.status, taken.len()), (415, 0), "{encodings:?}");
        assert!(got.json()["hint"].as_str().is_some_and(|hint| hint.contains("zstd")));
    }
}

#[tokio::test]
async fn what_breaks_off_or_goes_on_is_no_body() {
    let plain = MESSAGE.as_bytes();
    for (encoding, good) in [
        ("gzip", gzip(plain)),
        ("deflate", zlib(plain)),
        ("deflate", deflate(plain)),
        ("br", hex(MESSAGE_IN_BROTLI)),
        ("zstd", zstd(plain)),
    ] {
        for body in [good[..good.len() - 3].to_vec(), [&good, &b"more"[..]].concat(), b"garbage".to_vec()] {
            let headers = [("authorization", BASIC), ("content-encoding", encoding)];
            let (got, taken) = send(post("/v1/track", &headers, body.clone())).await;
            assert_eq!((got.status, taken.len()), (400, 0), "{encoding} {body:?}");
            assert!(!String::from_utf8_lossy(&got.body).contains("Bought"), "nothing of the body is told");
        }
    }
    for wide in [0x11, 0x0d, 0x0f] {
        assert_eq!(decode(Encoding::Brotli, vec![wide, 0x1e, 0, 0, 0]), Err(encoding::Undecodable::TooWide));
    }
    // A frame that asks for a window of 1 GiB.
    let wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00];
    assert_eq!(decode(Encoding::Zstd, wide.to_vec()), Err(encoding::Undecodable::Broken));
}

#[tokio::test]
async fn case_19_beacons_and_forms_are_read_as_json() {
    let check = |kind: &'static str, body: &'static str| async move {
        let headers = [("authorization", BASIC), ("content-type", kind)];
        let (got, taken) = send(post("/v1/t", &headers, body)).await;
        assert_eq!(got.status, 200, "{kind} {body}");
        assert_eq!(String::from_utf8_lossy(&taken[0].body), r#"{"event":"A b"}"#, "{kind} {body}");
    };
    check("text/plain;charset=UTF-8", r#"{"event":"A b"}"#).await;
    check("application/json", r#"{"event":"A b"}"#).await;
    let form = "application/x-www-form-urlencoded";
    check(form, "data=%7B%22event%22%3A%22A+b%22%7D").await;
    check(form, "x=1&data=eyJldmVudCI6IkEgYiJ9&").await;
    check("Application/X-WWW-Form-Urlencoded; charset=utf-8", r#"{"event":"A b"}"#).await;
    for body in ["", "x=1", "data=%%%", "data=eyJ"] {
        let (got, _) = send(post("/v1/t", &[("authorization", BASIC), ("content-type", form)], body)).await;
        assert_eq!(got.status, 400, "{body}");
    }
    // Bytes that are no text reach the collector as they are: it says what becomes of them.
    let headers = [("authorization", BASIC), ("content-type", form)];
    let (_, taken) = send(post("/v1/t", &headers, "data=%7B%22e%22:%22%ff%22%7D")).await;
    assert_eq!(taken[0].body, b"{\"e\":\"\xff\"}");
}

#[tokio::test]
async fn case_19_a_preflight_is_answered_to_any_page() {
    for path in ["/v1/t", "/v1/batch", "/v1/pixel/track", "/v1/projects/pk_web/settings"] {
        let request = Request::options(path)
            .header("origin", "https://shop.example")
            .header("sec-fetch-site", "cross-site")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let (got, taken) = send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!((got.status, taken.len()), (204, 0), "{path}");
        assert!(got.header("access-control-allow-methods").contains("POST"));
        for header in ["authorization", "content-type", "content-encoding", "x-retry-count"] {
            assert!(got.header("access-control-allow-headers").contains(header), "{header}");
        }
        assert_eq!(got.header("access-control-max-age"), "86400");
    }
    let headers = [
        ("origin", "https://shop.example"),
        ("sec-fetch-site", "cross-site"),
        ("cookie", "entente=session-ivo"),
        ("content-type", "text/plain"),
    ];
    let (got, taken) = send(post("/v1/t", &headers, r#"{"event":"A","writeKey":"pk_web"}"#)).await;
    assert_eq!((got.status, taken.len()), (200, 1), "the key in the body counts, the cookie does not");
    assert!(got.header("access-control-expose-headers").contains("retry-after"));
}

#[tokio::test]
async fn case_19_the_pixel_is_a_picture_whatever_happens() {
    let check = |path: String| async move {
        let (got, taken) = send(Request::get(&path).body(Body::empty()).expect("a request")).await;
        assert_eq!((got.status, got.header("content-type")), (200, "image/gif"), "{path}");
        assert_eq!(got.body, GIF);
        (got.header("x-entente-outcome").to_owned(), taken)
    };
    // {"event":"A","writeKey":"pk_web"} in both alphabets, with and without padding.
    let data = "eyJldmVudCI6IkEiLCJ3cml0ZUtleSI6InBrX3dlYiJ9";
    let (outcome, taken) = check(format!("/v1/pixel/track?data={data}")).await;
    assert_eq!((outcome.as_str(), taken[0].key.as_deref()), ("accepted", Some(PUBLIC_KEY)));
    assert!(taken[0].is_key_in_url && taken[0].call == Call::Track);
    // {"event":"A","writeKey":"sk_shop"}: case 20.
    let secret = "eyJldmVudCI6IkEiLCJ3cml0ZUtleSI6InNrX3Nob3AifQ";
    assert_eq!(check(format!("/v1/pixel/track?data={secret}")).await.0, "rejected");
    let quarantined = "eyJldmVudCI6InF1YXJhbnRpbmVkIn0=";
    assert_eq!(check(format!("/v1/pixel/p?data={quarantined}&writeKey=pk_web")).await.0, "quarantined");
    for path in ["track", "track?data=", "track?data=!", "no?data=e30", "track?data=WzFd", "%ff?data=e30"] {
        let (outcome, taken) = check(format!("/v1/pixel/{path}")).await;
        assert_eq!((outcome.as_str(), taken.len()), ("rejected", 0), "{path}");
    }
    let long = format!("/v1/pixel/track?writeKey=pk_web&data={}", "IA".repeat(PIXEL_BYTES_MAX / 2 + 1));
    assert_eq!(check(long).await.1.len(), 0);
}

#[tokio::test]
async fn a_browsers_library_is_told_to_send_here_and_nowhere_else() {
    let ask = |key: &str, method: Method, host: &str| {
        let request =
            Request::builder().method(method).uri(format!("/v1/projects/{key}/settings")).header("host", host);
        send(request.body(Body::empty()).expect("a request"))
    };
    let (got, _) = ask(PUBLIC_KEY, Method::GET, "events.example:7800").await;
    let segment = &got.json()["integrations"]["Segment.io"];
    assert_eq!(got.status, 200);
    assert_eq!(segment, &json!({ "apiKey": PUBLIC_KEY, "apiHost": "events.example:7800/v1", "protocol": "http" }));
    assert_eq!(got.json()["metrics"]["sampleRate"], 0);
    assert_eq!(ask(PUBLIC_KEY, Method::HEAD, "h").await.0.status, 200);
    for key in [SECRET_KEY, "nobody", "token-ivo", "%2e%2e"] {
        let (got, _) = ask(key, Method::GET, "h").await;
        assert_eq!((got.status, got.header("content-type")), (404, "application/problem+json"), "{key}");
        assert!(!String::from_utf8_lossy(&got.body).contains(key));
    }
    assert_eq!(ask(PUBLIC_KEY, Method::GET, "evil.example/x?").await.0.status, 400);
}

#[tokio::test]
async fn one_message_is_answered_with_what_became_of_it() {
    let told = |event: &'static str| async move {
        let body = json!({ "event": event, "messageId": "m-1" }).to_string();
        let (got, _) = send(post("/v1/track", &[("authorization", BASIC)], body)).await;
        (got.status, got.json())
    };
    let faults = json!([
        { "reason": "the field is not a number", "contract": "web 1.0.0", "field": "amount", "hint": "send a number" }
    ]);
    assert_eq!(told("good").await, (200, json!({ "success": true, "message_id": "m-1" })));
    for outcome in ["flagged", "quarantined"] {
        let body = json!({ "success": true, "message_id": "m-1", "outcome": outcome, "faults": faults });
        assert_eq!(told(outcome).await, (200, body));
    }
    let (status, problem) = told("rejected").await;
    assert_eq!((status, &problem["type"]), (400, &json!("urn:entente:problem:invalid")));
    assert_eq!((&problem["faults"], &problem["hint"]), (&faults, &json!("send a number")));
    assert_eq!((&problem["message_id"], &problem["outcome"]), (&json!("m-1"), &json!("rejected")));
}

#[tokio::test]
async fn a_batch_is_answered_message_by_message() {
    let told = |events: Vec<&'static str>| async move {
        let batch: Vec<Value> = events.iter().map(|event| json!({ "event": event })).collect();
        let body = json!({ "batch": batch }).to_string();
        let (got, _) = send(post("/v1/batch", &[("authorization", BASIC)], body)).await;
        (got.status, got.json())
    };
    assert_eq!(
        told(vec!["a", "b"]).await,
        (200, json!({ "success": true, "accepted": 2, "flagged": 0, "quarantined": 0, "rejected": 0, "messages": [] }))
    );
    // Case 13: one bad message does not spoil the others.
    let (status, body) = told(vec!["a", "rejected", "b", "flagged", "quarantined"]).await;
    assert_eq!(
        (status, &body["success"], &body["accepted"], &body["rejected"]),
        (200, &json!(false), &json!(2), &json!(1))
    );
    let named: Vec<&Value> = body["messages"].as_array().expect("a list").iter().map(|one| &one["index"]).collect();
    assert_eq!(named, [1, 3, 4]);
    assert_eq!(body["messages"][0]["faults"][0]["reason"], "the field is not a number");
    let (status, body) = told(vec!["rejected", "rejected"]).await;
    assert_eq!((status, &body["status"], &body["rejected"]), (400, &json!(400), &json!(2)));
    assert_eq!((&body["success"], body["messages"].as_array().map(Vec::len)), (&json!(false), Some(2)));
    let (_, body) = told(vec!["flagged"; 3_000]).await;
    assert_eq!((&body["flagged"], body["messages"].as_array().map(Vec::len)), (&json!(3_000), Some(2_500)));
    assert_eq!(told(Vec::new()).await.0, 200);
}

#[tokio::test]
async fn a_refusal_says_whether_to_send_again() {
    for (kind, seconds, status, retry_after) in [
        (RefusalKind::Key, None, 401, ""),
        (RefusalKind::Malformed, None, 400, ""),
        (RefusalKind::TooLarge, None, 413, ""),
        (RefusalKind::OverLimit, Some(30), 429, "30"),
        (RefusalKind::OverLimit, Some(0), 429, "1"),
        (RefusalKind::Unavailable, None, 503, "5"),
    ] {
        let refusal =
            Refusal { kind, message: "it is so".to_owned(), hint: "do this".to_owned(), retry_after_seconds: seconds };
        let recorder = Arc::new(Recorder { refusal: Some(refusal), ..Recorder::default() });
        let got = send_to(app(&recorder, Limits::USUAL), post("/v1/t", &[("authorization", BASIC)], MESSAGE)).await;
        assert_eq!((got.status, got.header("retry-after")), (status, retry_after));
        assert_eq!(got.header("content-type"), "application/problem+json");
        assert_eq!((&got.json()["detail"], &got.json()["hint"]), (&json!("it is so"), &json!("do this")));
    }
}

#[tokio::test]
async fn what_is_in_flight_is_bounded_in_number_and_bytes() {
    let limits = Limits { deliveries_max: 2, bytes_max: 1 << 20, ..Limits::USUAL };
    let recorder = Arc::new(Recorder { is_slow: true, ..Recorder::default() });
    let app = app(&recorder, limits);
    let deliver = |n_bytes: usize| {
        let body = format!("{MESSAGE}{}", " ".repeat(n_bytes));
        send_to(app.clone(), post("/v1/t", &[("authorization", BASIC)], body))
    };
    let first = tokio::spawn(deliver(0));
    // A client that leaves does not make room: the collector still holds what it sent.
    let second = tokio::spawn(deliver(0));
    while recorder.untold.lock().expect("a lock").len() < 2 {
        tokio::task::yield_now().await;
    }
    second.abort();
    let full = deliver(0).await;
    assert_eq!((full.status, full.header("retry-after")), (503, "2"));
    for told in recorder.untold.lock().expect("a lock").drain(..) {
        told(Receipt::Read(vec![MessageReceipt {
            message_id: None,
            outcome: MessageOutcome::Accepted,
            faults: Vec::new(),
        }]));
    }
    assert_eq!(first.await.expect("it is answered").status, 200);

    let room = Room::new(9, 100);
    let (mut one, mut other) = (Room::enter(&room, 0).expect("a place"), Room::enter(&room, 0).expect("a place"));
    assert!(one.hold(60).is_ok() && other.hold(41).is_err() && other.hold(40).is_ok() && one.hold(50).is_ok());
    drop(one);
    assert!(other.hold(100).is_ok(), "what is dropped is given back");
}

#[tokio::test]
async fn a_collector_that_does_not_tell_is_not_waited_for_without_end() {
    let limits = Limits { told_wait_max: Duration::from_millis(1), ..Limits::USUAL };
    let recorder = Arc::new(Recorder { is_slow: true, ..Recorder::default() });
    let app = app(&recorder, limits);
    let got = send_to(app.clone(), post("/v1/t", &[("authorization", BASIC)], MESSAGE)).await;
    assert_eq!((got.status, got.header("retry-after")), (503, "2"));
    recorder.untold.lock().expect("a lock").clear();
    let large = " ".repeat(SMALL_BYTES_MAX + 1);
    let got = send_to(app, post("/v1/t", &[("authorization", BASIC)], large)).await;
    assert_eq!(got.status, 503, "off the event loop as well");
}

#[tokio::test]
async fn without_a_key_the_page_says_how_to_get_one() {
    let request = Request::get("/live").header("authorization", "Bearer token-ivo").body(Body::empty());
    let app = app(&Arc::new(Recorder::default()), Limits::USUAL);
    let response = router(app).oneshot(request.expect("a request")).await.expect("the router never fails");
    let page = to_bytes(response.into_body(), 1 << 20).await.expect("the body is in memory");
    let page = String::from_utf8_lossy(&page).into_owned();
    for words in ["No write key yet", "entente key", "Not kept: the last write failed", "Landing fails", "0 bytes<"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
}

#[test]
fn base64_is_read_in_every_form() {
    let text = |text: &str| envelope::base64(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    for (written, read) in [("", ""), ("Zg==", "f"), ("Zg", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")]
    {
        assert_eq!(text(written).as_deref(), Some(read));
    }
    assert_eq!(envelope::base64("-_8="), envelope::base64("+/8"));
    assert_eq!(envelope::base64(" /8="), Some(vec![0xfb, 0xff]), "a plus that a form made a blank");
    for broken in ["Z", "Zg===", "Z=g=", "Zm9v\n", "Zäö"] {
        assert_eq!(envelope::base64(broken), None, "{broken}");
    }
}

/// Serves on a free port under short limits.
async fn listen(recorder: &Arc<Recorder>, wait_max: Duration) -> std::net::SocketAddr {
    let limits = Limits { body_wait_max: wait_max, ..Limits::USUAL };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve_app(listener, app(recorder, limits), wait_max, Box::pin(std::future::pending())));
    address
}

/// Says something and hears everything until the server closes.
async fn talk(address: std::net::SocketAddr, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // The server may have closed already.
    let _ = stream.write_all(said).await;
    let mut heard = Vec::new();
    let reading = timeout(Duration::from_secs(20), stream.read_to_end(&mut heard));
    let _ = reading.await.expect("the server closes");
    String::from_utf8_lossy(&heard).into_owned()
}

fn request(more: &str, body: &str) -> String {
    format!("POST /v1/t HTTP/1.1\r\nHost: h\r\nAuthorization: {BASIC}\r\n{more}\r\n{body}")
}

#[tokio::test]
async fn case_16_who_is_slow_is_closed_and_others_are_served() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_millis(300)).await;
    let length = format!("Content-Length: {}\r\n", MESSAGE.len());
    let started = Instant::now();
    let nothing = tokio::spawn(async move { talk(address, b"").await });
    let half_a_head = tokio::spawn(async move { talk(address, b"POST /v1/t HTTP/1.1\r\nHo").await });
    let half_a_body = request(&length, &MESSAGE[..9]);
    let half_a_body = tokio::spawn(async move { talk(address, half_a_body.as_bytes()).await });
    // Drops make progress, and still may not take longer than a body may in all.
    let drops = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request("Content-Length: 100000\r\n", "").as_bytes()).await.expect("it is read");
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let swift = talk(address, request(&format!("{length}Connection: close\r\n"), MESSAGE).as_bytes()).await;
    assert!(swift.starts_with("HTTP/1.1 200 "), "{swift}");
    assert_eq!(nothing.await.expect("it ends"), "");
    let head = half_a_head.await.expect("it ends");
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let body = half_a_body.await.expect("it ends");
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
    drops.await.expect("it ends");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 1);
    assert_eq!(recorder.taken.lock().expect("a lock")[0].sender.address, Some([127, 0, 0, 1].into()));
}

#[tokio::test]
async fn case_1_who_sends_too_much_hears_so_and_may_go_on() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_secs(10)).await;
    let large = " ".repeat(PACKED_BYTES_MAX + 1);
    let declared = request(&format!("Content-Length: {}\r\n", large.len()), &large);
    let chunked = request("Transfer-Encoding: chunked\r\n", &format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    let good = request(&format!("Content-Length: {}\r\nConnection: close\r\n", MESSAGE.len()), MESSAGE);
    let heard = talk(address, format!("{declared}{chunked}{good}").as_bytes()).await;
    let answers: Vec<&str> = heard.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(answers, ["413", "413", "200"], "{heard}");
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 1);
}

#[tokio::test]
async fn case_17_pipelined_and_half_open_requests_are_answered_in_order() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_secs(10)).await;
    let one = |event: &str, more: &str| {
        let body = json!({ "event": event, "messageId": event }).to_string();
        request(&format!("Content-Length: {}\r\n{more}", body.len()), &body)
    };
    let all: String = (0..50).map(|n| one(&n.to_string(), "")).collect();
    let heard = talk(address, format!("{all}{}", one("last", "Connection: close\r\n")).as_bytes()).await;
    let ids: Vec<&str> = heard.split("\"message_id\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), 51, "{heard}");
    assert!((0..50).all(|n| ids[n] == n.to_string()) && ids[50] == "last");

    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(one("half", "").as_bytes()).await.expect("it is read");
    stream.shutdown().await.expect("this half is closed");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.expect("the other half still speaks");
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
}

#[tokio::test]
async fn case_18_heads_that_can_be_read_in_two_ways_are_refused() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_secs(2)).await;
    let head = |more: &str| request(more, "0\r\n\r\n");
    for (what, said) in [
        ("both lengths", head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
        ("both lengths, the other way", head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
        ("two lengths", head("Content-Length: 5\r\nContent-Length: 6\r\n")),
        ("two lengths in one", head("Content-Length: 5, 6\r\n")),
        ("a signed length", head("Content-Length: +5\r\n")),
        ("not chunked at last", head("Transfer-Encoding: chunked, gzip\r\n")),
        ("a folded line", head("Content-Length: 5\r\nX-A: a\r\n b\r\n")),
        ("a blank before the colon", head("Content-Length : 5\r\n")),
        ("bare line feeds", head("Content-Length: 5\r\n").replace("\r\n", "\n")),
        ("one bare line feed", head("Content-Length: 5\r\nX-A: a\nX-B: b\r\n")),
        ("a bare carriage return", head("Content-Length: 5\r\nX-A: a\rb\r\n")),
        ("a NUL", head("Content-Length: 5\r\nX-A: a\0b\r\n")),
    ] {
        let heard = talk(address, said.as_bytes()).await;
        assert!(heard.starts_with("HTTP/1.1 400 "), "{what}: {heard}");
        assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{what}");
    }
    assert!(recorder.taken.lock().expect("a lock").is_empty());
}
