//! Files of definitions that are edited as they stand: who may, what is refused, and which verdicts turn.

use super::world::{Setup, World, write};
use crate::{App, Options};
use api::{DefinitionRequest, DefinitionSaved, Input, Product, SaveRequest};
use chrono::TimeDelta;
use lake::{Clock, SeededRandom};
use serde_json::{Value as Json, json};
use spec::{Diagnostic, ErrorKind, Instant, Outcome};
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};

const CONTRACT: &str = "contracts/shop.odcs.yaml";
const CLOSED: &str = "name: ref, logicalType: string, classification: none, customProperties: [{ property: purposes, value: [analytics] }]";

/// The shop with visits, roles that may change files, and a question that a field stands against.
fn shop() -> Setup {
    let mut setup = Setup::shop();
    for (role, rights) in [
        ("marketer", "may_define: true\nedits: [metrics, audiences, questions, dashboards]\n"),
        ("engineer", "edits: [contracts, sources]\n"),
        ("officer", "edits: [laws, purposes, roles, contracts]\n"),
    ] {
        setup.files.get_mut(&format!("roles/{role}.yaml")).expect("the shop has the role").push_str(rights);
    }
    let saved = |question: &Json| format!("title: By ad\nquestion: {question}\n");
    setup.files.insert("questions/by_ad.yaml".to_owned(), saved(&by_ad()));
    setup.files.insert("metrics/visits.yaml".to_owned(), "title: Visits\nmeasure: count(visit)\n".to_owned());
    let mut visits = String::from("member,at,page,ref,store\n");
    for member in ["a1", "a2", "b1", "b2", "c1"] {
        visits.push_str(&format!("{member},2024-06-01T00:00:00Z,home,ad,N\n"));
    }
    setup.add("shop", "visit.csv", visits);
    setup
}

fn by_ad() -> Json {
    json!({ "kind": "trend", "purpose": "email", "measure": "count(visit)", "by": "none", "where": "event.ref = 'ad'" })
}

/// The contract with the field open for one more purpose.
fn opened(text: &str) -> String {
    let changed = text.replace(CLOSED, &CLOSED.replace("[analytics]", "[analytics, email]"));
    assert_ne!(changed, text, "the shop's contract has the field");
    changed
}

fn read(world: &World, user: &str, path: &str) -> (String, String) {
    let found = world.app.definition(&world.who(user), path, None).expect("the file can be read");
    assert!(found.may_edit, "{user} may change {path}");
    (found.text, found.base)
}

fn save(world: &World, user: &str, path: &str, (text, base): (&str, &str)) -> spec::Result<Input<DefinitionSaved>> {
    let request = DefinitionRequest { path: path.to_owned(), text: text.to_owned(), base: base.to_owned() };
    world.app.save_definition(&world.who(user), &request)
}

fn saved(outcome: spec::Result<Input<DefinitionSaved>>) -> DefinitionSaved {
    match outcome.expect("the folder can be written") {
        Input::Good(saved) => saved,
        Input::Bad(wrong) => panic!("it is refused: {wrong:?}"),
    }
}

fn refused(outcome: spec::Result<Input<DefinitionSaved>>) -> Vec<Diagnostic> {
    match outcome.expect("it can be checked") {
        Input::Bad(wrong) => wrong,
        Input::Good(saved) => panic!("it is saved: {saved:?}"),
    }
}

fn kind_of<T: std::fmt::Debug>(outcome: spec::Result<T>) -> ErrorKind {
    outcome.expect_err("it is refused").kind
}

