//! Names and sizes of files, and that every Rust file is part of its crate.

use super::Repository;

const BLOB_BYTES_MAX: u64 = 200_000;

/// Where larger files may lie.
const BLOBS: &[&str] = &["demo/", "crates/web/static/vendor/", "Cargo.lock", "browser/package-lock.json"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "core", "utils", "util", "helpers", "helper", "misc", "manager"];

/// Complains about large files, empty names and files that no module declares.
pub(super) fn check(repository: &Repository) -> Vec<String> {
    let mut complaints = Vec::new();
    for path in &repository.paths {
        let bytes = repository.root.join(path).metadata().map_or(0, |metadata| metadata.len());
        if bytes > BLOB_BYTES_MAX && !BLOBS.iter().any(|allowed| path.starts_with(allowed)) {
            complaints
                .push(format!("{path}: {bytes} bytes; files of more than {BLOB_BYTES_MAX} belong in vendor/ or demo/"));
        }
        let is_ours = ["crates/", "xtask/", "bench/"].iter().any(|folder| path.starts_with(folder));
        if is_ours && !path.contains("/vendor/") {
            complaints.extend(empty_name(path));
        }
    }
    complaints.extend(repository.rust.iter().filter_map(|(path, _)| undeclared(repository, path)));
    complaints
}

fn empty_name(path: &str) -> Option<String> {
    let stems = path.split('/').map(|part| part.trim_end_matches(".rs"));
    let empty = stems.into_iter().find(|stem| EMPTY_NAMES.contains(stem))?;
    Some(format!("{path}: `{empty}` says nothing about what is inside; name its job"))
}

/// A file under `src/` that its parent module does not declare is never compiled: its tests never run.
fn undeclared(repository: &Repository, path: &str) -> Option<String> {
    let (krate, inside) = path.split_once("/src/")?;
    let mut parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    let stem = parts.pop()?;
    if parts.is_empty() && matches!(stem, "lib" | "main") {
        return None;
    }
    let parents = if parts.is_empty() {
        vec![format!("{krate}/src/lib.rs"), format!("{krate}/src/main.rs")]
    } else {
        let folder = format!("{krate}/src/{}", parts.join("/"));
        vec![format!("{folder}.rs"), format!("{folder}/mod.rs")]
    };
    let declares = |text: &String| text.lines().any(|line| line.trim().ends_with(&format!("mod {stem};")));
    let is_declared = parents.iter().filter_map(|parent| repository.text(parent)).any(|text| declares(&text));
    (!is_declared).then(|| format!("{path}: is never compiled; declare `mod {stem};` in {}", parents[0]))
}
