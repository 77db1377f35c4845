//! One Delta table: open, look at, commit.
//!
//! Data files are written beside the log (`data_file`), and a commit makes them visible: one set of add and remove actions,
//! planned against one version, with the `txn` action that makes a repeat recognisable. Invariants: a commit planned
//! against an older version fails; the library's optimize is never called (two of them can both commit); no file is removed
//! that the newest version may name.

use crate::data_file::{NewFile, UNFINISHED, damaged};
use crate::{error, store};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake_core::kernel::transaction::{CommitBuilder, TransactionError};
use deltalake_core::kernel::{
    Action, Add, DataType as DeltaType, MetadataExt, PrimitiveType, Remove, StructField, StructType, Transaction,
};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode, checkpoints};
use deltalake_core::{DeltaTable, DeltaTableBuilder, DeltaTableError, TableProperty};
use object_store::ObjectStore;
use spec::Result;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checkpoint of the log is written every so many commits.
const COMMITS_PER_CHECKPOINT: u64 = 20;

/// What Delta calls need: a runtime of their own, and the store.
pub(crate) struct Engine {
    /// There until it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    store: Arc<dyn ObjectStore>,
}

/// One table at one version; a clone keeps that version.
#[derive(Clone)]
pub(crate) struct Table {
    name: &'static str,
    folder: PathBuf,
    delta: DeltaTable,
    /// Whether a commit failed: then its files may belong to the table although this version does not name them.
    is_unsure: bool,
}

/// A file that belongs to a version of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableFile {
    /// Its name in the table's folder.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// What a commit changes.
pub(crate) struct Change<'a> {
    /// Files that come in.
    pub(crate) add: Vec<NewFile>,
    /// Files that go.
    pub(crate) remove: Vec<TableFile>,
    /// Columns that the table lacks.
    pub(crate) new_columns: Vec<Field>,
    /// Who makes it: the same id is never committed twice.
    pub(crate) app_id: &'a str,
    /// A figure kept with the id, to be found on a repeat.
    pub(crate) figure: u64,
    /// When.
    pub(crate) at_millis: i64,
}

impl Engine {
    pub(crate) fn new() -> Result<Engine> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| error::bug("cannot start the lake's runtime", Box::new(cause)))?;
        Ok(Engine { runtime: Some(runtime), store: Arc::new(store::SyncedStore::new()) })
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().expect("the runtime is there until the engine is dropped").block_on(future)
    }
}

