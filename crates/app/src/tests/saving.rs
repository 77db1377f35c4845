//! Saving into the workspace folder, and taking back.

use super::world::{Setup, World};
use api::{DashboardRequest, DashboardView, Input, Product, SaveRequest, Saved};
use serde_json::{Value as Json, json};
use spec::ErrorKind;

fn request(title: &str, description: &str) -> SaveRequest {
    SaveRequest {
        kind: "audience".to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        question: json!({ "kind": "audience", "purpose": "email", "where": "did(visit)" }),
    }
}

/// The shop with marketers who may save.
fn shop() -> Setup {
    let mut setup = Setup::shop();
    setup.files.get_mut("roles/marketer.yaml").expect("the shop has marketers").push_str("\nmay_define: true\n");
    setup
}

#[test]
fn what_is_saved_can_be_used_and_taken_back() {
    let world = shop().open();
    let who = world.who("marketer");
    for description in ["", "Those who came: \"all\" of them"] {
        let saved = world.app.save(&who, &request("Came by", description)).expect("the folder can be written");
        let Input::Good(saved) = saved else { panic!("it was refused: {saved:?}") };
        assert_eq!((saved.name.as_str(), saved.path.as_str()), ("came_by", "audiences/came_by.yaml"));
        let audiences = world.app.audiences(&who).expect("audiences can be listed");
        let found = audiences.iter().find(|audience| audience.name == "came_by").expect("it is there at once");
        assert_eq!((found.condition.as_str(), found.description.as_str()), ("did(visit)", description));
        let again = world.app.save(&who, &request("Came by", description)).expect_err("the name is taken");
        assert_eq!(again.kind, ErrorKind::Conflict);
        world.app.unsave(&who, &saved).expect("it can be taken back");
        assert!(
            world.app.audiences(&who).expect("audiences can be listed").iter().all(|other| other.name != "came_by")
        );
        let deeds = world.app.deeds();
        for deed in ["save audiences/came_by.yaml", "remove audiences/came_by.yaml"] {
            assert!(deeds.contains(&("marketer".to_owned(), deed.to_owned())), "{deed} is on record: {deeds:?}");
        }
    }
}

#[test]
fn who_may_not_define_saves_and_removes_nothing() {
    let world = Setup::shop().open();
    let who = world.who("executive");
    let refused = world.app.save(&who, &request("Came by", "")).expect_err("the role lacks the right");
    assert_eq!(refused.kind, ErrorKind::Denied);
    let saved = Saved { kind: "audience".to_owned(), name: "../users".to_owned(), path: "users.yaml".to_owned() };
    assert_eq!(world.app.unsave(&who, &saved).expect_err("the role lacks the right").kind, ErrorKind::Denied);
    let dashboard = dashboard(None, None, json!({ "title": "Monday" }));
    let refused = world.app.save_dashboard(&who, &dashboard).expect_err("the role lacks the right");
    assert_eq!(refused.kind, ErrorKind::Denied);
}

fn dashboard(name: Option<&str>, version: Option<&str>, dashboard: Json) -> DashboardRequest {
    DashboardRequest { name: name.map(str::to_owned), version: version.map(str::to_owned), dashboard }
}

/// Saves a dashboard as a marketer.
fn save(world: &World, request: &DashboardRequest) -> spec::Result<DashboardView> {
    match world.app.save_dashboard(&world.who("marketer"), request)? {
        Input::Good(saved) => Ok(saved),
        Input::Bad(diagnostics) => panic!("it is refused: {diagnostics:?}"),
    }
}

#[test]
fn a_dashboard_is_saved_changed_and_taken_back() {
    let mut setup = shop();
    let question = "title: Visits\nquestion: { kind: trend, purpose: analytics, measure: count(visit) }\n";
    setup.files.insert("questions/visits.yaml".to_owned(), question.to_owned());
    setup.files.insert("questions/more.yaml".to_owned(), question.to_owned());
    let world = setup.open();
    let tile = |name: &str| json!({ "question": name, "title": "All: \"visits\" # of \u{2028} all", "width": "full" });
    let first = json!({ "title": "Monday", "description": "- not a list", "tiles": [tile("visits"), tile("more")] });
    let made = save(&world, &dashboard(None, None, first.clone())).expect("the folder can be written");
    assert_eq!((made.name.as_str(), made.path.as_str()), ("monday", "dashboards/monday.yaml"));
    let shown =
        |view: &DashboardView| json!({ "title": view.title, "description": view.description, "tiles": view.tiles });
    assert_eq!(shown(&made), first, "what was sent is what the file says");

    // Of the same length, so that only the text tells them apart.
    let second = json!({ "title": "Monday", "description": "- not a list", "tiles": [tile("more"), tile("visits")] });
    let changed =
        save(&world, &dashboard(Some("monday"), Some(&made.version), second.clone())).expect("it is that version");
    assert_eq!(shown(&changed), second);
    for (name, version) in [(Some("monday"), Some(made.version.as_str())), (Some("monday"), Some("")), (None, None)] {
        let late = save(&world, &dashboard(name, version, first.clone())).expect_err("another one stands there");
        assert_eq!(late.kind, ErrorKind::Conflict, "{name:?} {version:?}");
    }
    let bare = json!({ "title": "Monday", "description": "", "tiles": [] });
    assert_eq!(shown(&save(&world, &dashboard(Some("monday"), None, bare.clone())).expect("it can be bare")), bare);
    save(&world, &dashboard(Some("monday"), None, first.clone())).expect("whichever is there");

    let question = Saved { kind: "question".to_owned(), name: "visits".to_owned(), path: String::new() };
    let kept = world.app.unsave(&world.who("marketer"), &question).expect_err("a dashboard shows it");
    assert_eq!(kept.kind, ErrorKind::Conflict);
    let saved = Saved { kind: "dashboard".to_owned(), name: made.name, path: made.path };
    world.app.unsave(&world.who("marketer"), &saved).expect("it can be taken back");
    assert!(world.app.dashboards(&world.who("marketer")).expect("they can be listed").is_empty());
    let again = save(&world, &dashboard(Some("monday"), Some(""), first.clone())).expect("it can come back");
    assert_eq!(shown(&again), first);
    assert_eq!(again.version, made.version, "the same text is the same version");
}

