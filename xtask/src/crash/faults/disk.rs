//! A disk in a file, of which a picture can be taken between two writes.
//!
//! A file with XFS in it holds a file with ext4 in it, and that is where the program's data lies. The loop device under
//! ext4 goes past the page cache, so that the inner file is what a disk would be: it has what ext4 has sent to it, and
//! nothing that is only written. XFS copies it in one step, by sharing its blocks. Such a picture is what the machine would
//! find after a loss of power at that moment.
//! It lacks a disk's own cache, which may forget even what was sent to it before the next flush.

use super::mounts::{Mount, call, text};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use xtask::shell::Result;

/// What it is made with.
pub(super) const TOOLS: &[&str] = &["mkfs.xfs", "mkfs.ext4", "losetup", "mount", "umount"];

/// Room for the disk and for what pictures do not share with it; the files are sparse.
const OUTER_BYTES: u64 = 2 << 30;
const DISK_BYTES: u64 = 512 << 20;
/// ext4 must not save what a rename without a sync would lose.
const STRICT: &str = "noauto_da_alloc";

/// The disk; it is gone when this is dropped, its files stay.
pub(super) struct Disk {
    /// None only while one disk takes the place of another.
    inner: Option<Mount>,
    _outer: Mount,
    image: PathBuf,
    picture: PathBuf,
    mounted_at: PathBuf,
}

impl Disk {
    /// Makes it out of files in `folder`, and mounts it.
    pub(super) fn new(folder: &Path, mounted_at: &Path) -> Result<Disk> {
        let outer_image = folder.join("outer.img");
        sparse(&outer_image, OUTER_BYTES)?;
        call("mkfs.xfs", &["-q", "-m", "reflink=1", text(&outer_image)?])?;
        let outer = folder.join("outer");
        let mount = Mount::new(&["-o", "loop", text(&outer_image)?], &outer)?;
        let image = outer.join("disk.img");
        sparse(&image, DISK_BYTES)?;
        call("mkfs.ext4", &["-q", text(&image)?])?;
        let inner = Some(attach(&image, mounted_at)?);
        let picture = outer.join("picture.img");
        Ok(Disk { inner, _outer: mount, image, picture, mounted_at: mounted_at.to_owned() })
    }

    /// Keeps what is on the disk at this moment.
    pub(super) fn take_picture(&self) -> Result<()> {
        call("cp", &["--reflink=always", text(&self.image)?, text(&self.picture)?]).map(drop)
    }

    /// Goes back to the picture: all that came after it is forgotten. Nobody may use the disk.
    pub(super) fn back_to_picture(&mut self) -> Result<()> {
        self.inner = None;
        fs::rename(&self.picture, &self.image).map_err(|error| format!("{}: {error}", self.picture.display()))?;
        self.inner = Some(attach(&self.image, &self.mounted_at)?);
        Ok(())
    }
}

/// The loop device goes with its mount.
fn attach(image: &Path, at: &Path) -> Result<Mount> {
    let device = call("losetup", &["--direct-io=on", "--show", "-f", text(image)?])?;
    let mount = Mount::new(&["-o", STRICT, &device], at);
    call("losetup", &["-d", &device])?;
    mount
}

fn sparse(path: &Path, n_bytes: u64) -> Result<()> {
    let made = File::create(path).and_then(|file| file.set_len(n_bytes));
    made.map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::mounts;
    use super::{Disk, TOOLS};
    use std::fs::{self, File};
    use std::io::Write;

    #[test]
    fn a_picture_has_what_was_synced_and_nothing_else() {
        if let Some(reason) = mounts::why_not(TOOLS) {
            eprintln!("left out, because {reason}");
            return;
        }
        let folder = xtask::server::TemporaryFolder::new("disk").expect("a folder can be made");
        let at = folder.path().join("data");
        let mut disk = Disk::new(folder.path(), &at).expect("a disk can be made");
        let mut synced = File::create(at.join("synced")).expect("a file can be made");
        synced.write_all(b"here").and_then(|()| synced.sync_all()).expect("it can be written");
        fs::write(at.join("written"), "gone").expect("it can be written");
        disk.take_picture().expect("a picture can be taken");
        drop(synced);
        disk.back_to_picture().expect("it can go back");
        assert_eq!(fs::read_to_string(at.join("synced")).expect("it is there"), "here");
        assert_eq!(fs::read_to_string(at.join("written")).unwrap_or_default(), "");
    }
}
