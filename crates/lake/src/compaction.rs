//! Compaction: many small files of events become fewer.
//!
//! Two moves. Landed files of about the same size are gathered into one that still counts as landed; once all that landed
//! has a size that is worth it, it is folded into the files with disjoint ranges of people. Each row is so rewritten a
//! number of times that grows with the logarithm of the table at most. Both are planned against one snapshot, write beside
//! the table, and end in one commit that removes and adds; whoever has removed one of the files meanwhile makes them vain.

use crate::Random;
use crate::data_file::move_in;
use crate::import::{Merged, OldFiles, Plan, file_bytes, merge};
use crate::scan::EventFile;
use crate::table::{Change, Engine, Table};
use arrow::datatypes::SchemaRef;
use spec::{Instant, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Files of one size that are gathered at once.
const FILES_PER_GATHERING: usize = 8;
/// No more landed files are read at once, where that can be helped.
const FILES_MAX: usize = 16;
/// Sizes are counted in steps: each so many times the one before.
const STEP: u64 = 8;
/// The first step.
const SMALL_BYTES: u64 = 128 << 10;
/// What landed is folded in when it has at least this part of what is compacted.
const PART_TO_FOLD: u64 = 4;
/// So many bytes are folded in even if there are few files.
const BYTES_TO_FOLD: u64 = 16 << 20;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Files that went.
    pub n_removed: usize,
    /// Files that came.
    pub n_added: usize,
    /// Bytes of the files that came.
    pub bytes_written: u64,
}

/// Files to rewrite.
pub(crate) struct Due {
    files: OldFiles,
    /// Whether they only become fewer landed ones.
    is_gathering: bool,
    table_bytes: u64,
}

/// What is worth to be rewritten, if anything is.
pub(crate) fn due(files: &[Arc<EventFile>]) -> Option<Due> {
    let bytes = |files: &[&Arc<EventFile>]| files.iter().map(|file| file.file.size).sum::<u64>();
    let (landed, compacted): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_landed());
    let (landed_bytes, compacted_bytes) = (bytes(&landed), bytes(&compacted));
    let is_worth = landed_bytes * PART_TO_FOLD >= compacted_bytes
        && (landed.len() >= FILES_PER_GATHERING || landed_bytes >= BYTES_TO_FOLD);
    match gathered(&landed) {
        // Every file that is read takes memory, so that many of them become fewer before they are folded.
        Some(files) if !is_worth || landed.len() > FILES_MAX => {
            Some(Due { files: OldFiles::of(&files), is_gathering: true, table_bytes: 0 })
        }
        _ if is_worth => {
            let table_bytes = landed_bytes + compacted_bytes;
            Some(Due { files: OldFiles::of(files), is_gathering: false, table_bytes })
        }
        _ => None,
    }
}

/// Landed files of about one size, if there are enough of them: the smallest go first.
fn gathered(landed: &[&Arc<EventFile>]) -> Option<Vec<Arc<EventFile>>> {
    let mut of_size: BTreeMap<u32, Vec<Arc<EventFile>>> = BTreeMap::new();
    for file in landed {
        let step = (file.file.size / SMALL_BYTES).max(1).ilog(STEP);
        of_size.entry(step).or_default().push(Arc::clone(file));
    }
    let mut files = of_size.into_values().find(|files| files.len() >= FILES_PER_GATHERING)?;
    files.truncate(FILES_MAX);
    Some(files)
}

/// Writes the files anew in a folder beside the table.
pub(crate) fn rewrite(due: Due, schema: &SchemaRef, folder: &Path, random: &dyn Random) -> Result<Merged> {
    let plan = Plan {
        schema: Arc::clone(schema),
        folder,
        random,
        file_bytes: if due.is_gathering { usize::MAX } else { file_bytes(due.table_bytes) },
        is_landed: due.is_gathering,
        event: "",
        source: "",
        keyer: None,
    };
    merge(&plan, Vec::new(), due.files)
}

/// Puts rewritten files into the place of the old ones; `None` when one of these is gone already.
pub(crate) fn commit(
    rewritten: Merged,
    folder: &Path,
    engine: &Engine,
    table: &mut Table,
    now: Instant,
) -> Result<Option<Compaction>> {
    let Merged { add, remove, .. } = rewritten;
    let live: BTreeSet<String> = table.files()?.into_iter().map(|file| file.name).collect();
    if remove.iter().any(|file| !live.contains(&file.name)) {
        return Ok(None);
    }
    let done = Compaction {
        n_removed: remove.len(),
        n_added: add.len(),
        bytes_written: add.iter().map(|file| file.size).sum(),
    };
    move_in(&add, folder, table.folder())?;
    let figure = table.version();
    let at_millis = now.timestamp_millis();
    table.commit(engine, Change { add, remove, new_columns: Vec::new(), app_id: "compaction", figure, at_millis })?;
    Ok(Some(done))
}
