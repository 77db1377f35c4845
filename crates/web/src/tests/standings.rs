//! Verdicts kept live, over the fixture: in lists, as JSON, and when parts of a page ask again.

use super::*;

async fn part(path: &str) -> Got {
    let request = Request::get(path).header("authorization", "Bearer token-mia").header("hx-request", "true");
    send("", request.body(Body::empty()).expect("a request")).await
}

/// The address at which a part of a page looks again.
fn watch_of(text: &str, path: &str) -> String {
    let start = format!("hx-get=\"{path}?");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("nothing looks at {path} again: {text}"));
    let query = rest.split('"').next().unwrap_or_default().replace("&amp;", "&");
    format!("{path}?{query}")
}

#[tokio::test]
async fn lists_show_how_each_thing_stands() {
    let text = get("/questions").await.text();
    for words in [
        "<span class=\"tag yes\">Yes, 235 people</span>",
        "<span class=\"tag else\">Not this way</span>",
        "<span class=\"tag if\">Yes, if …</span>",
        "Turned at 14:02 UTC because the rules changed: `campaign_type` may not be used for analytics.",
        "Purchases last delivered on 20 Nov 2026, later than promised.",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    let it = get("/questions?face=it").await.text();
    assert!(
        it.contains("because `contracts/campaigns.odcs.yaml` changed: `contracts/campaigns.odcs.yaml` does not list")
    );
    assert!(get("/audiences").await.text().contains("Yes, 235 people"));
    assert!(get("/dashboards").await.text().contains("1 of 4: no question any more"), "the worst tile counts");
    let home = get("/").await.text();
    assert!(home.contains("Not this way") && home.contains("Yes, 235 people"));
    assert!(home.contains("id=\"turned\" class=\"hidden\" role=\"status\""), "turns are read out");
}

#[tokio::test]
async fn a_list_that_is_as_before_is_not_sent_again() {
    for page in ["/", "/questions", "/audiences", "/dashboards"] {
        let first = get(page).await.text();
        assert!(first.contains("hx-trigger=\"load, every 3s, look\""), "{page} is judged once it is there");
        let watch = watch_of(&first, "/standings");
        let same = part(&watch).await;
        assert_eq!((same.status, same.body.len()), (StatusCode::NO_CONTENT, 0), "{watch}");
        let other = part(&watch.replace("key=", "key=0")).await;
        assert_eq!(other.status, StatusCode::OK);
        assert_eq!(watch_of(&other.text(), "/standings"), watch, "{page}: with the next look in it");
        assert!(!other.text().contains("load, every"), "a list that was judged does not look again at once");
    }
}

#[tokio::test]
async fn what_turned_is_read_out_once() {
    let told = part("/standings?of=questions&key=0&at=1763820000").await.text();
    assert!(
        told.contains("hx-swap-oob")
            && told.contains("Do campaigns lead to coupons?: Not this way, because the rules changed."),
        "{told}"
    );
    let later = part("/standings?of=questions&key=0&at=1795363200").await.text();
    assert!(!later.contains("hx-swap-oob"), "{later}");
}

#[tokio::test]
async fn parts_ask_again_when_the_rules_have_moved() {
    for page in ["/", "/dashboards/monday", "/audiences/frequent", "/metrics/net_sales", &page_of(&audience("email"))] {
        let text = get(page).await.text();
        assert!(text.contains("data-kept") && text.contains("moved from:body"), "{page}");
        let watch = watch_of(&text, "/ground");
        let same = part(&watch).await;
        assert_eq!((same.status, same.header("hx-trigger")), (StatusCode::NO_CONTENT, ""), "{page}");
        let moved = part(&watch.replace("rules=b81d02a7", "rules=before")).await;
        assert_eq!((moved.status, moved.header("hx-trigger")), (StatusCode::OK, r#"{"moved":{"rules":true}}"#));
        assert_eq!(watch_of(&moved.text(), "/ground"), watch, "with what is in force now");
    }
    assert!(!get("/rules").await.text().contains("id=\"ground\""), "a page without answers looks at nothing");
}

#[tokio::test]
async fn what_is_counted_is_not_asked_again_by_itself() {
    for path in ["/ask/verdict", "/ask/answer", "/ask/tile"] {
        let path_of = |purpose: &str| page_of(&audience(purpose)).replace("/ask", path);
        let left = part(&format!("{}&kept=yes", path_of("ads"))).await.text();
        assert!(left.contains("Ask again") && !left.contains("people"), "{path}: {left}");
        assert_eq!(watch_of(&left, path), path_of("ads"), "a click asks");
        assert!(!part(&path_of("ads")).await.text().contains("Ask again"), "{path}: who opens it asks");
        assert!(!part(&format!("{}&kept=yes", path_of("email"))).await.text().contains("Ask again"), "{path}");
    }
}

#[tokio::test]
async fn verdicts_are_told_to_programs() {
    let body = get("/api/v1/verdicts").await.json();
    assert_eq!(body["at"], "2026-11-22T16:00:00Z");
    let verdicts = body["verdicts"].as_array().expect("a list");
    let of = |kind: &str, name: &str| {
        let found = verdicts.iter().find(|verdict| verdict["kind"] == kind && verdict["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name} is not told: {body}"))
    };
    assert_eq!(
        (&of("audience", "frequent")["outcome"], &of("audience", "frequent")["people"]),
        (&json!("yes"), &json!(235))
    );
    let mailers = of("question", "mailers");
    assert_eq!((&mailers["outcome"], &mailers["turned_from"]), (&json!("no"), &json!("yes")));
    assert_eq!(mailers["because"]["for_marketing"], "the rules changed");
    assert_eq!(of("metric", "net_sales")["outcome"], "pending");
    assert_eq!(of("dashboard", "monday")["outcome"], "invalid");
}
