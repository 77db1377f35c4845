//! Clients that mean harm or know no better, in numbers: bombs, floods of connections, slow ones, repeats.

use super::*;
use tokio::net::TcpSocket;

/// The most that one bomb may cost beside what is told: the widest window, and room for the allocator.
const BOMB_BYTES_MAX: u64 = 24 << 20;
/// What a bomb would be, unpacked.
const BLANKS_BYTES: u64 = 128 << 20;

/// The most memory that this process has held so far.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it is there");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("it is a number") << 10
}

/// Blanks that are written to a packer piece by piece, and never held.
fn pack_blanks(packer: &mut dyn Write, n_bytes: u64) {
    let piece = vec![b' '; 1 << 20];
    (0..n_bytes >> 20).for_each(|_| packer.write_all(&piece).expect("memory takes it"));
}

/// 128 MiB of blanks in each encoding, as small as it gets.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    pack_blanks(&mut gzip, BLANKS_BYTES);
    let gzip = gzip.finish().expect("memory takes it");
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    pack_blanks(&mut zlib, BLANKS_BYTES);
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::best());
    pack_blanks(&mut bare, BLANKS_BYTES);
    let mut zstd = ::zstd::Encoder::new(Vec::new(), 1).expect("memory takes it");
    pack_blanks(&mut zstd, BLANKS_BYTES);
    vec![
        ("gzip", self::gzip(&gzip)),
        ("gzip", gzip),
        ("deflate", zlib.finish().expect("memory takes it")),
        ("deflate", bare.finish().expect("memory takes it")),
        ("zstd", zstd.finish().expect("memory takes it")),
        ("br", hex(BOMB_IN_BROTLI)),
    ]
}

#[test]
fn case_2_a_bomb_costs_no_more_than_the_limit_and_its_window() {
    for (encoding, bomb) in bombs() {
        let named = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
        let encoding = Encoding::of(&named).expect("it is read here");
        let before = peak_bytes();
        for _ in 0..4 {
            match decode(encoding, bomb.clone()) {
                // Packed twice and unpacked once.
                Ok(once) => assert!(once.len() <= encoding::DECODED_BYTES_MAX),
                Err(why) => assert_eq!(why, encoding::Undecodable::TooLarge, "{encoding:?}"),
            }
        }
        let more = peak_bytes() - before;
        assert!(more < BOMB_BYTES_MAX, "{encoding:?} took {more} bytes");
    }
}

/// One delivery over a connection of its own from an address of this machine, and whether it was taken.
async fn is_served(from: [u8; 4], to: std::net::SocketAddr) -> bool {
    let length = MESSAGE.len();
    let said = request(&format!("Content-Length: {length}\r\nConnection: close\r\n"), MESSAGE);
    let Ok(mut stream) = connect(from, to).await else { return false };
    let _ = stream.write_all(said.as_bytes()).await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    heard.starts_with(b"HTTP/1.1 200 ")
}

async fn connect(from: [u8; 4], to: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Waits until something is so; the test's own patience is the limit.
async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let waited = timeout(Duration::from_secs(10), async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

/// Connections that a test may hold beside the server's ends of them: each takes two files.
fn connections_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux tells it");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("it is there");
    let n_files = line.split_whitespace().nth(3).and_then(|word| word.parse().ok()).unwrap_or(usize::MAX);
    (n_files / 3).min(3_000)
}

#[tokio::test]
async fn case_17_idle_connections_are_bounded_and_others_are_served() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_millis(1_500)).await;
    let flood = [127, 0, 0, 1];
    let before = peak_bytes();
    let mut idle = Vec::new();
    for _ in 0..connections_max() {
        idle.push(connect(flood, address).await.expect("the system takes it"));
    }
    if idle.len() > 1_024 {
        assert!(!is_served(flood, address).await, "the address holds all that it may");
    }
    assert!(is_served([127, 0, 0, 2], address).await, "its share is not everybody's");
    let each = (peak_bytes() - before) / idle.len() as u64;
    assert!(each < 256 << 10, "{each} bytes for each of {}", idle.len());
    // The server lets go of them by itself.
    until("idle connections are closed", || is_served(flood, address)).await;
    for stream in &mut idle {
        let ended = timeout(Duration::from_secs(10), stream.read(&mut [0; 64])).await.expect("it was closed");
        assert!(!matches!(ended, Ok(n) if n > 0), "nobody was told anything");
    }
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 2);
}

