//! The metadata store: what people did. SQLite is named here and nowhere else.
//!
//! Secrets are held as SHA-256 of 256-bit random tokens, passwords as argon2id hashes; a copy of the file lets nobody in.

use crate::error;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use sha2::{Digest, Sha256};
use spec::{Instant, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The format of the file; written into it, and checked when it is opened.
const VERSION: i64 = 1;
/// SQLite before this one could lose a write when its log was reset at the wrong moment.
const SQLITE_MIN: i32 = 3_051_003;

const SCHEMA: &str = "
CREATE TABLE passwords (user TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE sessions (token BLOB PRIMARY KEY, user TEXT NOT NULL, made_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
CREATE TABLE tokens (token BLOB PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
CREATE TABLE records (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user TEXT NOT NULL, what TEXT NOT NULL,
  purpose TEXT, question TEXT, outcome TEXT, people INTEGER) STRICT;
";

/// The metadata store.
pub(crate) struct Store {
    connection: Mutex<Connection>,
    reserve: Reserve,
}

/// Room on the disk that is given up when the disk is full, so that questions can still be put on record, and so be asked.
struct Reserve {
    path: PathBuf,
    is_there: AtomicBool,
}

/// Some ten thousand records.
const RESERVE_BYTES: usize = 4 << 20;
/// The reserve is made where so much is left: nothing that must be written may go short of it.
const ROOM_BYTES: u64 = 16 << 20;

/// A session as stored; times in seconds since 1970.
pub(crate) struct SessionRow {
    pub(crate) user: String,
    pub(crate) made_at: i64,
    pub(crate) seen_at: i64,
}

/// One thing that somebody did.
#[derive(Default)]
pub(crate) struct Record<'a> {
    pub(crate) user: &'a str,
    /// A verb, and what it was done to where that is no question: `save audiences/regulars.yaml`.
    pub(crate) what: &'a str,
    pub(crate) purpose: Option<&'a str>,
    pub(crate) question: Option<&'a str>,
    pub(crate) outcome: Option<&'a str>,
    pub(crate) people: Option<u64>,
}

impl Store {
    /// Opens the file and makes it if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Store> {
        assert!(rusqlite::version_number() >= SQLITE_MIN, "the bundled SQLite is one that keeps what it wrote");
        let connection = Connection::open(path).map_err(error::store)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;")
            .map_err(error::store)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(error::store)?;
        match version {
            0 => {
                let create = format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;");
                connection.execute_batch(&create).map_err(error::store)?;
            }
            VERSION => {}
            other => {
                let message = format!("the metadata store has version {other}, this program knows {VERSION}");
                return Err(error::invalid(message, "use the program that made it, or a newer one"));
            }
        }
        let reserve = Reserve { path: path.with_extension("reserve"), is_there: AtomicBool::new(false) };
        reserve.make();
        Ok(Store { connection: Mutex::new(connection), reserve })
    }

    /// Makes the room again that was given up; for somebody who looks now and then.
    pub(crate) fn keep_reserve(&self) {
        self.reserve.make();
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The password hash of a user, if one was set.
    pub(crate) fn password(&self, user: &str) -> Result<Option<String>> {
        let select = "SELECT hash FROM passwords WHERE user = ?1";
        self.connection().query_row(select, [user], |row| row.get(0)).optional().map_err(error::store)
    }

    /// Sets a user's password hash and ends the user's sessions.
    pub(crate) fn set_password(&self, user: &str, hash: &str) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(error::store)?;
        transaction
            .execute("INSERT OR REPLACE INTO passwords (user, hash) VALUES (?1, ?2)", params![user, hash])
            .map_err(error::store)?;
        transaction.execute("DELETE FROM sessions WHERE user = ?1", [user]).map_err(error::store)?;
        transaction.commit().map_err(error::store)
    }

    /// Keeps a new session.
    pub(crate) fn add_session(&self, token: &str, user: &str, now: Instant) -> Result<()> {
        let insert = "INSERT INTO sessions (token, user, made_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
        self.execute(insert, params![digest(token), user, now.timestamp()])
    }

    /// The session of a token.
    pub(crate) fn session(&self, token: &str) -> Result<Option<SessionRow>> {
        let select = "SELECT user, made_at, seen_at FROM sessions WHERE token = ?1";
        let read =
            |row: &rusqlite::Row<'_>| Ok(SessionRow { user: row.get(0)?, made_at: row.get(1)?, seen_at: row.get(2)? });
        self.connection().query_row(select, [digest(token)], read).optional().map_err(error::store)
    }

    /// Notes that a session was used.
    pub(crate) fn touch_session(&self, token: &str, now: Instant) -> Result<()> {
        self.execute("UPDATE sessions SET seen_at = ?2 WHERE token = ?1", params![digest(token), now.timestamp()])
    }

    /// Ends a session.
    pub(crate) fn remove_session(&self, token: &str) -> Result<()> {
        self.execute("DELETE FROM sessions WHERE token = ?1", params![digest(token)])
    }

    /// Removes sessions made before one instant and tokens that ended before another, in seconds since 1970.
    pub(crate) fn remove_old(&self, made_before: i64, ended_before: i64) -> Result<()> {
        self.execute("DELETE FROM sessions WHERE made_at < ?1", params![made_before])?;
        self.execute("DELETE FROM tokens WHERE expires_at <= ?1", params![ended_before])
    }

    /// Keeps a new token.
    pub(crate) fn add_token(&self, token: &str, user: &str, expires_at: i64) -> Result<()> {
        let insert = "INSERT INTO tokens (token, user, expires_at) VALUES (?1, ?2, ?3)";
        self.execute(insert, params![digest(token), user, expires_at])
    }

    /// The user of a token that is still good.
    pub(crate) fn token_user(&self, token: &str, now: Instant) -> Result<Option<String>> {
        let select = "SELECT user FROM tokens WHERE token = ?1 AND expires_at > ?2";
        let found = self.connection().query_row(select, params![digest(token), now.timestamp()], |row| row.get(0));
        found.optional().map_err(error::store)
    }

    /// Puts something on record.
    pub(crate) fn record(&self, record: &Record<'_>, now: Instant) -> Result<()> {
        let insert = "INSERT INTO records (at, user, what, purpose, question, outcome, people)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let people = record.people.and_then(|people| i64::try_from(people).ok());
        let Record { user, what, purpose, question, outcome, .. } = record;
        self.execute(insert, params![now.timestamp_micros(), user, what, purpose, question, outcome, people])
    }

    /// What is on record, oldest first: user and deed.
    #[cfg(test)]
    pub(crate) fn deeds(&self) -> Vec<(String, String)> {
        let connection = self.connection();
        let mut select = connection.prepare("SELECT user, what FROM records ORDER BY id").expect("the table is there");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("it can be read");
        rows.collect::<rusqlite::Result<_>>().expect("each line has both")
    }

    fn execute(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<()> {
        let connection = self.connection();
        let mut done = connection.execute(statement, values);
        if matches!(&done, Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::DiskFull))
            && self.reserve.give_up()
        {
            done = connection.execute(statement, values);
        }
        done.map(drop).map_err(error::store)
    }
}

impl Reserve {
    /// Makes it if it is not there and the disk has room for much more.
    fn make(&self) {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if self.is_there.load(Ordering::Relaxed) || lake::free_bytes(folder).is_some_and(|free| free < ROOM_BYTES) {
            return;
        }
        let is_whole = std::fs::metadata(&self.path).is_ok_and(|file| file.len() == RESERVE_BYTES as u64);
        let is_there = is_whole || std::fs::write(&self.path, vec![0; RESERVE_BYTES]).is_ok();
        if !is_there {
            // Half of it would take the room that somebody needs.
            let _ = std::fs::remove_file(&self.path);
        }
        self.is_there.store(is_there, Ordering::Relaxed);
    }

    /// Gives the room up; false when it was given up before.
    fn give_up(&self) -> bool {
        self.is_there.swap(false, Ordering::Relaxed) && std::fs::remove_file(&self.path).is_ok()
    }
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
