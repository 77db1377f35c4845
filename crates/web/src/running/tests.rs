//! Names of requests: whose they are, and how long they last.

use super::*;

/// Somebody who asks.
pub(crate) fn user(name: &str) -> Principal {
    Principal {
        user: name.to_owned(),
        title: name.to_owned(),
        role: "marketer".to_owned(),
        role_title: "Marketer".to_owned(),
        sees_cost: false,
        may_import: false,
        may_define: false,
        sees_audit: false,
        edits: Vec::new(),
        waiting: Waiting::default(),
    }
}

fn named(name: &str) -> HeaderMap {
    [(NAME_HEADER, name)].into_iter().map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn a_request_is_found_by_its_user_while_it_runs() {
    let running = Arc::new(Running::default());
    let (mia, ivo) = (user("mia"), user("ivo"));
    let held = Running::hold(&running, &mia, &named("a"));
    assert!(held.is_some());
    assert_eq!(running.one("mia", "a").map(|found| found.progress), Some(None), "nothing is known yet");
    mia.waiting.report(1, 4);
    assert_eq!(running.one("mia", "a").and_then(|found| found.progress), Some(0.25));
    assert_eq!(running.of("mia").len(), 1);
    assert!(running.one("ivo", "a").is_none() && running.of("ivo").is_empty(), "it is not his");
    assert!(!running.stop("ivo", "a") && !mia.waiting.is_over());
    let _his = Running::hold(&running, &ivo, &named("a"));
    assert!(running.stop("mia", "a") && mia.waiting.is_over() && !ivo.waiting.is_over());
    drop(held);
    assert!(running.one("mia", "a").is_none() && !running.stop("mia", "a"), "it has ended");
}

#[test]
fn a_name_that_is_given_again_is_the_later_request_s() {
    let running = Arc::new(Running::default());
    let (first, second) = (user("mia"), user("mia"));
    let earlier = Running::hold(&running, &first, &named("a"));
    let _later = Running::hold(&running, &second, &named("a"));
    drop(earlier);
    assert!(running.stop("mia", "a") && second.waiting.is_over() && !first.waiting.is_over());
}

#[test]
fn what_could_be_no_name_is_none() {
    let running = Arc::new(Running::default());
    for headers in [HeaderMap::new(), named(""), named(&"a".repeat(65))] {
        assert!(Running::hold(&running, &user("mia"), &headers).is_none());
    }
    assert!(Running::hold(&running, &user("mia"), &named(&"a".repeat(64))).is_some());
}