#[test]
fn a_text_is_saved_put_on_record_and_can_be_undone() {
    let world = shop().open();
    let (text, base) = read(&world, "engineer", CONTRACT);
    assert_eq!(text, shop().files[CONTRACT]);
    let changed = opened(&text);
    let first = saved(save(&world, "engineer", CONTRACT, (&changed, &base)));
    assert_eq!((first.path.as_str(), &first.before), (CONTRACT, &text));
    assert_eq!(read(&world, "engineer", CONTRACT), (changed.clone(), first.base.clone()));
    let back = saved(save(&world, "engineer", CONTRACT, (&first.before, &first.base)));
    assert_eq!((back.before, back.base), (changed, base), "the undo brings the old text and its version back");
    let deeds = world.app.deeds();
    let deed = ("engineer".to_owned(), format!("save {CONTRACT}"));
    assert_eq!(deeds.iter().filter(|found| **found == deed).count(), 2, "{deeds:?}");
}

#[test]
fn a_new_file_is_made_and_an_empty_text_takes_one_away() {
    let world = shop().open();
    let path = "audiences/came.yaml";
    let none = world.app.definition(&world.who("marketer"), path, None).expect("it can be made");
    assert_eq!((none.text.as_str(), none.base.as_str(), none.may_edit), ("", "", true));
    let text = "title: Came\npurpose: email\nwhere: did(visit)\n";
    let made = saved(save(&world, "marketer", path, (text, "")));
    assert_eq!(made.before, "");
    assert!(world.app.audiences(&world.who("marketer")).expect("they can be listed").iter().any(|a| a.name == "came"));
    assert_eq!(kind_of(save(&world, "marketer", path, (text, ""))), ErrorKind::Conflict, "it is there by now");
    let gone = saved(save(&world, "marketer", path, ("", &made.base)));
    assert_eq!((gone.base.as_str(), gone.before.as_str()), ("", text));
    assert!(!world.folder.path().join("workspace").join(path).exists());
    assert!(world.app.deeds().contains(&("marketer".to_owned(), format!("remove {path}"))));
}

#[test]
fn an_undo_is_there_for_as_long_as_the_last_change_stands() {
    let world = shop().open();
    let look = |user: &str| world.app.definition(&world.who(user), CONTRACT, None).expect("it can be read");
    let did = |user: &str| look(user).edits.into_iter().map(|edit| edit.did).collect::<Vec<_>>();
    let (text, base) = read(&world, "engineer", CONTRACT);
    assert_eq!((look("engineer").undo, did("engineer").len()), (None, 0), "nobody has changed it here");
    let changed = opened(&text);
    let first = saved(save(&world, "engineer", CONTRACT, (&changed, &base)));
    let found = look("officer");
    assert_eq!(found.undo.as_ref(), Some(&text), "whoever may change the file may take it back");
    assert_eq!((found.edits[0].user.as_str(), found.edits[0].did.as_str()), ("engineer", "save"));
    assert_eq!(found.edits[0].base.as_ref(), Some(&first.base));

    // Changed in the folder itself: an undo would take that along.
    let file = world.folder.path().join("workspace").join(CONTRACT);
    write(&file, &format!("{changed}# by hand\n"));
    assert_eq!((look("engineer").undo, did("engineer").len()), (None, 1));
    write(&file, &changed);
    let undo = look("engineer").undo.expect("it is as it was left");
    saved(save(&world, "engineer", CONTRACT, (&undo, &first.base)));
    assert_eq!(read(&world, "engineer", CONTRACT), (text, base), "to the letter");
    assert_eq!((look("engineer").undo, did("engineer")), (Some(changed), vec!["undo".to_owned(), "save".to_owned()]));
}

