//! Pools: what one user's jobs leave to the others.

use super::*;
use crate::running::tests::user;
use std::sync::mpsc::channel;

#[tokio::test]
async fn one_users_slow_jobs_leave_places_to_others() {
    let pool = Arc::new(Pool::new(8, 64, Duration::from_secs(30)));
    let (started, starts) = channel();
    let (closed, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let mut jobs = Vec::new();
    for _ in 0..USER_JOBS_MAX {
        let (pool, gate, started) = (pool.clone(), gate.clone(), started.clone());
        jobs.push(tokio::spawn(async move {
            let job = move |_: &Principal| {
                started.send(()).expect("the test listens");
                let _ = gate.lock().expect("nobody panics").recv();
                Ok(())
            };
            pool.run_for(user("mia"), job).await
        }));
    }
    for _ in 0..USER_RUNNING_MAX {
        tokio::task::yield_now().await;
        starts.recv().expect("a job starts");
    }
    // Each job is admitted by now or soon; the others' are run meanwhile.
    assert!(pool.run_for(user("ivo"), |_| Ok(())).await.is_ok());
    assert!(starts.try_recv().is_err(), "no fifth one runs");
    while pool.users.jobs.lock().expect("not poisoned").get("mia").map(|(n_jobs, _)| *n_jobs) != Some(USER_JOBS_MAX) {
        tokio::task::yield_now().await;
    }
    let refused = pool.run_for(user("mia"), |_| Ok(())).await.expect_err("her share is full");
    assert_eq!(refused.status, 429);
    drop(closed);
    for job in jobs {
        assert!(job.await.expect("it does not panic").is_ok());
    }
    assert!(pool.users.jobs.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_job_is_told_when_nobody_waits_for_it() {
    let pool = Arc::new(Pool::new(2, 2, Duration::from_secs(30)));
    let (started, starts) = channel();
    let (stopped, stops) = channel();
    let asked = tokio::spawn({
        let pool = pool.clone();
        async move {
            let job = move |who: &Principal| {
                started.send(who.waiting.is_over()).expect("the test listens");
                while !who.waiting.is_over() {
                    std::thread::yield_now();
                }
                stopped.send(()).expect("the test listens");
                Ok(())
            };
            pool.run_for(user("mia"), job).await
        }
    });
    let first = tokio::task::spawn_blocking(move || starts.recv());
    assert_eq!(first.await.expect("it does not panic"), Ok(false), "somebody waits when it starts");
    asked.abort();
    let end = tokio::task::spawn_blocking(move || stops.recv_timeout(Duration::from_secs(20)));
    assert_eq!(end.await.expect("it does not panic"), Ok(()), "it ends soon after");
}
