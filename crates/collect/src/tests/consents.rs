//! What messages and requests say of consent, as it gets into the log.

use super::world::{PUBLIC, SECRET, World, delivery, source};
use api::{Call, MessageOutcome};
use lake::{Arrival, Consent};
use spec::{Basis, Door, Law, Purpose, Signals, TcfUse, UsOptOut};

/// A string by which vendor 7 is disclosed and may do purposes 1 and 3.
const TCF_YES: &str = "CQgYw8AQgYw8AEsABBDEB4FgAKAAAAAAAAYgADgIAAAAAAAA.IADgIAAA";

pub(super) fn purposes() -> Vec<Purpose> {
    let purpose = |name: &str, basis, signals| Purpose {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        basis: [(Law::Gdpr, Basis::Consent), (Law::Ccpa, basis)].into(),
        min_group: 10,
        signals,
        limits: spec::AnswerLimits::default(),
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
    world.intake.set_rules(&[source(Door::default())], &purposes(), &|_| false);
    world
}

pub(super) fn heard(world: &World) -> Vec<Consent<'static>> {
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
fn case_82_a_damaged_string_is_a_no() {
    let no = |signal| [word(signal, "ads", false), word(signal, "profile", false)];
    // Version 1 of the framework, which went out of force in 2020.
    assert_eq!(says(r#"{"tcf":"BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"}"#), no("tcf"));
    let mut damaged: Vec<String> =
        ["=", ".", "~", "!", "\u{200b}"].iter().map(|more| format!("{TCF_YES}{more}")).collect();
    // Without its first character, and without the point before the vendors that were disclosed.
    damaged.push(TCF_YES[1..].to_owned());
    damaged.push(TCF_YES.replace('.', ""));
    // Into the last segment: what fills up its end may be missing, the vendors may not.
    damaged.push(TCF_YES[..TCF_YES.len() - 4].to_owned());
    for text in damaged {
        assert_eq!(says(&format!(r#"{{"tcf":"{text}"}}"#)), no("tcf"), "{text}");
        assert_eq!(says(&format!(r#"{{"gpp":"DBABMA~{text}"}}"#)), no("gpp"), "{text}");
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
fn a_message_of_consent_names_purposes() {
    let world = world();
    let body = r#"{"userId":"u","messageId":"m","consents":{"ads":true,"email":true,"ads":false},"context":{"consent":{"textVersion":"7"}}}"#;
    let receipt = world.one(Call::Consent, body);
    assert_eq!((receipt.outcome, receipt.message_id.as_deref()), (MessageOutcome::Accepted, Some("m")), "{receipt:?}");
    let [consent] = heard(&world).try_into().expect("it is one record");
    assert_eq!((consent.signal.as_ref(), consent.is_message), ("api", true));
    assert_eq!(consent.said, [("email".into(), true), ("ads".into(), false)]);
    assert_eq!((consent.user_id.as_deref(), consent.text_version.as_deref()), (Some("shop-u"), Some("7")));
    let reasons = |consents: &str| -> Vec<String> {
        let receipt = world.one(Call::Consent, &format!(r#"{{"userId":"u","messageId":"m"{consents}}}"#));
        assert_eq!(receipt.outcome, MessageOutcome::Rejected, "{consents}");
        receipt.faults.into_iter().map(|fault| format!("{} ({})", fault.reason, fault.hint)).collect()
    };
    for nothing in ["", r#","consents":null"#, r#","consents":{}"#, r#","consents":["ads"]"#] {
        assert!(reasons(nothing)[0].starts_with("`consents`: missing, empty, or no object"), "{nothing}");
    }
    let wrong = reasons(r#","consents":{"adz":true,"ads":"yes","email":true}"#);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].contains("`adz` is no purpose") && wrong[1].contains("true or false for `ads`"), "{wrong:?}");
    assert_eq!(heard(&world).len(), 1, "nothing of a message that is refused is kept");
}

#[test]
fn a_purpose_that_somebody_is_changing_is_still_spoken_of() {
    let world = world();
    let gpc = r#"{"type":"track","event":"x","userId":"u","context":{"consent":{"gpc":true}}}"#;
    for (is_there, n_heard) in [(true, 1), (false, 1)] {
        world.intake.set_rules(&[source(Door::default())], &[], &|_| is_there);
        let _ = world.send(Call::Track, gpc);
        assert_eq!(heard(&world).len(), n_heard, "{is_there}");
    }
}

#[test]
fn a_yes_is_never_younger_than_it_says() {
    let world = world();
    let at = |times: &str, key: &str| {
        let body = format!(
            r#"{{"type":"track","event":"x","userId":"u",{times}"context":{{"consent":{{"categoryPreferences":{{"Advertising":true}}}}}}}}"#
        );
        let _ = world.deliver(delivery(Call::Track, Some(key), body.as_bytes()));
        heard(&world).pop().expect("it says something").at_micros
    };
    let noon = super::world::NOW;
    let minute = 60_000_000;
    let sent = r#""timestamp":"2026-11-22T11:50:00Z","sentAt":"2026-11-22T11:50:01Z","#;
    assert_eq!(at(sent, PUBLIC), Some(noon - 10 * minute), "sent at once, and again ten minutes later");
    assert_eq!(at(r#""timestamp":"2026-11-22T11:59:00Z","#, PUBLIC), Some(noon - minute));
    assert_eq!(at(r#""timestamp":"1970-01-01T00:00:00Z","#, PUBLIC), None);
    assert_eq!(at("", PUBLIC), None, "who does not say when has not said it after anything");
    assert_eq!(at("", SECRET), Some(noon), "but for a server of ours");
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
