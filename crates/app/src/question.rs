//! Questions: judged, answered, explained, written as files.

pub(crate) mod ask;
pub(crate) mod encode;
pub(crate) mod explain;
mod feasible;
pub(crate) mod judge;
pub(crate) mod kept;
mod missing;
pub(crate) mod pace;
mod reason;
mod remedy;
pub(crate) mod standing;
pub(crate) mod telling;
pub(crate) mod turning;

/// A sentence from words that could go on one.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A count as people read it, with narrow spaces: `1 013`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut words = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            words.push('\u{202f}');
        }
        words.push(digit);
    }
    words
}
