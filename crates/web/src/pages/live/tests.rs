//! How long ago and how much, in words.

use super::*;

#[test]
fn ages_and_sizes_read_well() {
    let now = DateTime::from_timestamp(1_000, 0).expect("an instant");
    let before = |seconds: i64| age((1_000 - seconds) * 1_000_000, now);
    assert_eq!([before(0), before(3), before(7_200)], ["now", "3 seconds ago", "2 hours ago"]);
    assert_eq!(before(-5), "now", "a clock that went back");
    assert_eq!([size(0), size(1_500), size(2_000_000_000)], ["0 bytes", "1.5 kB", "2.0 GB"]);
}
