//! What comes in, what is kept aside, and what monitoring reads of it: who sees it and what it says.

use super::*;

#[tokio::test]
async fn what_arrives_is_shown_to_those_who_run_the_server() {
    let page = get("/live").await.text();
    for words in [
        "Events arriving now",
        "48\u{202f}211",
        "31 the message has no",
        "1.5 MB",
        "every 2s",
        "/live\" aria-current",
        "812 messages",
        "1 second",
        ">803<",
        "11:30",
        "in the books",
        ">261<",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    let body = get("/api/v1/collector").await.json();
    assert_eq!((&body["log_bytes"], &body["is_durable"]), (&json!(1_482_113), &json!(true)));
    assert_eq!(body["keys"][0]["rejected"][1], json!({ "reason": "not an object", "messages": 2 }));
    assert_eq!(body["keys"][0]["last_at"], "2026-03-03T01:06:40Z");
    let mia = |path: &'static str| Request::get(path).header("authorization", "Bearer token-mia").body(Body::empty());
    let denied = send("", mia("/live").expect("a request")).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.text().contains("your role may not see how the server runs") || denied.text().contains("Your role"));
    assert!(!send("", mia("/").expect("a request")).await.text().contains("href=\"/live"), "it is not in her rail");
}

#[tokio::test]
async fn what_is_kept_aside_is_shown_by_reason_and_tried_again() {
    let page = get("/quarantine").await.text();
    for words in [
        "Kept aside",
        "1\u{202f}394 messages",
        "The contract does not declare the event",
        "product_viewed",
        "22 Nov 2026, 11:30",
        "Send it as the contract declares it",
        "/definitions/contracts/",
        "Try all of them again",
        "shown to nobody",
        "/live\" aria-current",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    let most = page.find("page_scrolled").expect("it is there");
    assert!(most < page.find("product_viewed").expect("it is there"), "the largest group stands first");
    let elsewhere = get("/quarantine?source=purchases").await.text();
    assert!(elsewhere.contains("Kept aside: Purchases") && elsewhere.contains("Nothing is aside"), "{elsewhere}");
    assert!(!get("/sources/purchases").await.text().contains("/quarantine?source=purchases"), "nothing of it is aside");
    assert!(get("/palette?words=aside").await.text().contains("/quarantine"));

    let request = Request::post("/quarantine").header("authorization", "Bearer token-ivo");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let tried = send("", request.body(Body::from("replay=web&reason=x")).expect("a request")).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert!(tried.text().contains("9 messages keep the contract by now"), "{}", tried.text());
    assert!(tried.text().contains("3 do not and stay aside"));
}

#[tokio::test]
async fn who_does_not_run_the_server_sees_nothing_of_what_is_aside() {
    let of_mia = |path: &'static str| Request::get(path).header("authorization", "Bearer token-mia");
    for path in ["/quarantine", "/api/v1/quarantine", "/api/v1/collector/metrics"] {
        let denied = send("", of_mia(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!denied.text().contains("product_viewed") && !denied.text().contains("entente_"), "{path}");
    }
    let palette = send("", of_mia("/palette?words=aside").body(Body::empty()).expect("a request")).await;
    assert!(!palette.text().contains("/quarantine"));
    // A session needs the token of its page to change anything.
    let forged = Request::post("/quarantine").header("cookie", "entente=session-ivo").header("host", "h");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded").body(Body::from("replay=web"));
    assert_eq!(send("", forged.expect("a request")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn monitoring_reads_the_pulse_and_the_books() {
    let got = get("/api/v1/collector/metrics").await;
    assert_eq!(got.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = got.text();
    for line in [
        r#"entente_messages_total{source="web",key="browser",outcome="quarantined"} 12"#,
        r#"entente_messages_rejected_total{source="web",key="browser",reason="not an object"} 2"#,
        r#"entente_books_messages_total{source="web",key="browser",fate="duplicate"} 261"#,
        r#"entente_last_message_timestamp_seconds{source="web",key="browser"} 1772500000"#,
        "entente_log_bytes 1482113",
        "entente_log_records 812",
        "entente_landing_lag_seconds 0.9",
        "entente_landing_up 1",
        "# TYPE entente_messages_total counter",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').map(|(_, rest)| rest).unwrap_or_default();
        let names: Vec<&str> = labels.split("\",").filter_map(|pair| pair.split_once('=')).map(|pair| pair.0).collect();
        let known = ["source", "key", "outcome", "reason", "fate"];
        assert!(names.iter().all(|name| known.contains(name)), "{line}");
    }
    let anonymous = Request::get("/api/v1/collector/metrics").body(Body::empty()).expect("a request");
    assert_eq!(send("", anonymous).await.status, StatusCode::UNAUTHORIZED, "and no form to sign in");
}
