//! Dashboards over HTTP and as pages: what is on them, who may change them, and what a change answers.

use super::*;

async fn get_as(user: &str, path: &str) -> String {
    let request = Request::get(path).header("authorization", format!("Bearer token-{user}"));
    send("", request.body(Body::empty()).expect("a request")).await.text()
}

/// Sends a form as htmx does.
fn post_form(path: &str, fields: &[(&str, &str)]) -> impl Future<Output = Got> + use<> {
    let form: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", crate::body::percent_encode(value))).collect();
    let request = Request::post(path)
        .header("authorization", "Bearer token-mia")
        .header("hx-request", "true")
        .header("content-type", "application/x-www-form-urlencoded");
    send("", request.body(Body::from(form.join("&"))).expect("a request"))
}

/// The headings of the tiles, in their order.
fn headings(text: &str) -> Vec<&str> {
    text.split("<h2 id=\"title-").skip(1).filter_map(|rest| rest.split(['>', '<']).nth(1)).collect()
}

#[tokio::test]
async fn a_dashboard_comes_with_tiles_that_load_themselves() {
    let page = get_as("mia", "/dashboards/monday").await;
    let expected = ["Sales by size", "Do campaigns lead to coupons?", "Net sales", "gone"];
    assert_eq!(headings(&page), expected, "its own title, its question's, its metric's, its name");
    assert_eq!(page.matches("hx-get=\"/ask/tile?q=").count(), 3);
    assert!(page.contains("has errors, or is gone"), "a tile without its question says so");
    assert!(!page.contains("<canvas") && !page.contains("data-chart"), "no answer is waited for");
    assert!(get_as("ivo", "/dashboards/monday?face=it").await.contains("dashboards/monday.yaml"));
    assert_eq!(get("/dashboards/nope").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_guarded_differences_mean_stands_under_each_answer() {
    for kind in [json!({ "kind": "funnel", "purpose": "analytics", "steps": ["a", "b"] }), audience("email")] {
        let text = get_as("mia", &page_of(&kind).replace("/ask?", "/ask/answer?")).await;
        let words = "by fewer than 50 people is shown as it was before, so that nobody can be singled out.";
        assert_eq!(text.matches(words).count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_tile_shows_its_picture_or_the_nearest_yes() {
    let tile = |question: &Json| page_of(question).replace("/ask?", "/ask/tile?");
    let funnel = json!({ "kind": "funnel", "purpose": "analytics", "steps": ["a", "b"] });
    let text = get_as("mia", &tile(&funnel)).await;
    assert!(text.contains("class=\"fall funnel\"") && text.contains("people, data up to"), "{text}");
    let text = get_as("ivo", &format!("{}&face=it", tile(&funnel))).await;
    assert!(text.contains("people used, data landed") && text.contains("rules b81d02a7c3e9"), "{text}");
    let list = json!({ "kind": "audience", "purpose": "analytics", "where": CONDITION, "release": "list" });
    let text = get_as("mia", &tile(&list)).await;
    assert!(text.contains("nearest yes") && text.contains("235 people"), "{text}");
    assert!(!text.contains("data-undo"), "taking it leaves for the page of the question");
    let text = get_as("mia", &tile(&json!({ "kind": "audience", "where": "did(basket_payd)" }))).await;
    assert!(text.contains("cannot be asked as it stands") && text.contains("id you mean `basket_paid`?"), "{text}");
}

#[tokio::test]
async fn only_who_may_define_is_shown_how_to_change_it() {
    let words = ["Arrange", "Add a tile", "New dashboard", "Put on a dashboard"];
    for (user, is_shown) in [("mia", true), ("eve", false)] {
        let text = get_as(user, "/dashboards").await
            + &get_as(user, "/dashboards/monday").await
            + &get_as(user, "/dashboards/monday?arrange=yes").await
            + &get_as(user, &page_of(&audience("email"))).await;
        for word in words {
            assert_eq!(text.contains(word), is_shown, "{user}: {word}");
        }
        assert_eq!(text.contains("aria-label=\"Take Net sales off\""), is_shown, "{user}");
    }
}

#[tokio::test]
async fn a_change_answers_with_the_page_and_its_undo() {
    let got =
        post_form("/dashboards/monday", &[("edit", "down"), ("tile", "question-by_size"), ("arrange", "yes")]).await;
    let text = got.text();
    assert_eq!(headings(&text)[..2], ["Do campaigns lead to coupons?", "Sales by size"]);
    assert_eq!(got.header("hx-push-url"), "/dashboards/monday?arrange=yes");
    assert!(text.contains("hx-swap-oob") && text.contains("Moved down."), "{text}");
    assert!(text.contains("name=\"version\" value=\"fedcba9876543210\""), "the undo names what it undoes");

    let before = r#"{"title":"Monday morning","description":"","tiles":[]}"#;
    let undo =
        |version: &'static str| post_form("/dashboards/monday/undo", &[("before", before), ("version", version)]);
    assert_eq!(undo("0123456789abcdef").await.status, StatusCode::OK);
    let late = undo("changed by somebody else").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "nobody else's change is lost");

    let removed = post_form("/dashboards/monday", &[("edit", "delete")]).await;
    assert_eq!(removed.header("hx-push-url"), "/dashboards");
    assert!(removed.text().contains("Removed “Monday morning”."));
}

#[tokio::test]
async fn a_question_is_put_on_a_dashboard_with_what_is_missing_said() {
    let new = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales" }).to_string();
    let saved = json!({ "kind": "audience", "purpose": "email", "where": CONDITION, "as_of": "2017-12-31T00:00:00Z" })
        .to_string();
    let put = |fields: &[(&str, &str)]| post_form("/dashboards", fields);
    for (fields, words) in [
        (&[("q", new.as_str()), ("dashboard", "monday")][..], "is not saved yet"),
        (&[("q", &new), ("title", "Sales")], "has no title"),
        (&[("q", &new), ("title", "Sales"), ("dashboard", "nope")], "no dashboard here"),
    ] {
        let got = put(fields).await;
        assert!(got.status.is_client_error() && got.text().contains(words), "{words}: {}", got.text());
    }
    let got = put(&[("q", &saved), ("dashboard", "monday")]).await;
    assert_eq!((got.status, got.header("hx-retarget")), (StatusCode::OK, "#toasts"));
    assert!(got.text().contains("name=\"question\" value=\"\""), "it was saved before, so the undo keeps it");
    let got = put(&[("q", &new), ("title", "Sales"), ("new_title", "Friday")]).await;
    assert!(got.text().contains("name=\"question\" value=\"mailers\""), "it was saved for this: {}", got.text());
    assert!(got.text().contains("name=\"before\" value=\"\""), "there was no such dashboard before");
}

#[tokio::test]
async fn the_json_of_a_dashboard_is_what_is_sent_back() {
    let one = get("/api/v1/dashboards/monday").await.json();
    let first = json!({ "question": "by_size", "title": "Sales by size", "width": "full" });
    assert_eq!(one["tiles"][0], first, "with the keys of the file and no others");
    let body = json!({ "title": "A", "tiles": one["tiles"] });
    let made = post_json("/api/v1/dashboards", body.to_string()).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, "/api/v1/dashboards/monday"));
    assert_eq!(made.json()["tiles"], one["tiles"]);
    let wrong = post_json("/api/v1/dashboards", json!({ "tiles": [] }).to_string()).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(get("/api/v1/dashboards/nope").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lists_lead_to_what_is_saved() {
    let questions = get_as("eve", "/questions").await;
    assert!(
        questions.contains("Do campaigns lead to coupons?")
            && questions.contains("<span class=\"tag\">analytics</span>")
    );
    assert!(get_as("eve", "/dashboards").await.contains("href=\"/dashboards/monday\""));
    let found = get_as("mia", "/palette?words=monday").await;
    assert!(found.contains("Dashboard") && found.contains("/dashboards/monday"), "{found}");
}
