//! Links to preferences: which are good, what they are good for, and what a choice writes down.

use super::consents::{heard, purposes};
use super::signed::{DAY, HEADER, SECOND, pair, shop, sign};
use super::world::{World, delivery};
use api::{Call, Choice, Collector, PreferenceLink, Receipt, RefusalKind, Said, Sender};
use spec::{Basis, KeyKind, Law, Purpose};
use std::sync::mpsc::channel;

fn world() -> World {
    let world = World::with(shop(&[&pair(1)]));
    let by_law =
        Purpose { name: "law".into(), basis: [(Law::Gdpr, Basis::LegalObligation)].into(), ..purposes().remove(0) };
    let purposes: Vec<Purpose> = purposes().into_iter().chain([by_law]).collect();
    world.intake.set_rules(&[shop(&[&pair(1)])], &purposes, &|_| false);
    world
}

fn claims(audience: &str, seconds: i64) -> String {
    format!(r#"{{"sub":"u","aud":"{audience}","iat":{SECOND},"exp":{}}}"#, SECOND + seconds)
}

fn link(audience: &str, seconds: i64) -> PreferenceLink {
    PreferenceLink(sign(&pair(1), HEADER, &claims(audience, seconds)))
}

fn good() -> PreferenceLink {
    link("shop/preferences", 300 * DAY)
}

fn choose(world: &World, link: &PreferenceLink, said: &[(&str, bool)], refuses_sale: bool) -> Receipt {
    let said = Said::Each(said.iter().map(|(purpose, is_yes)| ((*purpose).to_owned(), *is_yes)).collect());
    tell(world, link, said, refuses_sale)
}

fn tell(world: &World, link: &PreferenceLink, said: Said, refuses_sale: bool) -> Receipt {
    let sender = Sender { refuses_sale, ..Sender::default() };
    let (told, outcome) = channel();
    let choice = Choice { said, text_version: Some("v1".into()), sender };
    world.intake.choose(link, choice, Box::new(move |receipt| told.send(receipt).expect("somebody listens")));
    world.log.commit();
    outcome.try_recv().expect("it is told")
}

#[test]
fn a_link_is_good_for_a_year_and_for_nothing_else() {
    let world = world();
    let whose = |link: &PreferenceLink| world.intake.preferences(link).map(|holder| holder.user_id);
    assert_eq!(whose(&good()), Ok("shop-u".to_owned()));
    assert_eq!(whose(&link("shop/preferences", 366 * DAY)), Ok("shop-u".to_owned()));
    let good_text = good().0;
    let (signed, _) = good_text.rsplit_once('.').expect("a token has three parts");
    for (bad, why) in [
        (link("shop/preferences", 366 * DAY + 1), "it would be good for too long"),
        (link("shop/preferences", -61), "it has ended"),
        (link("shop", 3_600), "a token of identity opens no preferences"),
        (link("till/preferences", DAY), "it is of another source"),
        (link("/preferences", DAY), "it is of no source"),
        (PreferenceLink(sign(&pair(2), HEADER, &claims("shop/preferences", DAY))), "a stranger signed it"),
        (PreferenceLink(sign(&pair(1), r#"{"alg":"none"}"#, &claims("shop/preferences", DAY))), "another algorithm"),
        (PreferenceLink(sign(&pair(1), HEADER, &claims("shop/preferences", DAY).replace("\"u\"", "\"\""))), "nobody"),
        (PreferenceLink(format!("{signed}.")), "its signature is cut off"),
        (PreferenceLink(good_text.repeat(20)), "it is too long"),
        (PreferenceLink(String::new()), "it is empty"),
    ] {
        let refusal = whose(&bad).expect_err(why);
        assert_eq!(
            (refusal.kind, refusal.message.as_str()),
            (RefusalKind::Key, "this link is not good, or not any more")
        );
        assert!(matches!(choose(&world, &bad, &[("ads", false)], false), Receipt::Refused(_)), "{why}");
    }
    assert!(world.arrivals().is_empty());
    // Nor does a link vouch for a message.
    let body = format!(r#"{{"userId":"u","context":{{"identityToken":"{}"}}}}"#, good().0);
    world.deliver(delivery(Call::Page, Some(super::world::PUBLIC), body.as_bytes()));
    assert!(world.last_message().is_claimed);
}

#[test]
fn a_choice_is_vouched_for_and_kept_with_its_text() {
    let world = world();
    assert!(matches!(choose(&world, &good(), &[("ads", false), ("email", true)], false), Receipt::Read(_)));
    let [word] = heard(&world).try_into().expect("one record");
    assert_eq!(
        (word.signal.as_ref(), word.user_id.as_deref(), word.is_claimed),
        ("preferences", Some("shop-u"), false)
    );
    assert_eq!((word.text_version.as_deref(), word.at_micros), (Some("v1"), Some(word.received_micros)));
    assert_eq!(word.said, [("ads".into(), false), ("email".into(), true)]);
    assert!(world.intake.take_urgent(), "a no does not wait");
    // A yes to what nobody can choose or what is not there, and nothing.
    for said in [&[("law", true)][..], &[("none", true)], &[("ads", false), ("none", true)], &[("none", false)], &[]] {
        let told = choose(&world, &good(), said, false);
        assert!(matches!(told, Receipt::Refused(ref why) if why.kind == RefusalKind::Malformed), "{said:?}");
    }
    assert_eq!(heard(&world).len(), 1);
    let counted = world.intake.pulse().keys.into_iter().find(|key| key.received > 0).expect("it counts under its key");
    assert_eq!((counted.received, counted.accepted), (1, 1));
}

#[test]
fn who_refuses_is_heard_whatever_the_purpose_is_called_and_however_much_came_with_the_key() {
    let world = world();
    let said = |world: &World| -> Vec<(String, bool)> {
        let last = heard(world).pop().expect("it is written down");
        last.said.into_iter().map(|(purpose, is_yes)| (purpose.into_owned(), is_yes)).collect()
    };
    let all = ["ads", "email", "profile"].map(|purpose| (purpose.to_owned(), false));
    tell(&world, &good(), Said::No(Some("email".into())), false);
    assert_eq!(said(&world), all[1..2]);
    tell(&world, &good(), Said::No(Some("as it was called before".into())), false);
    assert_eq!(said(&world), all);
    // The key may send two a day.
    let mut slow = shop(&[&pair(1)]);
    slow.keys[0].events_per_day_max = 2;
    world.intake.set_rules(&[slow], &purposes(), &|_| false);
    let n_taken =
        (0..9).filter(|_| matches!(choose(&world, &good(), &[("ads", true)], false), Receipt::Read(_))).count();
    assert_eq!(n_taken, 2);
    assert!(matches!(tell(&world, &good(), Said::No(None), false), Receipt::Read(_)), "a no is taken all the same");
    assert_eq!(said(&world), all);
}

#[test]
fn a_browser_that_objects_says_so_beside_a_yes() {
    let world = world();
    choose(&world, &good(), &[("ads", true)], true);
    let said: Vec<(String, bool)> =
        heard(&world).into_iter().map(|word| (word.signal.into_owned(), word.said[0].1)).collect();
    assert_eq!(said, [("preferences".to_owned(), true), ("gpc".to_owned(), false)]);
}

#[test]
fn a_key_that_left_the_list_ends_its_links() {
    let world = world();
    world.intake.preferences(&good()).expect("it is good");
    world.intake.set_rules(&[shop(&[&pair(2)])], &purposes(), &|_| false);
    assert!(world.intake.preferences(&good()).is_err());
    let mut shop = shop(&[&pair(1)]);
    shop.keys.retain(|key| key.kind == KeyKind::Secret);
    world.intake.set_rules(&[shop], &purposes(), &|_| false);
    assert!(world.intake.preferences(&good()).is_err(), "only a public key has signers");
}
