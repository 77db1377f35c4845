//! Who may depend on whom: our crates by the table in ARCHITECTURE.md, heavy dependencies by the fence below.

use super::Repository;
use std::collections::BTreeMap;

const TABLE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Code map";

/// Dependencies that only these crates may name. What is not listed is free.
const FENCES: &[(&str, &[&str])] = &[
    ("argon2", &["app"]),
    ("aws-lc-rs", &["app", "collect"]),
    ("axum", &["web", "entente"]),
    ("clap", &["entente"]),
    ("clap_complete", &["entente"]),
    ("clap_mangen", &["entente"]),
    ("datafusion", &["query"]),
    ("deltalake-core", &["lake"]),
    ("deunicode", &["app"]),
    ("indicatif", &["entente"]),
    ("minijinja", &["web"]),
    ("object_store", &["lake"]),
    ("opendp", &["app"]),
    ("parquet", &["lake", "query", "app"]),
    ("rusqlite", &["app"]),
    ("saphyr-parser", &["workspace"]),
    ("sqlparser", &["workspace"]),
    ("statrs", &["stats"]),
    ("ureq", &["entente"]),
];

/// Complains about edges that the table does not have, edges that it has in vain, and fences that are crossed.
pub(super) fn check(repository: &Repository) -> Vec<String> {
    let crates = repository.crates();
    let mut complaints = fences(&crates);
    let Some(text) = repository.text(TABLE) else {
        complaints.push(format!("{TABLE}: is missing; its table under `{HEADING}` says who may depend on whom"));
        return complaints;
    };
    match parse(&text) {
        Ok(table) => complaints.extend(edges(&crates, &table)),
        Err(message) => complaints.push(format!("{TABLE}: {message}")),
    }
    complaints
}

fn fences(crates: &[(String, Vec<String>)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, dependencies) in crates {
        for (fenced, allowed) in FENCES {
            if dependencies.iter().any(|dependency| dependency == fenced) && !allowed.contains(&name.as_str()) {
                let allowed = allowed.join(", ");
                complaints.push(format!("crates/{name}/Cargo.toml: `{fenced}` may be used in {allowed} only"));
            }
        }
    }
    complaints
}

fn edges(crates: &[(String, Vec<String>)], table: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, dependencies) in crates {
        let Some(row) = table.get(name) else {
            complaints.push(format!("{TABLE}: no row for the crate `{name}`"));
            continue;
        };
        let ours = |other: &&String| crates.iter().any(|(name, _)| name == *other);
        for dependency in dependencies.iter().filter(ours).filter(|other| !row.contains(other)) {
            complaints.push(format!("{TABLE}: `{name}` depends on `{dependency}`, which its row does not say"));
        }
        for dependency in row.iter().filter(|other| !dependencies.contains(other)) {
            complaints.push(format!("{TABLE}: `{name}` does not depend on `{dependency}`, though its row says so"));
        }
    }
    let rows_in_vain = table.keys().filter(|name| !crates.iter().any(|(other, _)| other == *name));
    complaints.extend(rows_in_vain.map(|name| format!("{TABLE}: there is no crate `{name}`")));
    complaints
}

/// Reads the first table under the heading: its columns `crate` and `depends on`.
fn parse(text: &str) -> Result<BTreeMap<String, Vec<String>>, String> {
    let (_, below) = text.split_once(HEADING).ok_or(format!("has no heading `{HEADING}`"))?;
    let mut lines = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let header = cells(lines.next().ok_or(format!("has no table under `{HEADING}`"))?);
    let column =
        |title: &str| header.iter().position(|cell| cell == title).ok_or(format!("the table has no column `{title}`"));
    let (name, depends) = (column("crate")?, column("depends on")?);
    let rows = lines.skip(1).map(cells).filter(|row| row.len() > name.max(depends));
    Ok(rows.map(|row| (row[name].clone(), names(&row[depends]))).collect())
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect()
}

/// The names in a cell; a dash or nothing means none.
fn names(cell: &str) -> Vec<String> {
    let words = cell.split([',', ' ']).map(str::trim);
    words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_the_table() {
        let text = "x\n## Code map\n\n| layer | crate | depends on | job |\n|---|---|---|---|\n\
                    | 0 | `spec` | - | words |\n| 2 | `lake` | `spec`, `policy` | rows |\n\nafter";
        let table = parse(text).expect("it is a table");
        assert_eq!(table["spec"], Vec::<String>::new());
        assert_eq!(table["lake"], ["spec", "policy"]);
    }
}
