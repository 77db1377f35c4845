//! Accepts connections and serves them under limits: how many, how long a head may take, how a shutdown ends.

use crate::routes::{App, router};
use api::Product;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections served at once; more wait in the operating system's queue.
const CONNECTIONS_MAX: usize = 1024;
/// How long the head of a request may take.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long requests under way may take to end after a shutdown.
const SHUTDOWN_WAIT_MAX: Duration = Duration::from_secs(10);

/// What to serve and how.
pub struct Options {
    /// The product behind the pages.
    pub product: Arc<dyn Product>,
    /// A folder with `templates` and `static` to read from disk on each use; absent: the embedded ones.
    pub templates_from: Option<PathBuf>,
    /// Whether browsers reach the server by https, so that cookies may demand it.
    pub secure_cookies: bool,
}

/// Serves until `shutdown` is ready, then lets the requests under way end.
pub async fn serve(listener: TcpListener, options: Options, shutdown: Pin<Box<dyn Future<Output = ()> + Send>>) {
    let service = TowerToHyperService::new(router(App::new(options)));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, mostly: waiting a little lets some come back.
                tracing::warn!(cause = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT_MAX).max_buf_size(128 << 10);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            let _slot = slot;
            // A connection that breaks off is the client's business.
            let _ = connection.await;
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_WAIT_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way at the end");
    }
}
