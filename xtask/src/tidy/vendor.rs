//! Files of others that we carry: each is listed with version, licence and hash, and is what the list says.

use super::Repository;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FOLDERS: [&str; 2] = ["crates/collect/vendor/", "crates/web/static/vendor/"];
const KEYS: [&str; 5] = ["name", "version", "licence", "sha256", "path"];

/// Complains about files that are not listed, not there, or not what the list says.
pub(super) fn check(repository: &Repository) -> Vec<String> {
    FOLDERS.iter().flat_map(|folder| check_folder(repository, folder)).collect()
}

fn check_folder(repository: &Repository, folder: &str) -> Vec<String> {
    let list = format!("{folder}VENDOR.toml");
    let carried: Vec<&String> =
        repository.paths.iter().filter(|path| path.starts_with(folder) && **path != list).collect();
    let entries = match repository.text(&list) {
        Some(text) => parse(&text),
        None if carried.is_empty() => return Vec::new(),
        None => return vec![format!("{list}: is missing; every file in its folder needs an entry")],
    };
    let mut complaints: Vec<String> = entries.iter().flat_map(|entry| check_entry(repository, folder, entry)).collect();
    let is_listed = |path: &str| entries.iter().any(|entry| entry.get("path").is_some_and(|listed| *listed == path));
    for path in carried {
        let relative = path.trim_start_matches(folder);
        // Licences and the recipes by which bundles are made are ours to read, not vendored code.
        let is_ours = relative.starts_with("licenses/") || relative.starts_with("recipes/");
        if !is_ours && !is_listed(relative) {
            complaints.push(format!("{path}: has no entry in {list}"));
        }
    }
    complaints
}

fn check_entry(repository: &Repository, folder: &str, entry: &BTreeMap<String, String>) -> Vec<String> {
    let name = entry.get("name").map_or("(no name)", String::as_str);
    let missing = KEYS.iter().filter(|key| !entry.contains_key(**key));
    let mut complaints: Vec<String> =
        missing.map(|key| format!("{folder}VENDOR.toml: `{name}` has no `{key}`")).collect();
    if let (Some(path), Some(expected)) = (entry.get("path"), entry.get("sha256")) {
        match std::fs::read(repository.root.join(folder).join(path)) {
            Ok(bytes) if hex(&bytes) == *expected => {}
            Ok(bytes) => {
                complaints.push(format!("{folder}{path}: its SHA-256 is {}, the list says another", hex(&bytes)))
            }
            Err(error) => complaints.push(format!("{folder}{path}: {error}")),
        }
    }
    complaints
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads `[[file]]` tables of `key = "text"`: all that the list needs of TOML.
fn parse(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut entries: Vec<BTreeMap<String, String>> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line == "[[file]]" {
            entries.push(BTreeMap::new());
        } else if let (Some(entry), Some((key, value))) = (entries.last_mut(), line.split_once('='))
            && !line.starts_with('#')
        {
            entry.insert(key.trim().to_owned(), value.trim().trim_matches('"').to_owned());
        }
    }
    entries
}
