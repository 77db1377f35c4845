//! Requests that another site's page makes a browser send, and other ways to change something without meaning to.

use super::*;
use axum::http::HeaderValue;

/// Somebody who may use every route that changes something.
const COOKIE: &str = "entente=session-ivo";

/// What a request is called, its headers and its body.
type Way<'t> = (&'t str, &'t [(&'static str, &'t str)], String);

/// The token that a page of the session holds.
async fn form_token() -> String {
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
