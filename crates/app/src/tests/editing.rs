//! Files of definitions that are edited as they stand: who may, what is refused, and which verdicts turn.

use super::world::{Setup, World, write};
use api::{DefinitionRequest, DefinitionSaved, Input, Product};
use serde_json::{Value as Json, json};
use spec::{Diagnostic, ErrorKind, Outcome};
use std::fs;
use std::os::unix::fs::symlink;

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
        assert_eq!(kind_of(world.app.check_definition(&who, path, "title: A\n")), ErrorKind::NotFound, "{path}");
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
            let check = world.app.check_definition(&world.who(user), path, text);
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
        let check = world.app.check_definition(&world.who(user), CONTRACT, text).expect("it can be checked");
        assert_eq!((check.may_save, check.n_unseen), (true, 0), "{:?}", check.diagnostics);
        let line = |turn: api::Turn| format!("{} {} {} {}", turn.name, turn.role, turn.before, turn.after);
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

#[test]
fn a_text_with_errors_turns_nothing_and_says_them_all() {
    let world = shop().open();
    let who = world.who("marketer");
    let path = "audiences/came.yaml";
    let text = "title: Came\npurpose: emial\nwhere: did(visitt)\ncolour: red\n";
    let check = world.app.check_definition(&who, path, text).expect("it can be checked");
    assert!(!check.may_save && check.turns.is_empty(), "{check:?}");
    assert!(check.diagnostics.len() >= 2 && check.diagnostics.iter().all(|wrong| wrong.path == path), "{check:?}");
    assert!(!world.folder.path().join("workspace").join(path).exists(), "a check writes nothing");
}
