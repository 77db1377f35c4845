//! What messages and requests say of consent, as it gets into the log.

use super::world::{PUBLIC, SECRET, World, delivery, source};
use api::{Call, MessageOutcome};
use lake::{Arrival, Consent};
use spec::{Basis, Door, Law, Purpose, Signals, TcfUse, UsOptOut};

/// A string by which vendor 7 is disclosed and may do purposes 1 and 3.
const TCF_YES: &str = "CQgYw8AQgYw8AEsABBDEB4FgAKAAAAAAAAYgADgIAAAAAAAA.IADgIAAA";

fn purposes() -> Vec<Purpose> {
    let purpose = |name: &str, basis, signals| Purpose {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        basis: [(Law::Gdpr, Basis::Consent), (Law::Ccpa, basis)].into(),
        min_group: 10,
        signals,
    };
    let tcf = |purposes: &[u16]| Some(TcfUse { vendor: 7, purposes: purposes.to_vec() });
    let ads = Signals { categories: vec!["Advertising".into()], tcf: tcf(&[1, 3]), us: vec![UsOptOut::Sale] };
    let both = Signals { categories: vec!["Advertising".into(), "Marketing".into()], tcf: None, us: Vec::new() };
    vec![
        purpose("ads", Basis::OptOut, ads),
        purpose("email", Basis::Consent, both),
        purpose("profile", Basis::Consent, Signals { tcf: tcf(&[1, 4]), ..Signals::default() }),
    ]
}

fn world() -> World {
    let world = World::new();
    world.intake.set_rules(&[source(Door::default())], &purposes());
    world
}

fn heard(world: &World) -> Vec<Consent<'static>> {
    let consent = |arrival| match arrival {
        Arrival::Consent(consent) => Some(consent),
        _ => None,
    };
    world.arrivals().into_iter().filter_map(consent).collect()
}

/// What a message with this `context.consent` says: signal, purpose, whether it is a yes.
fn says(consent: &str) -> Vec<(String, String, bool)> {
    let world = world();
    let body = format!(
        r#"{{"type":"track","event":"order_completed","userId":"u","messageId":"m","properties":{{"revenue":1}},"context":{{"consent":{consent}}}}}"#
    );
    assert_eq!(world.one(Call::Track, &body).outcome, MessageOutcome::Accepted, "{body}");
    let each = |consent: Consent<'static>| {
        let signal = consent.signal.into_owned();
        consent.said.into_iter().map(move |(purpose, is_yes)| (signal.clone(), purpose.into_owned(), is_yes))
    };
    heard(&world).into_iter().flat_map(each).collect()
}

fn word(signal: &str, purpose: &str, is_yes: bool) -> (String, String, bool) {
    (signal.to_owned(), purpose.to_owned(), is_yes)
}

