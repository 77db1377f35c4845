//! What is on record: the table of the chain, and the head beside the store.

use super::{Store, fits};
use crate::audit::{Head, Link, START, Signer, Verifier, link};
use crate::error;
use chrono::SecondsFormat;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value as Json};
use spec::{Instant, Result, hex};
use std::path::Path;

/// One thing that somebody did.
#[derive(Default)]
pub(crate) struct Record<'a> {
    pub(crate) user: &'a str,
    /// A verb, and what it was done to where that is no question: `save audiences/regulars.yaml`.
    pub(crate) what: &'a str,
    pub(crate) purpose: Option<&'a str>,
    pub(crate) question: Option<&'a str>,
    pub(crate) outcome: Option<&'a str>,
    /// People in the answer.
    pub(crate) people: Option<u64>,
    /// What was granted, if anything was read.
    pub(crate) access: Option<Access<'a>>,
}

/// What a grant allowed.
pub(crate) struct Access<'a> {
    pub(crate) role: &'a str,
    pub(crate) release: &'a str,
    /// The version of the rules.
    pub(crate) rules: &'a str,
    /// People whose facts might be read.
    pub(crate) people: u64,
    pub(crate) fields: Vec<String>,
}

/// A record as it stands in the chain.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) number: i64,
    pub(crate) body: Json,
}

/// Which records are wanted.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) purpose: Option<&'a str>,
    /// A word that what was done begins with.
    pub(crate) what: Option<&'a str>,
    /// A deed that is left out.
    pub(crate) but: Option<&'a str>,
    /// A day, as records write it.
    pub(crate) day: Option<&'a str>,
    /// Only records before this one.
    pub(crate) before: Option<i64>,
    pub(crate) limit: usize,
}

impl Record<'_> {
    fn body(&self, at: Instant) -> String {
        let mut body = Map::new();
        body.insert("at".to_owned(), at.to_rfc3339_opts(SecondsFormat::Micros, true).into());
        body.insert("user".to_owned(), self.user.into());
        body.insert("did".to_owned(), self.what.into());
        let texts = [("purpose", self.purpose), ("question", self.question), ("outcome", self.outcome)];
        body.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))));
        body.extend(self.people.map(|people| ("people".to_owned(), people.into())));
        if let Some(access) = &self.access {
            body.insert("role".to_owned(), access.role.into());
            body.insert("release".to_owned(), access.release.into());
            body.insert("rules".to_owned(), access.rules.into());
            body.insert("allowed".to_owned(), access.people.into());
            body.insert("fields".to_owned(), access.fields.clone().into());
        }
        Json::Object(body).to_string()
    }
}

/// Adds a record to the chain, within a transaction; the number and link of it.
fn append(connection: &Connection, body: &str) -> rusqlite::Result<(i64, Link)> {
    let (last, before) = end(connection)?;
    let (number, link) = (last + 1, link(&before, body));
    let insert = "INSERT INTO records (number, body, link) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(insert)?.execute(params![number, body, link.as_slice()])?;
    Ok((number, link))
}

/// The last record's number and link.
fn end(connection: &Connection) -> rusqlite::Result<(i64, Link)> {
    let last = "SELECT number, link FROM records ORDER BY number DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(connection.prepare_cached(last)?.query_row([], read).optional()?.unwrap_or((0, START)))
}

impl Store {
    /// Puts something on record.
    pub(crate) fn record(&self, record: &Record<'_>, now: Instant) -> Result<()> {
        self.record_with(record, now, &|_, _| Ok(())).map(drop)
    }

    /// Puts something on record together with what is written beside it under the record's number, which is returned.
    pub(super) fn record_with(
        &self,
        record: &Record<'_>,
        now: Instant,
        beside: &dyn Fn(&Connection, i64) -> rusqlite::Result<()>,
    ) -> Result<i64> {
        let body = record.body(now);
        let mut connection = self.connection();
        let end = self.transact_on(&mut connection, &mut |transaction| {
            let end = append(transaction, &body)?;
            beside(transaction, end.0)?;
            Ok(end)
        })?;
        // While nobody else writes. A head that could not be written says less, and nothing wrong.
        if let Err(cause) = write_head(&self.head_path, &self.signer, end) {
            tracing::warn!(%cause, "the head of the records could not be written");
        }
        Ok(end.0)
    }

    /// Records, the newest first.
    pub(crate) fn records(&self, wanted: &Wanted<'_>) -> Result<Vec<Stored>> {
        let connection = self.connection();
        let select = "SELECT number, body FROM records
            WHERE number < ?1 AND (?2 IS NULL OR body ->> 'user' = ?2) AND (?3 IS NULL OR body ->> 'purpose' = ?3)
              AND (?4 IS NULL OR substr(body ->> 'did', 1, length(?4)) = ?4)
              AND (?6 IS NULL OR body ->> 'did' <> ?6) AND (?7 IS NULL OR substr(body ->> 'at', 1, 10) = ?7)
            ORDER BY number DESC LIMIT ?5";
        let mut select = connection.prepare_cached(select).map_err(error::store)?;
        let before = wanted.before.unwrap_or(i64::MAX);
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
        let Wanted { user, purpose, what, but, day, .. } = wanted;
        let values = params![before, user, purpose, what, fits(wanted.limit), but, day];
        let rows = select.query_map(values, read).map_err(error::store)?;
        let stored = |row: rusqlite::Result<(i64, String)>| {
            let (number, body) = row.map_err(error::store)?;
            Ok(Stored { number, body: serde_json::from_str(&body).unwrap_or(Json::Null) })
        };
        rows.map(stored).collect()
    }