#[test]
fn the_undo_of_a_new_file_takes_it_away() {
    let world = shop().open();
    let path = "audiences/came.yaml";
    let look = || world.app.definition(&world.who("marketer"), path, None).expect("it can be read or made");
    let text = "title: Came\npurpose: email\nwhere: did(visit)\n";
    let made = saved(save(&world, "marketer", path, (text, "")));
    assert_eq!((look().undo.as_deref(), look().edits[0].did.as_str()), (Some(""), "create"));
    saved(save(&world, "marketer", path, ("", &made.base)));
    assert!(!world.folder.path().join("workspace").join(path).exists());
    assert_eq!((look().undo.as_deref(), look().edits[0].did.as_str()), (Some(text), "undo"), "it can come back");
    // What is saved from a question is no other change.
    let request = SaveRequest {
        kind: "audience".to_owned(),
        title: "Came".to_owned(),
        description: String::new(),
        question: json!({ "kind": "audience", "purpose": "email", "where": "did(visit)" }),
    };
    let Ok(Input::Good(_)) = world.app.save(&world.who("marketer"), &request) else { panic!("the name is free") };
    assert_eq!((look().undo.as_deref(), look().edits.len()), (Some(""), 3));
    let seen = world.app.definition(&world.who("executive"), path, None).expect("it can be read");
    assert_eq!((seen.edits.len(), seen.undo), (0, None), "who did what is for those who work on it");
}

#[test]
fn an_undo_is_held_against_the_rules_of_now() {
    let world = shop().open();
    let path = "audiences/came.yaml";
    let text = "title: Came\npurpose: email\nwhere: did(visit)\n";
    let made = saved(save(&world, "marketer", path, (text, "")));
    let loyal = "title: Loyal\npurpose: email\nwhere: in_audience('came')\n";
    saved(save(&world, "marketer", "audiences/loyal.yaml", (loyal, "")));
    let wrong = refused(save(&world, "marketer", path, ("", &made.base)));
    assert!(wrong.iter().any(|one| one.path == "audiences/loyal.yaml"), "{wrong:?}");
}

#[test]
fn nobody_writes_over_a_text_that_was_not_seen() {
    let world = shop().open();
    let (text, base) = read(&world, "engineer", CONTRACT);
    let other = format!("{text}# by hand\n");
    write(&world.folder.path().join("workspace").join(CONTRACT), &other);
    assert_eq!(kind_of(save(&world, "engineer", CONTRACT, (&opened(&text), &base))), ErrorKind::Conflict);
    assert_eq!(kind_of(save(&world, "engineer", CONTRACT, (&opened(&text), ""))), ErrorKind::Conflict);
    assert_eq!(read(&world, "engineer", CONTRACT).0, other, "the other text stays");
}

#[test]
fn what_makes_something_wrong_is_not_saved() {
    let world = shop().open();
    let (text, base) = read(&world, "engineer", CONTRACT);
    let unknown = text.replace("value: [analytics] }", "value: [analytiks] }");
    let wrong = refused(save(&world, "engineer", CONTRACT, (&unknown, &base)));
    assert!(wrong.iter().any(|one| one.path == CONTRACT && one.line > 1), "{wrong:?}");
    // A file of its own that is right and takes the ground from under another.
    let renamed = text.replace("name: visit\n", "name: visits\n");
    assert_ne!(renamed, text);
    let wrong = refused(save(&world, "engineer", CONTRACT, (&renamed, &base)));
    assert!(wrong.iter().any(|one| one.path == "metrics/visits.yaml"), "{wrong:?}");
    let wrong = refused(save(&world, "engineer", CONTRACT, ("", &base)));
    assert!(!wrong.is_empty(), "a contract that a source needs cannot go");
    let large = format!("{text}#{}\n", "x".repeat(1 << 20));
    assert_eq!(refused(save(&world, "engineer", CONTRACT, (&large, &base))).len(), 1);
    assert_eq!(read(&world, "engineer", CONTRACT), (text, base), "nothing was written");
}

#[test]
fn what_was_wrong_before_does_not_keep_a_text_from_being_saved() {
    let world = shop().open();
    let path = "audiences/came.yaml";
    let broken = "title: Came\npurpose: email\nwhere: did(visit)\ncolour: red\n";
    write(&world.folder.path().join("workspace").join(path), broken);
    let (_, base) = read(&world, "marketer", path);
    let found = world.app.definition(&world.who("marketer"), path, None).expect("it can be read");
    assert_eq!(found.diagnostics.len(), 1, "{:?}", found.diagnostics);
    saved(save(&world, "marketer", path, (&format!("# why\n{broken}"), &base)));
    let (_, base) = read(&world, "marketer", path);
    let worse = format!("{broken}shape: round\n");
    assert_eq!(
        refused(save(&world, "marketer", path, (&worse, &base))).len(),
        1,
        "only what is new is held against it"
    );
}