/// The last owner may be a task of a server, where waiting for a runtime's end is not allowed.
impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Table {
    /// Opens the table `name` in the data folder, or makes it; one made by an older version gets the columns it lacks.
    pub(crate) fn open(engine: &Engine, root: &Path, name: &'static str, columns: &[Field]) -> Result<Table> {
        let folder = root.join(name);
        std::fs::create_dir_all(folder.join("_delta_log")).map_err(|cause| error::io("make", &folder, cause))?;
        let folder = folder.canonicalize().map_err(|cause| error::io("find", &folder, cause))?;
        check_commits(&folder)?;
        let delta = engine
            .block_on(open_or_create(engine, &folder, name, columns))
            .map_err(|cause| error::table("open", name, Box::new(cause)))?;
        let mut table = Table { name, folder, delta, is_unsure: false };
        table.sync_newest_commit()?;
        table.add_columns(engine, columns)?;
        Ok(table)
    }

    fn add_columns(&mut self, engine: &Engine, columns: &[Field]) -> Result<()> {
        let known = self.columns()?;
        let is_new = |field: &&Field| known.field_with_name(field.name()).is_err();
        let new_columns: Vec<Field> = columns.iter().filter(is_new).cloned().collect();
        if new_columns.is_empty() {
            return Ok(());
        }
        let (figure, at_millis) = (self.version(), 0);
        self.commit(
            engine,
            Change { add: Vec::new(), remove: Vec::new(), new_columns, app_id: "columns", figure, at_millis },
        )
    }

    /// Makes sure that the newest commit survives a loss of power: whoever made it may have been killed before that.
    fn sync_newest_commit(&self) -> Result<()> {
        let path = self.folder.join("_delta_log").join(format!("{:020}.json", self.version()));
        match store::sync_file_and_folder(&path) {
            // A checkpoint has taken its place.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
            synced => synced.map_err(|cause| error::io("sync", &path, cause)),
        }
    }

    /// Removes files that a commit has just taken out of the table and that nobody reads.
    ///
    /// A failure costs room on the disk until the next open and nothing else, so it is only logged.
    pub(crate) fn forget(&self, files: &[TableFile]) {
        for file in files.iter().filter(|_| !self.is_unsure) {
            if let Err(cause) = std::fs::remove_file(self.folder.join(&file.name)) {
                tracing::warn!(table = self.name, file = file.name, error = %cause, "cannot remove a replaced file");
            }
        }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its version.
    pub(crate) fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }

    /// Its columns as Arrow types.
    pub(crate) fn columns(&self) -> Result<SchemaRef> {
        let state = self.delta.snapshot().map_err(|cause| error::table("read", self.name, Box::new(cause)))?;
        let schema = state.schema();
        let fields: Option<Vec<Field>> = schema.fields().map(arrow_field).collect();
        let fields =
            fields.ok_or_else(|| error::table("read", self.name, "it has a column of a foreign type".into()))?;
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Where its files are.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>> {
        Ok(self.files()?.iter().map(|file| self.folder().join(&file.name)).collect())
    }

    /// Its files, by name.
    pub(crate) fn files(&self) -> Result<Vec<TableFile>> {
        let state = self.delta.snapshot().map_err(|cause| error::table("read", self.name, Box::new(cause)))?;
        let data = state.snapshot().try_log_data().map_err(|cause| error::table("read", self.name, Box::new(cause)))?;
        let mut files: Vec<TableFile> = data
            .iter()
            .map(|view| TableFile { name: view.path().into_owned(), size: u64::try_from(view.size()).unwrap_or(0) })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// The figure of the commit that this id made, if it made one.
    pub(crate) fn figure_of(&self, engine: &Engine, app_id: &str) -> Result<Option<u64>> {
        let state = self.delta.snapshot().map_err(|cause| error::table("read", self.name, Box::new(cause)))?;
        let store = self.delta.log_store();
        let version = engine.block_on(state.snapshot().transaction_version(store.as_ref(), app_id));
        let version = version.map_err(|cause| error::table("read", self.name, Box::new(cause)))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// Commits against the version at hand and moves on to the next.
    ///
    /// # Errors
    /// Conflict when the table has moved on since it was read.
    pub(crate) fn commit(&mut self, engine: &Engine, change: Change<'_>) -> Result<()> {
        let result = engine.block_on(self.commit_actions(change));
        let state = match result {
            Ok(state) => state,
            Err(cause) => {
                self.is_unsure = true;
                // Whatever has happened to the log, the next plan starts from what is there.
                if let Err(cause) = engine.block_on(self.delta.update_state()) {
                    tracing::warn!(table = self.name, error = %cause, "cannot read the table again");
                }
                return Err(self.commit_error(cause));
            }
        };
        self.delta.state = Some(state);
        if self.version().is_multiple_of(COMMITS_PER_CHECKPOINT) {
            engine.block_on(self.checkpoint());
        }
        Ok(())
    }

    async fn commit_actions(
        &self,
        change: Change<'_>,
    ) -> std::result::Result<deltalake_core::table::state::DeltaTableState, DeltaTableError> {
        let state = self.delta.snapshot()?;
        let figure = i64::try_from(change.figure).unwrap_or(i64::MAX);
        let mut actions = Vec::new();
        if !change.new_columns.is_empty() {
            let schema = state.schema();
            let fields = schema.fields().cloned().chain(change.new_columns.iter().map(delta_field));
            let schema = StructType::try_new(fields)?;
            actions.push(Action::Metadata(state.metadata().clone().with_schema(&schema)?));
        }
        actions.extend(change.remove.iter().map(|file| Action::Remove(remove_action(file, change.at_millis))));
        actions.extend(change.add.into_iter().map(|file| Action::Add(add_action(file, change.at_millis))));
        actions.push(Action::Txn(Transaction::new_with_last_update(change.app_id, figure, Some(change.at_millis))));
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let commit = CommitBuilder::default()
            .with_actions(actions)
            .with_max_retries(0)
            .build(Some(state), self.delta.log_store(), operation)
            .await?;
        Ok(commit.snapshot())
    }

    fn commit_error(&self, cause: DeltaTableError) -> spec::Error {
        match cause {
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::MaxCommitAttempts(_) | TransactionError::CommitConflict(_),
            } => error::table_changed(self.name, Box::new(cause)),
            cause => error::table("commit to", self.name, Box::new(cause)),
        }
    }

    /// Shortens the log. A failure costs time at the next open and nothing else, so it is only logged.
    async fn checkpoint(&self) {
        let made = checkpoints::create_checkpoint(&self.delta, None).await;
        let cleaned = match made {
            Ok(()) => checkpoints::cleanup_metadata(&self.delta, None).await.map(|_| ()),
            Err(cause) => Err(cause),
        };
        if let Err(cause) = cleaned {
            tracing::warn!(table = self.name, error = %cause, "cannot shorten the table's log");
        }
    }

    /// Whether it is known which files belong to the table: not after a failed commit, until the lake is opened again.
    pub(crate) fn is_sure(&self) -> bool {
        !self.is_unsure
    }

    /// The names of the data files in its folder, whichever version they belong to.
    pub(crate) fn data_files(&self) -> Result<BTreeSet<String>> {
        let entries = std::fs::read_dir(&self.folder).map_err(|cause| error::io("list", &self.folder, cause))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter(|name| name.ends_with(".parquet") || name.ends_with(UNFINISHED)).collect())
    }

    /// Removes data files that neither this version nor `keep` names: replaced, or left by an import that failed.
    pub(crate) fn clean_up(&self, keep: &BTreeSet<String>) -> Result<()> {
        if self.is_unsure {
            return Ok(());
        }
        let live: BTreeSet<String> = self.files()?.into_iter().map(|file| file.name).collect();
        for name in self.data_files()?.iter().filter(|name| !live.contains(*name) && !keep.contains(*name)) {
            let path = self.folder.join(name);
            std::fs::remove_file(&path).map_err(|cause| error::io("remove", &path, cause))?;
        }
        Ok(())
    }
}

/// Complains about a table that is not there.
pub(crate) fn check_all_there(root: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let folder = root.join(name);
        if commits(&folder).map_or(0, |commits| commits.len()) == 0 {
            return Err(damaged(&folder, "it is gone, or its log is empty".into()));
        }
    }
    Ok(())
}

