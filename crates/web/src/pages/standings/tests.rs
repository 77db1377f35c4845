//! When answers are asked again: at once for rules, soon for choices, once a minute for data.

use super::*;

#[test]
fn rules_count_at_once_and_data_once_a_minute() {
    let shown = |rules: &str, choices: &str, data: &str| {
        [("rules", rules), ("choices", choices), ("data", data), ("at", "1000")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let now = |at_seconds: i64| GroundView {
        rules: "r".to_owned(),
        choices: "c".to_owned(),
        data: "d".to_owned(),
        at_seconds,
    };
    assert_eq!(moved(&shown("r", "c", "d"), &now(9_000)), None);
    assert_eq!(moved(&shown("q", "c", "d"), &now(1_000)), Some(true));
    assert_eq!(moved(&shown("r", "b", "d"), &now(1_001)), None);
    assert_eq!(moved(&shown("r", "b", "d"), &now(1_002)), Some(false));
    assert_eq!(moved(&shown("r", "c", "a"), &now(1_059)), None);
    assert_eq!(moved(&shown("r", "c", "a"), &now(1_060)), Some(false));
    assert_eq!(moved(&shown("q", "b", "a"), &now(1_000)), Some(true), "the gravest counts");
    assert_eq!(moved(&[], &now(1_000)), Some(true), "a page that does not say what it shows asks again");
}
