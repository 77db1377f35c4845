//! The workspace folder on disk: read whole, and read again when a file in it has changed.

use crate::error;
use spec::{Diagnostic, Result};
use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use workspace::Definitions;

/// One definition's text; more is not read.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;
/// All definitions together.
const FILES_MAX: usize = 10_000;

/// The definitions in force, with the texts they were read from.
pub(crate) struct Loaded {
    pub(crate) definitions: Definitions,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) texts: BTreeMap<String, String>,
}

/// A workspace folder.
pub(crate) struct WorkspaceFolder {
    folder: PathBuf,
    current: Mutex<(Vec<Stamp>, Arc<Loaded>)>,
}

/// What tells that a file has changed: path, size, time.
type Stamp = (String, u64, Option<SystemTime>);

impl WorkspaceFolder {
    /// Reads the folder for the first time.
    pub(crate) fn open(folder: &Path) -> Result<WorkspaceFolder> {
        let stamps = list(folder)?;
        let loaded = read(folder, &stamps)?;
        Ok(WorkspaceFolder { folder: folder.to_owned(), current: Mutex::new((stamps, Arc::new(loaded))) })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// The definitions as they stand on disk now.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be read: rules that cannot be read allow nothing.
    pub(crate) fn current(&self) -> Result<Arc<Loaded>> {
        let stamps = list(&self.folder)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != stamps {
            let loaded = Arc::new(read(&self.folder, &stamps)?);
            tracing::info!(
                version = loaded.definitions.version,
                n_diagnostics = loaded.diagnostics.len(),
                "workspace reloaded"
            );
            *current = (stamps, loaded);
        }
        Ok(Arc::clone(&current.1))
    }

    /// Writes a new definition; it is there whole or not at all.
    pub(crate) fn create(&self, path: &str, text: &str) -> Result<()> {
        let target = self.folder.join(path);
        match draft(&target, text)?.persist_noclobber(&target) {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == std::io::ErrorKind::AlreadyExists => Err(error::exists(path)),
            Err(failed) => Err(error::file("write", &target, failed.error)),
        }
    }

    /// Writes a definition in place of a text that was read; nobody ever sees half of it.
    ///
    /// # Errors
    /// `Conflict` when another text stands there by now.
    pub(crate) fn replace(&self, path: &str, before: &str, text: &str) -> Result<()> {
        let target = self.folder.join(path);
        let draft = draft(&target, text)?;
        // Held, so that of two changes to the same text one comes second and fails.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let found = fs::read(&target).map_err(|cause| error::file("read", &target, cause))?;
        if found != before.as_bytes() {
            return Err(error::changed(path));
        }
        // Whoever could read the file still can: a draft is its owner's alone.
        let permissions = fs::metadata(&target).map(|metadata| metadata.permissions());
        let kept = permissions.and_then(|permissions| draft.as_file().set_permissions(permissions));
        kept.map_err(|cause| error::file("write", &target, cause))?;
        draft.persist(&target).map_err(|failed| error::file("write", &target, failed.error))?;
        // A text of the same length within the clock's step would look like the one before.
        current.0.clear();
        Ok(())
    }

    /// Removes a definition whose text was read.
    ///
    /// # Errors
    /// `Conflict` when another text stands there by now.
    pub(crate) fn take_away(&self, path: &str, before: &str) -> Result<()> {
        let target = self.folder.join(path);
        let _current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let found = fs::read(&target).map_err(|cause| error::file("read", &target, cause))?;
        if found != before.as_bytes() {
            return Err(error::changed(path));
        }
        fs::remove_file(&target).map_err(|cause| error::file("remove", &target, cause))
    }

    /// Whether a file of this path would lie in the folder itself: no part of the way there is a link that leads out.
    pub(crate) fn holds(&self, path: &str) -> Result<bool> {
        let mut way = self.folder.clone();
        for part in path.split('/') {
            way.push(part);
            match fs::symlink_metadata(&way) {
                Ok(found) if found.is_symlink() => return Ok(false),
                Ok(_) => {}
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(true),
                Err(cause) => return Err(error::file("read", &way, cause)),
            }
        }
        Ok(true)
    }

    /// Removes a definition.
    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        let target = self.folder.join(path);
        fs::remove_file(&target).map_err(|cause| error::file("remove", &target, cause))
    }
}

