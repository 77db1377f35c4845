//! The local object store under the Delta log, with what it lacks: a file that was put is on disk.
//!
//! `object_store` 0.13 never syncs, so a power loss could take back a commit that was answered for, or leave its name with
//! nothing but zeros behind it. Invariants: a file gets its name only after what is in it is on disk; when a put, an upload,
//! a copy or a rename returns, the file and its folder are synced.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

/// How a file is called until it is on disk: names that end so are never listed.
const STAGED: &str = "#1";

/// The whole local file system, rooted at `/`.
#[derive(Debug)]
pub(crate) struct SyncedStore {
    inner: Arc<LocalFileSystem>,
}

impl SyncedStore {
    /// Makes the store.
    pub(crate) fn new() -> SyncedStore {
        SyncedStore { inner: Arc::new(LocalFileSystem::new()) }
    }

    fn sync(&self, location: &Path) -> Result<()> {
        sync_path(&self.inner.path_to_filesystem(location)?)
    }

    async fn put_result(&self, location: &Path) -> Result<PutResult> {
        let head = GetOptions { head: true, ..GetOptions::default() };
        let meta = self.inner.get_opts(location, head).await?.meta;
        Ok(PutResult { e_tag: meta.e_tag, version: None })
    }
}

/// Syncs a file and the folder that names it.
pub(crate) fn sync_file_and_folder(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_folder(path)
}

fn sync_folder(path: &FilePath) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn sync_path(path: &FilePath) -> Result<()> {
    sync_file_and_folder(path).map_err(generic)
}

fn generic(cause: io::Error) -> Error {
    Error::Generic { store: "SyncedStore", source: Box::new(cause) }
}

/// A file that has not got its name yet. Only one is made under a name at a time: the folder has one writer.
#[derive(Debug)]
struct Staged {
    file: File,
    path: PathBuf,
    /// The name that it is to have.
    place: PathBuf,
}

impl Staged {
    fn create(place: PathBuf) -> io::Result<Staged> {
        let mut name = place.file_name().map(OsString::from).unwrap_or_default();
        name.push(STAGED);
        let path = place.with_file_name(name);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Staged { file: File::create(&path)?, path, place })
    }

    fn write(&self, payload: &PutPayload, at: u64) -> io::Result<()> {
        let mut at = at;
        for bytes in payload {
            self.file.write_all_at(bytes, at)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Gives the file its name, once it is on disk.
    fn publish(&self, is_new: bool, sync: &dyn Fn(&File) -> io::Result<()>) -> io::Result<()> {
        sync(&self.file)?;
        if !is_new {
            std::fs::rename(&self.path, &self.place)?;
            return sync_folder(&self.place);
        }
        std::fs::hard_link(&self.path, &self.place)?;
        // A commit that is not on disk must not be found: whoever finds it lets go of what it was made from.
        sync_folder(&self.place).inspect_err(|_| drop(std::fs::remove_file(&self.place)))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Renamed, it is gone; what stays behind after a crash is written over.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Puts a whole file into its place.
fn put(place: PathBuf, payload: &PutPayload, is_new: bool, sync: &dyn Fn(&File) -> io::Result<()>) -> Result<()> {
    let staged = Staged::create(place).map_err(generic)?;
    let written = staged.write(payload, 0).and_then(|()| staged.publish(is_new, sync));
    written.map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::AlreadyExists { path: staged.place.display().to_string(), source: Box::new(cause) }
        }
        _ => generic(cause),
    })
}

impl fmt::Display for SyncedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SyncedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_new = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, options).await,
        };
        put(self.inner.path_to_filesystem(location)?, &payload, is_new, &File::sync_all)?;
        self.put_result(location).await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let staged = Staged::create(self.inner.path_to_filesystem(location)?).map_err(generic)?;
        Ok(Box::new(SyncedUpload { staged: Arc::new(staged), length: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.sync(to)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await?;
        self.sync(to)
    }
}

#[derive(Debug)]
struct SyncedUpload {
    staged: Arc<Staged>,
    /// Bytes of the parts so far.
    length: u64,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, at) = (Arc::clone(&self.staged), self.length);
        self.length += data.content_length() as u64;
        Box::pin(async move { staged.write(&data, at).map_err(generic) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.staged.publish(false, &File::sync_all).map_err(generic)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        // What was written goes with the last who holds it.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Staged, put};
    use object_store::{Error, PutPayload};
    use std::fs::File;
    use std::io;

    #[test]
    fn a_name_is_given_to_what_is_on_disk_only() {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let place = folder.path().join("log").join("1.json");
        let broken = |_: &File| -> io::Result<()> {
            assert!(!place.exists(), "the name comes before the sync");
            Err(io::Error::other("the disk is gone"))
        };
        let names = || -> Vec<_> { place.parent().expect("it has one").read_dir().expect("it is there").collect() };
        for is_new in [true, false] {
            put(place.clone(), &PutPayload::from("one"), is_new, &broken).expect_err("it cannot be synced");
            assert_eq!(names().len(), 0, "nothing stays behind");
        }
        put(place.clone(), &PutPayload::from("one"), true, &File::sync_all).expect("the disk has room");
        let refused = put(place.clone(), &PutPayload::from("two"), true, &File::sync_all);
        assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&place).expect("it is there"), b"one");
        // A crash left the beginning of one behind.
        std::fs::write(place.with_file_name("1.json#1"), b"half a commit").expect("the folder can be written");
        put(place.clone(), &PutPayload::from("two"), false, &File::sync_all).expect("the disk has room");
        assert_eq!(std::fs::read(&place).expect("it is there"), b"two");
        assert_eq!(names().len(), 1);
    }

    #[test]
    fn parts_lie_in_their_order() {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let place = folder.path().join("2.parquet");
        let staged = Staged::create(place.clone()).expect("the folder can be written");
        staged.write(&PutPayload::from("cd"), 2).expect("the disk has room");
        staged.write(&PutPayload::from("ab"), 0).expect("the disk has room");
        staged.publish(false, &File::sync_all).expect("the disk has room");
        assert_eq!(std::fs::read(&place).expect("it is there"), b"abcd");
    }
}
