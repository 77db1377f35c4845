//! Texts that differ, and what is shown of it.

use super::lines;

fn check(before: &str, after: &str, expected: &str) {
    let found: Vec<String> =
        lines(before, after).into_iter().map(|line| format!("{}{}", line.mark, line.text)).collect();
    assert_eq!(found.join("|"), expected, "{before:?} to {after:?}");
}

#[test]
fn lines_that_go_and_come_are_marked() {
    check("a\nb\nc\n", "a\nb\nc\n", "");
    check("", "", "");
    check("a\nb\nc\n", "a\nx\nc\n", " a|-b|+x| c");
    check("a\nb\n", "a\nb\nc\n", " a| b|+c");
    check("", "a\n", "+a");
    check("a\n", "", "-a");
    check("a\nb\nc\nd\n", "b\nx\nd\n", "-a| b|-c|+x| d");
}

#[test]
fn what_is_far_from_a_change_is_left_out() {
    let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let mut changed = many.clone();
    changed[10] = "x".to_owned();
    check(&many.join("\n"), &changed.join("\n"), "…| 7| 8| 9|-10|+x| 11| 12| 13|…");
}

#[test]
fn texts_without_a_common_line_end_soon() {
    let long = |word: &str| (0..5_000).map(|n| format!("{word}{n}\n")).collect::<String>();
    let found = lines(&long("a"), &long("b"));
    assert_eq!(found.len(), super::LINES_MAX + 1);
    assert_eq!(found.last().map(|line| line.mark), Some('…'));
}
