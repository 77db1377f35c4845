//! Limits of connections.

use super::*;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped_and_one_that_reads_is_not() {
    let paced = |stream| Paced { stream, wait_max: Duration::from_millis(1), waiting: None, heads: Heads::default() };
    let (near, _far) = tokio::io::duplex(16);
    let error = paced(near).write_all(&[0; 64]).await.expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let (near, mut far) = tokio::io::duplex(16);
    let mut taken = Vec::new();
    let mut near = paced(near);
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut far, &mut taken);
    let writing = async {
        near.write_all(&[0; 64]).await.expect("somebody reads");
        drop(near);
    };
    let (read, ()) = tokio::join!(reading, writing);
    assert_eq!(read.expect("it ends"), 64);
}

#[test]
fn one_address_does_not_hold_every_connection() {
    let addresses = Arc::new(Addresses::default());
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    let held: Vec<AddressShare> =
        std::iter::from_fn(|| Addresses::enter(&addresses, ip("2001:db8::1"))).take(CONNECTIONS_MAX).collect();
    assert_eq!(held.len(), ADDRESS_CONNECTIONS_MAX);
    assert!(Addresses::enter(&addresses, ip("2001:db8::ffff")).is_none(), "the same machine");
    assert!(Addresses::enter(&addresses, ip("2001:db8:0:1::1")).is_some());
    assert!(Addresses::enter(&addresses, ip("127.0.0.1")).is_some());
    let of_a_proxy: Vec<AddressShare> =
        std::iter::from_fn(|| Addresses::enter(&addresses, ip("10.0.0.7"))).take(CONNECTIONS_MAX).collect();
    assert_eq!(of_a_proxy.len(), PROXY_CONNECTIONS_MAX);
    drop(held);
    assert!(Addresses::enter(&addresses, ip("2001:db8::1")).is_some());
}

#[test]
fn heads_are_found_between_bodies_whatever_the_pieces() {
    let spoilt = |text: &str, n_piece: usize| {
        let mut heads = Heads::default();
        let mut bytes = text.as_bytes().to_vec();
        bytes.chunks_mut(n_piece).for_each(|piece| heads.watch(piece));
        bytes.iter().filter(|byte| **byte == 0).count()
    };
    let fixed = "POST /a HTTP/1.1\r\ncontent-length:  11 \r\nX: y\r\n\r\na\nb\n\nA: b\nc";
    let chunked = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n\n\n\n\r\n0\r\nTrailer: z\r\n\r\n";
    let bare = "\r\nGET /c HTTP/1.1\r\nHost: h\n\r\n";
    let both = "POST /d HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    let twice = "POST /e HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n";
    let hidden = format!("POST /f HTTP/1.1\r\nTransfer-Encoding:{}chunked\r\n\r\n", " ".repeat(200));
    for n_piece in [1, 2, 7, 4096] {
        let good = [fixed, chunked, chunked, fixed, "GET /g HTTP/1.1\r\n\r\n", fixed].concat();
        assert_eq!(spoilt(&good, n_piece), 0, "{n_piece}");
        for bad in [bare, both, twice, &hidden] {
            assert_eq!(spoilt(&format!("{good}{bad}{good}"), n_piece), 1, "{n_piece} {bad}");
        }
    }
}
