//! Files of definitions as pages and over HTTP: who sees what, what a form answers, and that nothing typed is lost.

use super::*;

const CONTRACT: &str = "/definitions/contracts/purchases.odcs.yaml";
const AUDIENCE: &str = "/definitions/audiences/frequent.yaml";
const BASE: &str = "0123456789abcdef";

async fn get_as(user: &str, path: &str) -> Got {
    let request = Request::get(path).header("authorization", format!("Bearer token-{user}"));
    send("", request.body(Body::empty()).expect("a request")).await
}

/// Sends a form of the page, as htmx does or as a browser without scripts.
async fn post(mark: &'static str, path: &str, is_partial: bool, fields: &[(&str, &str)]) -> Got {
    let form: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", crate::body::percent_encode(value))).collect();
    let mut request = Request::post(path)
        .header("authorization", "Bearer token-mia")
        .header("content-type", "application/x-www-form-urlencoded");
    if is_partial {
        request = request.header("hx-request", "true");
    }
    send(mark, request.body(Body::from(form.join("&"))).expect("a request")).await
}

#[tokio::test]
async fn a_file_is_edited_by_who_may_and_read_by_who_sees_it() {
    let page = get_as("mia", AUDIENCE).await.text();
    for words in ["name=\"text\"", "purposes: [analytics]", ">Save<", "line 2, character 11", "Engineer may change it"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = get_as("eve", AUDIENCE).await.text();
    assert!(page.contains("purposes: [analytics]") && !page.contains("<textarea"), "{page}");
    assert_eq!(get_as("mia", CONTRACT).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get_as("ivo", "/definitions/metrics/nope.yaml").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get_as("ivo", "/definitions/users.yaml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_comes_filled_in_with_what_it_changes() {
    let change = crate::body::percent_encode(r#"{"do":"allow_field"}"#);
    let page = get_as("ivo", &format!("{CONTRACT}?change={change}")).await.text();
    for words in [
        "What is proposed",
        "<del>− purposes: [analytics]</del>",
        "<ins>+ purposes: [analytics, email]</ins>",
        "hx-trigger=\"load\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("[analytics, email]\nowner: ivo\n</textarea>"), "the field holds the proposed text: {page}");
    let cut = get_as("ivo", &format!("{CONTRACT}?change=%7Bcut")).await;
    assert_eq!(cut.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_text_that_is_typed_is_answered_with_verdicts_that_turn() {
    let fields = [("do", "check"), ("text", "title: A\r\n"), ("base", BASE)];
    let part = post("", AUDIENCE, true, &fields).await.text();
    for words in ["What this changes", "for you", "for Marketer", "Not this way", "3 saved questions", "/ask?q="] {
        assert!(part.contains(words), "{words}: {part}");
    }
    assert!(!part.contains("<html") && !part.contains("<textarea"), "only what stands beside the field: {part}");
    let page = post("", AUDIENCE, false, &fields).await.text();
    assert!(page.contains("What this changes") && page.contains("\ntitle: A\n</textarea>"), "{page}");
    let wrong = post("", AUDIENCE, true, &[("do", "check"), ("text", "nonsense"), ("base", BASE)]).await.text();
    assert!(wrong.contains("data-line=\"2\"") && wrong.contains("id you mean `analytics`?"), "{wrong}");
}

#[tokio::test]
async fn what_is_saved_can_be_undone_and_what_is_not_is_kept() {
    let save = |text: &'static str, base: &'static str, is_partial| async move {
        post("", AUDIENCE, is_partial, &[("do", "save"), ("text", text), ("base", base)]).await
    };
    let good = save("title: A\n", BASE, true).await;
    assert_eq!((good.status, good.header("hx-push-url")), (StatusCode::OK, AUDIENCE));
    let text = good.text();
    assert!(text.contains("hx-swap-oob") && text.contains("Saved audiences/frequent.yaml."), "{text}");
    assert!(text.contains("name=\"base\" value=\"fedcba9876543210\""), "the undo names what it undoes: {text}");
    let plain = save("title: A\n", BASE, false).await;
    assert_eq!((plain.status, plain.header("location")), (StatusCode::SEE_OTHER, AUDIENCE));
    for (text, base, status, words) in [
        ("nonsense\n", BASE, StatusCode::BAD_REQUEST, "keeps it from being saved"),
        ("title: mine\n", "another", StatusCode::CONFLICT, "Somebody changed this file"),
    ] {
        let got = save(text, base, false).await;
        assert_eq!(got.status, status);
        let page = got.text();
        assert!(page.contains(words) && page.contains(&format!("\n{text}</textarea>")), "{words}: {page}");
        assert!(page.contains(&format!("name=\"base\" value=\"{BASE}\"")), "saving again means the file as it is");
    }
    let undone = post("", AUDIENCE, true, &[("do", "undo"), ("text", "title: old\n"), ("base", BASE)]).await.text();
    assert!(undone.contains("Taken back.") && !undone.contains(">Undo<"), "{undone}");
}

#[tokio::test]
async fn who_may_change_other_files_changes_none_of_these() {
    let fields = [("do", "save"), ("text", "title: A\n"), ("base", BASE)];
    assert_eq!(post("", CONTRACT, true, &fields).await.status, StatusCode::FORBIDDEN);
    let request = Request::put("/api/v1/definitions/contracts/purchases.odcs.yaml")
        .header("authorization", "Bearer token-mia")
        .header("content-type", "application/json")
        .body(Body::from(json!({ "text": "title: A\n", "base": BASE }).to_string()));
    assert_eq!(send("", request.expect("a request")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn programs_read_check_and_write_the_same() {
    for path in ["contracts/purchases.odcs.yaml", "contracts%2Fpurchases.odcs.yaml"] {
        let address = format!("/api/v1/definitions/{path}");
        let one = get(&address).await.json();
        assert_eq!((&one["path"], &one["base"]), (&json!("contracts/purchases.odcs.yaml"), &json!(BASE)), "{path}");
        assert_eq!(one["proposed"], Json::Null);
        let check = post_json(&address, json!({ "text": "title: A\n" }).to_string()).await.json();
        assert_eq!((&check["turns"][0]["after"], &check["n_unseen"]), (&json!("yes"), &json!(3)));
        let put = |body: Json| {
            let request = Request::put(&address)
                .header("authorization", "Bearer token-ivo")
                .header("content-type", "application/json");
            send("", request.body(Body::from(body.to_string())).expect("a request"))
        };
        let saved = put(json!({ "text": "title: A\n", "base": BASE })).await;
        assert_eq!((saved.status, &saved.json()["base"]), (StatusCode::OK, &json!("fedcba9876543210")));
        assert_eq!(put(json!({ "text": "title: A\n", "base": "x" })).await.status, StatusCode::CONFLICT);
        assert_eq!(put(json!({ "text": "nonsense", "base": BASE })).await.status, StatusCode::BAD_REQUEST);
        for body in [json!({ "text": "title: A\n" }), json!({ "base": BASE }), json!({ "text": 1, "base": BASE })] {
            assert_eq!(put(body).await.status, StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn what_people_wrote_is_escaped_beside_the_field() {
    const MARK: &str = "</textarea><script>alert(1)</script><i x=\"'>";
    for action in ["check", "save", "undo"] {
        for is_partial in [false, true] {
            for text in [format!("title: A\n{MARK}"), format!("nonsense\n{MARK}")] {
                for base in [BASE, "another"] {
                    let fields = [("do", action), ("text", text.as_str()), ("base", base)];
                    let page = post(MARK, AUDIENCE, is_partial, &fields).await.text();
                    let is_whole = page.matches("</textarea>").count() <= 1;
                    assert!(is_whole && !page.contains("<script>alert") && !page.contains("<i x="), "{action}: {page}");
                }
            }
        }
    }
}

#[tokio::test]
async fn files_that_are_named_are_linked() {
    for (path, file) in [
        ("/metrics/net_sales?face=it", "metrics/net_sales.yaml"),
        ("/audiences/frequent?face=it", "audiences/frequent.yaml"),
        ("/dashboards/monday?face=it", "dashboards/monday.yaml"),
        ("/sources/purchases?face=it", "contracts/purchases.odcs.yaml"),
        ("/rules?face=it", "purposes/email.yaml"),
        ("/rules?face=it", "roles/marketer.yaml"),
        ("/rules?face=it", "entente.yaml"),
    ] {
        let link = format!("href=\"/definitions/{file}?face=it\"");
        assert!(get(path).await.text().contains(&link), "{path}: {link}");
    }
}