/// A text on disk beside its place, to be put there whole.
fn draft(target: &Path, text: &str) -> Result<tempfile::NamedTempFile> {
    let folder = target.parent().ok_or_else(|| error::bug("a definition without a folder"))?;
    fs::create_dir_all(folder).map_err(|cause| error::file("make", folder, cause))?;
    let cannot_write = |cause| error::file("write", target, cause);
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(cannot_write)?;
    draft.write_all(text.as_bytes()).map_err(cannot_write)?;
    draft.as_file().sync_all().map_err(cannot_write)?;
    Ok(draft)
}

/// Every YAML file in the folder and one level deeper; which of them are definitions is for `workspace` to say.
fn list(folder: &Path) -> Result<Vec<Stamp>> {
    let mut stamps = Vec::new();
    for (name, entry) in entries(folder)? {
        let kind = entry.file_type().map_err(|cause| error::file("read", &entry.path(), cause))?;
        if kind.is_dir() {
            for (inner, entry) in entries(&entry.path())? {
                add_yaml(&format!("{name}/{inner}"), &entry, &mut stamps)?;
            }
        } else {
            add_yaml(&name, &entry, &mut stamps)?;
        }
        if stamps.len() > FILES_MAX {
            let message = format!("the workspace has more than {FILES_MAX} definitions");
            return Err(error::invalid(message, "split it into several workspaces"));
        }
    }
    stamps.sort();
    Ok(stamps)
}

/// The entries of a folder that are not hidden, with their names.
fn entries(folder: &Path) -> Result<Vec<(String, DirEntry)>> {
    let cannot_read = |cause| error::file("read", folder, cause);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry));
        }
    }
    Ok(found)
}

fn add_yaml(path: &str, entry: &DirEntry, stamps: &mut Vec<Stamp>) -> Result<()> {
    let metadata = entry.metadata().map_err(|cause| error::file("read", &entry.path(), cause))?;
    // A link could lead out of the workspace, so only plain files count.
    if metadata.is_file() && (path.ends_with(".yaml") || path.ends_with(".yml")) {
        stamps.push((path.to_owned(), metadata.len(), metadata.modified().ok()));
    }
    Ok(())
}

fn read(folder: &Path, stamps: &[Stamp]) -> Result<Loaded> {
    let mut texts = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (path, bytes, _) in stamps {
        let full = folder.join(path);
        let wrong = |message: &str, hint: &str| Diagnostic {
            path: path.clone(),
            line: 1,
            column: 1,
            message: message.to_owned(),
            hint: hint.to_owned(),
        };
        if *bytes > FILE_BYTES_MAX {
            diagnostics.push(wrong("the file is larger than 1 MiB", "a definition is a few lines; is this data?"));
            continue;
        }
        let content = fs::read(&full).map_err(|cause| error::file("read", &full, cause))?;
        match String::from_utf8(content) {
            Ok(text) => {
                texts.insert(path.clone(), text);
            }
            Err(_) => diagnostics.push(wrong("the file is not UTF-8 text", "save it as UTF-8")),
        }
    }
    let (definitions, found) = workspace::load(&texts);
    diagnostics.extend(found);
    Ok(Loaded { definitions, diagnostics, texts })
}

/// Writes a file that only its owner can read, and replaces it as a whole; it is on disk before this returns.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().ok_or_else(|| error::bug("a file without a folder"))?;
    // Temporary files are made with mode 0600, and keep it when they are moved into place.
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(|cause| error::file("write", path, cause))?;
    draft.write_all(text.as_bytes()).map_err(|cause| error::file("write", path, cause))?;
    draft.as_file().sync_all().map_err(|cause| error::file("write", path, cause))?;
    draft.persist(path).map_err(|failed| error::file("write", path, failed.error))?;
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|cause| error::file("write", path, cause))
}
