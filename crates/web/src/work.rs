//! Runs the product's synchronous calls off the event loop: a few at once, a bounded queue behind them.
//!
//! Invariant: nobody takes all places of a pool whose jobs are run for a user; the rest waits in the user's own line.

use crate::problem::Problem;
use api::{Principal, Waiting};
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Jobs of one user that run at once: half of the places for questions.
const USER_RUNNING_MAX: usize = 4;
/// Jobs of one user that run or wait; a page asks for about ten at once, a dashboard for 16 at most.
const USER_JOBS_MAX: usize = 32;

/// How much runs at once, how much may wait, and for how long.
pub(crate) struct Pool {
    running: Arc<Semaphore>,
    admitted: Semaphore,
    wait_max: Duration,
    users: Arc<Users>,
}

impl Pool {
    /// Makes a pool that runs `n_running` jobs, lets `n_waiting` wait, and gives up on a job after `wait_max`.
    pub(crate) fn new(n_running: usize, n_waiting: usize, wait_max: Duration) -> Pool {
        Pool {
            running: Arc::new(Semaphore::new(n_running)),
            admitted: Semaphore::new(n_running + n_waiting),
            wait_max,
            users: Arc::default(),
        }
    }

    /// Runs a job; a full queue and a job that takes too long are problems that pass.
    ///
    /// A job that is given up on keeps its place until it ends, so the bound holds.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.run_in(None, job).await
    }

    /// Runs a job for a user, whose jobs take some of the places at most. It is told when nobody waits for it any more:
    /// the client has gone, or it took too long.
    pub(crate) async fn run_for<T: Send + 'static>(
        &self,
        who: Principal,
        job: impl FnOnce(&Principal) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let share = Users::enter(&self.users, &who.user)?;
        let _until_dropped = UntilDropped(who.waiting.clone());
        self.run_in(Some(share), move || job(&who)).await
    }

    async fn run_in<T: Send + 'static>(
        &self,
        share: Option<Share>,
        job: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_admitted) = self.admitted.try_acquire() else {
            return Err(Problem::busy("more questions are waiting than can be answered soon"));
        };
        let work = async {
            let own = match &share {
                Some(share) => {
                    Some(share.running.clone().acquire_owned().await.expect("the semaphore is never closed"))
                }
                None => None,
            };
            let place = self.running.clone().acquire_owned().await.expect("the semaphore is never closed");
            tokio::task::spawn_blocking(move || {
                let _held = (place, own, share);
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

/// Waits until it is dropped, as the future is that a client has left.
struct UntilDropped(Waiting);

impl Drop for UntilDropped {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The users with jobs that run or wait: how many, and the user's own places.
#[derive(Default)]
struct Users {
    jobs: Mutex<HashMap<String, (usize, Arc<Semaphore>)>>,
}

impl Users {
    fn enter(users: &Arc<Users>, user: &str) -> Result<Share, Problem> {
        let mut jobs = users.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let (n_jobs, running) =
            jobs.entry(user.to_owned()).or_insert_with(|| (0, Arc::new(Semaphore::new(USER_RUNNING_MAX))));
        if *n_jobs >= USER_JOBS_MAX {
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many questions of yours are waiting already")
                .with_hint("let some of them end first")
                .with_retry_after(2));
        }
        *n_jobs += 1;
        Ok(Share { users: users.clone(), user: user.to_owned(), running: running.clone() })
    }
}

/// A job's part in its user's share; given back when dropped.
struct Share {
    users: Arc<Users>,
    user: String,
    running: Arc<Semaphore>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut jobs = self.users.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((n_jobs, _)) = jobs.get_mut(&self.user) {
            *n_jobs -= 1;
            if *n_jobs == 0 {
                jobs.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests;
