//! The public names of each crate, listed in docs/public.txt, so that a new one shows in a diff.

use super::Repository;
use xtask::shell::Result;

const LIST: &str = "docs/public.txt";
const LIB_LINES_MAX: usize = 80;

/// Complains when the list is not what the crates show.
pub(super) fn check(repository: &Repository) -> Vec<String> {
    let mut complaints = Vec::new();
    if repository.text(LIST).unwrap_or_default() != list(repository) {
        complaints.push(format!("{LIST}: is not what the crates make public; `make bless`, then read the difference"));
    }
    for (name, text) in libraries(repository) {
        let n_lines = text.lines().count();
        if n_lines > LIB_LINES_MAX {
            complaints
                .push(format!("crates/{name}/src/lib.rs: {n_lines} lines; it holds docs, `mod` and `pub use` only"));
        }
    }
    complaints
}

/// Writes the list.
pub(super) fn write(repository: &Repository) -> Result<()> {
    let path = repository.root.join(LIST);
    std::fs::write(&path, list(repository)).map_err(|error| format!("{LIST}: {error}"))
}

fn list(repository: &Repository) -> String {
    let mut text = String::from("# What each crate makes public. Made by `make bless`.\n");
    for (name, library) in libraries(repository) {
        text.push_str(&format!("\n{name}\n"));
        for public in public_names(&library) {
            text.push_str(&format!("  {public}\n"));
        }
    }
    text
}

/// Crates that have a library, with the text of its `lib.rs`.
fn libraries(repository: &Repository) -> Vec<(String, String)> {
    let crates = repository.crates();
    let mut found: Vec<(String, String)> = crates
        .into_iter()
        .filter_map(|(name, _)| repository.text(&format!("crates/{name}/src/lib.rs")).map(|text| (name, text)))
        .collect();
    found.sort();
    found
}

/// The names behind every `pub` at the left margin.
fn public_names(library: &str) -> Vec<String> {
    let mut names = Vec::new();
    let code: String =
        library.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    for statement in code.split(';') {
        if let Some((_, used)) = statement.split_once("pub use ") {
            names.extend(used_names(used));
        } else if let Some((_, rest)) = statement.split_once("pub ") {
            names.push(rest.split(['{', '(', '=']).next().unwrap_or_default().trim().to_owned());
        }
    }
    names.sort();
    names
}

/// `path::{A, B as C}` and `path::A`: the names that come out.
fn used_names(used: &str) -> Vec<String> {
    let inside = match used.split_once('{') {
        Some((_, list)) => list.trim_end().trim_end_matches('}').to_owned(),
        None => used.rsplit("::").next().unwrap_or_default().to_owned(),
    };
    let last = |name: &str| name.rsplit(" as ").next().unwrap_or_default().trim().to_owned();
    inside.split(',').map(last).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::public_names;

    #[test]
    fn reads_use_lists() {
        let library = "//! doc\nmod a;\npub use a::{\n    One, Two as Three,\n};\npub use b::four;\npub mod five;\n";
        assert_eq!(public_names(library), ["One", "Three", "four", "mod five"]);
    }
}
