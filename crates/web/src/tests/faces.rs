//! Two faces: what each object shows in marketing's words, and in IT's contracts, SQL, lineage and cost; and the words
//! that lead to the glossary.

use super::*;

const TREND: &str =
    "%7B%22kind%22%3A%22trend%22%2C%22purpose%22%3A%22analytics%22%2C%22measure%22%3A%22net_sales%22%7D";

async fn face(path: &str) -> (String, String) {
    let mark = if path.contains('?') { '&' } else { '?' };
    (get(path).await.text(), get(&format!("{path}{mark}face=it")).await.text())
}

#[tokio::test]
async fn every_object_has_its_lineage_and_its_file_on_its_face_alone() {
    for (path, file, used_by) in [
        ("/sources/purchases", "/definitions/contracts/purchases.odcs.yaml", "/dashboards/monday?face=it"),
        ("/metrics/net_sales", "/definitions/metrics/net_sales.yaml", "/audiences/frequent?face=it"),
        ("/audiences/frequent", "/definitions/audiences/frequent.yaml", "/questions/mailers?face=it"),
        ("/dashboards/monday", "/definitions/dashboards/monday.yaml", "/metrics/net_sales?face=it"),
        ("/rules", "/definitions/purposes/email.yaml", "/questions/by_size?face=it"),
    ] {
        let (marketing, it) = face(path).await;
        assert!(it.contains(file) && it.contains(used_by), "{path}: {file} and {used_by} are on IT's face");
        assert!(!marketing.contains(used_by), "{path}: no lineage on marketing's face");
    }
}

#[tokio::test]
async fn fields_and_rules_are_found_by_their_address() {
    let (_, it) = face("/sources/purchases").await;
    for id in ["event-basket_paid", "property-basket_paid.sales_value", "trait-household_size"] {
        assert!(it.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(it.contains("Used by"), "a field says what a change of it would reach");
    let (marketing, it) = face("/rules").await;
    for id in ["purpose-email", "role-marketer", "team-data", "destination-newsletter"] {
        assert!(marketing.contains(&format!("id=\"{id}\"")) && it.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(it.contains("<code>contracts/</code>") && it.contains("10 s"), "a team's files and budget are IT's");
    assert!(marketing.contains("2 days") && !marketing.contains("10 s"));
}

#[tokio::test]
async fn a_saved_question_is_found_by_its_name_and_shows_both_faces() {
    let got = get("/questions/by_size?face=it").await;
    let to = got.header("location").to_owned();
    assert!(got.status == 303 && to.starts_with("/ask?q=") && to.ends_with("&face=it"), "{to}");
    let it = get(&to).await.text();
    assert!(it.contains("/definitions/questions/by_size.yaml") && it.contains("Used by"), "its file and its lineage");
    let marketing = get(to.trim_end_matches("&face=it")).await.text();
    assert!(!marketing.contains("questions/by_size.yaml"));
    // One that nobody saved rests on something, too.
    let it = get(&format!("/ask?q={TREND}&face=it")).await.text();
    assert!(it.contains("What it rests on") && it.contains("/sources/purchases?face=it#event-basket_paid"), "{it}");
}

#[tokio::test]
async fn a_verdict_has_two_faces() {
    let (marketing, it) = face(&format!("/ask/verdict?q={TREND}")).await;
    assert!(it.contains("What it rests on") && !marketing.contains("What it rests on"));
    let refused = json!({ "kind": "audience", "purpose": "ads", "where": "income = 'high'" });
    let verdict = page_of(&refused).replace("/ask?", "/ask/verdict?");
    let (marketing, it) = face(&verdict).await;
    assert!(it.contains("/definitions/contracts/people.odcs.yaml?face=it"), "the gap leads to its file");
    assert!(it.contains("purpose_not_for_field") && !marketing.contains("purpose_not_for_field"));
}

#[tokio::test]
async fn labels_lead_to_their_words_and_keep_the_face() {
    let (marketing, it) = face("/rules").await;
    assert!(
        marketing.contains("href=\"/glossary#minimum-group\"")
            && it.contains("href=\"/glossary?face=it#minimum-group\"")
    );
    let (marketing, it) = face(&format!("/ask/answer?q={TREND}")).await;
    assert!(marketing.contains("href=\"/glossary#used\"") && it.contains("href=\"/glossary?face=it#used\""));
    assert!(it.contains("href=\"/glossary?face=it#forecast\""), "in macros, too");
}

#[tokio::test]
async fn the_glossary_has_an_address_for_each_word() {
    let (marketing, it) = face("/glossary").await;
    for part in ["id=\"minimum-group\"", "id=\"left-out\"", "It is not:", "<code>profile</code>"] {
        assert!(it.contains(part), "{part}");
    }
    assert!(marketing.contains("id=\"purpose\"") && !marketing.contains("id=\"row-group\""));
    assert!(it.contains("id=\"row-group\""), "the engine's words are on IT's face");
    // Words are found without scripts, and what is typed comes back as text.
    let found = get("/glossary?words=false+alarm").await.text();
    assert!(found.contains("id=\"alpha\"") && !found.contains("id=\"purpose\""));
    let none = get("/glossary?words=%3Cb%3Ezz").await.text();
    assert!(none.contains("No word like that") && none.contains("&lt;b&gt;zz") && !none.contains("<b>zz"));
    let hidden = get("/glossary?words=row+group").await.text();
    assert!(hidden.contains("/glossary?face=it&amp;words=row+group"), "what only IT's face shows is told: {hidden}");
    let palette = get("/palette?words=minimum+group&face=it").await.text();
    assert!(palette.contains("/glossary?face=it#minimum-group"), "{palette}");
}

#[tokio::test]
async fn lineage_is_told_to_programs() {
    let got = get("/api/v1/lineage?kind=metric&name=net_sales").await.json();
    let [one] = &got["lineage"].as_array().expect("a list")[..] else { panic!("{got}") };
    assert_eq!(one["thing"]["path"], "metrics/net_sales.yaml");
    assert!(one["used_by"].as_array().is_some_and(|users| !users.is_empty()));
    assert_eq!(get("/api/v1/lineage?kind=hat").await.status, StatusCode::BAD_REQUEST);
}
