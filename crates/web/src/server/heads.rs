//! Watches the heads of requests go by and spoils those that two readers could take for different requests.
//!
//! HTTP's grammar lets a server overlook a line feed without its carriage return, two lengths that are equal, and a
//! length beside `Transfer-Encoding`. A proxy in front may read these differently, and what one takes for a body the
//! other takes for a request. The byte that ends such a line becomes a NUL here: hyper answers that with 400 and closes.
//! Invariant: bytes of bodies are never changed. What hyper refuses by itself is not watched any further.

/// What is kept of a line; longer ones are no length and no encoding that anybody sends.
const LINE_BYTES_MAX: usize = 128;

/// Where in the stream of requests the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Before the first line of a request.
    #[default]
    Start,
    /// In the lines behind it.
    Head,
    /// In a body, with so many bytes to come.
    Body(u64),
    /// In the line before a chunk.
    ChunkSize,
    /// In a chunk or the line end behind it, with so many bytes to come.
    Chunk(u64),
    /// In the lines behind the last chunk.
    Trailer,
    /// The connection ends with this request, one way or another.
    Unwatched,
}

/// The heads of one connection.
#[derive(Default)]
pub(super) struct Heads {
    part: Part,
    line: Vec<u8>,
    is_line_long: bool,
    last: u8,
    length: Option<u64>,
    is_chunked: bool,
}

impl Heads {
    /// Looks at the next bytes of the connection.
    pub(super) fn watch(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match self.part {
                Part::Unwatched => return,
                Part::Body(n_left) => {
                    let n_left = skip(n_left, bytes.len(), &mut at);
                    self.part = if n_left == 0 { Part::Start } else { Part::Body(n_left) };
                }
                Part::Chunk(n_left) => {
                    let n_left = skip(n_left, bytes.len(), &mut at);
                    self.part = if n_left == 0 { Part::ChunkSize } else { Part::Chunk(n_left) };
                }
                Part::Start | Part::Head | Part::ChunkSize | Part::Trailer => {
                    if bytes[at] == b'\n' && !self.end_line() {
                        bytes[at] = 0;
                        self.part = Part::Unwatched;
                        return;
                    } else if bytes[at] != b'\n' {
                        self.keep(bytes[at]);
                    }
                    at += 1;
                }
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        self.last = byte;
        if self.line.len() < LINE_BYTES_MAX {
            self.line.push(byte);
        } else {
            self.is_line_long = true;
        }
    }

    /// Ends a line; `false` when it may not stand there.
    fn end_line(&mut self) -> bool {
        let mut line = std::mem::take(&mut self.line);
        let is_long = std::mem::take(&mut self.is_line_long);
        let is_whole = std::mem::take(&mut self.last) == b'\r';
        if is_whole && !is_long {
            line.pop();
        }
        match self.part {
            Part::Start if line.is_empty() => {}
            Part::Start => (self.part, self.length, self.is_chunked) = (Part::Head, None, false),
            Part::Head if line.is_empty() => self.part = self.after_head(),
            Part::Head => return is_whole && self.header(&line, is_long),
            Part::ChunkSize => self.part = after_size(&line),
            Part::Trailer if line.is_empty() => self.part = Part::Start,
            Part::Trailer | Part::Body(_) | Part::Chunk(_) | Part::Unwatched => {}
        }
        is_whole
    }

    fn header(&mut self, line: &[u8], is_long: bool) -> bool {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return true };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let is_first = self.length.is_none() && !self.is_chunked;
            self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            if self.length.is_none() {
                self.part = Part::Unwatched;
            }
            return is_first && !is_long;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = true;
            return self.length.is_none() && !is_long;
        }
        true
    }

    fn after_head(&self) -> Part {
        match self.length {
            _ if self.is_chunked => Part::ChunkSize,
            Some(n_bytes) if n_bytes > 0 => Part::Body(n_bytes),
            _ => Part::Start,
        }
    }
}

/// Goes over as many of `n_left` bytes as there are; says how many are to come.
fn skip(n_left: u64, n_bytes: usize, at: &mut usize) -> u64 {
    let n_here = usize::try_from(n_left).unwrap_or(usize::MAX).min(n_bytes - *at);
    *at += n_here;
    n_left - n_here as u64
}

/// The part behind the line with a chunk's size.
fn after_size(line: &[u8]) -> Part {
    let n_digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = std::str::from_utf8(&line[..n_digits]).unwrap_or_default();
    match u64::from_str_radix(digits, 16).ok().map(|n_bytes| n_bytes.checked_add(2)) {
        Some(Some(2)) => Part::Trailer,
        Some(Some(n_bytes)) => Part::Chunk(n_bytes),
        _ => Part::Unwatched,
    }
}
