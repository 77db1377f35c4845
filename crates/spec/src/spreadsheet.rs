//! Texts that a spreadsheet would run as formulas, and how they go out into CSV files and come back in.

use std::borrow::Cow;

/// What a cell begins with that means something to some spreadsheet, also in the wide forms of East Asian scripts.
const STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// What makes it plain text there.
const MARK: char = '\'';

/// The text as it goes out: with a mark before it where its start means something, marks that it has already aside.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(MARK).starts_with(STARTS) { Cow::Owned(format!("{MARK}{text}")) } else { text.into() }
}

/// The text as it was before it was guarded.
pub fn unguarded(text: &str) -> &str {
    let is_guarded = text.trim_start_matches(MARK).starts_with(STARTS);
    text.strip_prefix(MARK).filter(|_| is_guarded).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{guarded, unguarded};

    #[test]
    fn what_goes_out_comes_back_as_it_was() {
        let plain = ["", "a", "a=b", "'quoted'", "'", "''a", "1-2"];
        let formulas =
            ["=1+1", "+cmd|' /C calc'!A0", "-1", "@SUM(1)", "\t=1", "\r", "\n=1", "\u{ff1d}1", "'=1", "''@a"];
        for text in plain {
            assert_eq!((guarded(text).as_ref(), unguarded(text)), (text, text));
        }
        for text in formulas {
            let out = guarded(text);
            assert!(out.starts_with('\'') && out.len() == text.len() + 1, "{text}");
            assert_eq!(unguarded(&out), text);
        }
    }
}
