//! What a text leads to.

use super::*;

#[test]
fn a_text_is_read_without_its_small_words() {
    assert_eq!(significant("ask net sales, by region"), ["net", "sales", "region"]);
    assert_eq!(significant("who"), ["who"]);
    assert!(is_question("ask net sales") && is_question("net sales by region") && !is_question("net sales"));
    assert_eq!(with_face("/sources/shop#event-visit", true), "/sources/shop?face=it#event-visit");
    assert_eq!(with_face("/ask?kind=trend", true), "/ask?kind=trend&face=it");
}
