//! Reading a segment group by group, past whatever is damaged.

use super::files::Files;
use super::format::{HEAD_BYTES, HEADER_BYTES, Header, MARK, PAYLOAD_BYTES_MAX, read_head};
use std::io;

/// Bytes read at once.
const WINDOW_BYTES: usize = 4 << 20;

/// What comes next in a segment.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A whole group.
    Group {
        /// Sequence number of its first record.
        first: u64,
        records: Vec<Vec<u8>>,
    },
    /// Bytes that are no group, with a whole group behind them: they were synced once and are damaged now.
    Damage(u64),
    /// Bytes that are no group, with none behind them: the rest of a write that was never answered for.
    Tail(u64),
    /// Nothing.
    End,
}

/// A segment being read.
pub(super) struct Segment<'a> {
    files: &'a dyn Files,
    name: String,
    pub(super) header: Header,
    /// Where the next group starts.
    pub(super) offset: u64,
    /// No group before this sequence number is taken for one.
    pub(super) next: u64,
    window: (u64, Vec<u8>),
}

impl<'a> Segment<'a> {
    /// Opens a segment at its first group; `None` when its header is not whole, so that nothing in it was answered for.
    pub(super) fn open(files: &'a dyn Files, name: &str) -> io::Result<Option<Segment<'a>>> {
        let Some(header) = Header::read(&files.read(name, 0, HEADER_BYTES)?) else { return Ok(None) };
        Ok(Some(Segment {
            files,
            name: name.to_owned(),
            header,
            offset: HEADER_BYTES as u64,
            next: header.first,
            window: (0, Vec::new()),
        }))
    }

    /// The next group, or what stands in its place.
    pub(super) fn read_next(&mut self) -> io::Result<Found> {
        if self.bytes(self.offset, 1)?.is_empty() {
            return Ok(Found::End);
        }
        if let Some(group) = self.group()? {
            return Ok(group);
        }
        let start = self.offset;
        let (end, is_group) = self.search(start + 1)?;
        self.offset = end;
        Ok(if is_group { Found::Damage(end - start) } else { Found::Tail(end - start) })
    }

    fn group(&mut self) -> io::Result<Option<Found>> {
        let salt = self.header.salt;
        let next = self.next;
        let head = read_head(salt, self.bytes(self.offset, HEAD_BYTES)?).filter(|head| head.first >= next);
        let Some(head) = head else { return Ok(None) };
        let payload = self.bytes(self.offset + HEAD_BYTES as u64, head.payload_bytes)?;
        let Some(records) = head.records(salt, payload) else { return Ok(None) };
        self.offset += (HEAD_BYTES + head.payload_bytes) as u64;
        self.next = head.first + records.len() as u64;
        Ok(Some(Found::Group { first: head.first, records }))
    }

    /// Where the next whole head is, and true; or the end of the file, and false.
    fn search(&mut self, mut from: u64) -> io::Result<(u64, bool)> {
        let (salt, next) = (self.header.salt, self.next);
        loop {
            let bytes = self.bytes(from, WINDOW_BYTES)?;
            let found = bytes.windows(HEAD_BYTES).position(|head| {
                head.starts_with(&MARK) && read_head(salt, head).is_some_and(|head| head.first >= next)
            });
            if let Some(ahead) = found {
                return Ok((from + ahead as u64, true));
            }
            if bytes.len() < WINDOW_BYTES {
                return Ok((from + bytes.len() as u64, false));
            }
            // A head may stand across the windows' border.
            from += (WINDOW_BYTES - HEAD_BYTES) as u64;
        }
    }

    /// Bytes of the file, fewer at its end.
    fn bytes(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        assert!(length <= WINDOW_BYTES.max(PAYLOAD_BYTES_MAX), "what is read at once is bounded");
        let (start, held) = (self.window.0, self.window.1.len() as u64);
        if offset < start || offset + length as u64 > start + held {
            self.window = (offset, self.files.read(&self.name, offset, length.max(WINDOW_BYTES))?);
        }
        let (start, bytes) = &self.window;
        let from = usize::try_from(offset - start).unwrap_or(bytes.len()).min(bytes.len());
        Ok(&bytes[from..(from + length).min(bytes.len())])
    }
}
