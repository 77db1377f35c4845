//! A row group as a scan reads it: each column once, decoded or as it was kept.

use super::{EventFile, Reading, Scan};
use crate::error;
use crate::hot::{Hot, Kept, Rows};
use crate::stretch::{Column, People, PersonRows};
use spec::Result;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A row group. What landed lies in several parts of a scan, so that its columns and what was computed of it are held as
/// long as the scan is, whether there is room to keep them for the next one or not.
pub(super) struct Source {
    file: Arc<EventFile>,
    group: usize,
    /// By the places of the scan's names.
    held: Mutex<Vec<Option<Hot>>>,
    granted: OnceLock<Arc<[PersonRows]>>,
    computed: Mutex<HashMap<Arc<str>, Kept>>,
    /// Bytes read that no part has counted yet.
    n_bytes: AtomicU64,
}

impl Source {
    pub(super) fn new(file: Arc<EventFile>, group: usize) -> Source {
        Source {
            file,
            group,
            held: Mutex::default(),
            granted: OnceLock::new(),
            computed: Mutex::default(),
            n_bytes: AtomicU64::new(0),
        }
    }

    /// The first and the last person.
    pub(super) fn people(&self) -> (i64, i64) {
        self.file.groups[self.group].people
    }

    /// Whether any of its people can be in a range of them, both ends included.
    pub(super) fn may_hold(&self, (first, last): (i64, i64)) -> bool {
        let own = self.people();
        own.0 <= last && own.1 >= first
    }

    /// Whether all its people are in a range of them, both ends included.
    pub(super) fn lies_in(&self, (first, last): (i64, i64)) -> bool {
        let own = self.people();
        first <= own.0 && own.1 <= last
    }

    pub(super) fn file(&self) -> &Arc<EventFile> {
        &self.file
    }

    /// The file and the group.
    pub(super) fn name(&self) -> (Arc<str>, usize) {
        (Arc::clone(&self.file.name), self.group)
    }

    /// Whose rows lie where.
    pub(super) fn all_people(&self, scan: &Scan) -> Result<Arc<People>> {
        match self.hot(scan, 0..1)?.pop() {
            Some(Hot::People(people)) => Ok(people),
            _ => Err(error::events_lack_columns()),
        }
    }

    /// Those of its people whom the grant holds.
    pub(super) fn granted(&self, scan: &Scan) -> Result<&Arc<[PersonRows]>> {
        if let Some(granted) = self.granted.get() {
            return Ok(granted);
        }
        let granted = scan.granted(&self.rows(), &*self.all_people(scan)?);
        Ok(self.granted.get_or_init(|| granted))
    }

    /// All its rows, opened for them: the granted people, how many rows there are of everybody, and the columns after the
    /// person.
    pub(super) fn opened(&self, scan: &Scan) -> Result<(Arc<[PersonRows]>, usize, Vec<Column>)> {
        let columns = self.columns(scan, 1..scan.n_shown())?;
        Ok((Arc::clone(self.granted(scan)?), self.all_people(scan)?.n_rows(), columns))
    }

    /// What was computed under a name of all rows of its granted people.
    pub(super) fn computed(&self, scan: &Scan, name: &Arc<str>) -> Option<Kept> {
        let computed = self.computed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        computed.or_else(|| match scan.hot.get(&self.rows(), std::slice::from_ref(name)).pop()? {
            Some(Hot::Kept(kept)) => Some(kept),
            _ => None,
        })
    }

