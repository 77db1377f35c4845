//! A part's row groups one by one: what is computed of one person's rows in a group holds for as long as its file is there.
//!
//! Whoever computes something that adds up over a person's rows looks at each group once, keeps it, and after the next
//! landing only looks at what has landed. What is kept is looked at by nobody but who may see all that it was made of: the
//! same people, of columns that the grant holds.

use super::source::Source;
use super::{Scan, ScanPart};
use crate::hot::{Hot, Kept, Of, Rows};
use crate::stretch::{PersonRows, Stretch};
use crate::traits::Traits;
use spec::Result;
use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

/// One row group, with the granted people who have rows in it. What landed has people of many parts.
pub struct Piece {
    source: Arc<Source>,
    scan: Arc<Scan>,
    people: Arc<[PersonRows]>,
}

/// What something that is kept of everybody in a part was computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// Of their traits and nothing else.
    Traits,
    /// Of their rows as well.
    Rows,
}

impl ScanPart {
    /// The row groups that hold rows of the part's people; none where rows may not be looked at by themselves, since some of
    /// them nobody vouches for.
    pub fn pieces(&self) -> Result<Option<Vec<Piece>>> {
        self.sources()?.iter().map(|source| Piece::of(source, &self.scan)).collect()
    }

    /// Those of them that have people of other parts as well, of the whole scan: they are the same for each of its parts.
    pub fn shared_pieces(&self) -> Result<Vec<Piece>> {
        let pieces = self.scan.landed.iter().map(|source| Piece::of(source, &self.scan));
        pieces.filter_map(Result::transpose).collect()
    }
}

/// What was computed of a part's people as a whole holds until the grant is another, a trait changes or, where their rows
/// were looked at, anything lands of them.
impl ScanPart {
    /// What was kept under this name of everybody in the part and these traits of theirs, if it is there still.
    pub fn kept<T: Any + Send + Sync>(&self, of: MadeOf, name: &Arc<str>, traits: &Traits) -> Result<Option<Arc<T>>> {
        let found = self.scan.hot.get(&*self.rows(of)?, std::slice::from_ref(name)).pop();
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
        of: MadeOf,
        name: &Arc<str>,
        traits: &Traits,
        (value, n_bytes): (Arc<T>, usize),
    ) -> Result<()> {
        let rows = self.rows(of)?;
        let of = Of::Everybody(Arc::downgrade(self.scan.grant.shared_people()), Arc::downgrade(traits.table()));
        self.scan.hot.keep(&rows, name, &Hot::Kept(Kept { of, value, n_bytes }));
        Ok(())
    }

    fn rows(&self, of: MadeOf) -> Result<Cow<'_, Rows>> {
        // What nobody vouches for is a trait where people are counted, and none on a list.
        let only_vouched = self.scan.only_vouched;
        if of == MadeOf::Traits {
            return Ok(Cow::Owned(Rows { groups: Arc::from([]), people: self.people, only_vouched }));
        }
        if let Some(rows) = self.rows.get() {
            return Ok(Cow::Borrowed(rows));
        }
        let groups = self.sources()?.iter().map(|source| source.name()).collect();
        let rows = Rows { groups, people: self.people, only_vouched };
        Ok(Cow::Borrowed(self.rows.get_or_init(|| rows)))
    }
}

impl Piece {
    /// All of a row group; none where it holds rows that nobody vouches for and that may not be counted.
    fn of(source: &Arc<Source>, scan: &Arc<Scan>) -> Result<Option<Piece>> {
        if scan.only_vouched && source.holds_claims(scan)? {
            return Ok(None);
        }
        let people = Arc::clone(source.granted(scan)?);
        Ok(Some(Piece { source: Arc::clone(source), scan: Arc::clone(scan), people }))
    }

    /// The granted people who have rows here, ascending; also those of other parts.
    pub fn people(&self) -> &Arc<[PersonRows]> {
        &self.people
    }

    /// The rows, opened for them.
    pub fn stretch(&self) -> Result<Stretch> {
        let (people, n_rows, columns) = self.source.opened(&self.scan)?;
        Stretch::of(people, n_rows, columns, self.source.take_cost())
    }

    /// What is held or kept under this name of the same people, if it is there still.
    pub fn kept<T: Any + Send + Sync>(&self, name: &Arc<str>) -> Option<Arc<T>> {
        match self.source.computed(&self.scan, name)? {
            // Others may be granted by now.
            Kept { of: Of::Rows(people), value, .. } => {
                let is_same = Arc::ptr_eq(&people, &self.people) || people == self.people;
                Arc::downcast(value).ok().filter(|_| is_same)
            }
            _ => None,
        }
    }

    /// Holds something of so many bytes that was computed of these rows: as long as the scan is, and for other scans if it is
    /// worth keeping.
    pub fn hold<T: Any + Send + Sync>(&self, name: &Arc<str>, (value, n_bytes): (Arc<T>, usize), is_kept: bool) {
        let kept = Kept { of: Of::Rows(Arc::clone(&self.people)), value, n_bytes };
        self.source.hold(&self.scan, name, kept, is_kept);
    }
}
