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
        "Which verdicts would turn?",
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
    for words in
        ["What this changes", "for you", "for Marketer", "Not this way", "3 questions and audiences", "/ask?q="]
    {
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
        let is_late = status == StatusCode::CONFLICT;
        for words in ["id=\"conflict\" role=\"alert\" tabindex=\"-1\" autofocus", ">Replace theirs<", "+ yours"] {
            assert_eq!(page.contains(words), is_late, "{words}: {page}");
        }
        assert!(!is_late || !page.contains("Nothing is wrong with it"), "{page}");
    }
    let typed: &[(&str, &str)] = &[("do", "check"), ("text", "title: mine\n"), ("base", BASE), ("late", "yes")];
    let typed = post("", AUDIENCE, true, typed).await.text();
    assert!(typed.contains("Not saved") && !typed.contains("Nothing is wrong with it"), "{typed}");
    let undone = post("", AUDIENCE, true, &[("do", "undo"), ("text", "title: old\n"), ("base", BASE)]).await.text();
    assert!(undone.contains("Taken back.") && !undone.contains(">Undo<"), "{undone}");
}

#[tokio::test]
async fn the_last_change_is_undone_from_the_page_without_scripts() {
    let page = get_as("mia", AUDIENCE).await.text();
    for words in ["Who changed it", "Ivo Brandt</b> changed it", "Mia Keller</b> made it", "22 Nov 2026, 15:54 UTC"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("value=\"undo\">Undo the last change</button>"), "{page}");
    assert!(!get_as("eve", AUDIENCE).await.text().contains("value=\"undo\""), "who may not change it undoes nothing");
    let undo = |base: &'static str| async move { post("", AUDIENCE, false, &[("do", "undo"), ("base", base)]).await };
    let undone = undo(BASE).await;
    assert_eq!((undone.status, undone.header("location")), (StatusCode::SEE_OTHER, AUDIENCE));
    let late = undo("another").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("so nothing was taken back"), "{}", late.text());
}

#[tokio::test]
async fn a_question_that_led_to_a_file_is_found_again() {
    let q = json!({ "kind": "audience", "purpose": "email", "where": "did(basket_paid)" }).to_string();
    let (coded, way) = (crate::body::percent_encode(&q), format!("href=\"/ask?q={}", crate::body::percent_encode(&q)));
    let page = get_as("mia", &format!("{AUDIENCE}?q={coded}")).await.text();
    assert!(page.contains("A question led here") && page.contains(&way), "{page}");
    assert!(page.contains("name=\"q\""), "a save knows it: {page}");
    let saved = post("", AUDIENCE, false, &[("do", "save"), ("text", "title: A\n"), ("base", BASE), ("q", &q)]).await;
    let there = format!("{AUDIENCE}?q={coded}");
    assert_eq!((saved.status, saved.header("location")), (StatusCode::SEE_OTHER, there.as_str()));
    let saved = post("", AUDIENCE, true, &[("do", "save"), ("text", "title: A\n"), ("base", BASE), ("q", &q)]).await;
    assert_eq!(saved.header("hx-push-url"), there);
    assert!(saved.text().contains("Judge the question again"), "{}", saved.text());
    let typed = [("do", "check"), ("text", "title: A\n"), ("base", BASE), ("q", &q)];
    let part = post("", AUDIENCE, true, &typed).await.text();
    assert!(part.contains("the question that led here, for Marketer"), "it turns with the rest: {part}");
    for broken in ["%7Bcut", "3", "", "%5B%5D"] {
        let page = get_as("mia", &format!("{AUDIENCE}?q={broken}")).await;
        assert!(page.status == StatusCode::OK && !page.text().contains("A question led here"), "{broken}");
    }
}

#[tokio::test]
async fn a_session_is_told_that_its_change_is_saved_and_no_link_can_say_so() {
    let q = json!({ "kind": "audience", "purpose": "email", "where": "did(basket_paid)" }).to_string();
    let coded = crate::body::percent_encode(&q);
    let token = forged::form_token().await;
    let save = Request::post(CONTRACT)
        .header("cookie", forged::COOKIE)
        .header("sec-fetch-site", "same-origin")
        .header("x-entente-csrf", token)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("do=save&text=title%3A+A%0A&base={BASE}&q={coded}")));
    let saved = send("", save.expect("a request")).await;
    let there = saved.header("location").to_owned();
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let mark = there.strip_prefix(&format!("{CONTRACT}?q={coded}&saved=")).expect("it says that it was saved");
    assert_eq!(mark.len(), 32);
    for (address, is_told) in [(there.clone(), true), (there.replace(mark, "yes"), false)] {
        let look = Request::get(&address).header("cookie", forged::COOKIE).header("sec-fetch-site", "same-origin");
        let page = send("", look.body(Body::empty()).expect("a request")).await.text();
        assert_eq!(page.contains("Judge the question again"), is_told, "{address}: {page}");
    }
}

