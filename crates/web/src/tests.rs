//! The crate seen from outside, over the fixture: what each route answers to whom, and what pages hold.

use crate::fixture::Fixture;
use crate::intake::Limits;
use crate::routes::{App, Rights, RouteKind, router, routes};
use crate::sample_collector::{PUBLIC_KEY, SECRET_KEY, SampleCollector};
use crate::server::Options;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

mod arrivals;
mod dashboards;
mod definitions;
mod faces;
mod forged;
mod palette;
mod power;
mod standings;
mod starts;
mod values;

const CONDITION: &str =
    "count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')";

struct Got {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).replace("&#x2f;", "/")
    }
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("headers are text")).unwrap_or_default()
    }
}

fn options(mark: &'static str, secure_cookies: bool) -> Options {
    Options {
        product: Arc::new(Fixture { mark }),
        collector: Arc::new(SampleCollector { mark }),
        templates_from: None,
        secure_cookies,
        spool: std::env::temp_dir(),
    }
}

/// Sends one request to a fresh server over the fixture.
async fn send(mark: &'static str, request: Request<Body>) -> Got {
    let options = options(mark, false);
    let response = router(App::new(options, Limits::USUAL)).oneshot(request).await.expect("the router never fails");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 64 << 20).await.expect("the body is in memory").to_vec();
    Got { status: parts.status, headers: parts.headers, body }
}

async fn get(path: &str) -> Got {
    send("", Request::get(path).header("authorization", "Bearer token-ivo").body(Body::empty()).expect("a request"))
        .await
}

async fn post_json(path: &str, body: impl Into<Body>) -> Got {
    let request =
        Request::post(path).header("authorization", "Bearer token-ivo").header("content-type", "application/json");
    send("", request.body(body.into()).expect("a request")).await
}

fn page_of(question: &Json) -> String {
    format!("/ask?q={}", crate::body::percent_encode(&question.to_string()))
}

fn audience(purpose: &str) -> Json {
    json!({ "kind": "audience", "purpose": purpose, "where": CONDITION, "as_of": "2017-12-31T00:00:00Z" })
}

/// A good request for a route, without a credential.
fn sample(method: &str, path: &str) -> axum::http::request::Builder {
    sample_of(method, path, known_name(path))
}

/// The name of something that is there.
fn known_name(path: &str) -> &'static str {
    match path {
        path if path.contains("/metrics/") => "net_sales",
        path if path.contains("/sources/") => "purchases",
        path if path.contains("/questions/") => "mailers",
        path if path.contains("/dashboards/") => "monday",
        _ => "frequent",
    }
}

/// The same about something of this name.
fn sample_of(method: &str, path: &str, name: &str) -> axum::http::request::Builder {
    let mut uri = path
        .replace("{name}", name)
        .replace("{version}", "x")
        .replace("{*name}", "app.css")
        .replace("{*path}", "contracts/purchases.odcs.yaml")
        .replace("{call}", "track")
        .replace("{number}", "1")
        .replace("{key}", "token-ivo");
    uri += match path {
        "/home/series" => "?metric=net_sales",
        // `{"event": "A"}`
        "/v1/pixel/{call}" => "?data=eyJldmVudCI6ICJBIn0=",
        "/ask/download" => {
            "?format=csv&q=%7B%22kind%22%3A%22trend%22%2C%22purpose%22%3A%22analytics%22%2C%22measure%22%3A%22net_sales%22%7D"
        }
        "/api/v1/sources/{name}/import" => "?file_name=a.csv",
        "/api/v1/values" => "?purpose=email&field=region",
        path if path.starts_with("/ask") => {
            "?q=%7B%22kind%22%3A%22trend%22%2C%22purpose%22%3A%22analytics%22%2C%22measure%22%3A%22net_sales%22%7D"
        }
        _ => "",
    };
    Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(uri).header(
        "content-type",
        if path.starts_with("/api") || path.starts_with("/v1") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        },
    )
}

fn sample_body(path: &str) -> String {
    match path {
        "/ask/save" => "title=A&q=%7B%22kind%22%3A%22trend%22%2C%22purpose%22%3A%22analytics%22%7D".to_owned(),
        "/ask/unsave" => "kind=audience&name=frequent".to_owned(),
        "/dashboards" => "dashboard=monday&q=%7B%22kind%22%3A%22trend%22%2C%22purpose%22%3A%22analytics%22%2C%22measure%22%3A%22net_sales%22%7D&title=A".to_owned(),
        "/dashboards/{name}" => "edit=down&tile=question-mailers".to_owned(),
        "/dashboards/{name}/undo" => "before=%7B%22title%22%3A%22A%22%7D&version=0123456789abcdef".to_owned(),
        "/api/v1/dashboards" => json!({ "title": "A", "tiles": [{ "metric": "net_sales" }] }).to_string(),
        "/api/v1/dashboards/{name}" => json!({ "title": "A", "version": "0123456789abcdef" }).to_string(),
        "/definitions/{*path}" => "do=save&text=title%3A+A&base=0123456789abcdef".to_owned(),
        "/api/v1/definitions/{*path}" => json!({ "text": "title: A", "base": "0123456789abcdef" }).to_string(),
        "/sign-in" => "name=mia&password=demo".to_owned(),
        "/api/v1/audiences" => json!({ "title": "A", "question": audience("email") }).to_string(),
        "/api/v1/questions" => json!({ "title": "A", "question": audience("email") }).to_string(),
        "/v1/{call}" => json!({ "event": "A" }).to_string(),
        "/api/v1/identity" => json!({ "identifier": "user-1" }).to_string(),
        path if path.starts_with("/api") => json!({ "question": audience("email") }).to_string(),
        _ => String::new(),
    }
}

/// Whether a route asks for nobody who is signed in.
fn needs_nobody(rights: Rights) -> bool {
    matches!(rights, Rights::Open | Rights::Key | Rights::Link)
}

/// A caller, the headers that it shows, and whether that is somebody.
type Shown = (&'static str, &'static [(&'static str, &'static str)], bool);

