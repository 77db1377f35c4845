//! The repository's own rules, read from its files; also a test, so that `make test` runs them.
//!
//! Each rule is a function from the repository to complaints (`path: what is wrong and what to do`). Sizes are printed,
//! outliers first, and forbid nothing.

mod edges;
mod files;
mod sizes;
mod source;
mod surface;
#[cfg(test)]
mod tests;
mod vendor;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use xtask::shell::{Result, output, root};

/// Checks every rule and prints the outliers in size.
pub(crate) fn run() -> Result<()> {
    eprintln!("> tidy");
    let repository = Repository::read()?;
    sizes::print(&repository);
    let complaints = complaints(&repository);
    if complaints.is_empty() { Ok(()) } else { Err(format!("tidy:\n  {}", complaints.join("\n  "))) }
}

/// Writes the list of public names anew.
pub(crate) fn bless() -> Result<()> {
    surface::write(&Repository::read()?)
}

/// The tests of a JUnit report with their seconds, the slowest first.
pub(crate) fn slowest(report: &str) -> Vec<(f64, String)> {
    let attribute = |tag: &str, name: &str| {
        let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        Some(tag[from..from + tag[from..].find('"')?].to_owned())
    };
    let mut tests: Vec<(f64, String)> = report
        .split("<testcase ")
        .skip(1)
        .map(|rest| format!(" {}", rest.split('>').next().unwrap_or_default()))
        .filter_map(|tag| Some((attribute(&tag, "time")?.parse().ok()?, attribute(&tag, "name")?)))
        .collect();
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    tests
}

/// Everything that is wrong.
fn complaints(repository: &Repository) -> Vec<String> {
    [edges::check, files::check, source::check, surface::check, vendor::check]
        .iter()
        .flat_map(|rule| rule(repository))
        .collect()
}

/// The repository as the rules see it.
struct Repository {
    /// Its folder.
    root: PathBuf,
    /// Its files, tracked or about to be, relative to the folder.
    paths: Vec<String>,
    /// Every Rust file with its text.
    rust: Vec<(String, String)>,
    /// `cargo metadata` of our own packages.
    metadata: Json,
}

impl Repository {
    fn read() -> Result<Repository> {
        let root = root();
        let listed = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
        let paths: Vec<String> = listed.lines().filter(|path| root.join(path).is_file()).map(str::to_owned).collect();
        let mut rust = Vec::new();
        for path in paths.iter().filter(|path| path.ends_with(".rs")) {
            let text = std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
            rust.push((path.clone(), text));
        }
        let metadata = output("cargo", &["metadata", "--format-version", "1", "--no-deps"])?;
        let metadata = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        Ok(Repository { root, paths, rust, metadata })
    }

    /// The text of a file; nothing if it is missing.
    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }

    /// Our packages under `crates/`: name and what they depend on (without what only tests need).
    fn crates(&self) -> Vec<(String, Vec<String>)> {
        let packages = self.metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
        let inside = |package: &&Json| {
            let manifest = package["manifest_path"].as_str().unwrap_or_default();
            Path::new(manifest).starts_with(self.root.join("crates"))
        };
        packages.iter().filter(inside).map(|package| (text_of(&package["name"]), dependencies(package))).collect()
    }
}

fn dependencies(package: &Json) -> Vec<String> {
    let listed = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    listed.iter().filter(|dependency| dependency["kind"].is_null()).map(|one| text_of(&one["name"])).collect()
}

fn text_of(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