#[test]
fn categories_grant_together_and_deny_one_by_one() {
    let one = r#"{"categoryPreferences":{"Advertising":true}}"#;
    assert_eq!(says(one), [word("categories", "ads", true)], "of the other category nothing is said");
    let both = r#"{"categoryPreferences":{"Advertising":true,"Marketing":true}}"#;
    assert_eq!(says(both), [word("categories", "ads", true), word("categories", "email", true)]);
    let no = r#"{"categoryPreferences":{"Marketing":false}}"#;
    assert_eq!(says(no), [word("categories", "email", false)]);
    assert_eq!(says(r#"{"categoryPreferences":{"Functional":true}}"#), []);
    assert_eq!(says(r#"{"categoryPreferences":{"Advertising":null}}"#), []);
    let odd = [word("categories", "ads", false), word("categories", "email", false)];
    assert_eq!(says(r#"{"categoryPreferences":{"Advertising":"yes"}}"#), odd, "that is no clear yes");
    for odd in ["null", "7", "[]", r#"{"categoryPreferences":[1]}"#, r#"{"categoryPreferences":null}"#] {
        assert_eq!(says(odd), [], "{odd}");
    }
}

#[test]
fn case_82_a_string_that_is_not_in_force_is_a_no() {
    let no = [word("tcf", "ads", false), word("tcf", "profile", false)];
    for text in [r#""CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAAAA""#, r#""""#, r#""nonsense""#, "7"] {
        assert_eq!(says(&format!(r#"{{"tcf":{text}}}"#)), no, "{text}");
    }
}

#[test]
fn a_string_allows_all_of_the_purposes_or_says_no() {
    let expected = |signal| [word(signal, "ads", true), word(signal, "profile", false)];
    assert_eq!(says(&format!(r#"{{"tcf":"{TCF_YES}"}}"#)), expected("tcf"));
    let undisclosed = TCF_YES.split('.').next().expect("it has segments");
    let no = [word("tcf", "ads", false), word("tcf", "profile", false)];
    assert_eq!(says(&format!(r#"{{"tcf":"{undisclosed}"}}"#)), no, "since TCF 2.3 vendors have to be disclosed");
    assert_eq!(says(&format!(r#"{{"gpp":"DBABMA~{TCF_YES}"}}"#)), expected("gpp"));
    // The narrowest section counts.
    assert_eq!(says(&format!(r#"{{"gpp":"DBACNYA~{TCF_YES}~1YYN"}}"#))[0], word("gpp", "ads", false));
}

#[test]
fn a_section_of_the_united_states_can_only_deny() {
    assert_eq!(says(r#"{"gpp":"DBABTA~1YYN"}"#), [word("gpp", "ads", false)]);
    assert_eq!(says(r#"{"gpp":"DBABTA~1YNN"}"#), []);
    assert_eq!(says(r#"{"gpp":"DBABTA~1YNN~"}"#), [word("gpp", "ads", false), word("gpp", "profile", false)]);
    // National, with a global privacy control.
    assert_eq!(says(r#"{"gpp":"DBABLA~BAAAAAAAAQA.YA"}"#), [word("gpc", "ads", false)]);
}

#[test]
fn case_81_a_browser_that_objects_denies_what_rests_on_an_opt_out() {
    let world = world();
    let body = r#"{"type":"track","event":"nonsense","anonymousId":"v-1","messageId":"m"}"#;
    let mut sent = delivery(Call::Track, Some(PUBLIC), body.as_bytes());
    sent.sender.refuses_sale = true;
    let _ = world.deliver(sent.clone());
    let [gpc] = heard(&world).try_into().expect("one purpose rests on an opt-out");
    assert_eq!((gpc.signal.as_ref(), gpc.said), ("gpc", vec![("ads".into(), false)]));
    assert_eq!((gpc.user_id, gpc.anonymous_id.as_deref(), gpc.is_claimed), (None, Some("v-1"), true));
    sent.key = Some(SECRET.to_owned());
    let _ = world.deliver(sent);
    assert_eq!(heard(&world).len(), 1, "a server's own headers say nothing of the person");
    assert_eq!(says(r#"{"gpc":true}"#), [word("gpc", "ads", false)], "unless the server passes them on");
    assert_eq!(says(r#"{"gpc":false}"#), []);
}

#[test]
fn a_new_no_is_urgent_once() {
    let world = world();
    let send = |id: &str, consent: &str| {
        let _ = world.send(
            Call::Track,
            &format!(r#"{{"type":"track","event":"x","userId":"{id}","context":{{"consent":{consent}}}}}"#),
        );
        world.intake.take_urgent()
    };
    let (yes, no) =
        (r#"{"categoryPreferences":{"Advertising":true}}"#, r#"{"categoryPreferences":{"Advertising":false}}"#);
    assert!(!send("u", yes), "a yes can wait");
    assert!(send("u", no));
    assert!(!send("u", no), "that is known");
    assert!(send("v", no), "of somebody else it is not");
    assert!(send("u", r#"{"gpc":true}"#), "nor by another signal");
    assert!(!send("u", yes) && send("u", no), "and after a yes it is new again");
}

#[test]
fn a_message_that_is_refused_is_heard_and_one_of_nobody_is_not() {
    let world = world();
    let consent = r#""context":{"consent":{"categoryPreferences":{"Advertising":false},"textVersion":"v 3"}}"#;
    let refused = format!(r#"{{"type":"track","event":"","userId":"u","messageId":"m",{consent}}}"#);
    assert_eq!(world.one(Call::Track, &refused).outcome, MessageOutcome::Rejected);
    let [ads, email] = heard(&world)[0].said.clone().try_into().expect("two purposes have the category");
    assert_eq!((ads, email), (("ads".into(), false), ("email".into(), false)));
    assert_eq!(heard(&world)[0].text_version.as_deref(), Some("v 3"));
    assert_eq!(heard(&world)[0].user_id.as_deref(), Some("shop-u"), "as files know the user");
    let nobodys = format!(r#"{{"type":"track","event":"order_completed","messageId":"m",{consent}}}"#);
    assert_eq!(world.one(Call::Track, &nobodys).outcome, MessageOutcome::Rejected);
    assert_eq!(heard(&world).len(), 1);
}
