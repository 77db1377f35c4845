//! Accepts connections and serves them under limits: how many in all and per address, how long a head may take, how
//! long a client may leave what is sent to it unread, how a shutdown ends. Heads that can be read in two ways are spoilt.

mod heads;

use crate::intake::{Limits, Peer};
use crate::routes::{App, router};
use api::{Collector, Product};
use axum::extract::Request;
use heads::Heads;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Sleep;

/// Connections served at once; more wait in the operating system's queue.
const CONNECTIONS_MAX: usize = 1024;
/// Connections of one public address; a browser opens six.
const ADDRESS_CONNECTIONS_MAX: usize = 256;
/// Connections of this machine and of one private address: a proxy or a load balancer is there more often than a
/// browser, and what it holds is everybody's. A few hundred clients of the intake that keep their connections open have
/// room in it, and a quarter of all places stays for others.
const PROXY_CONNECTIONS_MAX: usize = 768;
/// How long the head of a request may take, from the start of the connection or the end of the request before it: so
/// long may a connection also do nothing.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is sent to it.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long requests under way may take to end after a shutdown.
const SHUTDOWN_WAIT_MAX: Duration = Duration::from_secs(10);

/// What to serve and how.
pub struct Options {
    /// The product behind the pages.
    pub product: Arc<dyn Product>,
    /// What takes the events that clients send.
    pub collector: Arc<dyn Collector>,
    /// A folder with `templates` and `static` to read from disk on each use; absent: the embedded ones.
    pub templates_from: Option<PathBuf>,
    /// Whether browsers reach the server by https, so that cookies may demand it.
    pub secure_cookies: bool,
    /// The folder in which uploads wait for their import. It is made when it is missing; what it holds from before is
    /// removed when `serve` starts, so it belongs to one server alone.
    pub spool: PathBuf,
}

/// Serves until `shutdown` is ready, then lets the requests under way end.
pub async fn serve(listener: TcpListener, options: Options, shutdown: Pin<Box<dyn Future<Output = ()> + Send>>) {
    crate::body::empty_spool(&options.spool);
    serve_app(listener, App::new(options, Limits::USUAL), HEAD_WAIT_MAX, shutdown).await;
}

/// Serves an app under a limit for the heads of requests.
pub(crate) async fn serve_app(
    listener: TcpListener,
    app: App,
    head_wait_max: Duration,
    shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
) {
    let service = TowerToHyperService::new(router(app));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let addresses = Arc::new(Addresses::default());
    let mut shutdown = shutdown;
    loop {
        let accept = async {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = accept => next,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, mostly: waiting a little lets some come back.
                tracing::warn!(cause = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Closing is all that can be said so early to an address that holds so much.
        let Some(share) = Addresses::enter(&addresses, peer.ip()) else { continue };
        // An answer is often one small packet, which must not wait for the client to confirm the one before.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            service.call(request)
        });
        let stream = TokioIo::new(Paced { stream, wait_max: WRITE_WAIT_MAX, waiting: None, heads: Heads::default() });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(head_wait_max).max_buf_size(128 << 10);
        let connection = graceful.watch(builder.serve_connection(stream, service));
        tokio::spawn(async move {
            let _held = (slot, share);
            // A connection that breaks off is the client's business.
            let _ = connection.await;
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_WAIT_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way at the end");
    }
}

/// How many connections each address holds.
#[derive(Default)]
struct Addresses {
    held: Mutex<HashMap<IpAddr, usize>>,
}

impl Addresses {
    fn enter(addresses: &Arc<Addresses>, peer: IpAddr) -> Option<AddressShare> {
        let address = whole(peer);
        let most = if is_near(address) { PROXY_CONNECTIONS_MAX } else { ADDRESS_CONNECTIONS_MAX };
        let mut held = addresses.held.lock().unwrap_or_else(PoisonError::into_inner);
        let n_held = held.entry(address).or_insert(0);
        if *n_held >= most {
            return None;
        }
        *n_held += 1;
        Some(AddressShare { addresses: addresses.clone(), address })
    }
}

/// Whether an address is this machine's or one of a private network.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since one machine has all the others.
fn whole(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        other => other,
    }
}

/// A connection's part in its address's share; given back when dropped.
struct AddressShare {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Drop for AddressShare {
    fn drop(&mut self) {
        let mut held = self.addresses.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n_held) = held.get_mut(&self.address) {
            *n_held -= 1;
            if *n_held == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// A stream that breaks off when the other side takes nothing for `wait_max`, and that has its heads watched.
///
/// Reading needs no such limit here: heads have theirs in hyper, bodies in `body`.
struct Paced<S> {
    stream: S,
    wait_max: Duration,
    /// Runs while the other side takes nothing.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Sees all that comes in.
    heads: Heads,
}

impl<S> Paced<S> {
    fn watch<T>(&mut self, context: &mut Context<'_>, progress: Poll<Result<T>>) -> Poll<Result<T>> {
        if progress.is_ready() {
            self.waiting = None;
            return progress;
        }
        let wait_max = self.wait_max;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait_max)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(Error::from(ErrorKind::TimedOut))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let n_before = into.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, into);
        self.heads.watch(&mut into.filled_mut()[n_before..]);
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
