//! Signed identity: which tokens vouch for a browser's message, and that no token is ever kept.

use super::world::{NOW, PUBLIC, SECRET, World, delivery, key, source};
use api::{Call, MessageOutcome, Receipt};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::{Arrival, Datum};
use proptest::prelude::*;
use spec::{Door, KeyKind, Source};

pub(super) const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;
/// `NOW` in seconds, and what a day has of them.
pub(super) const SECOND: i64 = NOW / 1_000_000;
pub(super) const DAY: i64 = 86_400;

pub(super) fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("any 32 bytes are a seed")
}

fn public_half(pair: &Ed25519KeyPair) -> [u8; 32] {
    pair.public_key().as_ref().try_into().expect("it has 32 bytes")
}

/// The shop, whose public key these sign for.
pub(super) fn shop(signers: &[&Ed25519KeyPair]) -> Source {
    let mut shop = source(Door::default());
    shop.keys[0].signers = signers.iter().map(|pair| public_half(pair)).collect();
    shop
}

fn world() -> World {
    World::with(shop(&[&pair(1)]))
}

pub(super) fn sign(pair: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = pair.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Claims for the user `u` that are good for so many seconds from now on.
fn claims(seconds: i64) -> String {
    format!(r#"{{"sub":"u","aud":"shop","iat":{SECOND},"exp":{}}}"#, SECOND + seconds)
}

pub(super) fn good_token(n: i64) -> String {
    sign(&pair(1), HEADER, &claims(3_600 + n))
}

fn page(token: &str) -> String {
    format!(r#"{{"userId":"u","context":{{"identityToken":"{token}"}}}}"#)
}

/// What becomes of a message: `vouched`, `claimed`, or what is wrong with its token.
fn fate(world: &World, body: &str) -> String {
    let receipt = world.one(Call::Page, body);
    let message = world.last_message();
    let [fault] = receipt.faults.as_slice() else {
        assert_eq!((receipt.outcome, message.extra.as_ref()), (MessageOutcome::Accepted, ""), "{body}");
        return if message.is_claimed { "claimed" } else { "vouched" }.to_owned();
    };
    assert!(message.is_claimed && receipt.outcome == MessageOutcome::Flagged, "{body}");
    assert_eq!(fault.field.as_deref(), Some("context.identityToken"));
    let flagged = serde_json::json!({ "flagged": [{ "field": "context.identityToken", "reason": fault.reason }] });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&message.extra).expect("it is JSON"), flagged);
    assert!(!fault.hint.is_empty());
    fault.reason.strip_prefix("`context.identityToken`: ").expect("it names its place").to_owned()
}

const UNREADABLE: &str = "expected a JWT in compact form of at most 2048 bytes";
const CLAIMS: &str = "`sub`, `aud` and `exp` are not all there and sound";

#[test]
fn s21_what_a_token_has_to_claim() {
    let world = world();
    let at = |seconds: i64| SECOND + seconds;
    let with = |more: String| format!(r#"{{"sub":"u","aud":"shop",{more}}}"#);
    for (claims, wanted) in [
        (claims(3_600), "vouched"),
        (claims(1), "vouched"),
        (claims(DAY), "vouched"),
        (with(format!(r#""exp":{}"#, at(DAY))), "vouched"),
        (with(format!(r#""exp":{}"#, at(DAY + 61))), "it is good for more than 24 hours"),
        (claims(DAY + 1), "it is good for more than 24 hours"),
        (with(format!(r#""exp":{},"iat":{}"#, at(60), at(60 - DAY - 1))), "it is good for more than 24 hours"),
        // A minute of leeway, up to the microsecond.
        (with(format!(r#""exp":{}"#, at(-59))), "vouched"),
        (with(format!(r#""exp":{}.000001"#, at(-60))), "vouched"),
        (with(format!(r#""exp":{}"#, at(-60))), "it has expired"),
        (with(format!(r#""exp":{}"#, at(-DAY))), "it has expired"),
        (with(format!(r#""exp":{},"iat":{}"#, at(600), at(60))), "vouched"),
        (with(format!(r#""exp":{},"iat":{}"#, at(600), at(61))), "it is from the future"),
        (with(format!(r#""exp":{},"nbf":{}"#, at(600), at(60))), "vouched"),
        (with(format!(r#""exp":{},"nbf":{}.5"#, at(600), at(60))), "it is from the future"),
        // Times that are none.
        (r#"{"sub":"u","aud":"shop"}"#.to_owned(), CLAIMS),
        (with(r#""exp":null"#.to_owned()), CLAIMS),
        (with(format!(r#""exp":"{}""#, at(600))), CLAIMS),
        (with(r#""exp":1e400"#.to_owned()), CLAIMS),
        (with(r#""exp":-1"#.to_owned()), CLAIMS),
        (with(format!(r#""exp":{}"#, at(600) * 1_000)), CLAIMS),
        (with(format!(r#""exp":{},"iat":null"#, at(600))), CLAIMS),
        (with(format!(r#""exp":{},"nbf":"soon""#, at(600))), CLAIMS),
        // Whom and what it is for.
        (claims(60).replace(r#""u""#, r#""v""#), "it is for another user"),
        (claims(60).replace(r#""u""#, r#""U""#), "it is for another user"),
        (claims(60).replace(r#""u""#, r#""u ""#), "it is for another user"),
        (claims(60).replace(r#""u""#, r#""""#), "it is for another user"),
        (claims(60).replace(r#""u""#, r#""\u0075""#), "vouched"),
        (claims(60).replace(r#""sub":"u","#, ""), CLAIMS),
        (claims(60).replace(r#""u""#, "7"), CLAIMS),
        (claims(60).replace(r#""shop""#, r#""till""#), "it is for another audience"),
        (claims(60).replace(r#""shop""#, r#""Shop""#), "it is for another audience"),
        (claims(60).replace(r#""shop""#, r#"["till","shop"]"#), "vouched"),
        (claims(60).replace(r#""shop""#, r#"["till",7,["shop"]]"#), "it is for another audience"),
        (claims(60).replace(r#""shop""#, "[]"), "it is for another audience"),
        (claims(60).replace(r#""shop""#, r#"{"shop":"shop"}"#), "it is for another audience"),
        (claims(60).replace(r#""aud":"shop","#, ""), CLAIMS),
        // Of two claims with one name, two readers could take different ones.
        (claims(60).replace(r#""sub":"u""#, r#""sub":"u","sub":"u""#), UNREADABLE),
        (claims(60).replace(r#""sub":"u""#, r#""sub":"u","s\u0075b":"v""#), UNREADABLE),
        (claims(60).replace(r#""sub":"u""#, r#""sub":"u","x":1,"x":1"#), UNREADABLE),
        // Others' claims mean nothing here.
        (claims(60).replace(r#""sub":"u""#, r#""sub":"u","iss":"me","x":{"sub":"v","sub":"w"}"#), "vouched"),
        ("[]".to_owned(), UNREADABLE),
        (claims(60) + "x", UNREADABLE),
        (String::new(), UNREADABLE),
    ] {
        assert_eq!(fate(&world, &page(&sign(&pair(1), HEADER, &claims))), wanted, "{claims}");
    }
}

#[test]
fn only_one_algorithm_is_taken_and_no_extension() {
    let world = world();
    let claims = claims(60);
    for (header, wanted) in [
        (HEADER, "vouched"),
        (r#"{"alg":"EdDSA"}"#, "vouched"),
        // A key that the token brings is nobody's.
        (r#"{"alg":"EdDSA","kid":"x","jwk":{"kty":"OKP"},"jku":"https://x.example","x5c":[]}"#, "vouched"),
        (r#"{"alg":"none"}"#, "its `alg` is not `EdDSA`"),
        (r#"{"alg":"HS256"}"#, "its `alg` is not `EdDSA`"),
        (r#"{"alg":"ES256"}"#, "its `alg` is not `EdDSA`"),
        (r#"{"alg":"eddsa"}"#, "its `alg` is not `EdDSA`"),
        (r#"{"alg":["EdDSA"]}"#, "its `alg` is not `EdDSA`"),
        (r#"{"typ":"JWT"}"#, "its `alg` is not `EdDSA`"),
        (r#"{"alg":"EdDSA","crit":["exp"]}"#, "its header has `crit`"),
        (r#"{"alg":"EdDSA","crit":[]}"#, "its header has `crit`"),
        (r#"{"alg":"EdDSA","b64":false,"crit":["b64"]}"#, "its header has `crit`"),
        (r#"{"alg":"EdDSA","alg":"EdDSA"}"#, UNREADABLE),
        (r#"{"alg":"none","alg":"EdDSA"}"#, UNREADABLE),
        ("7", UNREADABLE),
    ] {
        assert_eq!(fate(&world, &page(&sign(&pair(1), header, &claims))), wanted, "{header}");
    }
    // Without a signature, and with one that is made with what everybody knows.
    let unsigned = |header: &str| format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims));
    assert_eq!(fate(&world, &page(&format!("{}.", unsigned(r#"{"alg":"none"}"#)))), "its `alg` is not `EdDSA`");
    assert_eq!(fate(&world, &page(&format!("{}.", unsigned(HEADER)))), "nobody who may has signed it");
    for secret in [public_half(&pair(1)).to_vec(), URL_SAFE_NO_PAD.encode(public_half(&pair(1))).into_bytes()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        for (header, wanted) in
            [(r#"{"alg":"HS256"}"#, "its `alg` is not `EdDSA`"), (HEADER, "nobody who may has signed it")]
        {
            let tag = aws_lc_rs::hmac::sign(&key, unsigned(header).as_bytes());
            let token = format!("{}.{}", unsigned(header), URL_SAFE_NO_PAD.encode(tag));
            assert_eq!(fate(&world, &page(&token)), wanted);
        }
    }
}

#[test]
fn what_other_libraries_sign_is_understood() {
    /// The public half of a key that `openssl genpkey` made.
    const SIGNER: [u8; 32] = [
        0x3a, 0x10, 0x2b, 0x82, 0x2b, 0x2e, 0xe1, 0xf1, 0x64, 0xcd, 0x1d, 0x6d, 0xfc, 0xe0, 0x7e, 0x78, 0xf2, 0x38,
        0xb8, 0x82, 0x54, 0xb4, 0x81, 0x93, 0x16, 0x3f, 0x0d, 0x29, 0xfc, 0xea, 0xf9, 0x18,
    ];
    let mut shop = source(Door::default());
    shop.keys[0].signers = vec![SIGNER];
    let world = World::with(shop);
    // jose 6.2.17 and PyJWT 2.15.1.
    for token in [
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1IiwiYXVkIjoic2hvcCIsImlhdCI6MTc5NTM0ODgwMCwiZXhwIjoxNzk1MzUyNDAwfQ.VyQ4VNUD714VTSmWp4Mq3oqRyX8Y99_DccHEJpfn5dTJ7w5ZVkUR13RTuI1ssIk3Nmvp6FrQsQnMUNDczL1qAA",
        "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwiYXVkIjoic2hvcCIsImlhdCI6MTc5NTM0ODgwMCwiZXhwIjoxNzk1MzUyNDAwfQ.fVo3RRXYl1TplgVaC9v83j1vFhKo6T0_Q7hLad8UmvRqhampUUB9IkTLbH1q2DYsnvs2O4ymx2b-apW-onPfBQ",
    ] {
        assert_eq!(fate(&world, &page(token)), "vouched");
    }
}

#[test]
fn keys_are_rotated_by_a_list_of_them() {
    let world = World::with(shop(&[&pair(2), &pair(1)]));
    let by = |seed: u8| sign(&pair(seed), HEADER, &claims(600));
    for _ in 0..2 {
        assert_eq!((fate(&world, &page(&by(1))), fate(&world, &page(&by(2)))), ("vouched".into(), "vouched".into()));
        assert_eq!(fate(&world, &page(&by(3))), "nobody who may has signed it");
    }
    world.intake.set_rules(&[shop(&[&pair(2)])], &[], &|_| false);
    assert_eq!(
        fate(&world, &page(&by(1))),
        "nobody who may has signed it",
        "what is remembered is asked of who may sign"
    );
    assert_eq!(fate(&world, &page(&by(2))), "vouched");
    world.intake.set_rules(&[source(Door::default())], &[], &|_| false);
    assert_eq!(fate(&world, &page(&by(2))), "claimed", "without `signed_by` tokens mean nothing");
    assert_eq!(fate(&world, &page("x")), "claimed");
}

#[test]
fn what_is_remembered_ends_with_the_token() {
    let world = world();
    let token = sign(&pair(1), HEADER, &claims(600));
    for seconds in [0, 599, 60] {
        world.wait(seconds * 1_000_000);
        assert_eq!(fate(&world, &page(&token)), "vouched");
    }
    world.wait(1_000_000);
    assert_eq!(fate(&world, &page(&token)), "it has expired");
    assert_eq!(fate(&world, &page(&token).replace(r#""u""#, r#""v""#)), "it is for another user");
}

#[test]
fn what_is_no_token_takes_nothing_away() {
    let world = world();
    let token = good_token(0);
    let (signed, signature) = token.rsplit_once('.').expect("it has parts");
    let long =
        sign(&pair(1), HEADER, &claims(60).replace(r#""sub""#, &format!(r#""x":"{}","sub""#, "y".repeat(1_375))));
    assert!((2_040..=2_048).contains(&long.len()), "{}", long.len());
    let too_long = format!("{}.{}", "a".repeat(1_000), "b".repeat(1_048));
    for (sent, wanted) in [
        (format!("{token:?}"), "vouched"),
        (format!("{long:?}"), "vouched"),
        (format!("{too_long:?}"), UNREADABLE),
        ("null".to_owned(), "claimed"),
        (r#""""#.to_owned(), "claimed"),
        ("7".to_owned(), UNREADABLE),
        (format!("[{token:?}]"), UNREADABLE),
        (r#""x""#.to_owned(), UNREADABLE),
        (r#""..""#.to_owned(), UNREADABLE),
        (format!("{signed:?}"), UNREADABLE),
        (format!("\"{token}.\""), UNREADABLE),
        (format!("\"{signature}.{token}\""), UNREADABLE),
        (format!("\"{token}=\""), UNREADABLE),
        (format!("\" {token}\""), UNREADABLE),
        (format!("\"{token}\\n\""), UNREADABLE),
        (format!("\"é{token}\""), UNREADABLE),
        (format!("\"{}\"", &token[..token.len() - 6]), "nobody who may has signed it"),
        (format!("\"{}\"", &token[..token.len() - 1]), UNREADABLE),
        (format!("\"{token}AAAA\""), "nobody who may has signed it"),
        // The same text, written otherwise.
        (format!("\"\\u0065{}\"", &token[1..]), "vouched"),
    ] {
        assert_eq!(
            fate(&world, &format!(r#"{{"userId":"u","context":{{"identityToken":{sent}}}}}"#)),
            wanted,
            "{sent}"
        );
    }
    let with = |ids: &str| format!(r#"{{{ids},"context":{{"identityToken":"{token}"}}}}"#);
    assert_eq!(fate(&world, &with(r#""anonymousId":"a""#)), "the message has no `userId`");
    assert_eq!(fate(&world, &with(r#""anonymousId":"a","userId":"""#)), "the message has no `userId`");
    assert_eq!(fate(&world, &with(r#""anonymousId":"a","userId":"u""#)), "vouched");
    assert_eq!(fate(&world, r#"{"userId":"u","context":[]}"#), "claimed");
    let number = sign(&pair(1), HEADER, &claims(60).replace(r#""u""#, r#""42""#));
    assert_eq!(fate(&world, &page(&number).replace(r#""u""#, "42")), "vouched", "a number is its text");
}

#[test]
fn the_hint_names_the_audience() {
    let token = sign(&pair(1), HEADER, &claims(60).replace("shop", "till"));
    let receipt = world().one(Call::Page, &page(&token));
    assert_eq!(receipt.faults[0].hint, "set `aud` to the name of the source, `shop`");
}

#[test]
fn many_forged_tokens_cost_no_more_than_some() {
    let world = world();
    let message = |token: &str| page(token).replacen('{', r#"{"type":"page","#, 1);
    let batch = |messages: &[String]| format!(r#"{{"batch":[{}]}}"#, messages.join(","));
    let good = good_token(0);
    world.kept(Call::Batch, &batch(&[message(&good)]));
    let mut messages: Vec<String> = (0..40).map(|n| message(&sign(&pair(2), HEADER, &claims(60 + n)))).collect();
    messages.extend([message(&good), message(&good_token(1))]);
    let Receipt::Read(receipts) = world.send(Call::Batch, &batch(&messages)) else { panic!("it is read") };
    let n_with =
        |reason: &str| receipts.iter().flat_map(|one| &one.faults).filter(|one| one.reason.contains(reason)).count();
    assert_eq!((n_with("nobody who may"), n_with("too many other tokens")), (16, 25));
    assert_eq!(receipts[40].outcome, MessageOutcome::Accepted, "what is known is known");
    assert_eq!(fate(&world, &page(&good_token(1))), "vouched");
}

#[test]
fn a_secret_key_needs_no_token_and_alias_takes_none() {
    let mut shop = shop(&[&pair(1)]);
    shop.keys[1].signers = vec![public_half(&pair(1))];
    let world = World::with(shop);
    world.deliver(delivery(Call::Page, Some(SECRET), page("x").as_bytes()));
    let message = world.last_message();
    assert!(!message.is_claimed && message.extra.is_empty());
    let alias = page(&good_token(0)).replacen('{', r#"{"previousId":"mine","#, 1);
    let receipt = world.one(Call::Alias, &alias);
    assert_eq!(receipt.outcome, MessageOutcome::Rejected);
    assert!(receipt.faults[0].hint.contains("`identify` with an identity token"), "{:?}", receipt.faults);
}

#[test]
fn the_request_stays_that_of_the_browser() {
    let world = world();
    let body = page(&good_token(0)).replacen('{', r#"{"event":"order_completed","properties":{"revenue":1},"#, 1);
    let message = world.kept(Call::Track, &body);
    assert!(!message.is_claimed);
    let agent = message.fields.iter().find(|(name, _)| name == "user_agent").map(|(_, datum)| datum.clone());
    assert_eq!(agent, Some(Datum::Text("Browser/1".into())));
}

#[test]
fn a_message_with_a_newer_token_is_the_same_message() {
    let world = world();
    let id = |body: &str| {
        fate(&world, body);
        world.last_message().message_id
    };
    let first = id(&page(&good_token(0)));
    assert_eq!(id(&page(&good_token(1))), first);
    assert_eq!(id(r#"{"userId":"u","context":{}}"#), first);
    assert_ne!(id(r#"{"userId":"u"}"#), first);
    let around = |token: &str| page(token).replacen(r#""identityToken""#, r#""locale":"de","identityToken""#, 1);
    assert_eq!(id(&around(&good_token(0))), id(r#"{"userId":"u","context":{"locale":"de"}}"#));
    assert_ne!(id(&around(&good_token(0))), first);
}

#[test]
fn what_is_kept_aside_remembers_who_vouched_for_it() {
    let mut mended = shop(&[&pair(1)]);
    mended.contract.objects.push(super::world::object("newly", spec::ObjectKind::Event, Vec::new()));
    let expired = sign(&pair(1), HEADER, &claims(-600));
    for (token, is_claimed, n_faults) in [(good_token(0), false, 0), (expired, true, 1)] {
        let world = world();
        let body = page(&token).replacen('{', r#"{"event":"newly","#, 1);
        assert_eq!(world.one(Call::Track, &body).outcome, MessageOutcome::Quarantined);
        let Some(Arrival::Aside(aside)) = world.arrivals().pop() else { panic!("it is kept aside") };
        assert!(aside.raw.contains(r#""context":{}"#), "{}", aside.raw);
        world.wait(30 * DAY * 1_000_000);
        world.intake.set_rules(&[mended.clone()], &[], &|_| false);
        let again = world.intake.check_again("shop", "web", &aside.raw).expect("it is ours");
        assert_eq!(again.receipt.faults.len(), n_faults, "{:?}", again.receipt);
        let record = again.record.expect("it is taken");
        let Ok(Arrival::Message(message)) = Arrival::read(&record) else { panic!("it is a message") };
        assert_eq!((message.is_claimed, message.extra.contains("it has expired")), (is_claimed, is_claimed));
        // What the program wrote before there were tokens.
        let former = aside.raw.replace(r#""public":true,"#, "").replace(r#""token_fault":null,"#, "");
        let former = world.intake.check_again("shop", "web", &former).expect("it is ours").record;
        let former = former.expect("it is taken");
        assert!(matches!(Arrival::read(&former), Ok(Arrival::Message(message)) if message.is_claimed == is_claimed));
    }
}

/// Tokens that could be mistaken for something to keep, wherever one can stand in a message.
#[test]
fn no_token_is_ever_kept_or_told() {
    let other = sign(&pair(2), HEADER, &claims(60));
    let expired = sign(&pair(1), HEADER, &claims(-600));
    let tokens = [good_token(0), other, expired];
    let flagging = Door { bad_value: spec::OnFault::Flag, bad_time: spec::OnFault::Flag, ..Door::default() };
    for door in [Door::default(), flagging] {
        let mut shop = shop(&[&pair(1)]);
        shop.contract.door = door;
        shop.keys.push(key("app", KeyKind::Public, "pk_without_signers"));
        let world = World::with(shop);
        let mut told = String::new();
        for token in &tokens {
            let context = format!(r#""context":{{"identityToken":"{token}","locale":"de"}}"#);
            let escaped = context.replace("identityToken", r"identity\u0054oken");
            let nested = format!(r#""context":{{"identityToken":{{"a":["{token}"]}}}}"#);
            let twice = format!(r#""context":{{"identityToken":"{token}","identityToken":"{token}"}}"#);
            let two = format!(r#"{context},"context":{{}}"#);
            for context in [&context, &escaped, &nested, &twice, &two] {
                for call in [Call::Page, Call::Track, Call::Identify, Call::Group, Call::Alias] {
                    for rest in [
                        r#""userId":"u","properties":{},"traits":{}"#,
                        r#""userId":"u","event":"nobody knows","timestamp":"never""#,
                        r#""userId":"u","event":"order_completed","properties":{"revenue":"x","y":1},"timestamp":7"#,
                        r#""anonymousId":"a","previousId":"b","properties":7"#,
                        r#""messageId":7"#,
                    ] {
                        for key in [PUBLIC, SECRET, "pk_without_signers"] {
                            let body = format!("{{{rest},{context}}}");
                            told += &format!("{:?}", world.deliver(delivery(call, Some(key), body.as_bytes())));
                        }
                    }
                }
            }
        }
        let arrivals = world.arrivals();
        assert!(arrivals.iter().any(|arrival| matches!(arrival, Arrival::Aside(_))));
        for arrival in arrivals {
            if let Arrival::Aside(aside) = &arrival {
                told += &format!("{:?}", world.intake.check_again("shop", "web", &aside.raw).expect("it is ours"));
            }
            told += &String::from_utf8_lossy(&arrival.to_bytes());
        }
        for part in tokens.iter().flat_map(|token| token.split('.').skip(1)) {
            assert!(!told.contains(part), "a part of a token is kept or told");
        }
    }
}

#[test]
fn no_flipped_bit_is_accepted() {
    let world = world();
    let token = good_token(0);
    assert_eq!(fate(&world, &page(&token)), "vouched");
    for (at, bit) in (0..token.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 1 << bit;
        assert_claimed(&world, &bytes);
    }
}

fn assert_claimed(world: &World, token: &[u8]) {
    let sent = serde_json::Value::from(String::from_utf8_lossy(token));
    let fate = fate(world, &format!(r#"{{"userId":"u","context":{{"identityToken":{sent}}}}}"#));
    assert_ne!(fate, "vouched", "{sent}");
}

proptest! {
    #[test]
    fn nothing_but_what_was_signed_is_accepted(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let world = world();
        let token = good_token(0).into_bytes();
        let mut bytes = token.clone();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        prop_assume!(bytes != token);
        assert_claimed(&world, &bytes);
    }

    #[test]
    fn whatever_is_signed_is_judged(header in ".{0,40}", claims in prop::collection::vec(any::<u8>(), 0..60)) {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = pair(1).sign(signed.as_bytes());
        assert_claimed(&world(), format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).as_bytes());
    }
}
