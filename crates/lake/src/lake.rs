//! The lake: opens the folder, holds the current snapshot, takes files in.

use crate::compaction::{self, Compaction};
use crate::consents::{self, PlaceConsents};
use crate::hot::HotColumns;
use crate::import::{self, Context};
use crate::landing::{self, LandingStage};
use crate::lock::Lock;
use crate::quarantine::{self, AsideGroup, AsideMessage};
use crate::settling::{self, Settling};
use crate::table::{self, Engine, Table};
use crate::vault::Vault;
use crate::{
    Clock, DiskFiles, ImportFile, ImportReport, IntakeLog, IntakeOptions, Landing, MergeEntry, Random, Recovered,
    Snapshot, data_file, error, ledger,
};
use spec::{Instant, LawRule, ObjectKind, PersonId, Purpose, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// How to open a lake.
pub struct LakeOptions<'a> {
    /// The data folder; made if it is not there.
    pub folder: &'a Path,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys and file names come from.
    pub random: Arc<dyn Random>,
    /// Memory that one import may use for sorting, in bytes; beyond it sorts on disk.
    pub memory_bytes_max: usize,
    /// Memory for columns that are kept decoded between questions, in bytes.
    pub hot_bytes_max: usize,
}

/// The one repository of facts.
pub struct Lake {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    memory_bytes_max: usize,
    engine: Engine,
    vault: Arc<Vault>,
    /// Held during an import: there is one at a time.
    state: Mutex<State>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// Held during a compaction: there is one at a time.
    compacting: Mutex<()>,
    last_settling: Mutex<settling::Last>,
    lock: Mutex<Lock>,
    #[cfg(test)]
    pub(crate) fail_after: Mutex<Option<Stage>>,
    #[cfg(test)]
    pub(crate) fail_after_landing: Mutex<Option<LandingStage>>,
}

/// The tables at their newest versions; ahead of the snapshot while an import goes on.
pub(crate) struct State {
    pub(crate) events: Table,
    pub(crate) traits: Table,
    pub(crate) people: Table,
    pub(crate) consents: Table,
    pub(crate) quarantine: Table,
    pub(crate) imports: Table,
    pub(crate) books: Table,
    /// Entries of the log of merges by which the events' rows have moved.
    pub(crate) n_merges: u64,
    pub(crate) hot: Arc<HotColumns>,
}

/// The stages of an import, in their order; after each one the folder is in a state that a repeat goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Vault,
    Quarantine,
    People,
    Data,
}

impl Lake {
    /// Opens the folder for this process alone, and makes what is missing.
    ///
    /// # Errors
    /// Conflict, naming the holder, when another process has the folder open.
    pub fn open(options: LakeOptions<'_>) -> Result<Lake> {
        let folder = options.folder;
        std::fs::create_dir_all(folder).map_err(|cause| error::io("make", folder, cause))?;
        let lock = Lock::take(folder, options.clock.now())?;
        clear(&folder.join(TEMPORARY))?;
        let engine = Engine::new()?;
        let vault = Arc::new(Vault::open(&folder.join("vault"), Arc::clone(&options.random))?);
        if vault.knows_anybody() {
            // Somebody is known only after every table was made: one that is missing was lost, with what it said of consent.
            table::check_all_there(folder, &TABLES)?;
        }
        let mut state = State {
            events: Table::open(&engine, folder, "events", &import::event_columns())?,
            traits: Table::open(&engine, folder, "traits", &import::traits_columns())?,
            people: Table::open(&engine, folder, "people", &ledger::people_columns())?,
            consents: Table::open(&engine, folder, "consents", &import::consents_columns())?,
            quarantine: Table::open(&engine, folder, "quarantine", &import::quarantine_columns())?,
            imports: Table::open(&engine, folder, "imports", &ledger::imports_columns())?,
            books: Table::open(&engine, folder, "books", &landing::books_columns())?,
            n_merges: 0,
            hot: Arc::new(HotColumns::new(options.hot_bytes_max)),
        };
        state.n_merges = state.events.figure_of(&engine, settling::APP_ID)?.unwrap_or(0);
        for (_, table) in state.tables() {
            table.clean_up(&BTreeSet::new())?;
        }
        let books = folder.join(OPEN_BOOKS);
        import::close_books(&books, &mut state, &engine, options.random.as_ref())?;
        let snapshot = Snapshot::load(&state, &vault, None)?;
        check_vault(&vault, &snapshot)?;
        Ok(Lake {
            folder: folder.to_owned(),
            clock: options.clock,
            random: options.random,
            memory_bytes_max: options.memory_bytes_max,
            engine,
            vault,
            state: Mutex::new(state),
            snapshot: RwLock::new(Arc::new(snapshot)),
            compacting: Mutex::new(()),
            last_settling: Mutex::default(),
            lock: Mutex::new(lock),
            #[cfg(test)]
            fail_after: Mutex::default(),
            #[cfg(test)]
            fail_after_landing: Mutex::default(),
        })
    }