#[tokio::test]
async fn who_has_to_sign_in_first_comes_back_to_the_file() {
    let link = format!("{CONTRACT}?change=%7B%22do%22%3A%22a%22%7D&q=%7B%7D");
    let next = |path: &str| format!("/sign-in?next={}", crate::body::percent_encode(path));
    let led = send("", Request::get(&link).body(Body::empty()).expect("a request")).await;
    assert_eq!((led.status, led.header("location")), (StatusCode::SEE_OTHER, next(&link).as_str()));
    let form = send("", Request::get(led.header("location")).body(Body::empty()).expect("a request")).await.text();
    assert!(form.contains("name=\"next\"") && form.contains("&amp;q=%7B%7D"), "{form}");
    // A session that ended under an open page: back to that page, and to no other site whatever is said.
    for (header, address, back) in [
        ("hx-current-url", format!("https://host{link}#text"), link.as_str()),
        ("hx-current-url", "https://host//evil.example".to_owned(), "//evil.example"),
        ("hx-current-url", "nonsense".to_owned(), "/"),
        ("hx-current-url", "https://evil.example".to_owned(), "/"),
    ] {
        let request = Request::get("/ask/verdict").header("hx-request", "true").header(header, &address);
        let got = send("", request.body(Body::empty()).expect("a request")).await;
        assert_eq!(
            (got.status, got.header("hx-redirect")),
            (StatusCode::UNAUTHORIZED, next(back).as_str()),
            "{address}"
        );
    }
    let saved = Request::post(AUDIENCE).header("referer", format!("https://host{link}"));
    let saved = send("", saved.body(Body::empty()).expect("a request")).await;
    assert_eq!(saved.header("location"), next(&link));
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
        let asked = json!({ "text": "title: A\n", "question": audience("ads") });
        let check = post_json(&address, asked.to_string()).await.json();
        assert_eq!((&check["turns"][0]["kind"], &check["turns"][0]["question"]), (&json!("asked"), &audience("ads")));
        let wrong = post_json(&address, json!({ "text": "", "question": 3 }).to_string()).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
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

#[tokio::test]
async fn a_title_says_what_it_becomes_before_it_is_saved() {
    let q = audience("email").to_string();
    let typed = |title: &'static str| {
        let q = q.clone();
        async move {
            let fields = [("do", "name"), ("save_as", "audience"), ("title", title), ("q", q.as_str())];
            post("", "/ask/save", true, &fields).await
        }
    };
    for (title, words) in [
        ("Often there", "It becomes <code>audiences/often_there.yaml</code>"),
        ("Frequent", "choose another title: “Frequent 2” is free"),
        ("30 days", "give it a title"),
        ("", "follows from the title"),
    ] {
        let got = typed(title).await;
        assert!(
            got.status == StatusCode::OK && got.text().to_lowercase().contains(&words.to_lowercase()),
            "{title}: {}",
            got.text()
        );
        assert!(!got.text().contains("<html") && !got.text().contains("Saved"), "nothing is saved: {}", got.text());
    }
    let save = |is_partial| {
        let q = q.clone();
        async move {
            let fields = [("save_as", "audience"), ("title", "Frequent"), ("q", q.as_str())];
            post("", "/ask/save", is_partial, &fields).await
        }
    };
    for is_partial in [true, false] {
        let taken = save(is_partial).await;
        assert_eq!(taken.status, StatusCode::CONFLICT);
        assert!(taken.text().contains("“Frequent 2” is free"), "{}", taken.text());
    }
}

#[tokio::test]
async fn the_form_proposes_what_a_question_is() {
    let chosen = |page: &str| {
        page.split("<option value=\"")
            .find(|option| ["selected>an audience:", "selected>a question:"].iter().any(|words| option.contains(words)))
            .map(str::to_owned)
    };
    let plain = get_as("mia", &page_of(&audience("email"))).await.text();
    assert!(chosen(&plain).is_some_and(|option| option.starts_with("audience\" selected")), "{plain}");
    assert!(plain.contains("It is a plain condition"), "{plain}");
    let mut list = audience("email");
    list["release"] = "list".into();
    let list = get_as("mia", &page_of(&list)).await.text();
    assert!(chosen(&list).is_some_and(|option| option.starts_with("question\" selected")), "{list}");
    assert!(list.contains("which people they are"), "{list}");
    let trend = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales" });
    let trend = get_as("mia", &page_of(&trend)).await.text();
    assert!(!trend.contains("name=\"save_as\"") && trend.contains("It is saved as a question"), "{trend}");
}

#[tokio::test]
async fn who_may_not_read_a_file_reads_what_was_asked_for() {
    let change = r#"{"kind":"allow_field","object":"campaigns","field":"campaign_type","purpose":"email"}"#;
    let q = crate::body::percent_encode(&audience("email").to_string());
    let link = format!("{CONTRACT}?change={}&q={q}", crate::body::percent_encode(change));
    let page = get_as("mia", &link).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let text = page.text();
    for words in [
        "that `campaign_type` of `campaigns` may be used for e-mail",
        "It is for a question: <a href=\"/ask?q=",
        ">Copy the link</button>",
        "looks after it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("purposes: [analytics]"), "nothing of the file is told: {text}");
    let known = change.replace("campaigns", "households").replace("campaign_type", "income");
    let page = get_as("mia", &format!("{CONTRACT}?change={}", crate::body::percent_encode(&known))).await.text();
    assert!(page.contains("that income may be used for e-mail"), "what she knows is called by its title: {page}");
    let plain = get_as("mia", CONTRACT).await;
    assert_eq!(plain.status, StatusCode::FORBIDDEN);
    assert!(plain.text().contains("asks for no change that can be told"), "{}", plain.text());
}

#[tokio::test]
async fn who_may_change_a_rule_finds_the_way_on_either_face() {
    for face in ["", "?face=it"] {
        let link = "href=\"/definitions/purposes/email.yaml";
        let page = get_as("pia", &format!("/rules{face}")).await.text();
        assert!(page.contains(link) && page.contains(">Change</a>"), "{page}");
        assert!(!get_as("mia", &format!("/rules{face}")).await.text().contains(">Change</a>"));
    }
}

#[tokio::test]
async fn a_check_says_what_it_does_not_look_at() {
    let typed = post("", AUDIENCE, true, &[("do", "check"), ("text", "title: A\n"), ("base", BASE)]).await.text();
    for words in ["whether enough people are left for each is not looked at before it is saved", "1\u{202f}456"] {
        assert!(typed.contains(words), "{words}: {typed}");
    }
}
