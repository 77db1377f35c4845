//! Non-interference over HTTP: three servers with the same ledger, clock and seeds, of which one was never given the facts
//! about withheld people, and one was given poison. Whatever is sent to them, they send the same bytes.
//!
//! What is sent follows from the route table: a route that is neither generated nor on the list of those left out fails the
//! test. `ENTENTE_PAIRS` sets how many pairs of answers are compared, `ENTENTE_SEED` where it begins.

use super::questions::{Dice, question};
use super::twins::{Facts, small_world};
use super::world::World;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use web::{RouteInfo, RouteKind};

mod masked;

const PAIRS: u64 = 600;
/// Requests to one three of worlds: to make them takes as long as some hundred requests.
const REQUESTS_PER_WORLD: u64 = 300;
const PURPOSES: [&str; 4] = ["analytics", "email", "ads", "nothing"];
/// Nobody of these sees operational facts, which are what rows were read and what came in.
const USERS: [&str; 4] = ["marketer", "officer", "executive", "stranger"];

/// Routes that nobody of `USERS` gets through, or that take nothing and show nothing of what is stored.
const LEFT_OUT: &[(&str, &str)] = &[
    ("POST /api/v1/sources/{name}/import", "only for roles that bring data in, who see what was there already"),
    ("POST /api/v1/sources/{name}/replay", "only for roles that bring data in, who see what was there already"),
    ("POST /api/v1/identity/{number}/undo", "only for roles that bring data in, who see what was there already"),
    ("POST /quarantine", "only for roles that bring data in, who see what was there already"),
    ("POST /sign-in", "takes a tenth of a second of a core on purpose, and looks at passwords alone"),
];

struct Server {
    world: World,
    address: SocketAddr,
    connection: BufReader<TcpStream>,
    _stop: oneshot::Sender<()>,
}

/// What came back, without what tells the time.
#[derive(Debug, PartialEq)]
struct Reply {
    head: Vec<String>,
    body: Vec<u8>,
}

#[test]
fn routes_tell_nothing_of_withheld_people() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_pairs, first) = (number("ENTENTE_PAIRS").unwrap_or(PAIRS), number("ENTENTE_SEED").unwrap_or(1_000));
    check_table();
    let n_requests = n_pairs.div_ceil(2);
    let n_worlds = n_requests.div_ceil(REQUESTS_PER_WORLD);
    let next = AtomicU64::new(0);
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<Compared> = std::thread::scope(|scope| {
        let work = || {
            let runtime = Runtime::new().expect("the system gives threads");
            let mut found = Compared::default();
            loop {
                let world = next.fetch_add(1, Ordering::Relaxed);
                if world >= n_worlds {
                    return found;
                }
                let n = REQUESTS_PER_WORLD.min(n_requests - world * REQUESTS_PER_WORLD);
                compare(&runtime, first + world, n, &mut found);
            }
        };
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no pair differs")).collect()
    });
    let routes: BTreeSet<&String> = found.iter().flat_map(|found| &found.routes).collect();
    let mut statuses = BTreeMap::<&str, u64>::new();
    for (status, n) in found.iter().flat_map(|found| &found.statuses) {
        *statuses.entry(status).or_default() += n;
    }
    // A run in which everything is refused would prove nothing.
    let n_good = statuses.get("HTTP/1.1 200 OK").copied().unwrap_or(0);
    assert!(n_good * 3 > n_requests, "too few requests are answered: {statuses:?}");
    let (n_pairs, n_routes) = (2 * n_requests, routes.len());
    println!("{n_routes} routes, {n_worlds} worlds, {n_pairs} pairs from seed {first}: 0 differences; {statuses:?}");
}

/// What was sent to threes of servers.
#[derive(Default)]
struct Compared {
    routes: BTreeSet<String>,
    statuses: BTreeMap<String, u64>,
}

/// Sends so many requests to a three of servers and compares what they say.
fn compare(runtime: &Runtime, seed: u64, n_requests: u64, found: &mut Compared) {
    let mut servers = [Facts::Present, Facts::Absent, Facts::Poisoned]
        .map(|facts| Server::start(runtime, small_world(seed, facts).open()));
    let mut dice = Dice::new(seed);
    for _ in 0..n_requests {
        let (route, request) = request(&mut dice);
        let replies = servers.each_mut().map(|server| server.send(&request));
        for (other, name) in [(1, "absent"), (2, "poisoned")] {
            assert_same(&replies[0], &replies[other], &format!("seed {seed}, {name}: {request:?}"));
        }
        *found.statuses.entry(replies[0].head[0].clone()).or_default() += 1;
        found.routes.insert(route);
    }
}