#[test]
fn what_is_no_dashboard_is_not_written() {
    let world = shop().open();
    let who = world.who("marketer");
    let tiles = json!([{ "question": "visit" }, { "metric": 3 }, { "width": "half" }]);
    let request = dashboard(None, None, json!({ "title": "Monday", "tiles": tiles, "owner": "it" }));
    let Ok(Input::Bad(wrong)) = world.app.save_dashboard(&who, &request) else { panic!("it is refused") };
    let paths: Vec<&str> = wrong.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    assert_eq!(paths, ["/owner", "/tiles/0/question", "/tiles/1/metric", "/tiles/2"], "all of it, each in its place");
    for name in ["../users", "Monday", ""] {
        let request = dashboard(Some(name), None, json!({ "title": "Monday" }));
        assert_eq!(world.app.save_dashboard(&who, &request).expect_err("it is no name").kind, ErrorKind::NotFound);
    }
    assert!(world.app.dashboards(&who).expect("they can be listed").is_empty());
    assert!(!world.folder.path().join("workspace/dashboards").exists(), "nothing was written");
}

#[test]
fn what_could_not_be_written_is_not_on_record_as_saved() {
    let world = shop().open();
    let who = world.who("marketer");
    let folder = world.folder.path().join("workspace");
    // No file can be made where its folder should be.
    std::fs::write(folder.join("audiences"), "").expect("it can be written");
    std::fs::write(folder.join("dashboards"), "").expect("it can be written");
    let failed = world.app.save(&who, &request("Came by", "")).expect_err("there is no place for it");
    assert_eq!(failed.kind, ErrorKind::Unavailable);
    let board = dashboard(None, None, json!({ "title": "Monday" }));
    assert_eq!(save(&world, &board).expect_err("there is no place for it").kind, ErrorKind::Unavailable);
    let deeds = world.app.deeds();
    assert!(!deeds.iter().any(|(_, did)| did.starts_with("save")), "nothing was saved: {deeds:?}");

    std::fs::remove_file(folder.join("audiences")).expect("it is there");
    let Ok(Input::Good(saved)) = world.app.save(&who, &request("Came by", "")) else { panic!("there is room now") };
    // Somebody takes it away in the folder itself.
    std::fs::remove_file(folder.join(&saved.path)).expect("it is there");
    assert_eq!(world.app.unsave(&who, &saved).expect_err("it is gone").kind, ErrorKind::NotFound);
    let of_it = |did: &str| world.app.deeds().iter().filter(|(_, deed)| deed.starts_with(did)).count();
    assert_eq!((of_it("save"), of_it("remove")), (1, 0));
}

#[test]
fn a_title_says_which_file_it_makes_and_whether_that_is_free() {
    let world = shop().open();
    let who = world.who("marketer");
    let named = |kind: &str, title: &str| world.app.name_for(&who, kind, title);
    let came = named("audience", " Came by! ").expect("it is a title");
    assert_eq!((came.path.as_str(), came.is_free, came.instead), ("audiences/came_by.yaml", true, None));
    world.app.save(&who, &request("Came by", "")).expect("the folder can be written");
    world.app.save(&who, &request("Came by 2", "")).expect("the folder can be written");
    let taken = named("audience", "Came by!").expect("it is a title");
    assert_eq!((taken.is_free, taken.instead.as_deref()), (false, Some("Came by! 3")));
    assert!(named("question", "Came by").expect("it is a title").is_free, "a question is another file");
    for (kind, title) in [("audience", ""), ("audience", "../users"), ("metric", "Sales")] {
        let wrong = named(kind, title);
        let is_wrong = wrong.as_ref().is_err_and(|error| error.kind == ErrorKind::Invalid);
        assert!(is_wrong || wrong.is_ok_and(|name| name.path == "audiences/users.yaml"), "{kind} {title}");
    }
    let refused = world.app.name_for(&world.who("executive"), "audience", "Came by").expect_err("the role lacks it");
    assert_eq!(refused.kind, ErrorKind::Denied);
}
