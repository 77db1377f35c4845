//! Saving into the workspace folder, and taking back.

use super::world::Setup;
use api::{Input, Product, SaveRequest, Saved};
use serde_json::json;
use spec::ErrorKind;

fn request(title: &str, description: &str) -> SaveRequest {
    SaveRequest {
        kind: "audience".to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        question: json!({ "kind": "audience", "purpose": "email", "where": "did(visit)" }),
    }
}

#[test]
fn what_is_saved_can_be_used_and_taken_back() {
    let mut setup = Setup::shop();
    setup.files.get_mut("roles/marketer.yaml").expect("the shop has marketers").push_str("\nmay_define: true\n");
    let world = setup.open();
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
}
