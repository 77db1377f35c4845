//! HTTP/1.1 over a connection that stays open: prepared bytes out, the least of an answer in.
//!
//! Deliberately absent: everything that our own server does not send, such as bodies in chunks.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection with room for one answer.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    /// Whether it says when to try again.
    pub(super) has_retry_after: bool,
    pub(super) body: &'a [u8],
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) async fn open(address: &str) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::new() })
    }

    /// Sends a request and waits for the whole answer. After an error the connection is of no use any more.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let answered = timeout(ANSWER_WAIT_MAX, self.send_and_read(request)).await;
        let end = answered.map_err(|_| Error::from(ErrorKind::TimedOut))??;
        let head = Head::of(&self.buffer[..end]).ok_or_else(no_answer)?;
        Ok(Answer { status: head.status, has_retry_after: head.has_retry_after, body: &self.buffer[end..] })
    }

    /// Leaves one answer in the buffer, and says where its body starts.
    async fn send_and_read(&mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut end = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            end = end.or_else(|| end_of_head(&self.buffer));
            let Some(end) = end else { continue };
            let n_bytes = end + Head::of(&self.buffer[..end]).ok_or_else(no_answer)?.body_bytes;
            if self.buffer.len() == n_bytes {
                return Ok(end);
            }
            if self.buffer.len() > n_bytes || n_bytes > ANSWER_BYTES_MAX {
                return Err(no_answer());
            }
        }
    }
}

/// What counts of an answer's head.
struct Head {
    status: u16,
    body_bytes: usize,
    has_retry_after: bool,
}

impl Head {
    fn of(bytes: &[u8]) -> Option<Head> {
        let mut lines = std::str::from_utf8(bytes).ok()?.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut head = Head { status, body_bytes: 0, has_retry_after: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = value.trim().parse().ok()?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return None;
            }
            head.has_retry_after |= name.eq_ignore_ascii_case("retry-after");
        }
        Some(head)
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn no_answer() -> Error {
    Error::new(ErrorKind::InvalidData, "not an answer that is read here")
}

#[cfg(test)]
mod tests {
    use super::{Head, end_of_head};

    #[test]
    fn reads_what_counts_of_a_head() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\n{}";
        let end = end_of_head(answer).expect("it has a head");
        let head = Head::of(&answer[..end]).expect("it is one");
        assert_eq!((head.status, head.body_bytes, head.has_retry_after), (503, 2, true));
        assert_eq!(&answer[end..], b"{}");
    }

    #[test]
    fn takes_no_chunks() {
        assert!(Head::of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_none());
    }
}