#[test]
fn a_route_that_tells_of_everybody_is_found() {
    // `care` uses everybody, so that the three differ; only its keeper may ask for it.
    let runtime = Runtime::new().expect("the system gives threads");
    let mut servers = [Facts::Present, Facts::Absent, Facts::Poisoned]
        .map(|facts| Server::start(&runtime, small_world(1_000, facts).open()));
    let question = json!({ "kind": "trend", "purpose": "care", "measure": "count(*)", "by": "none" });
    let request = Sent::new("POST", "/api/v1/ask", "keeper").json(&json!({ "question": question }));
    let [present, absent, poisoned] = servers.each_mut().map(|server| server.send(&request));
    assert!(present != absent && present != poisoned && absent != poisoned, "{present:?}");
}

/// Every route is generated or left out for a reason, and nothing is left out that is not there.
fn check_table() {
    let routes = web::routes();
    for (address, _) in LEFT_OUT {
        assert!(routes.iter().any(|route| address_of(route) == *address), "`{address}` is no route any more");
    }
    let mut dice = Dice::new(1);
    for route in &routes {
        let is_left_out = LEFT_OUT.iter().any(|(address, _)| *address == address_of(route));
        assert!(
            is_left_out || of_route(&mut dice, route).is_some(),
            "`{}` is neither generated nor left out",
            address_of(route)
        );
    }
}

fn address_of(route: &RouteInfo) -> String {
    format!("{} {}", route.method, route.path)
}

/// A random request and the route that it is for. Those that ask come more often: there is most to get wrong.
fn request(dice: &mut Dice) -> (String, Sent) {
    let routes = web::routes();
    loop {
        let asking = ["POST /api/v1/ask", "POST /api/v1/judge", "GET /ask/answer", "GET /ask/tile"];
        let wanted = dice.chance(50).then(|| dice.pick(&asking));
        let index = dice.below(routes.len());
        let route = wanted.and_then(|wanted| routes.iter().find(|route| address_of(route) == wanted));
        let route = route.unwrap_or(&routes[index]);
        if let Some(sent) = of_route(dice, route) {
            return (address_of(route), sent);
        }
    }
}

