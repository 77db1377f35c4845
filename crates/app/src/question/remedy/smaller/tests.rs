//! The order in which smaller questions are tried.

use super::smaller;
use workspace::Definitions;

fn titles(question: &serde_json::Value, is_of_groups: bool) -> Vec<String> {
    let question = workspace::parse_question(question, "/question").expect("it is a question");
    let ways = smaller(&Definitions::default(), &question, is_of_groups).into_iter();
    let titles = ways.map(|way| way.into_iter().map(|candidate| candidate.title).collect::<Vec<_>>().join(" | "));
    titles.collect()
}

#[test]
fn groups_go_first_where_they_are_too_many() {
    let trend = |breakdown: &[&str]| {
        serde_json::json!({
            "kind": "trend", "purpose": "p", "measure": "count(e)", "by": "week", "breakdown": breakdown,
            "period": { "from": "2024-01-01", "to": "2024-01-04" },
        })
    };
    let groups = [
        "Without groups by \u{201c}b\u{201d} | Without groups",
        "Without groups by \u{201c}a\u{201d} | Without groups",
        "Without groups",
    ];
    let longer = "Ask by month | Ask for the whole period at once";
    let shorter = "Ask from 3 Jan 2024 on";
    let both = "Ask by month, without groups | Ask for the whole period at once, without groups";
    let [first, second, third] = groups;
    assert_eq!(titles(&trend(&["a", "b"]), true), [first, second, third, longer, shorter, both]);
    assert_eq!(titles(&trend(&["a", "b"]), false), [longer, first, second, third, shorter, both]);
    assert_eq!(titles(&trend(&["a"]), true), ["Without groups by \u{201c}a\u{201d}", longer, shorter, both]);
    assert_eq!(titles(&trend(&[]), false), [longer, shorter]);
}
