//! Pools: what one user's jobs leave to the others.

use super::*;
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
            let job = move || {
                started.send(()).expect("the test listens");
                let _ = gate.lock().expect("nobody panics").recv();
                Ok(())
            };
            pool.run_for("mia", job).await
        }));
    }
    for _ in 0..USER_RUNNING_MAX {
        tokio::task::yield_now().await;
        starts.recv().expect("a job starts");
    }
    // Each job is admitted by now or soon; the others' are run meanwhile.
    assert!(pool.run_for("ivo", || Ok(())).await.is_ok());
    assert!(starts.try_recv().is_err(), "no fifth one runs");
    while pool.users.jobs.lock().expect("not poisoned").get("mia").map(|(n_jobs, _)| *n_jobs) != Some(USER_JOBS_MAX) {
        tokio::task::yield_now().await;
    }
    let refused = pool.run_for("mia", || Ok(())).await.expect_err("her share is full");
    assert_eq!(refused.status, 429);
    drop(closed);
    for job in jobs {
        assert!(job.await.expect("it does not panic").is_ok());
    }
    assert!(pool.users.jobs.lock().expect("not poisoned").is_empty());
}
