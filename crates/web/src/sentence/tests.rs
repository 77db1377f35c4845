//! Texts of conditions that are put together.

use super::bracketed;

#[test]
fn a_text_is_one_term_or_none() {
    let cases = [
        ("a = 1 OR b = 2", "(a = 1 OR b = 2)"),
        (" (a OR b) AND c ", "((a OR b) AND c)"),
        ("a = ')' OR \"x)\" = 1", "(a = ')' OR \"x)\" = 1)"),
        // In brackets these would be read, as something else.
        ("a) OR (b", "a) OR (b"),
        ("a = 'x') OR (b = '('", "a = 'x') OR (b = '('"),
    ];
    for (text, expected) in cases {
        assert_eq!(bracketed(text), expected);
    }
}
