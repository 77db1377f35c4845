//! The metadata store: what people did. SQLite is named here and nowhere else.
//!
//! Secrets are held as SHA-256 of 256-bit random tokens, passwords as argon2id hashes; a copy of the file lets nobody in.

mod disclosed;
mod edits;
mod records;

pub(crate) use disclosed::{Allowance, Charge};
pub(crate) use edits::{EditKept, EditTold};
pub(crate) use records::{Access, Record, Stored, Wanted, kept_heads};

use crate::audit::{Head, Signer, unhex};
use crate::error;
use edits::{FROM_RECORDS, SCHEMA_3};
use lake::Random;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use spec::{Instant, Result, hex};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The format of the file; written into it, and checked when it is opened.
const VERSION: i64 = 3;
/// SQLite before this one could lose a write when its log was reset at the wrong moment.
const SQLITE_MIN: i32 = 3_051_003;

const SCHEMA: &str = "
CREATE TABLE passwords (user TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE sessions (token BLOB PRIMARY KEY, user TEXT NOT NULL, made_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
CREATE TABLE tokens (token BLOB PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
";

/// What version 2 added.
const SCHEMA_2: &str = "
CREATE TABLE records (number INTEGER PRIMARY KEY, body TEXT NOT NULL, link BLOB NOT NULL) STRICT;
CREATE INDEX records_by_user ON records (body ->> 'user', number);
CREATE TABLE questions (hash TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE asked (user TEXT NOT NULL, purpose TEXT NOT NULL, day INTEGER NOT NULL, question TEXT NOT NULL,
  state TEXT NOT NULL, epsilon REAL NOT NULL, PRIMARY KEY (user, purpose, day, question, state)) STRICT;
CREATE TABLE told (sequence INTEGER PRIMARY KEY, user TEXT NOT NULL, purpose TEXT NOT NULL, question TEXT NOT NULL,
  cell INTEGER NOT NULL, sort INTEGER NOT NULL, value TEXT NOT NULL, classes BLOB NOT NULL, state INTEGER NOT NULL,
  UNIQUE (user, purpose, question, cell, sort)) STRICT;
CREATE INDEX told_by_user ON told (user, purpose, sequence);
CREATE TABLE draws (figure TEXT PRIMARY KEY, noise INTEGER NOT NULL) STRICT;
";

/// The secret that signs heads of the records, and the newest head.
const KEY_FILE: &str = "audit.key";
const HEAD_FILE: &str = "audit.head";

/// The metadata store.
pub(crate) struct Store {
    connection: Mutex<Connection>,
    signer: Signer,
    head_path: PathBuf,
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

impl Store {
    /// Opens the file and makes it if it is not there; a secret that is missing is made from `random`.
    pub(crate) fn open(path: &Path, random: &dyn Random) -> Result<Store> {
        assert!(rusqlite::version_number() >= SQLITE_MIN, "the bundled SQLite is one that keeps what it wrote");
        let connection = Connection::open(path).map_err(error::store)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;")
            .map_err(error::store)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(error::store)?;
        match version {
            0 => {
                let all = format!("{SCHEMA} {SCHEMA_2} {SCHEMA_3}");
                let create = format!("BEGIN; {all} PRAGMA user_version = {VERSION}; COMMIT;");
                connection.execute_batch(&create).map_err(error::store)?;
            }
            1 => to_version_2(&connection).and_then(|()| to_version_3(&connection)).map_err(error::store)?,
            2 => to_version_3(&connection).map_err(error::store)?,
            VERSION => {}
            other => {
                let message = format!("the metadata store has version {other}, this program knows {VERSION}");
                return Err(error::invalid(message, "use the program that made it, or a newer one"));
            }
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let signer = Signer::new(&secret(&folder.join(KEY_FILE), random)?)?;
        let head_path = folder.join(HEAD_FILE);
        records::keep_head(&connection, &head_path)?;
        let reserve = Reserve { path: path.with_extension("reserve"), is_there: AtomicBool::new(false) };
        reserve.make();
        Ok(Store { connection: Mutex::new(connection), signer, head_path, reserve })
    }

    /// Opens the store of a data folder to read what is on record, and the head beside it; whether or not a server runs.
    ///
    /// # Errors
    /// NotFound where there is none, Invalid for one of another version.
    pub(crate) fn to_read(data: &Path) -> Result<(Store, Option<Head>)> {
        let path = data.join(crate::product::STORE_FILE);
        if !path.exists() {
            let message = format!("there are no records in `{}`", data.display());
            return Err(error::invalid(message, "name the data folder with `--data DIR`"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&path, flags).map_err(error::store)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(error::store)?;
        if version != VERSION {
            let message = format!("the metadata store has version {version}, this program knows {VERSION}");
            return Err(error::invalid(message, "start the server on it once, or use the program that made it"));
        }
        let head_path = data.join(HEAD_FILE);
        let head = records::read_head(&head_path);
        let reserve = Reserve { path: PathBuf::new(), is_there: AtomicBool::new(false) };
        // Nothing is signed by who only reads.
        let signer = Signer::new(&[0; 32])?;
        Ok((Store { connection: Mutex::new(connection), signer, head_path, reserve }, head))
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

    /// Does some writing as a whole, without waiting for the disk: it outlives the program, and a loss of power once something else was put on
    /// record, which comes before any answer leaves.
    fn transact_for_record<T>(&self, write: &mut dyn FnMut(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection();
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(error::store)?;
        let done = self.transact_on(&mut connection, write);
        connection.pragma_update(None, "synchronous", "FULL").map_err(error::store)?;
        done
    }

    fn transact_on<T>(
        &self,
        connection: &mut Connection,
        write: &mut dyn FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut once = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found = write(&transaction)?;
            transaction.commit()?;
            Ok(found)
        };
        let mut done: rusqlite::Result<T> = once();
        if matches!(&done, Err(cause) if is_full(cause)) && self.reserve.give_up() {
            done = once();
        }
        done.map_err(error::store)
    }

    fn execute(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<()> {
        let connection = self.connection();
        let mut done = connection.execute(statement, values);
        if matches!(&done, Err(cause) if is_full(cause)) && self.reserve.give_up() {
            done = connection.execute(statement, values);
        }
        done.map(drop).map_err(error::store)
    }
}

fn is_full(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// A number of things as SQLite has it.
fn fits(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A store of version 1 had records without a chain.
fn to_version_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("BEGIN; ALTER TABLE records RENAME TO old_records; {SCHEMA_2}"))?;
    records::chain_up(connection)?;
    connection.execute_batch("DROP TABLE old_records; PRAGMA user_version = 2; COMMIT;")
}

/// A store of version 2 kept no texts of files.
fn to_version_3(connection: &Connection) -> rusqlite::Result<()> {
    let steps = format!("BEGIN; {SCHEMA_3} {FROM_RECORDS} PRAGMA user_version = {VERSION}; COMMIT;");
    connection.execute_batch(&steps)
}

/// The secret in a file that only its owner can read, made if it is not there.
fn secret(path: &Path, random: &dyn Random) -> Result<[u8; 32]> {
    let hint =
        "put the file back as it was; without it the records so far keep their heads, and new ones get another key";
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let seed = unhex(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            seed.ok_or_else(|| error::invalid(format!("`{}` is not a key", path.display()), hint))
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            random.fill(&mut seed);
            crate::files::write_private(path, &hex(&seed))?;
            Ok(seed)
        }
        Err(cause) => Err(error::file("read", path, cause)),
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