#[test]
fn no_path_leads_anywhere_else() {
    let mut setup = shop();
    setup.files.get_mut("roles/officer.yaml").expect("the shop has an officer").push_str("sees_cost: true\n");
    let world = setup.open();
    let who = world.who("officer");
    let outside = world.folder.path().join("outside");
    write(&outside.join("gold.yaml"), "title: Gold\n");
    for path in [
        "users.yaml",
        "../outside/gold.yaml",
        "purposes/../users.yaml",
        "purposes/../../outside/gold.yaml",
        "/etc/passwd",
        "//entente.yaml",
        "./purposes/email.yaml",
        "purposes/%2e%2e/users.yaml",
        "purposes\\..\\users.yaml",
        "purposes/email.yaml\0",
        "purposes/.email.yaml",
        "purposes/email.yml",
        "data/gold.yaml",
        "",
    ] {
        assert_eq!(kind_of(world.app.definition(&who, path, None)), ErrorKind::NotFound, "{path}");
        assert_eq!(kind_of(world.app.check_definition(&who, path, "title: A\n", None)), ErrorKind::NotFound, "{path}");
        assert_eq!(kind_of(save(&world, "officer", path, ("title: A\n", ""))), ErrorKind::NotFound, "{path}");
    }
    let users = world.app.definition(&who, "users.yaml", None).expect_err("it is none");
    assert!(users.hint.is_some_and(|hint| hint.contains("sign in")));
}

#[test]
fn no_link_leads_out_of_the_folder() {
    let world = shop().open();
    let (outside, inside) = (world.folder.path().join("outside"), world.folder.path().join("workspace"));
    write(&outside.join("gold.yaml"), "title: Gold\npurpose: email\nwhere: did(visit)\n");
    fs::create_dir_all(inside.join("audiences")).expect("the folder can be made");
    symlink(outside.join("gold.yaml"), inside.join("audiences/gold.yaml")).expect("a link can be made");
    symlink(&outside, inside.join("dashboards")).expect("a link can be made");
    let who = world.who("marketer");
    for path in ["audiences/gold.yaml", "dashboards/gold.yaml", "dashboards/new.yaml"] {
        assert_eq!(kind_of(world.app.definition(&who, path, None)), ErrorKind::Conflict, "{path}");
        assert_eq!(kind_of(save(&world, "marketer", path, ("title: A\n", ""))), ErrorKind::Conflict, "{path}");
    }
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 1, "nothing was written there");
}

#[test]
fn a_role_changes_what_it_may_and_reads_what_pages_show() {
    let world = shop().open();
    let texts = shop().files;
    let reads = |user: &str, path: &str| world.app.definition(&world.who(user), path, None).map(|found| found.may_edit);
    let files = [
        CONTRACT,
        "sources/shop.yaml",
        "purposes/email.yaml",
        "roles/marketer.yaml",
        "entente.yaml",
        "metrics/visits.yaml",
    ];
    // Whether the role may change it; `None`: it may not even read it.
    for (user, expected) in [
        ("marketer", [None, None, Some(false), Some(false), Some(false), Some(true)]),
        ("engineer", [Some(true), Some(true), Some(false), Some(false), Some(false), Some(false)]),
        ("officer", [Some(true), None, Some(true), Some(true), Some(true), Some(false)]),
        ("executive", [None, None, Some(false), Some(false), Some(false), Some(false)]),
    ] {
        for (path, expected) in files.iter().zip(expected) {
            let found = reads(user, path);
            assert_eq!(found.as_ref().ok().copied(), expected, "{user}: {path}");
            if expected == Some(true) {
                continue;
            }
            if expected.is_none() {
                assert_eq!(kind_of(found), ErrorKind::Denied, "{user}: {path}");
            }
            let text = &texts[*path];
            let check = world.app.check_definition(&world.who(user), path, text, None);
            assert_eq!(kind_of(check), ErrorKind::Denied, "{user}: {path}");
            assert_eq!(kind_of(save(&world, user, path, (text, ""))), ErrorKind::Denied, "{user}: {path}");
        }
        assert_eq!(reads(user, "metrics/none.yaml").is_ok(), user == "marketer", "only who may make it is told more");
    }
    let none = world.app.deeds().into_iter().filter(|(_, did)| did.starts_with("save")).count();
    assert_eq!(none, 0, "nothing was saved");
}