    /// Holds what was computed, and keeps it for the next scan if it is worth it and there is room.
    pub(super) fn hold(&self, scan: &Scan, name: &Arc<str>, kept: Kept, is_kept: bool) {
        if is_kept {
            scan.hot.keep(&self.rows(), name, &Hot::Kept(kept.clone()));
        }
        self.computed.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(name), kept);
    }

    /// Under which is kept what is known of all its rows.
    fn rows(&self) -> Rows {
        Rows { groups: Arc::from([self.name()]), people: self.people(), only_vouched: false }
    }

    /// A column, by the place of its name.
    pub(super) fn column(&self, scan: &Scan, place: usize) -> Result<Column> {
        self.columns(scan, place..place + 1)?.pop().ok_or_else(error::events_lack_columns)
    }

    /// Columns, by the places of their names.
    pub(super) fn columns(&self, scan: &Scan, places: Range<usize>) -> Result<Vec<Column>> {
        let column = |hot: Hot| match hot {
            Hot::Column(column) => Ok(column),
            Hot::People(_) | Hot::Runs(_) | Hot::Granted(_) | Hot::Kept(_) => Err(error::events_lack_columns()),
        };
        self.hot(scan, places)?.into_iter().map(column).collect()
    }

    /// Which rows nobody vouches for.
    pub(super) fn claimed(&self, scan: &Scan) -> Result<Column> {
        self.column(scan, scan.n_shown() + 1)
    }

    /// Whether there are any such rows.
    pub(super) fn holds_claims(&self, scan: &Scan) -> Result<bool> {
        Ok(matches!(self.claimed(scan)?, Column::Booleans(claimed) if claimed.true_count() > 0))
    }

    /// What reading columns will take, given by the places of their names.
    pub(super) fn reading(&self, scan: &Scan, places: Range<usize>) -> Reading {
        let metadata = &self.file.metadata;
        let group = metadata.metadata().row_group(self.group);
        let kept = scan.hot.get(&self.rows(), &scan.names[places.clone()]);
        let (mut bytes, mut bytes_stored) = (0, 0);
        for (place, kept) in places.zip(kept) {
            let Ok(column) = metadata.schema().index_of(&scan.names[place]) else { continue };
            let n_bytes = group.column(column).compressed_size().unsigned_abs();
            bytes_stored += n_bytes;
            bytes += if kept.is_none() { n_bytes } else { 0 };
        }
        Reading { rows: group.num_rows().unsigned_abs(), bytes, bytes_stored }
    }

    /// A column, by the place of its name, if it is kept.
    pub(super) fn kept_column(&self, scan: &Scan, place: usize) -> Option<Column> {
        match scan.hot.get(&self.rows(), &scan.names[place..=place]).pop()? {
            Some(Hot::Column(column)) => Some(column),
            _ => None,
        }
    }

    /// The bytes of the column chunks read since it was asked before.
    pub(super) fn take_cost(&self) -> u64 {
        self.n_bytes.swap(0, Ordering::Relaxed)
    }

    fn hot(&self, scan: &Scan, places: Range<usize>) -> Result<Vec<Hot>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.resize(scan.names.len(), None);
        if held[places.clone()].iter().any(Option::is_none) {
            self.load(scan, &mut held, places.clone())?;
        }
        Ok(held[places].iter().flatten().cloned().collect())
    }

    /// Gets columns that are not held, all at once: first those that were kept, then the others from the file.
    fn load(&self, scan: &Scan, held: &mut [Option<Hot>], places: Range<usize>) -> Result<()> {
        let rows = self.rows();
        for (place, kept) in places.clone().zip(scan.hot.get(&rows, &scan.names[places.clone()])) {
            held[place] = held[place].take().or(kept);
        }
        let metadata = &self.file.metadata;
        let group = metadata.metadata().row_group(self.group);
        for place in places {
            if held[place].is_some() {
                continue;
            }
            let name = &scan.names[place];
            let column = metadata.schema().index_of(name).ok();
            let n_bytes = column.map_or(0, |column| group.column(column).compressed_size());
            self.n_bytes.fetch_add(u64::try_from(n_bytes).unwrap_or(0), Ordering::Relaxed);
            let hot = match (place, column) {
                (0, Some(column)) => Hot::People(Arc::new(self.file.people(self.group, column)?)),
                (_, Some(column)) => Hot::Column(self.file.column(self.group, column)?),
                // Files from before the property was there do not have it.
                (_, None) => Hot::Column(Column::Missing),
            };
            scan.hot.keep(&rows, name, &hot);
            held[place] = Some(hot);
        }
        Ok(())
    }
}
