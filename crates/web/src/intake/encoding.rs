//! Content encodings of deliveries: decoded in small steps, never past the limit.
//!
//! Invariant: what is decoded is checked after each step of `STEP_BYTES`, so a bomb costs one step more than the limit.
//! Windows are bounded as well: a decoder may set memory aside for what a header promises.

use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::{Decompress, FlushDecompress, Status};
use std::io::Read;

/// The largest body after decoding.
pub(crate) const DECODED_BYTES_MAX: usize = 512 << 10;
/// Bytes decoded before the limit is looked at again.
const STEP_BYTES: usize = 16 << 10;
/// The largest window of zstd, as a power of two: the 8 MiB that RFC 8878 asks every decoder to have.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// The encoding that the headers name; a list of several and unknown ones are problems.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Encoding, Problem> {
        let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
        let (first, second) = (named.next(), named.next());
        let Some(first) = first else { return Ok(Encoding::Plain) };
        let name = first.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        match (name.as_str(), second) {
            ("" | "identity", None) => Ok(Encoding::Plain),
            ("gzip" | "x-gzip", None) => Ok(Encoding::Gzip),
            ("deflate", None) => Ok(Encoding::Deflate),
            ("br", None) => Ok(Encoding::Brotli),
            ("zstd", None) => Ok(Encoding::Zstd),
            _ => {
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has an encoding that is not read here")
                    .with_hint(
                        "send `Content-Encoding: gzip`, `deflate`, `br` or `zstd`, one of them, or the plain text",
                    ))
            }
        }
    }
}

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// It is more than `DECODED_BYTES_MAX`.
    TooLarge,
    /// It was packed with a window of more than 4 MiB.
    TooWide,
    /// It is not what its encoding says, breaks off, or goes on behind its end.
    Broken,
}

impl From<Undecodable> for Problem {
    fn from(why: Undecodable) -> Problem {
        match why {
            Undecodable::TooLarge => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 512 KiB when it is unpacked")
                    .with_hint("send fewer messages at once")
            }
            Undecodable::TooWide => {
                Problem::new(StatusCode::BAD_REQUEST, "the body is packed with a window of more than 4 MiB")
                    .with_hint("pack it with a smaller window; in brotli, `lgwin` 22 is enough")
            }
            Undecodable::Broken => {
                Problem::new(StatusCode::BAD_REQUEST, "the body is not packed as its `Content-Encoding` says")
                    .with_hint("pack the whole body once and send nothing behind it")
            }
        }
    }
}

/// Unpacks a body.
pub(crate) fn decode(encoding: Encoding, packed: Vec<u8>) -> Result<Vec<u8>, Undecodable> {
    match encoding {
        Encoding::Plain if packed.len() > DECODED_BYTES_MAX => Err(Undecodable::TooLarge),
        Encoding::Plain => Ok(packed),
        // The next member has to be one, so what is behind the last is a fault by itself.
        Encoding::Gzip => read_all(&mut flate2::bufread::MultiGzDecoder::new(packed.as_slice())),
        Encoding::Deflate => inflate(&packed),
        Encoding::Brotli => unbrotli(&packed),
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed.as_slice()).map_err(|_| Undecodable::Broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| Undecodable::Broken)?;
            read_all(&mut decoder)
        }
    }
}

fn read_all(reader: &mut dyn Read) -> Result<Vec<u8>, Undecodable> {
    let mut decoded = Vec::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        match reader.read(&mut step).map_err(|_| Undecodable::Broken)? {
            0 => return Ok(decoded),
            n_bytes => append(&mut decoded, &step[..n_bytes])?,
        }
    }
}

fn append(decoded: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Undecodable> {
    if decoded.len() + bytes.len() > DECODED_BYTES_MAX {
        return Err(Undecodable::TooLarge);
    }
    decoded.extend_from_slice(bytes);
    Ok(())
}

/// Deflate with zlib's head, as HTTP has it, or without, as some clients send it.
///
/// The reader of the crate takes a stream that breaks off for its end, hence the steps by hand.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, Undecodable> {
    let has_head = matches!(packed, [a, b, ..] if a & 15 == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0);
    let mut inflater = Decompress::new(has_head);
    let mut decoded = Vec::new();
    let mut step = vec![0; STEP_BYTES];
    let mut rest = packed;
    loop {
        let (taken, made) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(rest, &mut step, FlushDecompress::None).map_err(|_| Undecodable::Broken)?;
        let n_taken = usize::try_from(inflater.total_in() - taken).expect("no more is taken than was given");
        let n_made = usize::try_from(inflater.total_out() - made).expect("no more is made than there is room for");
        append(&mut decoded, &step[..n_made])?;
        rest = &rest[n_taken..];
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(decoded),
            Status::StreamEnd => return Err(Undecodable::Broken),
            _ if n_taken == 0 && n_made == 0 => return Err(Undecodable::Broken),
            _ => {}
        }
    }
}

fn unbrotli(packed: &[u8]) -> Result<Vec<u8>, Undecodable> {
    // The decoder fills its window before it gives anything out, so a window is memory and time that the limit does not
    // see. The first bits say how wide it is: here 8 or 16 MiB, or more, as no part of RFC 7932 has it.
    if packed.first().is_some_and(|byte| byte & 1 == 1 && byte >> 1 & 7 >= 6 || byte & 0x7f == 0x11) {
        return Err(Undecodable::TooWide);
    }
    let mut rest = packed;
    let mut decoder = brotli_decompressor::Decompressor::new(&mut rest, STEP_BYTES);
    let decoded = read_all(&mut decoder)?;
    // Another read behind the end is how the crate tells of bytes that it has read and not used.
    let is_used_up = decoder.read(&mut [0]).is_ok_and(|n_bytes| n_bytes == 0);
    drop(decoder);
    if is_used_up && rest.is_empty() { Ok(decoded) } else { Err(Undecodable::Broken) }
}
