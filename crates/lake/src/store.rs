//! The local object store under the Delta log, with what it lacks: a file that was put is on disk.
//!
//! `object_store` 0.13 never syncs, so a power loss could take back a commit that was answered for. Invariant: when a put,
//! an upload, a copy or a rename returns, the file and its folder are synced.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

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
}

/// Syncs a file and the folder that names it.
pub(crate) fn sync_file_and_folder(path: &std::path::Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn sync_path(path: &std::path::Path) -> Result<()> {
    sync_file_and_folder(path).map_err(|cause| Error::Generic { store: "SyncedStore", source: Box::new(cause) })
}

impl fmt::Display for SyncedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SyncedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_new = matches!(options.mode, PutMode::Create);
        let result = self.inner.put_opts(location, payload, options).await?;
        if let Err(cause) = self.sync(location) {
            // A commit that is not on disk must not be found: whoever finds it lets go of what it was made from.
            if is_new {
                let _ = std::fs::remove_file(self.inner.path_to_filesystem(location)?);
            }
            return Err(cause);
        }
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.inner.path_to_filesystem(location)?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(SyncedUpload { inner, path }))
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
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        sync_path(&self.path)?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
