//! Requests that another site's page makes a browser send, and other ways to change something without meaning to.

use super::*;
use axum::http::HeaderValue;

/// Somebody who may use every route that changes something.
pub(super) const COOKIE: &str = "entente=session-ivo";

/// What a request is called, its headers and its body.
type Way<'t> = (&'t str, &'t [(&'static str, &'t str)], String);

/// The token that a page of the session holds.
pub(super) async fn form_token() -> String {
    let page = send("", Request::get("/").header("cookie", COOKIE).body(Body::empty()).expect("a request")).await;
    let text = page.text();
    let (_, rest) = text.split_once("X-Entente-CSRF\": \"").expect("the page holds the token");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Sends a sample of a route as a browser of the session does, with these headers in place of the sample's.
async fn send_sample(method: &str, path: &str, headers: &[(&'static str, &str)], body: String) -> Got {
    let mut request = sample(method, path).header("cookie", COOKIE).header("host", "h");
    let all = request.headers_mut().expect("the sample is a request");
    for (name, value) in headers {
        all.insert(*name, HeaderValue::from_str(value).expect("it can be a header"));
    }
    send("", request.body(Body::from(body)).expect("a request")).await
}

async fn send_plain(method: &str, address: &str, header: Option<(&str, &str)>) -> Got {
    let mut request = Request::builder().method(method).uri(address).header("authorization", "Bearer token-ivo");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    send("", request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn case_57_no_route_changes_anything_for_another_site() {
    let token = form_token().await;
    let parts = format!("--x\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x--\r\n");
    let all = routes();
    let mut n_routes = 0;
    for route in all.iter().filter(|route| route.method != "GET" && !needs_nobody(route.rights)) {
        n_routes += 1;
        let case = format!("{} {}", route.method, route.path);
        let body = || sample_body(route.path);
        let own = send_sample(route.method, route.path, &[("x-entente-csrf", token.as_str())], body()).await;
        assert_ne!(own.status, StatusCode::FORBIDDEN, "{case}: a page of ours may");
        let ways: [Way<'_>; 8] = [
            ("a foreign origin", &[("origin", "http://evil"), ("x-entente-csrf", token.as_str())], body()),
            ("an origin that is not told", &[("origin", "null"), ("x-entente-csrf", token.as_str())], body()),
            ("a foreign page", &[("sec-fetch-site", "cross-site"), ("x-entente-csrf", token.as_str())], body()),
            ("a page next door", &[("sec-fetch-site", "same-site"), ("x-entente-csrf", token.as_str())], body()),
            ("JSON as text", &[("content-type", "text/plain")], body()),
            ("parts", &[("content-type", "multipart/form-data; boundary=x")], parts.clone()),
            ("no token", &[], body()),
            ("an empty token", &[("x-entente-csrf", "")], body()),
        ];
        for (way, headers, body) in ways {
            let got = send_sample(route.method, route.path, headers, body).await;
            assert_eq!(got.status, StatusCode::FORBIDDEN, "{case} by {way}: {}", got.text());
            assert!(got.text().contains("does not come from a page of yours"), "{case} by {way}: {}", got.text());
            assert!(got.header("set-cookie").is_empty(), "{case} by {way}");
        }
    }
    assert!(n_routes >= 20, "only {n_routes} routes change something");
}

#[tokio::test]
async fn case_57_nothing_is_changed_by_looking_at_it() {
    for path in ["/sign-out", "/ask/save", "/ask/unsave"] {
        for method in ["GET", "HEAD"] {
            let got = send_sample(method, path, &[], String::new()).await;
            assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(got.header("set-cookie").is_empty(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn case_57_a_method_is_what_the_request_line_says() {
    let all = routes();
    let mut n_paths = 0;
    for route in all.iter().filter(|route| route.method == "DELETE") {
        n_paths += 1;
        let address = route.path.replace("{name}", known_name(route.path));
        let plain = send_plain("GET", &address, None).await;
        for (address, header) in [
            (address.clone(), Some(("x-http-method-override", "DELETE"))),
            (address.clone(), Some(("x-http-method", "DELETE"))),
            (address.clone(), Some(("x-method-override", "DELETE"))),
            (format!("{address}?_method=DELETE"), None),
        ] {
            let got = send_plain("GET", &address, header).await;
            assert_eq!((got.status, &got.body), (plain.status, &plain.body), "GET {address} {header:?}");
            let got = send_plain("POST", &address, header).await;
            assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "POST {address} {header:?}");
        }
    }
    assert!(n_paths >= 4, "only {n_paths} paths can be deleted");
}

#[tokio::test]
async fn case_57_nobody_is_signed_in_by_another_site() {
    let sign_in = |header: (&str, &str)| {
        let request = Request::post("/sign-in")
            .header("host", "h")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(header.0, header.1);
        send("", request.body(Body::from("name=mia&password=demo")).expect("a request"))
    };
    let own = sign_in(("origin", "http://h")).await;
    assert!(own.status == StatusCode::SEE_OTHER && !own.header("set-cookie").is_empty(), "{}", own.status);
    for header in [
        ("origin", "http://evil"),
        ("origin", "http://h.evil"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let got = sign_in(header).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{header:?}");
        assert!(got.header("set-cookie").is_empty(), "{header:?}");
    }
}

/// A look at an address by a browser of a session, with what it says of where the look comes from.
async fn look(address: &str, headers: &[(&'static str, &str)]) -> Got {
    let mut request = Request::get(address).header("cookie", COOKIE).header("host", "h");
    let all = request.headers_mut().expect("it is a request");
    for (name, value) in headers {
        all.insert(*name, HeaderValue::from_str(value).expect("it can be a header"));
    }
    send("", request.body(Body::empty()).expect("a request")).await
}

/// What a browser says of a look that no page of ours made it take.
const FOREIGN: [&[(&str, &str)]; 8] = [
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
    &[("sec-fetch-site", "cross-site"), ("referer", "http://h/ask")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "none")],
    &[("referer", "http://evil/http://h/")],
    &[("referer", "http://h.evil/")],
    &[],
];

#[tokio::test]
async fn another_site_makes_nobody_ask() {
    for (path, _) in crate::gate::ASKING {
        assert!(routes().iter().any(|route| route.method == "GET" && route.path == path), "{path} is no route");
    }
    let q = crate::body::percent_encode(&audience("email").to_string());
    let parts = ["verdict", "answer", "tile", "download"].map(|part| {
        let format = if part == "download" { "format=csv&" } else { "" };
        (format!("/ask/{part}?{format}q={q}"), format!("/ask?q={q}&led=yes"))
    });
    let home = ["/home/metrics/net_sales", "/home/series?metric=net_sales", "/home/people", "/standings?of=questions"];
    let home = home.map(|part| (part.to_owned(), "/".to_owned()));
    for (address, page) in parts.iter().chain(&home) {
        for headers in FOREIGN {
            let got = look(address, headers).await;
            assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, page.as_str()), "{headers:?}");
            assert!(got.body.is_empty(), "{address} {headers:?}");
        }
        for headers in [("sec-fetch-site", "same-origin"), ("referer", "http://h/ask?q=1"), ("hx-request", "true")] {
            assert_eq!(look(address, &[headers]).await.status, StatusCode::OK, "{address} {headers:?}");
        }
    }
    let face = look(&format!("/ask/answer?q={q}&face=it&kept=yes"), &[]).await;
    assert_eq!(face.header("location"), format!("/ask?q={q}&face=it&led=yes"));
    assert_eq!(look("/api/v1/verdicts", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(look("/api/v1/verdicts", &[("sec-fetch-site", "same-origin")]).await.status, StatusCode::OK);
    // A token is sent by nobody's browser by itself.
    assert_eq!(get(&parts[1].0).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_that_a_link_led_to_leaves_what_is_counted_to_ask() {
    let asks = |text: &str| text.contains("hx-get=\"/ask/answer") || text.contains("hx-get=\"/ask/verdict");
    for address in [page_of(&audience("email")), "/audiences/frequent?purpose=email".to_owned()] {
        for headers in FOREIGN.iter().filter(|headers| !headers.contains(&("sec-fetch-site", "none"))) {
            let page = look(&address, headers).await.text();
            assert!(page.contains(">Ask</a>") && !asks(&page), "{address} {headers:?}: {page}");
        }
        for site in ["same-origin", "none"] {
            let page = look(&address, &[("sec-fetch-site", site)]).await.text();
            assert!(!page.contains("not opened from a page here") && asks(&page), "{address} {site}: {page}");
        }
        let mark = if address.contains('?') { "&" } else { "?" };
        let led = look(&format!("{address}{mark}led=yes"), &[("sec-fetch-site", "same-origin")]).await.text();
        assert!(led.contains("not opened from a page here") && !asks(&led), "{address}: {led}");
    }
    let free = look(&page_of(&audience("analytics")), FOREIGN[0]).await.text();
    assert!(asks(&free), "what is neither counted nor remembered is asked at once: {free}");
}

#[tokio::test]
async fn who_signs_in_on_the_way_is_still_led() {
    let next = |address: &str| format!("/sign-in?next={}", crate::body::percent_encode(address));
    let form = |headers: &'static [(&'static str, &'static str)], address: &str| {
        let mut request = Request::get(next(address)).header("host", "h");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send("", request.body(Body::empty()).expect("a request"))
    };
    let ask = page_of(&audience("email"));
    assert!(form(FOREIGN[0], &ask).await.text().contains("&amp;led=yes\""));
    assert!(!form(&[("sec-fetch-site", "same-origin")], &ask).await.text().contains("led=yes"));
    assert!(!form(FOREIGN[0], "/metrics").await.text().contains("led=yes"));
}

#[tokio::test]
async fn only_who_was_offered_a_question_is_told_that_it_was_a_yes() {
    const TOLD: &str = "This was a yes when it was offered";
    let own: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
    let list = json!({ "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" });
    let verdict = page_of(&list).replace("/ask?", "/ask/verdict?");
    let text = look(&verdict, own).await.text().replace("&amp;", "&");
    let (_, rest) = text.split_once("href=\"/ask?q=").expect("something is offered");
    let offered = format!("/ask/verdict?q={}", rest.split('"').next().unwrap_or_default());
    let (question, mark) = offered.split_once("&taken=").expect("it is marked");
    assert_eq!(mark.len(), 32);
    // The mark of one question, put beside another that is refused.
    for forged in ["yes", mark, ""] {
        let text = look(&format!("{verdict}&taken={forged}"), own).await.text();
        assert!(text.contains("Not this way") && !text.contains(TOLD), "{forged}: {text}");
    }
    let page = |q: &str, mark: &str| format!("{}&taken={mark}", q.replace("/ask/verdict?", "/ask?"));
    let taken = look(&page(question, mark), own).await.text();
    assert!(taken.contains(&format!("&amp;taken={mark}")) || taken.contains(&format!("&taken={mark}")), "{taken}");
    let text = look(&page(question, "yes"), own).await.text();
    let asks = text.split("/ask/verdict?").skip(1).filter_map(|rest| rest.split('"').next());
    assert!(asks.clone().count() > 0 && asks.clone().all(|address| !address.contains("taken=")), "{text}");
}
