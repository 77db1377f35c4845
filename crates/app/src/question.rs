//! Questions: judged, answered, explained, written as files.

pub(crate) mod ask;
pub(crate) mod encode;
pub(crate) mod explain;
pub(crate) mod judge;
mod reason;
mod remedy;
pub(crate) mod telling;

/// A sentence from words that could go on one.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
