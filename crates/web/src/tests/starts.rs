//! First questions of a kind: what they are about where nothing was chosen yet.

use super::*;

async fn first(kind: &str) -> Json {
    edited(&audience("analytics"), &[("edit", "kind"), ("value", kind)]).await
}

#[tokio::test]
async fn what_is_paid_is_owed_to_what_was_shown() {
    let question = first("attribution").await;
    assert_eq!((&question["conversion"], &question["value"]), (&json!("basket_paid"), &json!("sales_value")));
    assert_eq!((&question["touch"], &question["channel"]), (&json!("campaign_received"), &json!("campaign_id")));
}

#[tokio::test]
async fn variants_are_told_apart_by_names_of_what_was_shown() {
    let question = first("experiment").await;
    assert_eq!((&question["exposure"], &question["variant"]), (&json!("campaign_received"), &json!("campaign_id")));
    assert_eq!(question["metrics"], json!(["people(basket_paid)", "count(basket_paid)"]));
}

#[tokio::test]
async fn a_measure_is_split_by_what_its_event_has_and_by_who_people_are() {
    let question = json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "none" });
    let text = get(&page_of(&question)).await.text();
    let form = text.split("id=\"e-breakdown\"").nth(1).expect("there is a form");
    let form = form.split("</form>").next().expect("it ends");
    assert!(form.contains("value=\"store_id\"") && form.contains("value=\"region\""), "{form}");
    assert!(!form.contains("campaign_type") && !form.contains("sales_value"), "{form}");
    let measures = text.split("id=\"measures\"").nth(1).expect("there is a list");
    let measures = measures.split("</select>").next().expect("it ends");
    assert!(measures.contains("sum(basket_paid.sales_value)") && !measures.contains("campaign_id"), "{measures}");
}
