//! How large a test has to be, as a page: its sentence, its forms, its picture.

use super::*;

fn question() -> Json {
    json!({
        "kind": "power", "purpose": "analytics", "exposure": "campaign_received",
        "metric": { "measure": "people(basket_paid)", "within": "7 days" },
        "lift": 0.2, "variants": 2, "test": "sequential", "days": 28,
        "period": { "from": "2017-10-01", "to": "2018-01-01" },
    })
}

/// The words on the chips of a page, in their order.
fn chips(text: &str) -> Vec<&str> {
    let labels = text.split("<button type=\"button\" class=\"chip ").skip(1);
    labels.filter_map(|rest| rest.split(['>', '<']).nth(1)).collect()
}

#[tokio::test]
async fn a_new_question_is_about_the_data_that_is_there() {
    let new = edited(&audience("analytics"), &[("edit", "kind"), ("value", "power")]).await;
    assert_eq!(new, question());
}

#[tokio::test]
async fn the_sentence_has_a_chip_for_each_of_its_parts() {
    let text = get(&page_of(&question())).await.text();
    let expected = [
        "2 variants",
        "20 %",
        "people who paid for a basket within 7 days",
        "received a campaign",
        "28 days",
        "looked at any time",
        "1 Oct 2017 to 31 Dec 2017",
        "analytics",
    ];
    assert_eq!(chips(&text), expected);
    for form in ["e-variants", "e-lift", "e-metric-0", "e-end-exposure", "e-days", "e-test", "e-period", "e-purpose"] {
        assert!(text.contains(&format!("popovertarget=\"{form}\"")), "{form} is opened");
        assert!(text.contains(&format!("id=\"{form}\" action=\"/ask\"")), "{form} is there without a script");
    }
    assert!(!text.contains(">All time</button>"), "a test is planned from days that are named");
    let bare = json!({ "kind": "power", "purpose": "analytics", "test": "fixed", "alpha": "1 %" });
    let text = get(&page_of(&bare)).await.text();
    let expected = [
        "2 variants",
        "how much?",
        "what?",
        "what?",
        "as many days as it takes",
        "looked at once, at the end",
        "1 % false alarms, 80 % found",
        "the last 28 days",
        "analytics",
    ];
    assert_eq!(chips(&text), expected);
}

/// A part of the question after a form was sent.
async fn changed(edit: &[(&str, &str)], key: &str) -> Json {
    edited(&question(), edit).await[key].clone()
}

#[tokio::test]
async fn each_form_changes_its_part() {
    assert_eq!(changed(&[("edit", "variants"), ("value", "3")], "variants").await, 3);
    assert_eq!(changed(&[("edit", "lift"), ("value", "2.5 %")], "lift").await, 0.025);
    assert_eq!(changed(&[("edit", "days"), ("value", "")], "days").await, Json::Null);
    assert_eq!(changed(&[("edit", "test"), ("value", "fixed"), ("alpha", "5 %")], "test").await, "fixed");
    let exposure = [("edit", "end_set"), ("index", "exposure"), ("event", "coupon_redeemed")];
    assert_eq!(changed(&exposure, "exposure").await, "coupon_redeemed");
    let metric = [("edit", "metric_set"), ("index", "0"), ("value", "net_sales"), ("within", "14 days")];
    assert_eq!(changed(&metric, "metric").await, json!({ "measure": "net_sales", "within": "14 days" }));
    // A form that was only opened leaves everything as it is.
    let all = [("edit", "test"), ("value", "sequential"), ("alpha", "5 %"), ("power", "80 %")];
    assert_eq!(edited(&question(), &all).await, question());
}

#[tokio::test]
async fn the_answer_says_what_fits_into_the_days() {
    let answer = |question: &Json| page_of(question).replace("/ask?", "/ask/answer?");
    let text = get(&answer(&question())).await.text();
    assert!(text.contains("2 variants in 16 days, 3 in 29, 4 in 41 (looked at any time)."), "{text}");
    assert_eq!(text.matches("fits into 28 days").count(), 4, "one looked at any time, three looked at once");
    let before = "Before the test 12.0 % of them did it; 1\u{202f}290 new ones came in a week on average";
    assert!(text.contains(before), "{text}");
    assert!(text.contains("Smallest change found in 28 days") && text.contains("3.1 %"), "{text}");
    let mut open = question();
    open["days"] = Json::Null;
    let text = get(&answer(&open)).await.text();
    assert!(!text.contains("fits into") && !text.contains("Smallest change"), "{text}");
    let tile = page_of(&question()).replace("/ask?", "/ask/tile?");
    assert!(get(&tile).await.text().contains("Looked at once, at the end"));
}