#[tokio::test]
async fn case_17_connections_that_break_off_leave_nothing_behind() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_secs(30)).await;
    let half = request("Content-Length: 400000\r\n", &" ".repeat(1_000));
    // More than the server's places, and than all that the intake holds at once.
    for n in 0..3_000 {
        let mut stream = TcpStream::connect(address).await.expect("the system takes it");
        stream.set_zero_linger().expect("a reset instead of an end");
        let said = [&b""[..], b"POST /v1/t HT", half.as_bytes()][n % 3];
        let _ = stream.write_all(said).await;
    }
    until("it is served again", || is_served([127, 0, 0, 1], address)).await;
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 1, "half a body is none");
}

#[tokio::test]
async fn case_17_http_2_is_not_spoken() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_secs(2)).await;
    // The preface with settings, and a thousand resets behind it.
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    (0..1_000_u32)
        .for_each(|n| said.extend([&b"\0\0\x04\x03\0"[..], &(2 * n + 1).to_be_bytes(), &[0, 0, 0, 8]].concat()));
    let heard = talk(address, &said).await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 400 "), "{heard}");
    // Who asks for it politely is answered in HTTP/1.1.
    let upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let said = request(&format!("{upgrade}Content-Length: {}\r\n", MESSAGE.len()), MESSAGE);
    let heard = talk(address, said.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 1);
}

#[tokio::test]
async fn case_16_drops_of_a_head_do_not_hold_a_place_for_long() {
    let recorder = Arc::new(Recorder::default());
    let address = listen(&recorder, Duration::from_millis(300)).await;
    let started = Instant::now();
    let length = MESSAGE.len();
    for before in ["", &request(&format!("Content-Length: {length}\r\n"), MESSAGE)] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(before.as_bytes()).await.expect("it is read");
        stream.write_all(b"POST /v1/t HTTP/1.1\r\n").await.expect("it is read");
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b"X-Drop: 1\r\n").await.is_ok() {
            beat.tick().await;
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(recorder.taken.lock().expect("a lock").len(), 1, "the one that was whole");
}

#[tokio::test]
async fn case_20_a_secret_key_counts_nowhere_in_a_url() {
    let bare = r#"{"event":"A"}"#;
    for path in ["/v1/track?writeKey=sk_shop", "/v1/batch?writeKey=sk_shop", "/v1/t?writeKey=pk_web&writeKey=sk_shop"] {
        let (got, _) = send(post(path, &[], bare)).await;
        assert_eq!(got.status, 401, "{path}");
        assert!(!String::from_utf8_lossy(&got.body).contains(SECRET_KEY), "and it is not told again");
    }
    let (got, _) = send(Request::get("/v1/projects/sk_shop/settings").body(Body::empty()).expect("a request")).await;
    assert_eq!(got.status, 404);
    // In the address of the page before, any key is only text.
    for key in [PUBLIC_KEY, SECRET_KEY] {
        let referrer = format!("https://shop.example/?writeKey={key}");
        let (got, taken) = send(post("/v1/t", &[("referer", referrer.as_str())], bare)).await;
        assert_eq!((got.status, taken[0].key.as_deref(), taken[0].is_key_in_url), (401, None, false));
    }
}

#[tokio::test]
async fn case_24_a_beacon_that_another_site_sends_again_is_the_same_message() {
    let beacon = r#"{"writeKey":"pk_web","event":"Bought","messageId":"m-1","userId":"u"}"#;
    let recorder = Arc::new(Recorder::default());
    let app = app(&recorder, Limits::USUAL);
    for (site, cookie) in [("https://shop.example", ""), ("https://evil.example", "entente=session-ivo")] {
        let headers =
            [("origin", site), ("sec-fetch-site", "cross-site"), ("content-type", "text/plain"), ("cookie", cookie)];
        let got = send_to(app.clone(), post("/v1/t", &headers, beacon)).await;
        // It is told the same: whether a message was there already is nothing that a stranger may find out.
        assert_eq!((got.status, got.json()), (200, json!({ "success": true, "message_id": "m-1" })));
    }
    // The id reaches the collector untouched both times; what has landed under it lands no second time (`app`, `lake`).
    let taken = recorder.taken.lock().expect("a lock");
    assert!(taken.len() == 2 && taken[0].body == taken[1].body && taken[0].body == beacon.as_bytes());
}
