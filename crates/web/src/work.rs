//! Runs the product's synchronous calls off the event loop: a few at once, a bounded queue behind them.

use crate::problem::Problem;
use axum::http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How much runs at once, how much may wait, and for how long.
pub(crate) struct Pool {
    running: Arc<Semaphore>,
    admitted: Semaphore,
    wait_max: Duration,
}

impl Pool {
    /// Makes a pool that runs `n_running` jobs, lets `n_waiting` wait, and gives up on a job after `wait_max`.
    pub(crate) fn new(n_running: usize, n_waiting: usize, wait_max: Duration) -> Pool {
        Pool { running: Arc::new(Semaphore::new(n_running)), admitted: Semaphore::new(n_running + n_waiting), wait_max }
    }

    /// Runs a job; a full queue and a job that takes too long are problems that pass.
    ///
    /// A job that is given up on still runs to its end and keeps its place until then, so the bound holds.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_admitted) = self.admitted.try_acquire() else {
            return Err(Problem::busy("more questions are waiting than can be answered soon"));
        };
        let work = async {
            let place = self.running.clone().acquire_owned().await.expect("the semaphore is never closed");
            tokio::task::spawn_blocking(move || {
                let _place = place;
                job()
            })
            .await
        };
        match tokio::time::timeout(self.wait_max, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                tracing::error!(cause = %panic, "a job ended abnormally");
                Err(Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "something went wrong on our side; it is in the server's log",
                ))
            }
            Err(_) => Err(Problem::busy("the answer took longer than it may")),
        }
    }
}