#[test]
fn a_purpose_that_is_added_to_a_field_turns_a_question() {
    let world = shop().open();
    let (text, base) = read(&world, "officer", CONTRACT);
    let judge = || match world.judge("marketer", &by_ad()).expect("it can be judged") {
        Input::Good(judged) => judged.verdict.outcome,
        Input::Bad(wrong) => panic!("it is wrong: {wrong:?}"),
    };
    assert_eq!(judge(), Outcome::No);
    let turned = |user: &str, text: &str| {
        let check = world.app.check_definition(&world.who(user), CONTRACT, text, None).expect("it can be checked");
        assert_eq!((check.may_save, check.n_unseen), (true, 0), "{:?}", check.diagnostics);
        let line = |turn: api::ForeseenTurn| format!("{} {} {} {}", turn.name, turn.role, turn.before, turn.after);
        check.turns.into_iter().map(line).collect::<Vec<_>>()
    };
    let changed = opened(&text);
    let both = ["by_ad officer no yes", "by_ad marketer no yes"];
    assert_eq!(turned("officer", &changed), both, "one's own verdict first");
    let mut of_others = turned("engineer", &changed);
    of_others.sort();
    assert_eq!(of_others, ["by_ad marketer no yes", "by_ad officer no yes"], "an engineer asks nothing for e-mail");
    assert!(turned("officer", &format!("{text}# a word\n")).is_empty(), "a comment turns nothing");
    let deeds = world.app.deeds();
    assert!(!deeds.iter().any(|(user, did)| user == "officer" && did.contains("judge")), "nothing is run: {deeds:?}");

    saved(save(&world, "officer", CONTRACT, (&changed, &base)));
    assert_eq!(judge(), Outcome::Yes, "the gap is closed");
    let mut away = turned("engineer", &text);
    away.sort();
    assert_eq!(away, ["by_ad marketer yes no", "by_ad officer yes no"]);
}

/// A clock that goes on by this much whenever somebody looks at it.
struct TickingClock(Mutex<Instant>, TimeDelta);

impl Clock for TickingClock {
    fn now(&self) -> Instant {
        let mut now = self.0.lock().expect("nobody panics with it");
        *now += self.1;
        *now
    }
}

/// The shop with so many questions more that a field stands against, where time goes by.
fn slow_shop(n_questions: usize, tick: TimeDelta) -> World {
    let mut setup = shop();
    for number in 0..n_questions {
        setup.files.insert(format!("questions/q{number}.yaml"), format!("title: Q{number}\nquestion: {}\n", by_ad()));
    }
    let World { app, folder } = setup.open();
    drop(app);
    let app = App::open(Options {
        workspace: folder.path().join("workspace"),
        data: folder.path().join("data"),
        clock: Arc::new(TickingClock(Mutex::new(setup.now), tick)),
        random: Arc::new(SeededRandom::new(setup.seed + 2)),
        places: None,
        proofs: None,
        hot_bytes_max: 16 << 20,
    });
    World { app: Arc::new(app.expect("the folder opens again")), folder }
}