/// The files of a table's log.
fn commits(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder.join("_delta_log"))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    let is_commit = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json" || ending == "parquet");
    Ok(paths.into_iter().filter(is_commit).collect())
}

/// Complains about a commit without anything in it, which would be read as one that changed nothing.
fn check_commits(folder: &Path) -> Result<()> {
    let unreadable = |cause| error::io("read", folder, cause);
    for path in commits(folder).map_err(unreadable)? {
        if path.metadata().map_err(unreadable)?.len() == 0 {
            return Err(damaged(&path, "it is empty".into()));
        }
    }
    Ok(())
}

async fn open_or_create(
    engine: &Engine,
    folder: &Path,
    name: &str,
    columns: &[Field],
) -> std::result::Result<DeltaTable, DeltaTableError> {
    let url = deltalake_core::ensure_table_uri(folder.to_string_lossy())?;
    let builder = DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(Arc::clone(&engine.store), url);
    let mut table = builder.build()?;
    if table.verify_deltatable_existence().await? {
        table.load().await?;
        return Ok(table);
    }
    CreateBuilder::new()
        .with_log_store(table.log_store())
        .with_table_name(name)
        // A landing is a commit, every second or so: nobody reads older versions, and their log would never end.
        .with_configuration_property(TableProperty::LogRetentionDuration, Some("interval 1 hour"))
        .with_columns(columns.iter().map(delta_field))
        .await
}

fn add_action(file: NewFile, at_millis: i64) -> Add {
    Add {
        path: file.name,
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        modification_time: at_millis,
        data_change: true,
        stats: Some(file.stats),
        ..Add::default()
    }
}

fn remove_action(file: &TableFile, at_millis: i64) -> Remove {
    Remove {
        path: file.name.clone(),
        data_change: true,
        deletion_timestamp: Some(at_millis),
        extended_file_metadata: Some(true),
        partition_values: Some(HashMap::new()),
        size: i64::try_from(file.size).ok(),
        ..Remove::default()
    }
}

fn delta_field(field: &Field) -> StructField {
    let data_type = match field.data_type() {
        DataType::Int64 => DeltaType::LONG,
        DataType::Float64 => DeltaType::DOUBLE,
        DataType::Boolean => DeltaType::BOOLEAN,
        DataType::Date32 => DeltaType::DATE,
        DataType::Timestamp(_, _) => DeltaType::TIMESTAMP,
        DataType::Binary => DeltaType::BINARY,
        DataType::Decimal128(precision, scale) => {
            let scale = u8::try_from(*scale).expect("contracts have scales from 0 to 18");
            DeltaType::decimal(*precision, scale).expect("contracts have scales from 0 to 18, precision is 38 at most")
        }
        _ => DeltaType::STRING,
    };
    StructField::nullable(field.name(), data_type)
}

fn arrow_field(field: &StructField) -> Option<Field> {
    let DeltaType::Primitive(primitive) = field.data_type() else { return None };
    let data_type = match primitive {
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        PrimitiveType::Binary => DataType::Binary,
        PrimitiveType::String => DataType::Utf8,
        PrimitiveType::Decimal(decimal) => {
            DataType::Decimal128(decimal.precision(), i8::try_from(decimal.scale()).ok()?)
        }
        _ => return None,
    };
    Some(Field::new(field.name(), data_type, true))
}