#[tokio::test]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let callers: [Shown; 14] = [
        ("anonymous", &[], false),
        ("wrong", &[("authorization", "Bearer no")], false),
        ("gone", &[("authorization", "Bearer token-sam")], false),
        ("public", &[("authorization", "Bearer pk_web")], false),
        ("secret", &[("authorization", "Bearer sk_shop")], false),
        ("old", &[("cookie", "entente=session-")], false),
        ("thief", &[("x-entente-owner", "stolen"), ("x-entente-as", "ivo")], false),
        ("mia", &[("authorization", "Bearer token-mia")], true),
        ("ivo", &[("authorization", "Bearer token-ivo")], true),
        ("pia", &[("authorization", "Bearer token-pia")], true),
        ("eve", &[("authorization", "Bearer token-eve")], true),
        ("eve's", &[("cookie", "entente=session-eve"), ("sec-fetch-site", "same-origin")], true),
        ("as mia", &[("x-entente-owner", "owner"), ("x-entente-as", "mia")], true),
        ("as sam", &[("x-entente-owner", "owner"), ("x-entente-as", "sam")], false),
    ];
    let mut matrix = format!("{:7} {:36} {:10}", "method", "path", "rights");
    callers.iter().for_each(|(name, ..)| matrix += &format!(" {name:>9}"));
    let rows = routes().into_iter().flat_map(|route| {
        // Of what has a name also something that is not there, or not theirs.
        let other = route.path.contains("{name}").then_some("no_such");
        [Some(known_name(route.path)), other].into_iter().flatten().map(move |object| (route, object))
    });
    for (route, object) in rows {
        let path = if object == "no_such" { route.path.replace("{name}", "{other}") } else { route.path.to_owned() };
        matrix += &format!("\n{:7} {path:36} {:10}", route.method, route.rights.name());
        for (name, shown, is_somebody) in callers {
            let mut request = sample_of(route.method, route.path, object);
            for (header, value) in shown {
                request = request.header(*header, *value);
            }
            let got = send("", request.body(Body::from(sample_body(route.path))).expect("a request")).await;
            assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{name} {}", route.path);
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            assert!(route.kind == RouteKind::File || got.header("cache-control") == "no-store", "{}", route.path);
            let has_key = ["public", "secret"].contains(&name);
            if route.rights == Rights::Key && !has_key {
                // A token is no write key: it gets what nobody gets.
                let is_refused = [401, 404].contains(&got.status.as_u16());
                assert!(is_refused || got.header("x-entente-outcome") == "rejected", "{name} {}", route.path);
            } else if route.rights == Rights::Link {
                // No credential is a link.
                assert_eq!(got.status, StatusCode::FORBIDDEN, "{name} {}", route.path);
                assert!(got.header("set-cookie").is_empty());
            } else if !needs_nobody(route.rights) && !is_somebody {
                assert!([401, 303].contains(&got.status.as_u16()), "{name} may not reach {}", route.path);
            }
            matrix += &format!(" {:>9}", got.status.as_u16());
        }
    }
    insta::assert_snapshot!("matrix", matrix);
}

#[tokio::test]
async fn case_25_a_write_key_opens_nothing_but_the_intake() {
    // `KEY:` in base64.
    let ways = |key: &'static str, basic: &'static str| {
        [
            ("authorization", format!("Bearer {key}"), ""),
            ("authorization", format!("Basic {basic}"), ""),
            ("cookie", format!("entente={key}"), ""),
            ("x-entente-owner", key.to_owned(), ""),
            ("x-write-key", key.to_owned(), key),
        ]
    };
    let all = [ways(PUBLIC_KEY, "cGtfd2ViOg=="), ways(SECRET_KEY, "c2tfc2hvcDo=")];
    for route in routes().iter().filter(|route| !needs_nobody(route.rights)) {
        for (header, value, in_query) in all.iter().flatten() {
            let mut request = sample(route.method, route.path).header(*header, value);
            if !in_query.is_empty() {
                let uri = request.uri_ref().expect("the sample has an address").to_string();
                let mark = if uri.contains('?') { '&' } else { '?' };
                request = request.uri(format!("{uri}{mark}writeKey={in_query}"));
            }
            let got = send("", request.body(Body::from(sample_body(route.path))).expect("a request")).await;
            let is_refused = match route.kind {
                // To the form, and nowhere else.
                RouteKind::Page => got.status == 303 && got.header("location").starts_with("/sign-in?next="),
                _ => got.status == 401,
            };
            assert!(is_refused, "{header}: {value} reaches {} {}: {}", route.method, route.path, got.status);
            assert!(!got.text().contains("net_sales"), "{}: nothing of the data is told", route.path);
        }
    }
}

async fn prefer(address: &str, form: &'static str) -> Got {
    let request = Request::post(address).header("content-type", "application/x-www-form-urlencoded");
    send("", request.body(Body::from(form)).expect("a request")).await
}

