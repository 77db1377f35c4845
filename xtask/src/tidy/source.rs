//! What may not stand in a Rust file.

use super::Repository;

/// Words that have no place outside tests, and why. Split, so that this file does not hold them itself.
const BANNED: &[(&str, &str)] = &[
    (concat!(".unw", "rap()"), "say why it cannot fail with `expect`, or return an error"),
    (concat!("to", "do!("), "finish it"),
    (concat!("unimple", "mented!("), "finish it"),
    (concat!("db", "g!("), "take it out"),
];

/// Words that have no place anywhere.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[(concat!("FIX", "ME"), "fix it, or say what is missing in plain words")];

/// What crates without IO, clock and randomness may not name.
const PURE: &[&str] = &["spec", "stats", "policy", "workspace", "api"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "async fn",
    "getrandom",
];

/// Where the environment may be read: the binary, this program and the one that measures.
const READS_ENVIRONMENT: &[&str] = &["crates/entente/", "xtask/", "bench/"];

/// Complains per line, with the line's number.
pub(super) fn check(repository: &Repository) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in &repository.rust {
        if !text.starts_with("//!") {
            complaints.push(format!("{path}: does not start with `//!` and what the file is for"));
        }
        let is_test = is_test_file(path);
        let code = if is_test { 0 } else { code_before_tests(text) };
        for (index, line) in text.lines().enumerate() {
            let is_code = index < code && !line.trim_start().starts_with("//");
            let found =
                BANNED_EVERYWHERE.iter().chain(BANNED.iter().filter(|_| is_code)).find(|(word, _)| line.contains(word));
            if let Some((word, advice)) = found {
                complaints.push(format!("{path}:{}: `{word}`: {advice}", index + 1));
            }
            if is_code {
                complaints.extend(impure(path, index + 1, line));
            }
        }
    }
    complaints
}

fn impure(path: &str, line_number: usize, line: &str) -> Option<String> {
    let krate = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if PURE.contains(&krate)
        && let Some(word) = IMPURE.iter().find(|word| line.contains(**word))
    {
        return Some(format!("{path}:{line_number}: `{word}` in `{krate}`, which does no IO and reads no clock"));
    }
    let may_read = READS_ENVIRONMENT.iter().any(|allowed| path.starts_with(allowed));
    (!may_read && line.contains("env::var"))
        .then(|| format!("{path}:{line_number}: only the binary reads the environment; pass the value in"))
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/examples/")
}

/// The number of lines before a module of tests at the end of the file.
fn code_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    at.unwrap_or(lines.len())
}