/// A request as it is sent, but for the secret.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    target: String,
    user: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn new(method: &'static str, target: &str, user: &'static str) -> Sent {
        Sent { method, target: target.to_owned(), user, headers: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Sent {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn json(mut self, body: &Json) -> Sent {
        self.body = body.to_string().into_bytes();
        self.with("content-type", "application/json")
    }

    fn form(mut self, pairs: &[(&str, &str)]) -> Sent {
        let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        self.body = pairs.join("&").into_bytes();
        self.with("content-type", "application/x-www-form-urlencoded")
    }
}

/// A random request of a route; `None` where it is left out or not known.
fn of_route(dice: &mut Dice, route: &RouteInfo) -> Option<Sent> {
    if LEFT_OUT.iter().any(|(address, _)| *address == address_of(route)) {
        return None;
    }
    let user = dice.pick(&USERS);
    let face = if dice.chance(20) { "&face=it" } else { "" };
    let q = encoded(&question(dice, &PURPOSES).to_string());
    let to = |path: &str| Sent::new(route.method, path, user);
    let name = |dice: &mut Dice, names: &[&'static str]| route.path.replace("{name}", dice.pick(names));
    let asking = |dice: &mut Dice| json!({ "question": question(dice, &PURPOSES) });
    let save =
        |dice: &mut Dice| json!({ "title": dice.pick(&["Mine", "Yours", ""]), "question": question(dice, &PURPOSES) });
    let board = |dice: &mut Dice| {
        let tile = dice.pick(&[r#"{"metric":"sales"}"#, r#"{"question":"mine"}"#, r#"{"metric":"none"}"#]);
        let tile: Json = serde_json::from_str(tile).expect("it is JSON");
        json!({ "title": dice.pick(&["Board", "Wall"]), "tiles": [tile], "version": "" })
    };
    Some(match (route.kind, route.method, route.path) {
        (RouteKind::Intake, _, path) => {
            let path =
                path.replace("{call}", dice.pick(&["track", "batch", "consent", "nonsense"])).replace("{key}", "pk");
            to(&path).json(&json!({ "event": "visit", "userId": "p1", "writeKey": "pk_unknown" }))
        }
        (_, "POST", "/api/v1/ask") => {
            let accept = dice.pick(&[
                "application/json",
                "text/csv",
                "application/vnd.apache.arrow.stream",
                "application/vnd.apache.parquet",
                "image/png",
            ]);
            to("/api/v1/ask").json(&asking(dice)).with("accept", accept)
        }
        (_, "POST", "/api/v1/judge" | "/api/v1/explain") => to(route.path).json(&asking(dice)),
        (_, "POST", "/api/v1/audiences" | "/api/v1/questions") => to(route.path).json(&save(dice)),
        (_, "POST", "/api/v1/dashboards") => to(route.path).json(&board(dice)),
        (_, "PUT", "/api/v1/dashboards/{name}") => to(&name(dice, &["board", "wall"])).json(&board(dice)),
        (_, method, path) if path.ends_with("/definitions/{*path}") => {
            let file = dice.pick(&["audiences/gold.yaml", "questions/mine.yaml", "purposes/email.yaml", "users.yaml"]);
            let sent = to(&path.replace("{*path}", file));
            let condition = dice.pick(&["did(visit)", "tier = 'gold'", "age > 20 AND did(purchase)", "did(nothing)"]);
            let text = format!("title: Gold\npurpose: {}\nwhere: \"{condition}\"\n", dice.pick(&PURPOSES));
            match (method, route.kind) {
                ("GET", _) => sent,
                ("PUT", _) => sent.json(&json!({ "text": text, "base": "" })),
                (_, RouteKind::Page) => {
                    let sent = sent.form(&[("do", dice.pick(&["check", "save"])), ("text", &text), ("base", "")]);
                    if dice.chance(50) { sent.with("hx-request", "true") } else { sent }
                }
                _ => sent.json(&json!({ "text": text })),
            }
        }
        (_, "POST", "/api/v1/identity") => {
            to(route.path).json(&json!({ "identifier": dice.pick(&["p1", "p2", "nobody"]) }))
        }
        (_, "GET", "/api/v1/audit" | "/rules/audit") => {
            let query =
                dice.pick(&["limit=3", "user=marketer", "purpose=email", "did=ask", "before=9", "before=x", ""]);
            to(&format!("{}?{query}{face}", route.path))
        }
        (_, "GET", "/standings") => {
            let of = dice.pick(&["home", "questions", "audiences", "dashboards", "nothing"]);
            let again = to(&format!("/standings?of={of}&key=0&at=1{face}"));
            if dice.chance(50) { again.with("hx-request", "true") } else { again }
        }
        (_, "GET", "/ask" | "/ask/verdict" | "/ask/answer" | "/ask/tile") => to(&format!("{}?q={q}{face}", route.path)),
        (_, "GET", "/ask/download") => {
            let format = dice.pick(&["csv", "arrow", "parquet", "json", "x"]);
            to(&format!("{}?q={q}&format={format}", route.path))
        }
        (_, "POST", "/ask/verdict") => {
            let asked = question(dice, &PURPOSES).to_string();
            to(route.path).form(&[("q", &asked)])
        }
        (_, "POST", "/ask/save") => {
            let asked = question(dice, &PURPOSES).to_string();
            to(route.path).form(&[("q", &asked), ("title", dice.pick(&["Mine", "Yours"]))])
        }
        (_, "POST", "/ask/unsave") => to(route.path).form(&[("path", "questions/mine.yaml"), ("version", "x")]),
        (_, "POST", "/dashboards" | "/dashboards/{name}" | "/dashboards/{name}/undo") => {
            to(&name(dice, &["board", "wall"])).form(&[
                ("title", "Board"),
                ("metric", "sales"),
                ("do", "add"),
                ("version", ""),
            ])
        }
        (_, "GET", "/api/v1/values") => {
            let field = dice.pick(&["tier", "event.page", "event.ref&event=visit", "age", "nothing", ""]);
            to(&format!("/api/v1/values?purpose={}&field={field}", dice.pick(&PURPOSES)))
        }
        (_, "GET", "/api/v1/lineage") => {
            let query =
                dice.pick(&["", "kind=metric&name=sales", "kind=purpose", "kind=trait&kind=property", "kind=x"]);
            to(&format!("/api/v1/lineage?{query}"))
        }
        (_, "GET", "/glossary") => to(&format!("/glossary?words={}{face}", dice.pick(&["", "group", "gold"]))),
        (_, "GET", "/palette") => to(&format!("/palette?words={}", dice.pick(&["sales", "gold", "p1", "", "visit"]))),
        (RouteKind::File, _, path) => to(&path.replace("{version}", "0").replace("{*name}", "app.css")),
        (_, "GET" | "DELETE", path) if path.contains("{name}") => {
            let known = ["sales", "gold", "mine", "board", "shop", "profiles", "members", "consents", "nothing"];
            to(&format!("{}?{}", name(dice, &known), face.trim_start_matches('&')))
        }
        (_, "GET", path) => {
            let partial = to(&format!("{path}?{}", face.trim_start_matches('&')));
            if dice.chance(30) { partial.with("hx-request", "true") } else { partial }
        }
        (_, "POST", "/sign-out") => to(route.path).form(&[]),
        // What a good link shows is the ledger's; nobody here has one.
        (_, "POST", "/preferences") => to("/preferences?token=x").form(&[("no", "email")]),
        _ => return None,
    })
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl Server {
    /// Serves a world for as long as it is held.
    fn start(runtime: &Runtime, world: World) -> Server {
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let (stop, stopped) = oneshot::channel::<()>();
        let collector = world.app.collector().expect("the collector starts");
        let spool = world.folder.path().join("uploads");
        let product = Arc::clone(&world.app);
        let options = web::Options { product, collector, templates_from: None, secure_cookies: false, spool };
        runtime.spawn(web::serve(listener, options, Box::pin(async move { drop(stopped.await) })));
        let stream = TcpStream::connect(address).expect("it listens");
        Server { world, address, connection: BufReader::new(stream), _stop: stop }
    }

    /// Sends a request; again on a new connection if the server has closed the one there was.
    fn send(&mut self, sent: &Sent) -> Reply {
        if let Some(reply) = self.try_send(sent) {
            return reply;
        }
        self.connect();
        self.try_send(sent).expect("the server answers on a new connection")
    }

    fn connect(&mut self) {
        self.connection = BufReader::new(TcpStream::connect(self.address).expect("it listens"));
    }

    fn try_send(&mut self, sent: &Sent) -> Option<Reply> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: h\r\n", sent.method, sent.target);
        let secret = self.world.app.owner_secret();
        text.push_str(&format!("x-entente-owner: {secret}\r\nx-entente-as: {}\r\n", sent.user));
        for (name, value) in &sent.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n", sent.body.len()));
        let stream = self.connection.get_mut();
        stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&sent.body)).ok()?;
        let reply = self.read()?;
        if reply.head.iter().any(|line| line.eq_ignore_ascii_case("connection: close")) {
            self.connect();
        }
        Some(reply)
    }

    /// Reads a reply; nothing where the connection is closed.
    fn read(&mut self) -> Option<Reply> {
        let mut head = Vec::new();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line();
            if line.is_empty() && head.is_empty() {
                return None;
            }
            if line.is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length: ") {
                length = n.parse().expect("a length is a number");
            }
            is_chunked |= lower == "transfer-encoding: chunked";
            if !lower.starts_with("date: ") {
                head.push(line);
            }
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                let n = usize::from_str_radix(&self.line(), 16).expect("a chunk says how long it is");
                self.take(n, &mut body);
                self.line();
                if n == 0 {
                    break;
                }
            }
        } else {
            self.take(length, &mut body);
        }
        Some(Reply { head, body })
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        // What is missing is found by who reads on.
        let _ = self.connection.read_line(&mut line);
        line.trim_end().to_owned()
    }

    fn take(&mut self, n: usize, body: &mut Vec<u8>) {
        let start = body.len();
        body.resize(start + n, 0);
        self.connection.read_exact(&mut body[start..]).expect("the server answers");
    }
}

fn assert_same(expected: &Reply, found: &Reply, case: &str) {
    if expected == found {
        return;
    }
    assert_eq!(expected.head, found.head, "{case}");
    let at = expected.body.iter().zip(&found.body).position(|(a, b)| a != b);
    let at = at.unwrap_or(expected.body.len().min(found.body.len()));
    let show =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 200)]).into_owned();
    panic!("{case}\n--- {}\n+++ {}", show(&expected.body), show(&found.body));
}
