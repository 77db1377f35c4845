//! The books of an import while they are open: a file beside the tables, from before the data comes in until the import is
//! on record.
//!
//! Data and record lie in two tables, which no single commit spans. Whoever opens the lake after a crash between the two
//! finds the books here and closes them, so that no data is without its line in `imports`, nor a line without its data.

use super::{Commit, ImportFile, ImportReport, Reading};
use crate::lake::State;
use crate::ledger::ImportRecord;
use crate::table::Engine;
use crate::{Random, error, store};
use serde::{Deserialize, Serialize};
use spec::{Instant, ObjectKind, Result};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

const VERSION: u32 = 1;

/// What is known of an import before its data is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Books {
    version: u32,
    app_id: String,
    kind: String,
    source: String,
    object: String,
    file: String,
    digest: String,
    at: Instant,
    reading: Reading,
    received: u64,
    rejected: u64,
    reasons: Vec<(String, u64, String)>,
}

impl Books {
    /// Opens the books of a file.
    pub(super) fn new(file: &ImportFile<'_>, app_id: String, digest: String, at: Instant, reading: Reading) -> Books {
        Books {
            version: VERSION,
            app_id,
            kind: kind_name(file.object.kind).to_owned(),
            source: file.source.to_owned(),
            object: file.object.name.clone(),
            file: file.file_name.to_owned(),
            digest,
            at,
            reading,
            received: 0,
            rejected: 0,
            reasons: Vec::new(),
        }
    }

    /// Enters what was read.
    pub(super) fn with_counts(self, received: u64, rejected: u64, reasons: Vec<(String, u64, String)>) -> Books {
        Books { received, rejected, reasons, ..self }
    }

    /// The line of the import, now that it is known what was stored.
    pub(super) fn record(&self, stored: u64) -> ImportRecord {
        // What an attempt under the same id has stored comes from the same file under the same contract, at another time.
        let rejected = self.rejected.min(self.received.saturating_sub(stored));
        let duplicate = self.received.saturating_sub(stored + rejected);
        assert_eq!(self.received, stored + duplicate + rejected, "the balance holds");
        ImportRecord {
            source: self.source.clone(),
            object: self.object.clone(),
            file: self.file.clone(),
            digest: self.digest.clone(),
            received: self.received,
            stored,
            duplicate,
            rejected,
            at: self.at,
            reasons: self.reasons.clone(),
            reading: Some(self.reading.clone()),
        }
    }

    /// Puts the books on disk.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).expect("books are plain data");
        let temporary = path.with_extension("json.new");
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&temporary, path))
            .and_then(|()| store::sync_file_and_folder(path));
        written.map_err(|cause| error::io("write", path, cause))
    }
}

impl ImportRecord {
    /// The balance.
    pub(super) fn report(&self) -> ImportReport {
        ImportReport {
            received: self.received,
            stored: self.stored,
            duplicate: self.duplicate,
            rejected: self.rejected,
            reasons: self.reasons.clone(),
        }
    }
}

/// Closes books that were left open, if there are any: with a line in `imports` when the data came in, else without.
pub(crate) fn close(
    path: &Path,
    state: &mut State,
    engine: &Engine,
    random: &dyn Random,
) -> Result<Option<ImportRecord>> {
    let Some(books) = read(path)? else { return Ok(None) };
    let mut record = None;
    if let Some(kind) = kind_of(&books.kind)
        && let Some(stored) = state.table_of(kind).figure_of(engine, &books.app_id)?
    {
        let commit = Commit { engine, now: books.at, app_id: &books.app_id };
        let line = books.record(stored);
        commit.record(&mut state.imports, &line, random)?;
        record = Some(line);
    }
    remove(path)?;
    Ok(record)
}

/// Takes the books away.
pub(super) fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path).map_err(|cause| error::io("remove", path, cause))
}

/// The open books. Those of an unknown form are let go: they are no facts, the data is in the tables.
fn read(path: &Path) -> Result<Option<Books>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(error::io("read", path, cause)),
    };
    let books = serde_json::from_slice(&text).ok().filter(|books: &Books| books.version == VERSION);
    if books.is_none() {
        tracing::warn!(file = %path.display(), "the books of an unfinished import have an unknown form");
    }
    Ok(books)
}

fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Event => "event",
        ObjectKind::Traits => "traits",
        ObjectKind::Consent => "consent",
    }
}

fn kind_of(name: &str) -> Option<ObjectKind> {
    [ObjectKind::Event, ObjectKind::Traits, ObjectKind::Consent].into_iter().find(|kind| kind_name(*kind) == name)
}
