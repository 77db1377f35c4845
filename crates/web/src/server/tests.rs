//! Limits of connections.

use super::*;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped_and_one_that_reads_is_not() {
    let paced = |stream| Paced { stream, wait_max: Duration::from_millis(1), waiting: None };
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