    /// A number that follows from this folder's secret and a label.
    pub(crate) fn number(&self, label: &str) -> u64 {
        self.signer.number(label)
    }

    /// The signed end of the chain now.
    pub(crate) fn head(&self) -> Result<Head> {
        let (number, link) = end(&self.connection()).map_err(error::store)?;
        Ok(self.signer.sign(number, link))
    }

    /// Walks along the chain: how many records there are and the last link, or the first thing that is wrong.
    ///
    /// # Errors
    /// Only what keeps it from being read.
    pub(crate) fn verify(&self, heads: Vec<Head>) -> Result<std::result::Result<(i64, Link), String>> {
        let mut verifier = Verifier::new(heads);
        let connection = self.connection();
        let mut select =
            connection.prepare("SELECT number, body, link FROM records ORDER BY number").map_err(error::store)?;
        let mut rows = select.query([]).map_err(error::store)?;
        while let Some(row) = rows.next().map_err(error::store)? {
            let (number, body): (i64, Vec<u8>) = (
                row.get(0).map_err(error::store)?,
                row.get_ref(1).and_then(|body| Ok(body.as_bytes()?.to_vec())).map_err(error::store)?,
            );
            let link = row.get_ref(2).map_err(error::store)?.as_bytes().unwrap_or_default();
            // What is no text was never written by us.
            verifier.record(number, std::str::from_utf8(&body).unwrap_or_default(), link);
        }
        Ok(verifier.finish())
    }

    /// What is on record, oldest first: user and deed.
    #[cfg(test)]
    pub(crate) fn deeds(&self) -> Vec<(String, String)> {
        let mut records = self.records(&Wanted { limit: usize::MAX, ..Wanted::default() }).expect("it can be read");
        records.reverse();
        let text = |body: &Json, key: &str| body[key].as_str().expect("each record has it").to_owned();
        records.into_iter().map(|record| (text(&record.body, "user"), text(&record.body, "did"))).collect()
    }
}

/// Puts the records of a store of version 1, which had no chain, on one.
pub(super) fn chain_up(connection: &Connection) -> rusqlite::Result<()> {
    let mut select =
        connection.prepare("SELECT at, user, what, purpose, question, outcome, people FROM old_records ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let at = Instant::from_timestamp_micros(row.get(0)?).unwrap_or_default();
        let (user, what): (String, String) = (row.get(1)?, row.get(2)?);
        let texts: [Option<String>; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
        let people: Option<i64> = row.get(6)?;
        let record = Record {
            user: &user,
            what: &what,
            purpose: texts[0].as_deref(),
            question: texts[1].as_deref(),
            outcome: texts[2].as_deref(),
            people: people.and_then(|people| u64::try_from(people).ok()),
            access: None,
        };
        append(connection, &record.body(at))?;
    }
    Ok(())
}

/// What the name of a head begins with that the records no longer bore out.
const KEPT: &str = "audit.head.kept-";

/// Keeps a head that the records no longer bear out, since the next one would take its place and with it the trace of what
/// was cut off or changed.
pub(super) fn keep_head(connection: &Connection, path: &Path) -> Result<()> {
    let Some(head) = read_head(path).filter(Head::is_genuine) else { return Ok(()) };
    let select = "SELECT link FROM records WHERE number = ?1";
    let link: Option<Link> =
        connection.query_row(select, [head.n_records], |row| row.get(0)).optional().map_err(error::store)?;
    if head.n_records == 0 || link == Some(head.link) {
        return Ok(());
    }
    tracing::error!(records = head.n_records, "records are missing or were changed; `entente audit verify` says which");
    let kept = path.with_file_name(format!("{KEPT}{}-{}", head.n_records, hex(&head.link[..4])));
    std::fs::rename(path, kept).map_err(|cause| error::file("keep", path, cause))
}

/// The heads of a data folder that its records did not bear out at some start.
pub(crate) fn kept_heads(data: &Path) -> Vec<Head> {
    let entries = std::fs::read_dir(data).into_iter().flatten().flatten();
    let is_kept = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(KEPT);
    entries.filter(is_kept).filter_map(|entry| read_head(&entry.path())).collect()
}

/// The head in a file; `None` where it cannot be read.
pub(super) fn read_head(path: &Path) -> Option<Head> {
    Head::from_json(&serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?)
}

/// Writes a head in place of the one before.
fn write_head(path: &Path, signer: &Signer, (number, link): (i64, Link)) -> std::io::Result<()> {
    let draft = path.with_extension(format!("head-{}", hex(&link[..4])));
    std::fs::write(&draft, signer.sign(number, link).to_json().to_string())?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests;
