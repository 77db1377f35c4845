//! Whole folders: the demo loads without a diagnostic, and no example of the ODCS standard makes the reader stumble.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The texts of all YAML files under a folder, by path relative to it.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        for entry in std::fs::read_dir(&current).expect("the folder can be listed") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                let name =
                    path.strip_prefix(folder).expect("it is under the folder").to_string_lossy().replace('\\', "/");
                texts.insert(name, std::fs::read_to_string(&path).expect("the file is text"));
            }
        }
    }
    texts
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_demo_has_no_diagnostics() {
    let folder = repository().join("demo");
    if !folder.join("entente.yaml").exists() {
        println!("skipped: there is no demo beside the crates");
        return;
    }
    let (definitions, diagnostics) = workspace::load(&texts(&folder));
    assert_eq!(workspace::render(&diagnostics), "");
    for saved in definitions.questions.values() {
        workspace::resolve(&saved.question, &definitions).expect("the demo's questions resolve");
        let again = workspace::parse_question(&saved.question.to_json(), "/question").expect("its JSON is a question");
        assert_eq!(again, saved.question);
        println!("{}", workspace::question_words(&saved.question, &definitions));
    }
    assert_eq!(definitions.version.len(), 16);
}

#[test]
fn the_standards_examples_are_read() {
    let shared = std::env::var("ENTENTE_SHARED").map_or_else(|_| repository().join("../shared"), PathBuf::from);
    let folder = shared.join("vectors/odcs/examples");
    if !folder.exists() {
        println!("skipped: there are no ODCS examples in {}", folder.display());
        return;
    }
    for (name, text) in texts(&folder) {
        let stem = name.trim_end_matches(".odcs.yaml").replace('-', "_");
        let files = BTreeMap::from([
            ("entente.yaml".to_owned(), "title: Examples".to_owned()),
            (format!("contracts/{stem}.odcs.yaml"), text),
        ]);
        let (_, diagnostics) = workspace::load(&files);
        assert_eq!(workspace::render(&diagnostics), "", "{name}");
    }
}
