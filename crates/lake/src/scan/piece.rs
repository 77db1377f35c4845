//! A part's row groups one by one: what is computed of one person's rows in a group holds for as long as its file is there.
//!
//! Whoever computes something that adds up over a person's rows looks at each group once, keeps it, and after the next
//! landing only looks at what has landed. What is kept is looked at by nobody but who may see all that it was made of: the
//! same people, of columns that the grant holds.

use super::source::Source;
use super::{GROUP, Scan, ScanPart};
use crate::hot::{Hot, Kept, Of, Rows};
use crate::stretch::{Column, PersonRows, Stretch};
use crate::traits::Traits;
use spec::Result;
use std::any::Any;
use std::sync::Arc;

/// The rows of a part that lie in one row group.
pub struct Piece {
    source: Arc<Source>,
    scan: Arc<Scan>,
    people: Arc<[PersonRows]>,
    rows: Rows,
}

impl ScanPart {
    /// The part's pieces, each with the granted people who have rows in it; none where rows may not be looked at by
    /// themselves, since some of them nobody vouches for.
    pub fn pieces(&self) -> Result<Option<Vec<Piece>>> {
        let scan = &self.scan;
        let mut pieces = Vec::new();
        for source in self.sources()? {
            if scan.only_vouched && source.holds_claims(scan)? {
                return Ok(None);
            }
            let rows = Rows { groups: Arc::from([source.name()]), people: self.people, only_vouched: false };
            let people = scan.granted(GROUP, &rows, &*source.all_people(scan)?);
            pieces.push(Piece { source, scan: Arc::clone(scan), people, rows });
        }
        Ok(Some(pieces))
    }
}

/// What was computed of a part's people as a whole holds until anything lands of them, the grant is another or a trait
/// changes.
impl ScanPart {
    /// What was kept under this name of everybody in the part and these traits of theirs, if it is there still.
    pub fn kept<T: Any + Send + Sync>(&self, name: &Arc<str>, traits: &Traits) -> Result<Option<Arc<T>>> {
        let found = self.scan.hot.get(self.rows()?, std::slice::from_ref(name)).pop();
        Ok(match found {
            Some(Some(Hot::Kept(Kept { of: Of::Everybody(grant, table), value, .. }))) => {
                let is_same = grant.as_ptr() == Arc::as_ptr(self.scan.grant.shared_people())
                    && table.as_ptr() == Arc::as_ptr(traits.table());
                Arc::downcast(value).ok().filter(|_| is_same)
            }
            _ => None,
        })
    }

    /// Keeps something of so many bytes that was computed of everybody in the part and these traits of theirs.
    pub fn keep<T: Any + Send + Sync>(
        &self,
        name: &Arc<str>,
        traits: &Traits,
        value: Arc<T>,
        n_bytes: usize,
    ) -> Result<()> {
        let of = Of::Everybody(Arc::downgrade(self.scan.grant.shared_people()), Arc::downgrade(traits.table()));
        self.scan.hot.keep(self.rows()?, name, &Hot::Kept(Kept { of, value, n_bytes }));
        Ok(())
    }

    fn rows(&self) -> Result<&Rows> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let groups = self.sources()?.iter().map(|source| source.name()).collect();
        let rows = Rows { groups, people: self.people, only_vouched: self.scan.only_vouched };
        Ok(self.rows.get_or_init(|| rows))
    }
}

impl Piece {
    /// The granted people who have rows here, ascending.
    pub fn people(&self) -> &Arc<[PersonRows]> {
        &self.people
    }

    /// The rows, opened for them.
    pub fn stretch(&self) -> Result<Stretch> {
        let columns: Vec<Column> = self.source.columns(&self.scan, 1..self.scan.n_shown())?;
        let n_rows = self.source.all_people(&self.scan)?.n_rows();
        Stretch::of(Arc::clone(&self.people), n_rows, columns, self.source.take_cost())
    }

    /// What was kept under this name of the same people, if it is there still.
    pub fn kept<T: Any + Send + Sync>(&self, name: &Arc<str>) -> Option<Arc<T>> {
        match self.scan.hot.get(&self.rows, std::slice::from_ref(name)).pop()? {
            // Others may be granted by now.
            Some(Hot::Kept(Kept { of: Of::Rows(people), value, .. })) => {
                let is_same = Arc::ptr_eq(&people, &self.people) || people == self.people;
                Arc::downcast(value).ok().filter(|_| is_same)
            }
            _ => None,
        }
    }

    /// Keeps something of so many bytes that was computed of these rows.
    pub fn keep<T: Any + Send + Sync>(&self, name: &Arc<str>, value: Arc<T>, n_bytes: usize) {
        let kept = Kept { of: Of::Rows(Arc::clone(&self.people)), value, n_bytes };
        self.scan.hot.keep(&self.rows, name, &Hot::Kept(kept));
    }
}
