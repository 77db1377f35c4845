//! What the palette finds: things by the words of their titles, and questions that a text asks.

use super::*;

async fn found(words: &str) -> String {
    get(&format!("/palette?words={words}")).await.text()
}

#[tokio::test]
async fn a_text_that_asks_leads_to_its_question() {
    let lines = found("ask+net+sales+by+region").await;
    assert!(lines.contains("Ask: net sales by region"), "{lines}");
    let (measure, split) = ("%22measure%22%3A%22net_sales%22", "%22breakdown%22%3A%5B%22region%22%5D");
    assert!(lines.contains(measure) && lines.contains(split), "{lines}");
    assert!(!lines.contains("/metrics/net_sales"), "nothing else is called so");
    let lines = found("how+many+people+paid+for+a+basket+by+week").await;
    assert!(lines.contains("Ask: people who paid for a basket by week"), "{lines}");
    let lines = found("net+sales").await;
    let (thing, question) = (lines.find("/metrics/net_sales"), lines.find("Ask: net sales"));
    assert!(thing.is_some() && thing < question, "the thing itself comes first: {lines}");
    let lines = found("net+sales+by+household+size").await;
    let (thing, question) = (lines.find("Net sales by household size"), lines.find("Ask: net sales by household size"));
    assert!(thing.is_some() && thing < question, "what is called exactly so comes first: {lines}");
    assert!(found("net+sales+by+INCOME").await.contains("Ask: net sales by income"), "a field by its title");
}

#[tokio::test]
async fn fields_events_and_purposes_are_found_and_nothing_else() {
    for (words, address) in
        [("income", "#trait-income"), ("basket+paid", "#event-basket_paid"), ("e-mail", "#purpose-email")]
    {
        let lines = found(words).await;
        assert!(lines.contains(address), "{words}: {lines}");
    }
    for words in ["net+sales+by+nonsense", "zebra"] {
        let lines = found(words).await;
        assert!(lines.contains("Nothing is called that") && !lines.contains("class=\"tag\""), "{words}: {lines}");
    }
}
