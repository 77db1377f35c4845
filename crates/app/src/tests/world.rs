//! A workspace with data in a temporary folder, opened with a clock that stands still and seeded randomness.

use crate::{App, Options};
use api::{Asked, Credential, ImportRequest, Input, Judged, Principal, Product};
use lake::{FixedClock, SeededRandom};
use serde_json::Value as Json;
use spec::{Instant, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What to build.
#[derive(Clone)]
pub(super) struct Setup {
    /// Path in the workspace -> text.
    pub(super) files: BTreeMap<String, String>,
    /// Data in the order of their import.
    pub(super) data: Vec<Data>,
    /// When the data come in.
    pub(super) imported: Instant,
    /// When questions are asked.
    pub(super) now: Instant,
    pub(super) seed: u64,
}

/// One file of data.
#[derive(Clone)]
pub(super) struct Data {
    pub(super) source: String,
    /// The object is the one whose name the file's name starts with.
    pub(super) file_name: String,
    pub(super) text: String,
}

/// An open product.
pub(super) struct World {
    pub(super) app: Arc<App>,
    /// Removed with the world.
    pub(super) folder: TempDir,
}

impl Setup {
    /// The shop of `cases/base.txt`.
    pub(super) fn shop() -> Setup {
        let mut setup = Setup {
            files: BTreeMap::new(),
            data: Vec::new(),
            imported: Instant::UNIX_EPOCH,
            now: Instant::UNIX_EPOCH,
            seed: 1,
        };
        let text = fs::read_to_string(cases_folder().join("base.txt")).expect("the base of all cases is there");
        for section in sections(&text) {
            assert!(setup.take(&section), "`{}` is a section that the base cannot have", section.head);
        }
        setup
    }

    /// Takes a section that says what there is; false for one that asks.
    pub(super) fn take(&mut self, section: &Section<'_>) -> bool {
        let words: Vec<&str> = section.head.split_whitespace().collect();
        match words.as_slice() {
            ["file", path] if section.body.trim().is_empty() => {
                self.files.remove(*path);
            }
            ["file", path] => {
                self.files.insert((*path).to_owned(), section.body.clone());
            }
            ["data", source, file_name] => {
                self.data.retain(|data| data.file_name != *file_name);
                self.add(source, file_name, section.body.clone());
            }
            ["now", at] => self.now = at.parse().expect("a case writes times as RFC 3339"),
            ["imported", at] => self.imported = at.parse().expect("a case writes times as RFC 3339"),
            _ => return false,
        }
        true
    }

    /// Adds a file of data.
    pub(super) fn add(&mut self, source: &str, file_name: &str, text: String) {
        self.data.push(Data { source: source.to_owned(), file_name: file_name.to_owned(), text });
    }

    /// Writes the workspace, imports the data and opens the product.
    pub(super) fn open(&self) -> World {
        let folder = TempDir::new().expect("there is a folder for temporary files");
        for (path, text) in &self.files {
            write(&folder.path().join("workspace").join(path), text);
        }
        let app = open(folder.path(), self.imported, self.seed);
        for data in &self.data {
            let path = folder.path().join("input").join(&data.file_name);
            write(&path, &data.text);
            let request = ImportRequest { source: &data.source, object: None, path: &path, file_name: &data.file_name };
            let balance = app.import_file(&request, &|_, _| {}).expect("a test's file can be imported");
            assert_eq!(balance.rejected, 0, "{balance:?}");
        }
        let report = crate::check(&folder.path().join("workspace")).expect("the workspace can be read").report;
        assert_eq!(report, "", "the workspace of a test is right");
        let app = if self.now == self.imported {
            app
        } else {
            drop(app);
            open(folder.path(), self.now, self.seed + 1)
        };
        World { app: Arc::new(app), folder }
    }
}

impl World {
    /// A user, as the owner of the folder acts.
    pub(super) fn who(&self, user: &str) -> Principal {
        let credential = Credential::Owner { secret: self.app.owner_secret().to_owned(), user: user.to_owned() };
        self.app.principal(&credential).expect("the user is defined")
    }

    pub(super) fn ask(&self, user: &str, question: &Json) -> Result<Input<Asked>> {
        self.app.ask(&self.who(user), question)
    }

    pub(super) fn judge(&self, user: &str, question: &Json) -> Result<Input<Judged>> {
        self.app.judge(&self.who(user), question)
    }
}

/// Opens the product on `workspace` and `data` in a folder.
pub(super) fn open(folder: &Path, now: Instant, seed: u64) -> App {
    let options = Options {
        workspace: folder.join("workspace"),
        data: folder.join("data"),
        clock: Arc::new(FixedClock(now)),
        random: Arc::new(SeededRandom::new(seed)),
        places: None,
        proofs: None,
        hot_bytes_max: 16 << 20,
    };
    App::open(options).expect("a new folder opens")
}

pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
    fs::write(path, text).expect("the file can be written");
}

/// A part of a case file: `=== head`, then its lines.
pub(super) struct Section<'t> {
    pub(super) head: &'t str,
    pub(super) body: String,
}

/// The sections of a case file; what stands before the first is for its readers.
pub(super) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("=== ") {
            found.push(Section { head, body: String::new() });
        } else if let Some(section) = found.last_mut() {
            section.body.push_str(line);
            section.body.push('\n');
        }
    }
    for section in &mut found {
        let kept = section.body.trim_end_matches('\n').len();
        section.body.truncate(kept);
        section.body.push('\n');
    }
    found
}

pub(super) fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Whether files that a test compares with are to be rewritten (`cargo xtask bless`).
pub(super) fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}
