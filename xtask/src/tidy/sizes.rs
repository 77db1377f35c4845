//! How long files and functions are, outliers first. Printed, not forbidden.

use super::Repository;

const FILE_LINES_USUAL: usize = 300;
const FUNCTION_LINES_USUAL: usize = 70;
const N_SHOWN: usize = 8;

/// Prints lines per crate, and the longest files and functions where they are longer than usual.
pub(super) fn print(repository: &Repository) {
    let n_lines: usize = repository.rust.iter().map(|(_, text)| text.lines().count()).sum();
    eprintln!("  {} Rust files, {n_lines} lines", repository.rust.len());
    let files = repository.rust.iter().map(|(path, text)| (text.lines().count(), path.clone()));
    print_longest("files", FILE_LINES_USUAL, files.collect());
    let functions = repository.rust.iter().flat_map(|(path, text)| functions(path, text));
    print_longest("functions", FUNCTION_LINES_USUAL, functions.collect());
}

fn print_longest(what: &str, usual: usize, mut sizes: Vec<(usize, String)>) {
    sizes.retain(|(n_lines, _)| *n_lines > usual);
    sizes.sort_by(|a, b| b.cmp(a));
    if !sizes.is_empty() {
        eprintln!("  {} {what} of more than {usual} lines:", sizes.len());
    }
    for (n_lines, name) in sizes.iter().take(N_SHOWN) {
        eprintln!("  {n_lines:>6} {name}");
    }
}

/// Every function with its number of lines: rustfmt puts its last brace under its first word.
fn functions(path: &str, text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((length + 1, format!("{path}:{} {name}", start + 1)));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_head = before.split_whitespace().all(|word| word.starts_with("pub") || matches!(word, "async" | "const"));
    is_head.then(|| after.split(['(', '<']).next().unwrap_or_default())
}
