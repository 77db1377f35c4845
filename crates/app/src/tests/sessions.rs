//! What a credential is worth once something has changed: time, a password, a role, whether somebody is a user at all.

use super::world::{Setup, write};
use crate::{App, Options};
use api::{Credential, Input, Principal, Product};
use lake::{Clock, SeededRandom};
use serde_json::json;
use spec::{ErrorKind, Instant, Outcome, ReasonCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

const MINUTE: i64 = 60;

/// A clock that is set by hand, in seconds since 1970.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_timestamp(self.0.load(Ordering::Relaxed), 0).expect("it is a time of our days")
    }
}

/// A shop without data, and its clock.
struct Shop {
    app: App,
    hand: Arc<Hand>,
    folder: TempDir,
}

impl Shop {
    fn open() -> Shop {
        let setup = Setup::shop();
        let folder = TempDir::new().expect("there is a folder for temporary files");
        for (path, text) in &setup.files {
            write(&folder.path().join("workspace").join(path), text);
        }
        let hand = Arc::new(Hand(AtomicI64::new(setup.now.timestamp())));
        let app = App::open(options(folder.path(), &hand, 1)).expect("a new folder opens");
        Shop { app, hand, folder }
    }

    fn pass(&self, seconds: i64) {
        self.hand.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A new session of the marketer.
    fn session(&self) -> Credential {
        let password = self.app.reset_password("marketer").expect("the user is defined");
        self.sign_in(&password)
    }

    fn sign_in(&self, password: &str) -> Credential {
        Credential::Session(self.app.sign_in("marketer", password).expect("the password is right").session)
    }

    fn token(&self, seconds: u64) -> Credential {
        let options = options(self.folder.path(), &self.hand, 2);
        Credential::Token(crate::make_token(&options, "marketer", seconds).expect("the user is defined"))
    }

    fn owner(&self) -> Credential {
        Credential::Owner { secret: self.app.owner_secret().to_owned(), user: "marketer".to_owned() }
    }

    /// Who comes with it; nobody is told more than that it is not valid.
    fn who(&self, credential: &Credential) -> Option<Principal> {
        match self.app.principal(credential) {
            Ok(who) => Some(who),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Denied, "{}", error.chain());
                assert_eq!(error.message, "the name, password or token is not valid");
                None
            }
        }
    }

    /// Changes the role of the marketer, or takes the user out.
    fn set_role(&self, role: Option<&str>) {
        let line = role.map_or(String::new(), |role| format!("  - {{ name: marketer, role: {role} }}\n"));
        let text = format!("users:\n{line}  - {{ name: officer, role: officer }}\n");
        write(&self.folder.path().join("workspace/users.yaml"), &text);
    }
}

fn options(folder: &Path, hand: &Arc<Hand>, seed: u64) -> Options {
    let clock: Arc<dyn Clock> = Arc::<Hand>::clone(hand);
    Options {
        workspace: folder.join("workspace"),
        data: folder.join("data"),
        clock,
        random: Arc::new(SeededRandom::new(seed)),
        places: None,
        proofs: None,
        hot_bytes_max: 16 << 20,
    }
}

#[test]
fn case_56_a_session_that_was_not_used_is_over() {
    let shop = Shop::open();
    let session = shop.session();
    for _ in 0..3 {
        // Each use counts from then on.
        shop.pass(29 * MINUTE);
        assert!(shop.who(&session).is_some());
    }
    shop.pass(31 * MINUTE);
    assert!(shop.who(&session).is_none());
    shop.pass(-30 * MINUTE);
    assert!(shop.who(&session).is_none(), "what is over does not come back with a clock that is set back");
}

#[test]
fn case_56_a_session_is_over_in_the_evening_used_or_not() {
    let shop = Shop::open();
    let session = shop.session();
    for _ in 0..35 {
        shop.pass(20 * MINUTE);
        assert!(shop.who(&session).is_some());
    }
    shop.pass(20 * MINUTE);
    assert!(shop.who(&session).is_none(), "twelve hours have passed");
}