#[test]
fn a_change_that_a_link_brings_along_is_looked_at_in_bounded_time_and_writes_nothing() {
    let change = json!({ "kind": "allow_field", "object": "visit", "field": "ref", "purpose": "email" });
    for (n_questions, tick, is_whole) in
        [(8, TimeDelta::zero(), true), (80, TimeDelta::zero(), false), (8, TimeDelta::milliseconds(200), false)]
    {
        let world = slow_shop(n_questions, tick);
        let who = world.who("officer");
        let before = world.app.deeds();
        let found = world.app.definition(&who, CONTRACT, Some(&change)).expect("it can be read");
        let proposed = found.proposed.expect("the change can be made");
        let check = world.app.check_definition(&who, CONTRACT, &proposed, None).expect("it can be checked");
        let n_seen = n_questions + 1 - check.n_unseen;
        assert_eq!(check.n_unseen == 0, is_whole, "{n_questions} {tick}: {}", check.n_unseen);
        assert_eq!(check.turns.len(), 2 * n_seen, "each that was looked at turns for two roles");
        assert!(n_seen <= 50);
        assert_eq!(world.app.deeds(), before, "nothing is on record");
        assert_eq!(read(&world, "officer", CONTRACT).0, found.text, "nothing was written");
        assert!(world.app.definition(&who, CONTRACT, None).expect("it can be read").edits.is_empty());
    }
}

#[test]
fn the_question_for_whose_sake_somebody_looks_turns_with_the_rest() {
    let world = shop().open();
    let who = world.who("engineer");
    let (text, _) = read(&world, "engineer", CONTRACT);
    let mut asked = by_ad();
    asked["by"] = "month".into();
    let turned = |asked: &Json| {
        let check = world.app.check_definition(&who, CONTRACT, &opened(&text), Some(asked)).expect("it can be checked");
        let line = |turn: api::ForeseenTurn| format!("{} {} {} {}", turn.kind, turn.role, turn.before, turn.after);
        let mut lines: Vec<String> = check.turns.into_iter().map(line).collect();
        lines.sort();
        lines
    };
    let saved = ["question marketer no yes", "question officer no yes"];
    let both = ["asked marketer no yes", "asked officer no yes", saved[0], saved[1]];
    assert_eq!(turned(&asked), both);
    assert_eq!(turned(&by_ad()), saved, "one that is saved comes once");
    assert_eq!(turned(&json!({ "kind": "pivot" })), saved, "what is no question turns nothing");
}

#[test]
fn a_text_with_errors_turns_nothing_and_says_them_all() {
    let world = shop().open();
    let who = world.who("marketer");
    let path = "audiences/came.yaml";
    let text = "title: Came\npurpose: emial\nwhere: did(visitt)\ncolour: red\n";
    let check = world.app.check_definition(&who, path, text, None).expect("it can be checked");
    assert!(!check.may_save && check.turns.is_empty(), "{check:?}");
    assert!(check.diagnostics.len() >= 2 && check.diagnostics.iter().all(|wrong| wrong.path == path), "{check:?}");
    assert!(!world.folder.path().join("workspace").join(path).exists(), "a check writes nothing");
}

#[test]
fn what_is_no_change_is_told_and_not_left_out() {
    let world = shop().open();
    let (officer, marketer) = (world.who("officer"), world.who("marketer"));
    for change in [
        json!({}),
        json!("allow"),
        json!({ "kind": "paint" }),
        json!({ "kind": "allow_field", "object": "visit" }),
        json!({ "kind": "allow_questions", "per_day": -1 }),
    ] {
        let refused = world.app.definition(&officer, CONTRACT, Some(&change));
        assert_eq!(kind_of(refused), ErrorKind::Invalid, "{change}");
        let refused = world.app.definition(&marketer, "purposes/email.yaml", Some(&change));
        assert_eq!(kind_of(refused), ErrorKind::Invalid, "{change}");
    }
    // One that cannot be made in this file leaves it as it is.
    let elsewhere = json!({ "kind": "allow_field", "object": "nothing", "field": "ref", "purpose": "email" });
    let found = world.app.definition(&officer, CONTRACT, Some(&elsewhere)).expect("it can be read");
    assert_eq!(found.proposed, None);
}