#[tokio::test]
async fn whoever_has_a_link_says_yes_and_no_in_one_click() {
    let link = "/preferences?token=link-ann";
    let page = send("", Request::get(link).body(Body::empty()).expect("a request")).await;
    let text = page.text();
    assert_eq!(
        (page.status, page.header("cache-control"), page.header("set-cookie")),
        (StatusCode::OK, "no-store", "")
    );
    for said in [
        "Global Privacy Control said no on 20 Nov 2026",
        r#"name="yes" value="email" aria-pressed="true""#,
        r#"name="all" value="no""#,
        "there is nothing to choose",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains(r#"value="delivery""#), "what nobody can choose has no button");
    let saved = prefer(link, "version=0123456789abcdef&yes=email").await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (StatusCode::SEE_OTHER, "/preferences?token=link-ann&saved=1")
    );
    // A yes to a text that has changed is none; a no needs no text.
    let changed = prefer(link, "version=before&yes=email").await;
    assert!(changed.status == StatusCode::OK && changed.text().contains("nothing was saved"), "{}", changed.text());
    // What nobody asks about, and no choice at all.
    for wrong in ["yes=delivery&version=0123456789abcdef", "no=nothing", "", "maybe=email"] {
        assert_eq!(prefer(link, wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let refused = prefer(link, "all=no").await;
    assert_eq!(refused.header("location"), "/preferences?token=link-ann&saved=0", "it is not in force yet");
    // A mail program says no for its owner, without a page and without an origin.
    let address = "/preferences?token=link-ann&purpose=email";
    assert_eq!(prefer(address, "List-Unsubscribe=One-Click").await.status, StatusCode::OK);
    let parts = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    for (token, status) in [("link-ann", StatusCode::OK), ("link-bob", StatusCode::FORBIDDEN)] {
        let request = Request::post(format!("/preferences?token={token}&purpose=of-last-year"));
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(Body::from(parts));
        assert_eq!(send("", request.expect("a request")).await.status, status, "{token}");
    }
    for bad in ["/preferences", "/preferences?token=", "/preferences?token=link-bob"] {
        let page = send("", Request::get(bad).body(Body::empty()).expect("a request")).await;
        assert!(
            page.status == StatusCode::FORBIDDEN && page.text().contains("This link is not good"),
            "{}",
            page.text()
        );
        assert_eq!(prefer(bad, "no=email").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn the_other_face_is_on_this_site() {
    for path in ["//evil.example/", "///evil.example/?a=1", "/nothing?%23x=1"] {
        let page = get(path).await;
        let text = page.text();
        let (_, rest) = text.split_once("class=\"faces\" href=\"").expect("a page has two faces");
        let href = rest.split('"').next().unwrap_or_default();
        assert!(href.starts_with('/') && !href.starts_with("//") && !href.contains('#'), "{path}: {href}");
        assert!(href.contains("face=it"), "{path}: {href}");
    }
}

#[tokio::test]
async fn problems_have_one_shape() {
    let got = send("", Request::post("/api/v1/ask").body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (got.status, got.header("www-authenticate"), got.header("content-type")),
        (StatusCode::UNAUTHORIZED, "Bearer", "application/problem+json")
    );
    let refused = post_json(
        "/api/v1/ask",
        json!({ "question": { "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" } })
            .to_string(),
    )
    .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["verdict"]["reasons"][0]["code"], "release_level");
    assert_eq!(refused.json()["verdict"]["reasons"][0]["remedies"][0]["question"]["purpose"], "email");
    let wrong = post_json("/api/v1/ask", json!({ "question": { "kind": "pivot" } }).to_string()).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["errors"].as_array().map(Vec::len), Some(2), "all of them, not just the first");
    assert_eq!(get("/api/v1/nothing").await.json()["status"], 404);
}

#[tokio::test]
async fn a_missing_right_is_refused_alike_for_known_and_unknown_objects() {
    let delete = |name: &str| {
        Request::delete(format!("/api/v1/audiences/{name}"))
            .header("authorization", "Bearer token-eve")
            .body(Body::empty())
            .expect("a request")
    };
    let (known, unknown) = (send("", delete("frequent")).await, send("", delete("no_such")).await);
    assert_eq!((known.status, &known.body), (StatusCode::FORBIDDEN, &unknown.body));
}

#[tokio::test]
async fn an_answer_comes_in_the_format_that_is_accepted() {
    let question = json!({ "question": audience("email") }).to_string();
    let json = post_json("/api/v1/ask", question.clone()).await;
    assert!(json.text().starts_with(r#"{"verdict":{"outcome":"yes","reasons":[]},"columns":[{"name":"people","type":"integer"}],"rows":[[235]],"waterfall":[{"#), "{}", json.text());
    for (accept, start) in [
        ("text/csv", "people\r\n235\r\n"),
        ("application/vnd.apache.parquet", "PAR1"),
        ("text/csv;q=0.5, */*;q=0.1", "people"),
    ] {
        let request = Request::post("/api/v1/ask")
            .header("authorization", "Bearer token-ivo")
            .header("content-type", "application/json")
            .header("accept", accept);
        assert!(
            send("", request.body(Body::from(question.clone())).expect("a request")).await.text().starts_with(start),
            "{accept}"
        );
    }
    let request = Request::post("/api/v1/ask")
        .header("authorization", "Bearer token-ivo")
        .header("content-type", "application/json")
        .header("accept", "image/png");
    assert_eq!(
        send("", request.body(Body::from(question)).expect("a request")).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
}

#[tokio::test]
async fn csv_cells_do_not_run_in_a_spreadsheet() {
    let question = json!({ "question": { "kind": "funnel", "purpose": "analytics", "steps": ["a", "b"], "breakdown": ["=cmd()"] } });
    let request = Request::post("/api/v1/ask")
        .header("authorization", "Bearer token-ivo")
        .header("content-type", "application/json")
        .header("accept", "text/csv");
    let got = send("", request.body(Body::from(question.to_string())).expect("a request")).await;
    assert!(got.text().starts_with("'=cmd(),step,event"), "{}", got.text());
}

#[tokio::test]
async fn bodies_that_are_no_question_are_told_so() {
    let check = |body: Vec<u8>| async move { post_json("/api/v1/judge", body).await };
    for (body, words) in [
        (r#"{"question": {"kind": "trend", "kind": "funnel"}}"#.to_owned(), "comes twice"),
        (r#"{"question": {}} x"#.to_owned(), "trailing"),
        (r#"{"question": {}, "querstion": 1}"#.to_owned(), "unknown key"),
        ("[]".to_owned(), "not an object"),
        ("{}".to_owned(), "missing"),
        ("{\"question\": ".to_owned(), "EOF"),
        (format!("{}{}", "[".repeat(4000), "]".repeat(4000)), "nested deeper"),
    ] {
        let got = check(body.into_bytes()).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST);
        assert!(
            got.json()["errors"][0]["message"].as_str().is_some_and(|message| message.contains(words)),
            "{words}: {}",
            got.text()
        );
    }
    assert_eq!(check(vec![b'{', 0xff, b'}']).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(check(vec![b' '; 10 << 20]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let request = Request::post("/api/v1/judge")
        .header("authorization", "Bearer token-ivo")
        .body(Body::from("{}"))
        .expect("a request");
    assert_eq!(send("", request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_forged_change_is_refused() {
    let check = |headers: &[(&str, &str)], body: &str| {
        let mut request = Request::post("/ask/save")
            .header("cookie", "entente=session-mia")
            .header("host", "h")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send("", request.body(Body::from(body.to_owned())).expect("a request"))
    };
    let home =
        send("", Request::get("/").header("cookie", "entente=session-mia").body(Body::empty()).expect("a request"))
            .await
            .text();
    let token = home
        .split("X-Entente-CSRF\": \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("the page holds the token")
        .to_owned();
    let good = format!("csrf={token}&title=A&q=%7B%22kind%22%3A%22trend%22%7D");
    assert_eq!(check(&[], &good).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        check(&[("origin", "null"), ("sec-fetch-site", "same-origin")], &good).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(check(&[], "title=A&q=%7B%7D").await.status, StatusCode::FORBIDDEN, "no token");
    assert_eq!(check(&[], &good.replace(&token, "0123")).await.status, StatusCode::FORBIDDEN, "a wrong token");
    assert_eq!(check(&[("sec-fetch-site", "cross-site")], &good).await.status, StatusCode::FORBIDDEN);
    assert_eq!(check(&[("origin", "http://evil")], &good).await.status, StatusCode::FORBIDDEN);
    assert_eq!(check(&[("origin", "null")], &good).await.status, StatusCode::FORBIDDEN);
    assert_eq!(check(&[("origin", "http://h")], &good).await.status, StatusCode::SEE_OTHER, "plain HTTP");
    let behind_a_proxy = [("origin", "https://out"), ("sec-fetch-site", "same-origin")];
    assert_eq!(check(&behind_a_proxy, &good).await.status, StatusCode::SEE_OTHER, "it rewrote the host");
}

#[tokio::test]
async fn signing_in_is_slow_to_guess_and_leads_only_inside() {
    let app = router(App::new(options("", true), Limits::USUAL));
    let check = |password: &str, next: &str| {
        let body = format!("name=mia&password={password}&next={}", crate::body::percent_encode(next));
        app.clone().oneshot(Request::post("/sign-in").body(Body::from(body)).expect("a request"))
    };
    let good = check("demo", "/metrics").await.expect("an answer");
    assert_eq!((good.status(), good.headers()["location"].to_str().ok()), (StatusCode::SEE_OTHER, Some("/metrics")));
    assert_eq!(good.headers()["set-cookie"], "__Host-entente=session-mia; Path=/; HttpOnly; SameSite=Lax; Secure");
    for next in ["//evil", "https://evil", "/\\evil", ""] {
        assert_eq!(check("demo", next).await.expect("an answer").headers()["location"], "/", "{next}");
    }
    let gap = "/definitions/contracts/purchases.odcs.yaml?change=%7B%22do%22%3A%22a%22%7D&q=%7B%7D";
    assert_eq!(check("demo", gap).await.expect("an answer").headers()["location"], gap, "a link is followed");
    for _ in 0..10 {
        assert_eq!(check("guess", "/").await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(check("demo", "/").await.expect("an answer").status(), StatusCode::TOO_MANY_REQUESTS);
}

/// All pages and parts, with questions of each kind, denied and wrong.
fn addresses() -> Vec<String> {
    let trend = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "month", "breakdown": ["household_size"] });
    let funnel = json!({ "kind": "funnel", "purpose": "analytics", "steps": ["campaign_received", { "event": "coupon_redeemed", "where": "event.campaign_type = 'A'" }], "within": "45 days", "breakdown": ["campaign_type"] });
    let list = json!({ "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" });
    let gap = json!({ "kind": "audience", "purpose": "ads", "where": "income = 'high' AND in_audience('frequent')" });
    let wrong = json!({ "kind": "audience", "where": "did(basket_payd)" });
    let experiment = json!({ "kind": "experiment", "purpose": "analytics", "exposure": { "event": "campaign_received", "where": "event.x = '<i x='" },
        "variant": "campaign_type", "split": { "A<i x=": 1, "B": 2 }, "metrics": ["people(coupon_redeemed)", { "name": "<i x=", "measure": "net_sales", "within": "7 days" }] });
    let power = json!({ "kind": "power", "purpose": "analytics", "exposure": { "event": "campaign_received", "where": "event.x = '<i x='" },
        "metric": { "name": "<i x=", "measure": "people(basket_paid)", "within": "7 days" }, "lift": "<i x=", "variants": "<i x=", "days": 28, "alpha": "<i x=" });
    let mut all: Vec<String> = routes()
        .iter()
        .filter(|route| route.kind == RouteKind::Page && route.method == "GET")
        .map(|route| sample("GET", route.path).body(()).expect("a request").uri().to_string())
        .filter(|path| !path.starts_with("/ask/download"))
        .collect();
    for question in [trend, funnel, experiment, power, audience("email"), list, gap, wrong] {
        let page = page_of(&question);
        let parts = ["/ask/verdict", "/ask/answer", "/ask/tile"].map(|part| page.replace("/ask", part));
        all.extend(parts.into_iter().chain([page]));
    }
    all.push("/dashboards/monday?arrange=yes".to_owned());
    all.push("/definitions/contracts/purchases.odcs.yaml?change=%7B%7D".to_owned());
    all.push("/definitions/purposes/email.yaml".to_owned());
    all.extend(["/nope".to_owned(), "/metrics/nope".to_owned(), "/ask?q=%7Bbroken".to_owned()]);
    let it: Vec<String> =
        all.iter().map(|path| format!("{path}{}face=it", if path.contains('?') { "&" } else { "?" })).collect();
    all.extend(it);
    all
}

#[tokio::test]
async fn what_people_wrote_is_escaped_on_every_page() {
    const MARK: &str = "<script>alert(1)</script><i x=\"'>";
    for path in addresses() {
        for partial in [false, true] {
            let mut request = Request::get(&path).header("authorization", "Bearer token-ivo");
            if partial {
                request = request.header("hx-request", "true");
            }
            let got = send(MARK, request.body(Body::empty()).expect("a request")).await;
            let text = got.text();
            assert_ne!(got.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(!text.contains("<script>alert") && !text.contains("<i x="), "{path}: {text}");
            let inline = [" style=", "<style", " onclick=", " onload=", "javascript:", "<script>"];
            assert!(inline.iter().all(|word| !text.contains(word)), "{path} has an inline script or style");
        }
    }
}

#[tokio::test]
async fn a_part_is_a_page_as_well() {
    for path in ["/home/metrics/net_sales", "/home/people", "/palette?words=sales"] {
        assert!(get(path).await.text().contains("<!doctype html>"), "{path}");
        let part = Request::get(path)
            .header("authorization", "Bearer token-ivo")
            .header("hx-request", "true")
            .body(Body::empty())
            .expect("a request");
        let part = send("", part).await.text();
        assert!(!part.contains("<html") && !part.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn pages_hold_what_matters() {
    let contains = |text: &str, words: &[&str]| {
        words.iter().for_each(|word| assert!(text.contains(word), "{word} is not in {text}"))
    };
    contains(
        &get("/").await.text(),
        &["December 2017", "/home/metrics/net_sales", "Do campaigns lead to coupons?", "simulated by fixed rules"],
    );
    contains(&get("/home/metrics/net_sales").await.text(), &["$421\u{202f}882", "+6.8 %", "Nov 2017"]);
    contains(
        &get("/home/people").await.text(),
        &["1\u{202f}456", "59.0 % of 2\u{202f}469 known", "only those who agreed"],
    );
    let question = page_of(&audience("email"));
    contains(
        &get(&question).await.text(),
        &[
            "How many people",
            "paid for a basket at least 8 times in the last 30 days",
            "31 Dec 2017",
            "popovertarget=\"e-part-1\"",
        ],
    );
    contains(
        &get(&question.replace("/ask", "/ask/verdict")).await.text(),
        &["Yes", "235 people", "may be used for e-mail"],
    );
    contains(
        &get(&question.replace("/ask", "/ask/answer")).await.text(),
        &["1\u{202f}013 have not agreed", "235 of 2\u{202f}469 people known", "How do we know?"],
    );
    let denied = page_of(&json!({ "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" }));
    contains(
        &get(&denied.replace("/ask", "/ask/verdict")).await.text(),
        &["Not this way", "nearest yes", "235 people", "Take"],
    );
    contains(
        &get("/sources/purchases?face=it").await.text(),
        &["apiVersion: v3.1.0", "basket_id", "quantity is not a whole number".replace('q', "Q").as_str(), "v17"],
    );
    contains(
        &get("/metrics/net_sales?face=it").await.text(),
        &["sum(basket_paid.sales_value)", "metrics/net_sales.yaml"],
    );
    contains(&get("/audiences/frequent").await.text(), &["Frequent shoppers", "e-mail", "/ask/answer?q="]);
    assert!(!get("/metrics/net_sales").await.text().contains("metrics/net_sales.yaml"), "the file is IT's face");
}

#[tokio::test]
async fn an_edit_leads_to_the_changed_question() {
    let check = |edit: &str| {
        let path = format!("{}&{edit}", page_of(&audience("email")));
        async move {
            let got = get(&path).await;
            assert_eq!(got.status, StatusCode::SEE_OTHER);
            let location = got.header("location").to_owned();
            let pairs = crate::body::pairs(location.split_once('?').map(|(_, query)| query).unwrap_or_default());
            serde_json::from_str::<Json>(&pairs[0].1).expect("the address holds a question")
        }
    };
    let add = check("edit=part_set&index=new&shape=trait&trait=household_size&trait_op=IN&trait_value=1,+o'2").await;
    assert_eq!(add["where"], format!("{CONDITION} AND household_size IN ('1', 'o''2')"));
    let change = check("edit=part_set&index=1&shape=aggregate&function=sum&property=basket_paid.sales_value&op=%3E&number=100&within=7+days").await;
    assert_eq!(
        change["where"],
        "count(basket_paid, within => '30 days') >= 8 AND sum(basket_paid.sales_value, within => '7 days') > 100"
    );
    assert_eq!(check("edit=part_remove&index=1").await["where"], "count(basket_paid, within => '30 days') >= 8");
    assert_eq!(check("edit=purpose&value=analytics").await["purpose"], "analytics");
    assert_eq!(check("edit=as_of&value=2017-06-01").await["as_of"], "2017-06-01T00:00:00Z");
    let trend = check("edit=kind&value=trend").await;
    assert_eq!(
        (&trend["measure"], &trend["period"]),
        (&json!("net_sales"), &json!({ "from": "2017-01-01", "to": "2018-01-01" })),
        "the data's year, not today's"
    );
}

/// The question to which an edit of another one leads.
async fn edited(question: &Json, edit: &[(&str, &str)]) -> Json {
    let pairs: Vec<String> =
        edit.iter().map(|(key, value)| format!("{key}={}", crate::body::percent_encode(value))).collect();
    let got = get(&format!("{}&{}", page_of(question), pairs.join("&"))).await;
    let location = got.header("location").to_owned();
    let pairs = crate::body::pairs(location.split_once('?').map(|(_, query)| query).unwrap_or_default());
    serde_json::from_str::<Json>(&pairs[0].1).expect("the address holds a question")
}

#[tokio::test]
async fn an_edited_condition_keeps_the_meaning_of_its_terms() {
    let part =
        |text: &str| spec::ConditionPart { text: text.to_owned(), words: String::new(), negative: false, form: None };
    let check = |parts: &[&str], condition: &str| {
        let parts: Vec<spec::ConditionPart> = parts.iter().map(|text| part(text)).collect();
        crate::sentence::part_texts(&parts, condition)
    };
    assert_eq!(check(&["(a AND b) OR c", "x LIKE 'y'"], ""), ["((a AND b) OR c)", "(x LIKE 'y')"]);
    assert_eq!(check(&[], "a = OR b"), ["(a = OR b)"], "what cannot be read is not thrown away");
    let new = |shape: &'static str| [("edit", "part_set"), ("index", "new"), ("shape", shape)];
    let text = [&new("text")[..], &[("text", "income = 'high' OR region = 'west'")]].concat();
    let with_text = edited(&audience("email"), &text).await;
    assert_eq!(with_text["where"], format!("{CONDITION} AND (income = 'high' OR region = 'west')"));
    let bare = json!({ "kind": "audience", "purpose": "email", "where": "age > 30" });
    let older = [
        ("edit", "part_set"),
        ("index", "0"),
        ("shape", "trait"),
        ("trait", "age"),
        ("trait_op", ">"),
        ("trait_value", "40"),
    ];
    assert_eq!(edited(&bare, &older).await["where"], "age > 40");
    let nothing = [&new("text")[..], &[("text", " ")]].concat();
    assert_eq!(edited(&audience("email"), &nothing).await["where"], CONDITION);
    let or = json!({ "kind": "audience", "purpose": "email", "where": "income = 'high' OR region = 'west'" });
    let more = [&new("did")[..], &[("event", "order"), ("within", "")]].concat();
    assert_eq!(edited(&or, &more).await["where"], "(income = 'high' OR region = 'west') AND did(\"order\")");
    let any = [&new("did")[..], &[("event", "*"), ("within", "7 days")]].concat();
    assert_eq!(edited(&or, &any).await["where"], "(income = 'high' OR region = 'west') AND did(*, within => '7 days')");
}

#[tokio::test]
async fn a_form_that_changes_nothing_changes_nothing() {
    let trend = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "day", "period": { "last": "30 days" } });
    let period = |from: &'static str, to: &'static str, last: &'static str| {
        [("edit", "period"), ("from", from), ("to", to), ("last", last)]
    };
    assert_eq!(edited(&trend, &period("", "", "30 days")).await, trend);
    assert_eq!(edited(&trend, &period("", "", "7 days")).await["period"], json!({ "last": "7 days" }));
    let march = edited(&trend, &period("2017-03-01", "2017-03-31", "30 days")).await;
    assert_eq!(march["period"], json!({ "from": "2017-03-01", "to": "2017-04-01" }));
    let mut noon = audience("email");
    noon["as_of"] = "2017-12-31T12:00:00Z".into();
    assert_eq!(edited(&noon, &[("edit", "as_of"), ("value", "2017-12-31")]).await, noon);
    let ratio = json!({ "kind": "trend", "purpose": "analytics", "measure": "count(a) / count(b)", "by": "day" });
    let measure = |value: &'static str| [("edit", "measure"), ("value", value), ("written", "count(a) / count(b)")];
    assert_eq!(edited(&ratio, &measure("")).await, ratio);
    assert_eq!(edited(&ratio, &measure("net_sales")).await["measure"], "net_sales");
}

#[tokio::test]
async fn a_form_holds_what_its_chip_says() {
    let text = |question: Json| async move { get(&page_of(&question)).await.text() };
    let audience = |condition: &str| json!({ "kind": "audience", "purpose": "hr", "where": condition });
    let page = text(audience("age > 30 AND did(*) AND in_audience('gone')")).await;
    for option in [
        r#"<option value="age" selected>age</option>"#,
        r#"<option value=">" selected>more than</option>"#,
        r#"<option value="*" selected>did anything</option>"#,
        r#"<option value="gone" selected>gone</option>"#,
        r#"name="value" value="hr" checked"#,
    ] {
        assert!(page.replace("&gt;", ">").contains(option), "{option} is not in {page}");
    }
    let trend = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "day",
        "where": "in_audience('frequent')", "breakdown": ["hair"], "period": { "last": "30 days" } });
    let page = text(trend).await;
    for field in [
        r#"<option value="audience" selected>"#,
        r#"name="breakdown" value="hair" checked"#,
        r#"name="last" value="30 days""#,
    ] {
        assert!(page.contains(field), "{field} is not in {page}");
    }
}

#[tokio::test]
async fn enter_applies_a_form() {
    let funnel = json!({ "kind": "funnel", "purpose": "analytics", "steps": ["basket_paid", "campaign_received", "coupon_redeemed"], "within": "9 days" });
    for question in [funnel, audience("email")] {
        let page = get(&page_of(&question)).await.text();
        let forms: Vec<&str> = page.split("<form class=\"popover fields\" popover id=\"e-").skip(1).collect();
        assert!(forms.len() > 3);
        for form in forms {
            let first = form.split("<button").nth(1).expect("a form has a button");
            let tag = first.split('>').next().unwrap_or_default();
            assert!(first.contains(">Apply</button>") && !tag.contains("name="), "{form}");
        }
    }
    let page = get(&page_of(&json!({ "kind": "funnel", "purpose": "analytics", "steps": ["basket_paid", "coupon_redeemed"], "within": "9 days", "same": ["items"] }))).await.text();
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let n_ids = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n_ids, "no id comes twice");
}

#[tokio::test]
async fn only_the_page_makes_up_for_a_question_that_cannot_be_read() {
    for q in ["%7Bbroken", "%5B%5D", ""] {
        for path in ["/ask/verdict?", "/ask/answer?", "/ask/download?format=csv&"] {
            let got = get(&format!("{path}q={q}")).await;
            assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}q={q}");
            assert!(got.text().contains("This cannot be read as a question"), "{path}q={q}: {}", got.text());
        }
    }
    let got = get("/ask?q=%7Bbroken&edit=purpose&value=email").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text().contains("here is a fresh question instead"));
}

#[tokio::test]
async fn a_problem_says_what_helps() {
    let refused = json!({ "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" });
    let got = get(&page_of(&refused).replace("/ask?", "/ask/download?format=csv&")).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text().contains("nearest yes") && got.text().contains("235 people"), "{}", got.text());
    let nowhere = get("/nope").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert!(nowhere.text().contains("aria-label=\"Main\""), "inside of the frame");
    let anonymous = send("", Request::get("/nope").body(Body::empty()).expect("a request")).await;
    assert!(anonymous.status == StatusCode::NOT_FOUND && !anonymous.text().contains("aria-label=\"Main\""));
    assert!(get("/metrics/nope").await.text().contains("the list of metrics has those that are there"));

    let told = |message: &str| {
        let error = spec::Error::new(spec::ErrorKind::Unavailable, message.to_owned()).with_hint("look into `/srv/x`");
        crate::problem::Problem::from(error)
    };
    let lost = told("cannot read `/srv/data/vault`");
    assert_eq!((lost.status, lost.retry_after_seconds), (503, Some(2)));
    assert!(!format!("{} {:?}", lost.detail, lost.hint).contains("/srv"));
    let large = told("the answer would be too large");
    assert_eq!(large.detail, "the answer would be too large");
    assert!(!format!("{:?}", large.hint).contains("/srv"));
}

#[tokio::test]
async fn the_face_stays_on_every_way() {
    let page = get("/?face=it").await.text();
    for attribute in ["href=\"/", "hx-get=\"/"] {
        for link in page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            // The switch of the faces itself leads to the other one.
            let is_other = link.is_empty() || link.starts_with("static");
            assert!(link.contains("face=it") || is_other, "/{link} loses the face");
        }
    }
    assert!(get("/palette?face=it&words=net").await.text().contains("/metrics/net_sales?face=it"));
}

#[tokio::test]
async fn a_save_answers_where_it_is_seen_and_says_where_to_find_it() {
    let save = |title: &str| {
        let body = format!("title={title}&q=%7B%22kind%22%3A%22trend%22%7D");
        let request =
            Request::post("/ask/save").header("authorization", "Bearer token-ivo").header("hx-request", "true");
        send("", request.body(Body::from(body)).expect("a request"))
    };
    let bad = save("").await;
    assert_eq!((bad.status, bad.header("hx-retarget")), (StatusCode::BAD_REQUEST, ""));
    assert!(bad.text().contains("The title is missing"), "{}", bad.text());
    let good = save("A").await;
    assert_eq!((good.status, good.header("hx-retarget")), (StatusCode::OK, "#toasts"));
    for kind in ["audiences", "questions"] {
        let body = json!({ "title": "A", "question": audience("email") }).to_string();
        let saved = post_json(&format!("/api/v1/{kind}"), body).await;
        let found = get(saved.header("location")).await;
        assert_eq!((found.status, &found.json()["name"]), (StatusCode::OK, &saved.json()["name"]), "{kind}");
        assert_eq!(get(&format!("/api/v1/{kind}/nope")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_summary_says_how_much_of_the_answer_is_shown() {
    let answer = |question: Json| async move { get(&page_of(&question).replace("/ask", "/ask/answer")).await.text() };
    let mut list = audience("email");
    list["release"] = "list".into();
    assert!(answer(list.clone()).await.contains("235 people, who may be used for e-mail."));
    list["limit"] = 100.into();
    let text = answer(list).await;
    assert!(text.contains("235 people, who may be used for e-mail; the first 100 of them are shown."), "{text}");
    let stores = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "month", "breakdown": ["store_id"] });
    let text = answer(stores).await;
    assert!(text.contains("The 8 largest of 31 are shown; all are in the table."), "{text}");
}

#[test]
fn nobody_is_kept_from_signing_in_by_many_other_names() {
    let attempts = crate::gate::Attempts::default();
    let now = std::time::Instant::now();
    for n in 0..12_000 {
        let _ = attempts.count(&format!("{n}{}", "x".repeat(200)), now);
    }
    assert!(attempts.count("mia", now).is_ok());
}

#[test]
fn the_folder_for_uploads_is_empty_at_the_start_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().expect("a folder");
    let spool = data.path().join("uploads");
    crate::body::empty_spool(&spool);
    assert_eq!(std::fs::metadata(&spool).expect("it is made").permissions().mode() & 0o777, 0o700);
    std::fs::write(spool.join("left"), "behind").expect("it can be written to");
    crate::body::empty_spool(&spool);
    assert_eq!(std::fs::read_dir(&spool).expect("it stays").count(), 0);
}

#[tokio::test]
async fn an_import_streams_to_the_product() {
    let request =
        Request::post("/api/v1/sources/purchases/import?file_name=a.csv").header("authorization", "Bearer token-ivo");
    let got = send("", request.body(Body::from(vec![b'x'; 3 << 20])).expect("a request")).await;
    assert_eq!(
        got.json(),
        json!({ "what": "purchases/a.csv", "received": 3_145_728, "stored": 3_145_728, "duplicate": 0, "rejected": 0 })
    );
    let request = Request::post("/api/v1/sources/purchases/import?file_name=a.csv")
        .header("authorization", "Bearer token-ivo")
        .header("content-length", "9999999999");
    assert_eq!(send("", request.body(Body::empty()).expect("a request")).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn the_openapi_document_has_every_route_of_the_interface() {
    let document = crate::openapi();
    for route in routes().iter().filter(|route| [RouteKind::Api, RouteKind::Intake].contains(&route.kind)) {
        assert!(
            document["paths"][crate::openapi::path_of(route)][route.method.to_ascii_lowercase()].is_object(),
            "{}",
            route.path
        );
    }
}

#[test]
fn every_static_file_is_embedded_and_every_vendored_one_is_the_one_declared() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    let vendor = std::fs::read_to_string(folder.join("vendor/VENDOR.toml")).expect("the list of vendored files");
    let on_disk: BTreeSet<String> = ["", "vendor"]
        .iter()
        .flat_map(|sub| {
            let entries = std::fs::read_dir(folder.join(sub)).expect("the folder");
            let prefix = if sub.is_empty() { String::new() } else { format!("{sub}/") };
            entries
                .filter_map(Result::ok)
                .filter(|entry| entry.path().is_file())
                .map(move |entry| format!("{prefix}{}", entry.file_name().to_string_lossy()))
        })
        .filter(|name| !name.ends_with(".toml"))
        .collect();
    let embedded: BTreeSet<String> = crate::assets::names().into_iter().map(str::to_owned).collect();
    assert_eq!(on_disk, embedded);
    for name in embedded.iter().filter_map(|name| name.strip_prefix("vendor/")) {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(std::fs::read(folder.join("vendor").join(name)).expect("the file"));
        let hex = spec::hex(&digest);
        assert!(vendor.contains(&hex), "{name} is not the file that VENDOR.toml declares");
    }
}

#[test]
fn figures_read_well() {
    use crate::words::{change, figure, interval, length, moment};
    assert_eq!(figure("4594146.32", Some("USD")), "$4\u{202f}594\u{202f}146.32");
    assert_eq!(figure("-1200", Some("people")), "−1\u{202f}200 people");
    assert_eq!(change(110.0, 100.0).as_deref(), Some("+10.0 %"));
    assert_eq!(change(1.0, 0.0), None);
    assert_eq!((length(1_036_800.0), length(5_400.0)), ("12 days".to_owned(), "1.5 hours".to_owned()));
    assert_eq!(
        (interval("2017-03-06", "week"), interval("2017-03-01T00:00:00Z", "month")),
        ("week of 6 Mar 2017".to_owned(), "Mar 2017".to_owned())
    );
    assert_eq!(
        (moment("2017-03-03T14:05:00Z"), moment("2017-03-03T00:00:00Z")),
        ("3 Mar 2017, 14:05".to_owned(), "3 Mar 2017".to_owned())
    );
}

#[tokio::test]
async fn a_gap_says_who_closes_it_and_opens_with_the_change() {
    let gap = json!({ "kind": "audience", "purpose": "ads", "where": "income = 'high'" });
    let verdict = page_of(&gap).replace("/ask", "/ask/verdict");
    let text = get(&verdict).await.text();
    assert!(text.contains("The data team, usually within 2 days"), "{text}");
    let (_, rest) = text.split_once("href=\"/definitions/").expect("the file opens");
    let (link, q) = rest.split('"').next().unwrap_or_default().split_once("&amp;q=").expect("with the question");
    let q = String::from_utf8(crate::body::percent_decode(q.as_bytes())).expect("it is text");
    assert_eq!(serde_json::from_str::<Json>(&q).expect("it is JSON"), gap, "it leads back to the question");
    let (path, change) = link.split_once("?change=").expect("with the change");
    assert_eq!(path, "contracts/people.odcs.yaml");
    let change = String::from_utf8(crate::body::percent_decode(change.as_bytes())).expect("it is text");
    let change = spec::Change::parse(&serde_json::from_str(&change).expect("it is JSON")).expect("it is a change");
    let (object, field, purpose) = ("people".to_owned(), "income".to_owned(), "ads".to_owned());
    assert_eq!(change, spec::Change::AllowField { object, field, purpose });
    assert!(get(&format!("{verdict}&face=it")).await.text().contains("&amp;face=it\">Open with the change"));
}

#[tokio::test]
async fn what_cannot_be_saved_says_so_before_a_title_is_typed() {
    let page = |question: Json| async move { get(&page_of(&question)).await.text() };
    let broken = page(json!({ "kind": "audience", "where": "did(basket_payd)" })).await;
    assert!(broken.contains("popovertarget=\"save\" disabled aria-describedby=\"unsavable\""), "{broken}");
    assert!(broken.contains("It can be saved once it is a question") && !broken.contains("action=\"/ask/save\""));
    let whole = page(audience("email")).await;
    assert!(whole.contains("action=\"/ask/save\"") && !whole.contains("unsavable"), "{whole}");
}

#[tokio::test]
async fn values_are_told_where_they_are_not_counted() {
    let values = get("/api/v1/values?purpose=email&field=region").await.json();
    assert_eq!(values, json!({ "values": ["US-CA", "US-NY"], "why": null }));
    let counted = get("/api/v1/values?purpose=ads&field=region").await.json();
    assert!(counted["values"].as_array().is_some_and(Vec::is_empty) && counted["why"].is_string(), "{counted}");
    assert_eq!(get("/api/v1/values?purpose=email").await.status, StatusCode::BAD_REQUEST);
    let trend = json!({ "kind": "trend", "purpose": "email", "measure": "count(basket_paid)" });
    let page = get(&page_of(&trend)).await.text();
    assert!(page.contains("data-values=\"trait\"") && page.contains("<datalist id=\"values\">"), "{page}");
}

#[tokio::test]
async fn records_are_filtered_and_kept_as_a_file() {
    let look = |path: &'static str| {
        let request = Request::get(path).header("authorization", "Bearer token-pia").body(Body::empty());
        send("", request.expect("a request"))
    };
    let page = look("/rules/audit?day=2026-01-05&user=mia").await.text();
    for words in ["value=\"2026-01-05\"", ">e-mail</td>", "name=\"live\"", "format=csv&amp;user=mia&amp;day=2026-01-05"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let file = look("/rules/audit?format=csv").await;
    assert!(file.header("content-disposition").contains("records.csv"));
    let text = file.text();
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("number,at,who,what,")), "{text}");
    assert!(lines.next().is_some_and(|line| line.contains(",mia,ask,") && line.contains(",e-mail,yes,235,")), "{text}");
    let numbers = |text: &str| -> Vec<String> {
        text.lines().skip(1).filter_map(|line| line.split_once(',')).map(|(number, _)| number.to_owned()).collect()
    };
    assert_eq!(numbers(&text), ["3", "2", "1"], "all of them, each once, without what pages kept live");
    let live = look("/rules/audit?format=csv&live=yes").await.text();
    assert_eq!(numbers(&live), ["4", "3", "2", "1"]);
    assert!(numbers(&look("/rules/audit?format=csv&day=2026-01-06").await.text()).is_empty());
    let api = |query: &'static str| async move { look(query).await.json()["records"].as_array().map(Vec::len) };
    assert_eq!(api("/api/v1/audit?before=2").await, Some(1));
    assert_eq!(api("/api/v1/audit?day=2026-01-06").await, Some(0));
    let first = |json: Json| json["records"][0]["number"].as_u64();
    assert_eq!(first(look("/api/v1/audit").await.json()), Some(4), "programs get all unless they leave some out");
    assert_eq!(first(look("/api/v1/audit?live=no").await.json()), Some(3));
    assert_eq!(get("/rules/audit?format=csv").await.status, StatusCode::FORBIDDEN);
    assert_eq!(look("/api/v1/audit?day=tomorrow").await.status, StatusCode::BAD_REQUEST);
}
