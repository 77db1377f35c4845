//! Changes of files of the workspace: beside the record of each, the text before it, so that it can be put back.
//!
//! Invariants: a change and its record come in one transaction and have one number; the newest texts are kept, those of a
//! file and those of all. What a file holds now is the workspace's to say: this only knows what the program put there.

use super::Store;
use super::records::Record;
use crate::error;
use rusqlite::{Connection, OptionalExtension, Row, params};
use spec::{Instant, Result};

/// Texts that are kept of one file, and of all of them.
const TEXTS_OF_FILE_MAX: i64 = 20;
const TEXTS_MAX: i64 = 2_000;
/// Changes of a file that are told.
const TOLD_MAX: i64 = 20;

/// What version 3 of the store added. Absent are the versions and the text of what was put on record before it, and the
/// text of what is not kept any more; the empty one stands for no file.
pub(super) const SCHEMA_3: &str = "
CREATE TABLE edits (number INTEGER PRIMARY KEY, path TEXT NOT NULL, version_before TEXT, version_after TEXT,
  text_before TEXT) STRICT;
CREATE INDEX edits_by_path ON edits (path, number);
CREATE INDEX edits_with_text ON edits (number) WHERE text_before IS NOT NULL;
";

/// Takes the changes over that were on record before this table was.
pub(super) const FROM_RECORDS: &str = "
INSERT INTO edits (number, path) SELECT number, substr(body ->> 'did', instr(body ->> 'did', ' ') + 1) FROM records
  WHERE body ->> 'did' GLOB 'save *' OR body ->> 'did' GLOB 'remove *';
";

/// A change of a file.
pub(crate) struct EditKept<'a> {
    pub(crate) path: &'a str,
    /// The versions; empty for no file.
    pub(crate) versions: (&'a str, &'a str),
    /// The text before; empty for no file.
    pub(crate) text_before: &'a str,
}

/// A change of a file as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EditTold {
    pub(crate) number: i64,
    pub(crate) at: String,
    pub(crate) user: String,
    /// Whether the file went.
    pub(crate) is_removal: bool,
    pub(crate) version_before: Option<String>,
    pub(crate) version_after: Option<String>,
    pub(crate) has_text: bool,
}

impl Store {
    /// Puts a change of a file on record and keeps the text before it; the record's number.
    pub(crate) fn record_edit(&self, record: &Record<'_>, edit: &EditKept<'_>, now: Instant) -> Result<i64> {
        self.record_with(record, now, &|transaction, number| {
            let insert = "INSERT INTO edits (number, path, version_before, version_after, text_before)
                          VALUES (?1, ?2, ?3, ?4, ?5)";
            let (before, after) = edit.versions;
            transaction.prepare_cached(insert)?.execute(params![number, edit.path, before, after, edit.text_before])?;
            forget(transaction, edit.path)
        })
    }

    /// Puts on record that a change came to nothing, which then is none of the file's.
    pub(crate) fn record_failed_edit(&self, record: &Record<'_>, number: i64, now: Instant) -> Result<()> {
        let delete = "DELETE FROM edits WHERE number = ?1";
        let forget = |transaction: &Connection, _: i64| transaction.execute(delete, [number]).map(drop);
        self.record_with(record, now, &forget).map(drop)
    }

    /// The newest changes of a file, the newest first.
    pub(crate) fn edits(&self, path: &str) -> Result<Vec<EditTold>> {
        let connection = self.connection();
        let select = "SELECT number, body ->> 'at', body ->> 'user', body ->> 'did' GLOB 'remove *',
              version_before, version_after, text_before IS NOT NULL
            FROM edits JOIN records USING (number) WHERE path = ?1 ORDER BY number DESC LIMIT ?2";
        let mut select = connection.prepare_cached(select).map_err(error::store)?;
        let rows = select.query_map(params![path, TOLD_MAX], told).map_err(error::store)?;
        rows.map(|row| row.map_err(error::store)).collect()
    }

    /// The text before a change; `None` where it is not kept.
    pub(crate) fn text_before(&self, number: i64) -> Result<Option<String>> {
        let select = "SELECT text_before FROM edits WHERE number = ?1";
        let found = self.connection().query_row(select, [number], |row| row.get::<_, Option<String>>(0)).optional();
        Ok(found.map_err(error::store)?.flatten())
    }
}

fn told(row: &Row<'_>) -> rusqlite::Result<EditTold> {
    Ok(EditTold {
        number: row.get(0)?,
        at: row.get(1)?,
        user: row.get(2)?,
        is_removal: row.get(3)?,
        version_before: row.get(4)?,
        version_after: row.get(5)?,
        has_text: row.get(6)?,
    })
}

/// Lets the oldest texts go; that there was a change stays.
fn forget(connection: &Connection, path: &str) -> rusqlite::Result<()> {
    let of_file = "UPDATE edits SET text_before = NULL WHERE path = ?1 AND text_before IS NOT NULL AND number <=
        (SELECT number FROM edits WHERE path = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)";
    connection.prepare_cached(of_file)?.execute(params![path, TEXTS_OF_FILE_MAX])?;
    let of_all = "UPDATE edits SET text_before = NULL WHERE text_before IS NOT NULL AND number <=
        (SELECT number FROM edits WHERE text_before IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?1)";
    connection.prepare_cached(of_all)?.execute([TEXTS_MAX])?;
    Ok(())
}

#[cfg(test)]
mod tests;
