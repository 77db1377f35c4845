//! The workspace folder on disk: read whole, and read again when a file in it has changed.

use crate::error;
use spec::{Diagnostic, Result};
use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tempfile::NamedTempFile;
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

/// A change of one file: the text that was read, and the one that takes its place; `None` stands for no file.
#[derive(Clone, Copy)]
pub(crate) struct Edit<'a> {
    pub(crate) path: &'a str,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

/// A change of which nothing is left but the last step; dropped, it leaves everything as it was.
pub(crate) struct Ready<'f> {
    current: MutexGuard<'f, (Vec<Stamp>, Arc<Loaded>)>,
    target: PathBuf,
    path: String,
    /// The new text beside its place; absent: the file goes.
    draft: Option<NamedTempFile>,
    is_new: bool,
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

    /// Gets a change ready, so that nothing is left but its last step: the new text is on the disk beside its place, and in
    /// its place stands what was read. Nobody changes the folder by way of the program as long as this is held.
    ///
    /// # Errors
    /// `Conflict` when another text stands there by now.
    pub(crate) fn ready(&self, edit: &Edit<'_>) -> Result<Ready<'_>> {
        let target = self.folder.join(edit.path);
        let draft = edit.after.map(|text| draft(&target, text)).transpose()?;
        // Held, so that of two changes to the same text one comes second and fails.
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        check_stands(&target, edit)?;
        if let (Some(draft), Some(_)) = (&draft, edit.before) {
            // Whoever could read the file still can: a draft is its owner's alone.
            let permissions = fs::metadata(&target).map(|metadata| metadata.permissions());
            let kept = permissions.and_then(|permissions| draft.as_file().set_permissions(permissions));
            kept.map_err(|cause| error::file("write", &target, cause))?;
        }
        Ok(Ready { current, target, path: edit.path.to_owned(), draft, is_new: edit.before.is_none() })
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
}

impl Ready<'_> {
    /// Takes the last step: the file is there whole, or gone, and nobody ever sees half of it.
    ///
    /// # Errors
    /// `Conflict` when somebody else made a file of this name meanwhile.
    pub(crate) fn put(self) -> Result<()> {
        let Ready { mut current, target, path, draft, is_new } = self;
        let done = match draft {
            Some(draft) if is_new => draft.persist_noclobber(&target).map(drop).map_err(|failed| failed.error),
            Some(draft) => draft.persist(&target).map(drop).map_err(|failed| failed.error),
            None => fs::remove_file(&target),
        };
        done.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::AlreadyExists => error::exists(&path),
            _ => error::file("write", &target, cause),
        })?;
        // A text of the same length within the clock's step would look like the one before.
        current.0.clear();
        let synced = target.parent().map(|folder| fs::File::open(folder).and_then(|folder| folder.sync_all()));
        if let Some(Err(cause)) = synced {
            tracing::warn!(%cause, path, "a definition is there, and may be as it was before after a loss of power");
        }
        Ok(())
    }
}

/// Refuses to go on where something else stands than what was read.
fn check_stands(target: &Path, edit: &Edit<'_>) -> Result<()> {
    let is_gone = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::NotFound;
    match edit.before {
        None => match fs::symlink_metadata(target) {
            Ok(_) => Err(error::exists(edit.path)),
            Err(cause) if is_gone(&cause) => Ok(()),
            Err(cause) => Err(error::file("read", target, cause)),
        },
        Some(before) => match fs::read(target) {
            Ok(found) if found == before.as_bytes() => Ok(()),
            Ok(_) => Err(error::changed(edit.path)),
            Err(cause) if is_gone(&cause) => Err(error::changed(edit.path)),
            Err(cause) => Err(error::file("read", target, cause)),
        },
    }
}

/// A text on disk beside its place, to be put there whole.
fn draft(target: &Path, text: &str) -> Result<NamedTempFile> {
    let folder = target.parent().ok_or_else(|| error::bug("a definition without a folder"))?;
    fs::create_dir_all(folder).map_err(|cause| error::file("make", folder, cause))?;
    let cannot_write = |cause| error::file("write", target, cause);
    let mut draft = NamedTempFile::new_in(folder).map_err(cannot_write)?;
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
    let mut draft = NamedTempFile::new_in(folder).map_err(|cause| error::file("write", path, cause))?;
    draft.write_all(text.as_bytes()).map_err(|cause| error::file("write", path, cause))?;
    draft.as_file().sync_all().map_err(|cause| error::file("write", path, cause))?;
    draft.persist(path).map_err(|failed| error::file("write", path, failed.error))?;
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|cause| error::file("write", path, cause))
}

#[cfg(test)]
mod tests;