#[test]
fn case_56_a_session_ends_with_its_sign_out_alone() {
    let shop = Shop::open();
    let password = shop.app.reset_password("marketer").expect("the user is defined");
    let (first, second) = (shop.sign_in(&password), shop.sign_in(&password));
    let Credential::Session(text) = &first else { panic!("a sign-in gives a session") };
    shop.app.sign_out(text).expect("whoever is there can leave");
    assert!(shop.who(&first).is_none());
    assert!(shop.who(&second).is_some(), "another browser stays");
    assert!(shop.who(&Credential::Token(text.clone())).is_none(), "a session is no token");
}

#[test]
fn case_56_a_new_password_ends_what_the_old_one_began() {
    let shop = Shop::open();
    let old = shop.app.reset_password("marketer").expect("the user is defined");
    let session = shop.sign_in(&old);
    let new = shop.app.reset_password("marketer").expect("the user is defined");
    assert!(shop.who(&session).is_none());
    let refused = shop.app.sign_in("marketer", &old).expect_err("the old password is none");
    assert_eq!(refused.kind, ErrorKind::Denied);
    let session = shop.sign_in(&new);
    assert!(shop.who(&session).is_some());
}

#[test]
fn case_56_whoever_is_no_user_any_more_comes_in_by_no_way() {
    let shop = Shop::open();
    let ways = [shop.session(), shop.token(3_600), shop.owner()];
    let who = shop.who(&ways[0]).expect("the session is new");
    assert!(ways.iter().all(|way| shop.who(way).is_some()));
    shop.set_role(None);
    for way in &ways {
        assert!(shop.who(way).is_none(), "{way:?}");
    }
    // A request that was let in before the user was taken out.
    let question = json!({ "kind": "trend", "purpose": "analytics", "measure": "count(purchase)", "by": "none" });
    let refused = shop.app.ask(&who, &question).expect_err("nobody asks any more");
    assert_eq!(refused.kind, ErrorKind::Denied, "{}", refused.chain());
}

#[test]
fn case_56_a_changed_role_counts_from_the_next_request_on() {
    let shop = Shop::open();
    let ways = [shop.session(), shop.token(3_600), shop.owner()];
    let before = shop.who(&ways[0]).expect("the session is new");
    assert_eq!((before.role.as_str(), before.may_import), ("marketer", false));
    shop.set_role(Some("engineer"));
    for way in &ways {
        let who = shop.who(way).expect("a role is changed, and nobody signed out");
        assert_eq!((who.role.as_str(), who.may_import), ("engineer", true), "{way:?}");
    }
    // Neither do rights outlive the role in a request that was let in before.
    shop.set_role(Some("executive"));
    let question = json!({ "kind": "trend", "purpose": "email", "measure": "count(purchase)", "by": "none" });
    match shop.app.ask(&before, &question) {
        Ok(Input::Good(asked)) => {
            assert_eq!((asked.verdict.outcome, asked.answer.is_some()), (Outcome::No, false));
            let codes: Vec<ReasonCode> = asked.verdict.reasons.iter().map(|reason| reason.code).collect();
            assert!(codes.contains(&ReasonCode::PurposeNotForRole), "{codes:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn case_56_a_token_ends_when_it_was_said_to() {
    let shop = Shop::open();
    let token = shop.token(10 * 60);
    shop.pass(10 * MINUTE - 1);
    assert!(shop.who(&token).is_some());
    shop.pass(1);
    assert!(shop.who(&token).is_none());
    // What is over is forgotten at the next start, whatever the clock says then.
    let Shop { app, hand, folder } = shop;
    drop(app);
    let app = App::open(options(folder.path(), &hand, 3)).expect("the folder opens again");
    let shop = Shop { app, hand, folder };
    shop.pass(-5 * MINUTE);
    assert!(shop.who(&token).is_none());
}
