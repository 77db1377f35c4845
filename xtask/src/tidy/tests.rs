//! The rules hold.

use super::{Repository, complaints, slowest};

#[test]
fn the_repository_is_tidy() {
    let repository = Repository::read().expect("git and cargo are there");
    let complaints = complaints(&repository);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn reads_the_times_of_a_report() {
    let report =
        r#"<testsuite><testcase name="a" classname="x" time="0.5"/><testcase name="b" time="2.25"></testcase>"#;
    assert_eq!(slowest(report), [(2.25, "b".to_owned()), (0.5, "a".to_owned())]);
}
