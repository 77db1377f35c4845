//! How long ago and how much, in words; and what is told when something is wrong.

use super::*;

#[test]
fn ages_and_sizes_read_well() {
    let now = DateTime::from_timestamp(1_000, 0).expect("an instant");
    let before = |seconds: i64| age((1_000 - seconds) * 1_000_000, now);
    assert_eq!([before(0), before(3), before(7_200)], ["now", "3 seconds ago", "2 hours ago"]);
    assert_eq!(before(-5), "now", "a clock that went back");
    assert_eq!([size(0), size(1_500), size(2_000_000_000)], ["0 bytes", "1.5 kB", "2.0 GB"]);
}

#[test]
fn a_wait_is_late_only_when_it_is_long() {
    let waiting = |log_records: u64, lag_micros: i64| {
        let pulse = Pulse { log_records, lag_micros, ..Pulse::default() };
        let waiting = view(pulse, BooksView::default(), &[], Utc::now()).waiting;
        (waiting.lag, waiting.is_late)
    };
    assert_eq!(waiting(0, 0), ("nothing waits".to_owned(), false));
    assert_eq!(waiting(3, 900_000), ("1 second".to_owned(), false));
    assert_eq!(waiting(3, 600_000_000), ("10 minutes".to_owned(), true));
}

#[test]
fn ten_thousand_lines_are_cut_and_counted() {
    let books = BooksView { minutes: vec![BookView::default(); 10_000], ..BooksView::default() };
    let live = view(Pulse::default(), books, &[], Utc::now());
    assert_eq!((live.minutes.len(), live.n_more), (LINES_MAX, 10_000 - LINES_MAX));
}
