//! A file of lines, seen through a window of bounded size.

use crate::error;
use spec::Result;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest line that is read.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;
/// How much of a line that is too long is shown.
const HEAD_BYTES: usize = super::records::RAW_BYTES_MAX;

/// The bytes of the file from the current record on.
pub(super) struct Window {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    start: usize,
    bytes_read: u64,
    bytes_all: u64,
}

impl Window {
    pub(super) fn open(path: &Path) -> Result<Window> {
        let file = File::open(path).map_err(|cause| error::io("open", path, cause))?;
        let bytes_all = file.metadata().map_err(|cause| error::io("read", path, cause))?.len();
        Ok(Window { file, path: path.to_owned(), buffer: Vec::new(), start: 0, bytes_read: 0, bytes_all })
    }

    /// What is in the window.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The first bytes, to show.
    pub(super) fn head(&self) -> &[u8] {
        &self.bytes()[..self.bytes().len().min(HEAD_BYTES)]
    }

    /// Whether it holds as much as a line may have.
    pub(super) fn is_full(&self) -> bool {
        self.bytes().len() >= LINE_BYTES_MAX
    }

    /// Reads more of the file; false at its end.
    pub(super) fn grow(&mut self) -> Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        // A record is taken apart from its start each time, so the window doubles rather than creeps.
        let room = CHUNK_BYTES.max(held).min(LINE_BYTES_MAX);
        self.buffer.resize(held + room, 0);
        let n_read = self.file.read(&mut self.buffer[held..]).map_err(|cause| error::io("read", &self.path, cause))?;
        self.buffer.truncate(held + n_read);
        self.bytes_read += n_read as u64;
        Ok(n_read > 0)
    }

    /// Moves the start of the window.
    pub(super) fn consume(&mut self, n_bytes: usize) {
        self.start += n_bytes;
    }

    /// Moves past ends of lines, however many there are; false when nothing follows.
    ///
    /// No record begins with one, and what stays in the window is looked at again each time that the window grows.
    pub(super) fn skip_line_ends(&mut self) -> Result<bool> {
        loop {
            match self.bytes().iter().position(|byte| !matches!(byte, b'\r' | b'\n')) {
                Some(at) => {
                    self.consume(at);
                    return Ok(true);
                }
                None => self.start = self.buffer.len(),
            }
            if !self.grow()? {
                return Ok(false);
            }
        }
    }

    /// Moves past the next end of line, however far it is.
    pub(super) fn skip_line(&mut self) -> Result<()> {
        loop {
            if let Some(at) = self.bytes().iter().position(|byte| *byte == b'\n') {
                self.consume(at + 1);
                return Ok(());
            }
            self.start = self.buffer.len();
            if !self.grow()? {
                return Ok(());
            }
        }
    }

    /// The length of the next line with its end, if the window holds one or the file ends with it.
    pub(super) fn line(&mut self) -> Result<Line> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.bytes()[searched..].iter().position(|byte| *byte == b'\n') {
                return Ok(Line::Of { n_bytes: searched + at + 1 });
            }
            searched = self.bytes().len();
            if self.is_full() {
                return Ok(Line::TooLong);
            }
            if !self.grow()? {
                return Ok(if searched == 0 { Line::End } else { Line::Of { n_bytes: searched } });
            }
        }
    }

    pub(super) fn skip_byte_order_mark(&mut self) -> Result<()> {
        while self.bytes().len() < 3 && self.grow()? {}
        if self.bytes().starts_with(b"\xef\xbb\xbf") {
            self.consume(3);
        }
        Ok(())
    }

    /// Bytes read, of all.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.bytes_read - self.bytes().len() as u64, self.bytes_all)
    }
}

/// What a window starts with.
pub(super) enum Line {
    /// A line of so many bytes, its end included.
    Of { n_bytes: usize },
    /// A line of more than 1 MiB.
    TooLong,
    /// Nothing.
    End,
}
