//! Standings in a few words: each outcome, when it turned and why, and what a dashboard makes of its tiles.

use super::*;

const NOW: &str = "2026-11-22T16:00:00Z";

fn standing(name: &str, outcome: &'static str) -> StandingView {
    StandingView {
        kind: "question".to_owned(),
        name: name.to_owned(),
        title: name.to_uppercase(),
        outcome,
        people: None,
        reasons: Vec::new(),
        remedy: None,
        judged_at: Some(NOW.to_owned()),
        is_behind: false,
        turned_at: None,
        turned_from: None,
        because: None,
    }
}

fn both(for_marketing: &str, for_it: &str) -> BothFaces {
    BothFaces { for_marketing: for_marketing.to_owned(), for_it: for_it.to_owned() }
}

/// One that the rules have turned to a no.
fn turned(name: &str, turned_at: &str) -> StandingView {
    StandingView {
        reasons: vec![both("`age` may not be used for ads.", "`a.yaml` does not list `ads` for `age`.")],
        turned_at: Some(turned_at.to_owned()),
        turned_from: Some("yes"),
        because: Some(both("the rules changed", "`a.yaml` changed")),
        ..standing(name, "no")
    }
}

#[test]
fn every_outcome_has_its_words_and_its_colour() {
    let check = |standing: StandingView| {
        let Stand { tone, words, text } = stand(&standing, NOW, false);
        (tone, words, text)
    };
    let many = StandingView { people: Some(1_235), ..standing("a", "yes") };
    assert_eq!(check(many), ("yes", "Yes, 1\u{202f}235 people".to_owned(), String::new()));
    assert_eq!(check(standing("a", "yes")).1, "Yes");
    let late = StandingView { reasons: vec![both("the shop is late", "")], ..standing("a", "yes_if") };
    assert_eq!(check(late), ("if", "Yes, if …".to_owned(), "The shop is late.".to_owned()));
    assert_eq!((check(standing("a", "no")).0, check(standing("a", "no")).1), ("else", "Not this way".to_owned()));
    assert_eq!(check(standing("a", "invalid")).0, "else");
    for (outcome, words) in [("pending", "Judging …"), ("asked_when_opened", "Asked when opened")] {
        assert_eq!(check(standing("a", outcome)), ("", words.to_owned(), String::new()), "{outcome} has no colour");
    }
    for outcome in OUTCOMES {
        assert!(!check(standing("a", outcome)).1.is_empty(), "{outcome}");
    }
}

#[test]
fn a_turn_says_when_and_why_in_the_words_of_either_team() {
    let today = turned("a", "2026-11-22T14:02:30Z");
    let text = |is_it: bool| stand(&today, NOW, is_it).text;
    assert_eq!(text(false), "Turned at 14:02 UTC because the rules changed: `age` may not be used for ads.");
    assert_eq!(text(true), "Turned at 14:02 UTC because `a.yaml` changed: `a.yaml` does not list `ads` for `age`.");
    let before = StandingView { reasons: Vec::new(), ..turned("a", "2026-11-20T09:30:00Z") };
    assert_eq!(stand(&before, NOW, false).text, "Turned on 20 Nov 2026, 09:30 UTC because the rules changed.");
    let behind = StandingView { is_behind: true, ..standing("a", "yes") };
    assert_eq!(stand(&behind, NOW, false).text, "Judged at 16:00 UTC; newer data have come in since.");
}

#[test]
fn only_what_turned_since_the_last_look_is_read_out() {
    let asked = |since: Option<i64>| Asked { list: List::Questions, is_it: false, is_again: true, since };
    let turned = turned("a", "2026-11-22T14:02:00Z");
    let at = seconds("2026-11-22T14:02:00Z").expect("it is an instant");
    let told = Some("A: Not this way, because the rules changed.".to_owned());
    assert_eq!(turned_since(&turned, asked(Some(at))), told);
    assert_eq!(turned_since(&turned, asked(Some(at + 1))), None);
    assert_eq!(turned_since(&turned, asked(None)), None, "a page that comes for the first time reads nothing out");
    assert_eq!(turned_since(&standing("a", "yes"), asked(Some(0))), None);
}

#[test]
fn a_dashboard_stands_as_the_worst_of_its_tiles() {
    let tile =
        |name: &str| TileView { question: Some(name.to_owned()), metric: None, title: None, width: "half".to_owned() };
    let board = |names: &[&str]| DashboardView {
        name: "board".to_owned(),
        title: "Board".to_owned(),
        description: String::new(),
        tiles: names.iter().map(|name| tile(name)).collect(),
        version: String::new(),
        path: String::new(),
        text: String::new(),
    };
    let verdicts = [
        standing("a", "yes"),
        StandingView { reasons: vec![both("late", "late")], ..standing("b", "yes_if") },
        turned("c", "2026-11-22T14:02:00Z"),
    ];
    let words = |names: &[&str]| stand_of_dashboard(&board(names), &verdicts, NOW, false).map(|stand| stand.words);
    assert_eq!(words(&[]), None);
    assert_eq!(words(&["a"]).as_deref(), Some("The tile answers"));
    assert_eq!(words(&["a", "a"]).as_deref(), Some("All 2 tiles answer"));
    assert_eq!(words(&["a", "b"]).as_deref(), Some("1 of 2: yes, if …"));
    assert_eq!(words(&["c", "b", "a"]).as_deref(), Some("1 of 3: not this way"));
    assert_eq!(words(&["a", "gone"]).as_deref(), Some("1 of 2: no question any more"));
    let board = of_dashboard(&board(&["a", "b", "c"]), &verdicts);
    assert_eq!((board.outcome, board.turned_from), ("no", Some("yes")));
    assert_eq!(
        board.reasons,
        [both("“C”: `age` may not be used for ads.", "`c`: `a.yaml` does not list `ads` for `age`.")]
    );
}
