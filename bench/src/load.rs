//! The load: many connections that send prepared requests, as fast as answers come or when a request is due.
//!
//! Invariant: in the open loop a request's time runs from when it was due, also while no connection is free for it, so
//! that a server that stands still is not spared what it did not take meanwhile.

use super::messages::Prepared;
use super::tally::{Tally, Times};
use super::wire::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use xtask::shell::Result;

/// How long after the end a request that is due is still sent.
const LATE_MAX: Duration = Duration::from_secs(1);
/// The share at the start that does not count.
const START_SHARE: f64 = 0.2;
/// How long to wait before another connection is opened.
const RECONNECT_WAIT: Duration = Duration::from_millis(20);

/// What to send where.
pub(super) struct Load {
    /// `host:port`.
    pub(super) address: String,
    pub(super) request: Prepared,
    pub(super) n_connections: usize,
    /// Requests per second; without it, each connection sends as soon as it has its answer.
    pub(super) per_second: Option<f64>,
    pub(super) seconds: f64,
}

/// What the connections share.
struct Course {
    load: Load,
    /// The number of the next message.
    next: Arc<AtomicU64>,
    start: Instant,
    end: Instant,
    /// Requests that are due, and how many there will be.
    due: Semaphore,
    n_due: u64,
    n_taken: AtomicU64,
}

/// Sends, and says what came of it once everything that was sent has its answer.
pub(super) async fn run(load: Load, next: &Arc<AtomicU64>) -> Result<Tally> {
    let mut connections = Vec::with_capacity(load.n_connections);
    for _ in 0..load.n_connections {
        let opened = Connection::open(&load.address).await;
        connections.push(opened.map_err(|error| format!("{}: {error}", load.address))?);
    }
    let start = Instant::now();
    let course = Arc::new(Course {
        next: Arc::clone(next),
        start,
        end: start + Duration::from_secs_f64(load.seconds),
        due: Semaphore::new(0),
        n_due: load.per_second.map_or(0, |rate| (rate * load.seconds) as u64),
        n_taken: AtomicU64::new(0),
        load,
    });
    if let Some(rate) = course.load.per_second {
        let course = Arc::clone(&course);
        std::thread::spawn(move || course.keep_time(rate));
    }
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(work(Arc::clone(&course), connection));
    }
    let mut tally = Tally { inside_seconds: course.load.seconds * (1.0 - START_SHARE), ..Tally::default() };
    while let Some(done) = tasks.join_next().await {
        tally.add(done.map_err(|error| format!("a connection's task ended abnormally: {error}"))?);
    }
    tally.n_unsent = course.n_due.saturating_sub(course.n_taken.load(Ordering::Relaxed));
    Ok(tally)
}

async fn work(course: Arc<Course>, mut connection: Connection) -> Tally {
    let mut tally = Tally::default();
    let mut request = course.load.request.clone();
    let n_messages = request.n_messages();
    while let Some(due) = course.turn().await {
        request.stamp(course.next.fetch_add(n_messages, Ordering::Relaxed));
        let sent = Instant::now();
        match connection.exchange(&request.bytes).await {
            Ok(answer) => {
                let times = Times {
                    since_due: due.elapsed(),
                    since_sent: sent.elapsed(),
                    is_due_inside: course.is_inside(due),
                    is_answered_inside: course.is_inside(Instant::now()),
                };
                tally.enter(n_messages, &answer, &times);
            }
            Err(_) => {
                tally.n_unanswered += n_messages;
                let Some(other) = course.reconnect().await else { break };
                connection = other;
            }
        }
    }
    tally
}

impl Course {
    /// Waits for the next request's turn and says when it was due; `None` at the end.
    async fn turn(&self) -> Option<Instant> {
        let Some(rate) = self.load.per_second else {
            let now = Instant::now();
            return (now < self.end).then_some(now);
        };
        self.due.acquire().await.expect("it is never closed").forget();
        if Instant::now() > self.end + LATE_MAX {
            return None;
        }
        let number = self.n_taken.fetch_add(1, Ordering::Relaxed);
        (number < self.n_due).then(|| self.time_of(number, rate))
    }

    fn time_of(&self, number: u64, rate: f64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / rate)
    }

    /// Lets requests go when they are due. A thread of its own, since it sleeps more exactly than the runtime does.
    fn keep_time(&self, rate: f64) {
        for number in 0..self.n_due {
            let wait = self.time_of(number, rate).saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            self.due.add_permits(1);
        }
        // Each connection hears that nothing comes any more.
        self.due.add_permits(self.load.n_connections);
    }

    /// Whether a time lies between the start that does not count and the end.
    fn is_inside(&self, time: Instant) -> bool {
        time < self.end && time.duration_since(self.start).as_secs_f64() >= self.load.seconds * START_SHARE
    }

    /// Another connection in place of one that broke; `None` at the end.
    async fn reconnect(&self) -> Option<Connection> {
        while Instant::now() < self.end {
            tokio::time::sleep(RECONNECT_WAIT).await;
            if let Ok(connection) = Connection::open(&self.load.address).await {
                return Some(connection);
            }
        }
        None
    }
}