    /// The current state; cheap.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says what this process is, for those who find the folder in use (`serves http://127.0.0.1:7700`).
    pub fn note(&self, text: &str) -> Result<()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).set_note(&self.folder, text)
    }

    /// Imports a file; `progress` hears how much of the work is done, and of how much.
    ///
    /// Repeating it changes nothing: the same file and the same records are recognised.
    ///
    /// # Errors
    /// Invalid when the file is not what the contract says; then nothing has changed.
    pub fn import(&self, file: &ImportFile<'_>, progress: &dyn Fn(u64, u64)) -> Result<ImportReport> {
        let mut state = self.lock_state();
        let before = state.events.data_files()?;
        let outcome = self.import_into(&mut state, file, progress);
        state.clean_up(&before);
        outcome
    }

    /// The log of messages that come one by one; [`Lake::land`] brings them to the tables.
    ///
    /// # Errors
    /// Unavailable when its folder cannot be read.
    pub fn open_intake(&self, options: IntakeOptions) -> Result<(IntakeLog, Recovered)> {
        let folder = self.folder.join(INTAKE);
        let files = DiskFiles::open(folder.clone()).map_err(|cause| error::io("open", &folder, cause))?;
        let seen = landing::seen_until(&self.engine, &self.lock_state())?;
        let options = IntakeOptions { next_min: options.next_min.max(seen), ..options };
        IntakeLog::open(Box::new(files), Arc::clone(&self.random), options)
    }

    /// Brings what the log holds to the tables, as much as fits at once, and lets go of it there.
    ///
    /// Repeating it after any error changes nothing: what has landed is recognised.
    pub fn land(&self, log: &IntakeLog) -> Result<Landing> {
        if !log.has_room_to_land() {
            return Err(error::disk_full());
        }
        let mut state = self.lock_state();
        let current = self.snapshot();
        // A landing that failed half way has left some tables ahead of the snapshot.
        let ahead = Snapshot::load(&state, &self.vault, Some(&current))?;
        let context = landing::Context {
            engine: &self.engine,
            vault: &self.vault,
            random: self.random.as_ref(),
            now: self.clock.now(),
            log,
            snapshot: &ahead,
            after: &|stage| self.after_landing(stage),
        };
        let (landing, news) = landing::land(&context, &mut state)?;
        // A landing that failed after its last commit was written is seen by the next one only.
        if landing.n_records == 0 && ahead.table_versions() != current.table_versions() {
            let next = Snapshot::load(&state, &self.vault, Some(&ahead))?;
            self.show(&state, &ahead, next);
        }
        if landing.n_records > 0 {
            // What has come to the ledger and to the books is known, so that they need not be read again.
            let next = Snapshot::load_after(&state, &self.vault, &ahead, &news)?;
            self.show(&state, &ahead, next);
        }
        drop(state);
        log.release(landing.until)?;
        Ok(landing)
    }

    /// Rewrites files of events where that makes reading cheaper; `None` when it would not.
    ///
    /// Messages land and questions are answered meanwhile; only the commit at its end waits for a landing, or for an
    /// import, which may have made the work vain.
    pub fn compact(&self) -> Result<Option<Compaction>> {
        let _one = self.compacting.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.snapshot();
        let Some(files) = compaction::due(snapshot.event_files()) else { return Ok(None) };
        let schema = self.lock_state().events.columns()?;
        let folder = self.folder.join(TEMPORARY).join(COMPACTION);
        clear(&folder)?;
        let rewritten = compaction::rewrite(files, &schema, &folder, self.random.as_ref())?;
        let mut state = self.lock_state();
        let Some(done) = compaction::commit(rewritten, &folder, &self.engine, &mut state.events, self.clock.now())?
        else {
            return Ok(None);
        };
        // Something may have landed since the plan was made.
        let ahead = self.snapshot();
        self.show(&state, &ahead, Snapshot::load(&state, &self.vault, Some(&ahead))?);
        Ok(Some(done))
    }

    /// Moves rows of people who are somebody else by now; `None` when there is nothing to do, or not yet.
    ///
    /// Unless it `is_urgent`, it waits until the work is small beside the time since the last one. Only with its commit
    /// does a merge count, or its undoing: for events, traits, places and consents at once.
    pub fn settle(&self, is_urgent: bool) -> Result<Option<Settling>> {
        let _one = self.compacting.lock().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, latest) = (self.snapshot(), self.vault.roots());
        let Some(due) = settling::due(snapshot.event_files(), snapshot.roots(), &latest) else { return Ok(None) };
        let started = self.clock.now();
        let mut last = self.last_settling.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_urgent && !due.is_worth(started - last.ended, last.took) {
            return Ok(None);
        }
        let schema = self.lock_state().events.columns()?;
        let folder = self.folder.join(TEMPORARY).join(SETTLING);
        clear(&folder)?;
        let plan = settling::Plan {
            folder: &folder,
            schema: &schema,
            latest: &latest,
            random: self.random.as_ref(),
            now: started,
        };
        let moved = plan.rewrite(due)?;
        let mut state = self.lock_state();
        // What has landed since has landed for those who people were.
        let ahead = Snapshot::load(&state, &self.vault, Some(&self.snapshot()))?;
        let Some(done) = plan.commit(moved, ahead.event_files(), &self.engine, &mut state)? else {
            return Ok(None);
        };
        self.show(&state, &ahead, Snapshot::load(&state, &self.vault, Some(&ahead))?);
        let ended = self.clock.now();
        *last = settling::Last { ended, took: ended - started };
        Ok(Some(done))
    }

    /// The log of merges, oldest first, and how many of its entries count by now; with an identifier, the merges in which
    /// those were who it leads to, and what takes these back.
    pub fn merges(&self, identifier: Option<&str>) -> (Vec<MergeEntry>, u64) {
        let entries = match identifier {
            None => self.vault.merges(),
            Some(identifier) => self.vault.merges_of(identifier),
        };
        (entries, self.snapshot().roots().n_entries())
    }

    /// Takes an entry of the log of merges back, and moves the rows that have to.
    ///
    /// # Errors
    /// NotFound for a number that no entry has; Conflict for one that is taken back already.
    pub fn undo_merge(&self, number: u64, by: &str) -> Result<()> {
        self.vault.undo_merge(number, self.clock.now().timestamp_micros(), by)?;
        // An import that ends meanwhile makes a settling vain.
        while self.snapshot().roots().n_entries() < self.vault.roots().n_entries() {
            self.settle(true)?;
        }
        Ok(())
    }

    /// What people had said about each of the purposes at these instants, which are in order, by where they live now.
    ///
    /// # Shape
    /// One list per purpose, in their order; in it one entry per place, in the order of places.
    pub fn consent_history(
        &self,
        rules: (&[Purpose], &[LawRule]),
        instants: &[Instant],
    ) -> Result<Vec<Vec<PlaceConsents>>> {
        let columns = data_file::schema_of(&import::consents_columns());
        loop {
            // Under the lock, so that both are of the same state; read without it, since landing does not wait for this.
            let (snapshot, version, paths) = {
                let state = self.lock_state();
                (self.snapshot(), state.consents.version(), state.consents.paths()?)
            };
            match data_file::read_files(&paths, &columns) {
                Ok(rows) => return consents::history(&snapshot, &rows, rules, instants),
                // Files that were replaced meanwhile.
                Err(_) if self.lock_state().consents.version() > version => {}
                Err(cause) => return Err(cause),
            }
        }
    }

    /// What messages are kept aside, by source, object and reason.
    pub fn aside_groups(&self) -> Result<Vec<AsideGroup>> {
        // Under the lock, since a landing removes the files that it has replaced.
        quarantine::groups(&self.lock_state().quarantine)
    }

    /// Messages of a source that are kept aside, at most so many after a place in the log.
    ///
    /// They tell what people did: they are for the door alone, which checks them again, and for nobody's eyes.
    pub fn asides(&self, source: &str, after: Option<u64>, n_max: usize) -> Result<Vec<AsideMessage>> {
        quarantine::messages((&self.lock_state().quarantine, &self.vault), source, after, n_max)
    }

    /// Takes messages out of quarantine that have been taken in by now, by their places in the log when they came.
    pub fn take_out_of_quarantine(&self, source: &str, offsets: &BTreeSet<u64>) -> Result<u64> {
        let mut state = self.lock_state();
        let (engine, random, now) = (&self.engine, self.random.as_ref(), self.clock.now());
        quarantine::take_out(&mut state.quarantine, engine, random, now, (source, offsets))
    }

    /// Makes the state of the tables the one that is read.
    fn show(&self, state: &State, ahead: &Snapshot, next: Snapshot) {
        let current = self.snapshot();
        let next = Arc::new(next);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        if state.events.is_sure() {
            current.release_files(&next);
            ahead.release_files(&next);
        }
        let files = next.event_files().iter().map(|file| file.file.name.as_str());
        state.hot.forget_others(&files.chain([next.trait_table().name()]).collect());
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn import_into(
        &self,
        state: &mut State,
        file: &ImportFile<'_>,
        progress: &dyn Fn(u64, u64),
    ) -> Result<ImportReport> {
        let current = self.snapshot();
        let books = self.folder.join(OPEN_BOOKS);
        let closed = import::close_books(&books, state, &self.engine, self.random.as_ref())?;
        let bytes = std::fs::metadata(file.path).map_err(|cause| error::io("read", file.path, cause))?.len();
        // An import that failed half way may have left the tables ahead of the snapshot.
        let ahead = Snapshot::load(state, &self.vault, Some(&current))?;
        let context = Context {
            engine: &self.engine,
            vault: &self.vault,
            random: self.random.as_ref(),
            now: self.clock.now(),
            temporary: self.folder.join(TEMPORARY),
            memory_bytes_max: self.memory_bytes_max,
            input_bytes: bytes,
            event_files: ahead.event_files(),
            imports: ahead.imports(),
            closed: closed.as_ref(),
            books: &books,
            known: &ahead.stored_ledger().known,
            roots: ahead.roots(),
            after: &|stage| self.after(stage),
        };
        let report = import::import(file, &context, state, progress)?;
        self.show(state, &ahead, Snapshot::load(state, &self.vault, Some(&ahead))?);
        Ok(report)
    }

    #[cfg(test)]
    pub(crate) fn vault_for_tests(&self) -> &Vault {
        &self.vault
    }

    /// A text that is kept aside, in plain.
    #[cfg(test)]
    pub(crate) fn opened_for_tests(&self, sealed: &str) -> String {
        self.vault.open_text(sealed).expect("the vault is whole")
    }

    /// Messages and records that are kept aside.
    #[cfg(test)]
    pub(crate) fn quarantined_for_tests(&self) -> usize {
        let state = self.lock_state();
        let rows = ledger::read_table(&state.quarantine, &import::quarantine_columns());
        rows.expect("the table can be read").num_rows()
    }

    #[cfg(test)]
    fn after(&self, stage: Stage) -> Result<()> {
        match *self.fail_after.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(last) if last == stage => Err(error::vault("the test ends here")),
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    fn after_landing(&self, stage: LandingStage) -> Result<()> {
        match *self.fail_after_landing.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(last) if last == stage => Err(error::vault("the test ends here")),
            _ => Ok(()),
        }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests end a landing here")]
    fn after_landing(&self, _stage: LandingStage) -> Result<()> {
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests end an import here")]
    fn after(&self, _stage: Stage) -> Result<()> {
        Ok(())
    }
}

impl State {
    /// Removes the files that an import has replaced, or has written in vain.
    ///
    /// Questions read no file but those of events, which go with their last reader: of these, `before` the import, all
    /// stay. A failure costs room on the disk until the next time and nothing else, so it is only logged.
    fn clean_up(&self, before: &BTreeSet<String>) {
        let none = BTreeSet::new();
        for (name, table) in self.tables() {
            let keep = if name == "events" { before } else { &none };
            if let Err(cause) = table.clean_up(keep) {
                tracing::warn!(table = name, error = %cause.chain(), "cannot remove files that nobody needs");
            }
        }
    }

    /// The table that records of a kind go to.
    pub(crate) fn table_of(&mut self, kind: ObjectKind) -> &mut Table {
        match kind {
            ObjectKind::Event => &mut self.events,
            ObjectKind::Traits => &mut self.traits,
            ObjectKind::Consent => &mut self.consents,
        }
    }

    /// The tables and their names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&'static str, &Table)> {
        [
            ("events", &self.events),
            ("traits", &self.traits),
            ("people", &self.people),
            ("consents", &self.consents),
            ("quarantine", &self.quarantine),
            ("imports", &self.imports),
            ("books", &self.books),
        ]
        .into_iter()
    }
}

const TEMPORARY: &str = "tmp";
const COMPACTION: &str = "compaction";
const SETTLING: &str = "settling";
const INTAKE: &str = "intake";
const OPEN_BOOKS: &str = "import.json";

/// Empties the folder of temporary files.
fn clear(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(error::io("empty", folder, cause)),
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(|cause| error::io("make", folder, cause))
}

/// Tables must not name people whom the vault does not know: their numbers would be given to somebody else.
/// The folders of all tables.
const TABLES: [&str; 7] = ["events", "traits", "people", "consents", "quarantine", "imports", "books"];

fn check_vault(vault: &Vault, snapshot: &Snapshot) -> Result<()> {
    let is_known = |number: u64| {
        i64::try_from(number).ok().and_then(PersonId::from_stored).is_some_and(|person| vault.knows(person))
    };
    match snapshot.stored_ledger().known.iter().find(|number| !is_known(*number)) {
        None => Ok(()),
        Some(_) => Err(error::vault(
            "the table `people` names people whom it does not know; one of the two is damaged or of another time",
        )),
    }
}
