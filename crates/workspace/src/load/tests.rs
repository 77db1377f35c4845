//! A folder of files becomes definitions and diagnostics.

use super::*;
use crate::diagnostic::render;
use crate::fixture::{shop, shop_definitions};
use spec::{Door, OnFault, TileSubject, TileWidth};

/// The diagnostics of the shop with some files changed, as the command line shows them.
fn check(changes: &[(&str, &str)]) -> String {
    load_with(changes).1
}

fn load_with(changes: &[(&str, &str)]) -> (Definitions, String) {
    let mut files = shop();
    files.extend(changes.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let (definitions, diagnostics) = load(&files);
    (definitions, render(&diagnostics))
}

#[test]
fn the_shop_is_read() {
    let shop = shop_definitions();
    let till = &shop.sources["till"].contract;
    assert_eq!(till.owner.as_deref(), Some("bob"));
    assert_eq!(till.freshness.as_ref().map(|freshness| freshness.age_max.to_string()).as_deref(), Some("2 days"));
    assert_eq!(till.objects.len(), 2, "an object without an entity takes no part");
    let gift = till.objects[0].fields.iter().find(|field| field.name == "gift").expect("it is declared");
    assert_eq!((gift.class, gift.purposes.len()), (spec::FieldClass::Sensitive, 0), "what is left open is closed");
    assert_eq!(shop.property(&spec::EventSelector::Named("basket_paid".into()), "member"), None);
    assert!(shop.trait_field("age").is_some() && shop.event("basket_paid").is_some());
    assert_eq!(shop.version.len(), 16);
}

#[test]
fn an_error_rate_is_a_number_of_percent() {
    let with = |property: &str| {
        let text =
            shop()["contracts/till.odcs.yaml"].replace("slaProperties: [", &format!("slaProperties: [{property}, "));
        let (definitions, report) = load_with(&[("contracts/till.odcs.yaml", &text)]);
        (definitions.sources.get("till").and_then(|source| source.contract.error_rate_max), report)
    };
    for (property, share) in [("5", 0.05), ("'2.5', unit: percent", 0.025), ("0, unit: \"%\"", 0.0), ("100", 1.0)] {
        assert_eq!(with(&format!("{{ property: errorRate, value: {property} }}")), (Some(share), String::new()));
    }
    for property in ["101", "-1", "few", ".nan", "5, unit: d", "[5]"] {
        let (share, report) = with(&format!("{{ property: errorRate, value: {property} }}"));
        assert_eq!(share, None, "{property}");
        assert!(report.contains("the error rate is not a number of percent"), "{property}: {report}");
    }
}

#[test]
fn the_version_is_that_of_the_definitions() {
    let version = shop_definitions().version;
    assert_eq!(load_with(&[("README.md", "x")]).0.version, version);
    assert_ne!(load_with(&[("users.yaml", "users: []")]).0.version, version);
}

#[test]
fn with_an_error_in_one_law_none_counts() {
    let laws = |region: &str| {
        let text = format!(
            "title: Shop\nlaws:\n  - {{ country: US, region: US-CA, law: {region} }}\n  - {{ country: US, law: us_other }}\n"
        );
        load_with(&[("entente.yaml", &text)]).0.laws.len()
    };
    assert_eq!(
        (laws("ccpa"), laws("cppa")),
        (2, 0),
        "the country's law must not stand in for a misspelt one of a region"
    );
}

#[test]
fn rules() {
    insta::assert_snapshot!(check(&[
        ("entente.yaml", "titel: Shop\nlaws:\n  - { country: us, law: gdrp }\n  - { country: US, region: DE-BE, law: gdpr }\n"),
        ("users.yaml", "users:\n  - { name: Mia, role: marketr }\n  - { name: bob, role: marketer }\n  - { name: bob, role: marketer }\n"),
        ("purposes/ads.yaml", "title: ads\nbasis: { gdpr: concent, ccpa: opt_out, hipaa: consent }\nmin_group: 1\n"),
        ("roles/analyst.yaml", "purposes: { analytic: aggregate, email: lst }\nmasks: { none: shw, public: show }\nsees_cost: 3\n"),
    ]), @r#"
entente.yaml:1:1: a workspace needs `title`
    say what the workspace is called
entente.yaml:1:1: `titel` is not a key of a workspace
    did you mean `title`?
entente.yaml:3:5: `us` is not a country code
    use two capital letters (ISO 3166-1), as in `DE`
entente.yaml:3:25: `gdrp` is not a law
    did you mean `gdpr`?
entente.yaml:4:5: the region is not one of US
    use its ISO 3166-2 code, as in `US-XX`
purposes/ads.yaml:2:16: `concent` is not a legal basis
    did you mean `consent`?
purposes/ads.yaml:2:40: `hipaa` is not a law
    use one of: `gdpr`, `ccpa`, `us_other`
purposes/ads.yaml:3:12: `min_group` is a whole number from 2 to 1000000
    write it as in `min_group: 10`
roles/analyst.yaml:1:13: there is no purpose `analytic`
    did you mean `analytics`?
roles/analyst.yaml:1:41: `lst` is not a release level
    did you mean `list`?
roles/analyst.yaml:2:16: `shw` is not a mask
    did you mean `show`?
roles/analyst.yaml:2:21: `public` is not a class of fields
    use one of: `none`, `pseudonym`, `direct`, `sensitive`
roles/analyst.yaml:3:12: `sees_cost` is true or false, not a number
    write `sees_cost: true`, or leave it out
users.yaml:2:13: `Mia` is not a name for a user
    use small letters, digits and `_`, a letter first, at most 64 characters
users.yaml:2:24: there is no role `marketr`
    did you mean `marketer`?
users.yaml:4:5: two users named `bob`
    give one another name
"#);
}

#[test]
fn signals_of_purposes() {
    let purpose = |signals: &str| format!("title: ads\nbasis: {{ gdpr: consent }}\nmin_group: 9\nsignals:\n{signals}");
    let good =
        purpose("  categories: [Advertising]\n  tcf: { vendor: 812, purposes: [1, 24] }\n  us: [sale, sharing]\n");
    let (definitions, report) = load_with(&[("purposes/ads.yaml", &good)]);
    assert_eq!(report, "");
    let expected = spec::Signals {
        categories: vec!["Advertising".to_owned()],
        tcf: Some(spec::TcfUse { vendor: 812, purposes: vec![1, 24] }),
        us: vec![spec::UsOptOut::Sale, spec::UsOptOut::Sharing],
    };
    assert_eq!(definitions.purposes["ads"].signals, expected);
    let bad = purpose("  categoris: [x]\n  tcf: { vendor: 0, purposes: [0, one, 25] }\n  us: [sales]\n");
    let empty = purpose("  tcf: { vendor: 7, purposes: [] }\n");
    insta::assert_snapshot!(check(&[("purposes/ads.yaml", &bad), ("purposes/email.yaml", &empty)]), @"
purposes/ads.yaml:5:3: `categoris` is not a key of the signals of a purpose
    did you mean `categories`?
purposes/ads.yaml:6:18: `vendor` is a whole number from 1 to 65535
    write it as in `vendor: 10`
purposes/ads.yaml:6:32: a purpose is a number from 1 to 24
    give the numbers of purposes of the framework, as in `purposes: [1, 3, 4]`
purposes/ads.yaml:6:35: a purpose is a number from 1 to 24
    give the numbers of purposes of the framework, as in `purposes: [1, 3, 4]`
purposes/ads.yaml:6:40: a purpose is a number from 1 to 24
    give the numbers of purposes of the framework, as in `purposes: [1, 3, 4]`
purposes/ads.yaml:7:8: `sales` is not an opt-out
    did you mean `sale`?
purposes/email.yaml:5:31: `purposes` is empty
    give the numbers of purposes of the framework, as in `purposes: [1, 3, 4]`
");
}

#[test]
fn sources_and_contracts() {
    insta::assert_snapshot!(check(&[
        ("sources/web.yaml", "contract: contracts/wbe.odcs.yaml\nfiles:\n  - { path: ../secret.csv, object: x }\n  - { path: /etc/passwd }\n"),
        ("sources/app.yaml", "contract: contracts/app.odcs.yaml\nfiles: [{ path: data/app.csv, object: basket }]\n"),
        ("contracts/app.odcs.yaml", "\
apiVersion: v2.0.0
kind: DataContract
id: app
version: 1.0
status: active
shcema: []
schema:
  - name: App Opened
    customProperties:
      - { property: entity, value: evnt }
  - name: visit
    customProperties:
      - { property: entity, value: event }
      - { property: person, value: who }
    properties:
      - { name: user, logicalType: strng, classification: publc }
      - { name: amount, logicalType: number, physicalType: 'decimal(50,2)', classification: none }
      - { name: page, logicalType: string, logicalTypeOptions: { maxLength: 0 }, customProperties: [{ property: purposes, value: [analitics] }] }
      - { name: page, logicalType: string }
"),
    ]), @r#"
contracts/app.odcs.yaml:1:1: the contract is not of ODCS version 3
    write `apiVersion: v3.1.0`
contracts/app.odcs.yaml:4:10: `version` is text, not a number
    put it in quotes
contracts/app.odcs.yaml:6:1: `shcema` is not a key of a contract
    did you mean `schema`?
contracts/app.odcs.yaml:8:5: `App Opened` is not a name for an object
    use small letters, digits and `_`, a letter first, at most 64 characters
contracts/app.odcs.yaml:10:36: `evnt` is not a sort of object
    did you mean `event`?
contracts/app.odcs.yaml:11:5: `visit` has no property `who` for its person
    properties: `page`, `page`
contracts/app.odcs.yaml:11:5: `visit` does not say when its records happened
    add `- {property: time, value: COLUMN}` to its customProperties
contracts/app.odcs.yaml:16:36: `strng` is not a type that is read
    did you mean `string`?
contracts/app.odcs.yaml:16:59: `publc` is not a class of fields
    use one of: `none`, `pseudonym`, `direct`, `sensitive`
contracts/app.odcs.yaml:17:38: `decimal(50,2)` is not a decimal type
    write `physicalType: decimal(18,2)`, with at most 38 and 18 digits
contracts/app.odcs.yaml:18:77: `maxLength` is a whole number from 1 to 65536
    leave it out for 1024
contracts/app.odcs.yaml:18:131: there is no purpose `analitics`
    did you mean `analytics`?
contracts/app.odcs.yaml:19:9: the property `page` stands twice
    keep one of them
sources/web.yaml:1:11: there is no contract `contracts/wbe.odcs.yaml`
    did you mean `contracts/app.odcs.yaml`?
sources/web.yaml:3:13: `../secret.csv` is not a file inside of the workspace
    use a path relative to the workspace, with `/` and without `..`
sources/web.yaml:4:5: a file of a source needs `object`
    say what its records are: an object of the contract
sources/web.yaml:4:13: `/etc/passwd` is not a file inside of the workspace
    use a path relative to the workspace, with `/` and without `..`
"#);
}

#[test]
fn keys_of_sources() {
    let public = format!("pk_{}", "A1".repeat(16));
    let digest = |text: &str| spec::hex(&Sha256::digest(text));
    let (secret, upper) = (digest("sk_one"), digest("sk_two").to_uppercase());
    let till = format!(
        "\
contract: contracts/till.odcs.yaml
keys:
  - {{ name: shop, kind: public, key: {public}, events_per_second: 50 }}
  - {{ name: backend, kind: secret, sha256: {secret}, events_per_day: 100000000000 }}
  - {{ name: cash_desk, kind: secret, sha256: {upper} }}
"
    );
    let (definitions, text) = load_with(&[("sources/till.yaml", &till)]);
    assert_eq!(text, "");
    let keys = &definitions.sources["till"].keys;
    let limits: Vec<_> = keys.iter().map(|key| (key.events_per_second_max, key.events_per_day_max)).collect();
    assert_eq!(limits, [(50, 10_000_000), (10_000, 100_000_000_000), (10_000, 1_000_000_000)]);
    assert_eq!(keys[0].digest, <[u8; 32]>::from(Sha256::digest(&public)), "what is looked up is always the digest");
    assert_eq!((keys[0].text.as_deref(), keys[1].text.as_deref()), (Some(public.as_str()), None));
    assert_eq!(keys[2].digest, <[u8; 32]>::from(Sha256::digest("sk_two")));
}

#[test]
fn keys_with_errors() {
    let public = format!("pk_{}", "A1".repeat(16));
    let digest = spec::hex(&Sha256::digest(&public));
    let members =
        format!("contract: contracts/members.odcs.yaml\nkeys: [{{ name: app, kind: public, key: {public} }}]\n");
    let web = format!(
        "\
contract: contracts/till.odcs.yaml
keys:
  - {{ name: one, kind: secret, sha256: {digest} }}
  - {{ name: two, kind: secret, key: sk_0123456789 }}
  - {{ name: three, kind: public, key: sk_0123456789 }}
  - {{ name: four, kind: secret, sha256: sk_0123456789 }}
  - {{ name: five, kind: public, sha256: {digest} }}
  - {{ name: six, kind: public, key: pk_short }}
  - {{ name: seven, kind: public, key: pk_{letters}- }}
  - {{ name: eight, kind: secret, sha256: 3f5a }}
  - {{ name: nine, kind: secret, sha256: {letters}é{letters} }}
  - {{ name: Ten, kind: privat, kee: x }}
  - {{ name: eleven, kind: public, events_per_second: 0, events_per_day: 100000000001 }}
  - {{ name: twelve, kind: secret, events_per_secnd: 5 }}
  - {{ name: same, kind: secret, sha256: {zeros} }}
  - {{ name: same, kind: secret, sha256: {zeros} }}
  - {{}}
",
        letters = "a".repeat(31),
        zeros = "'".to_owned() + &"0".repeat(64) + "'",
    );
    let (definitions, text) = load_with(&[("sources/members.yaml", &members), ("sources/web.yaml", &web)]);
    insta::assert_snapshot!(text, @"
    sources/web.yaml:3:5: `one` is the same key as `app` of the source `members`
        a key stands for one source: make another one with `entente key`
    sources/web.yaml:4:37: a secret key stands here
        this key is burnt: make a new one with `entente key --kind secret`, and keep only its `sha256`
    sources/web.yaml:5:39: a secret key stands here
        this key is burnt: make a new one with `entente key --kind secret`, and keep only its `sha256`
    sources/web.yaml:6:41: a secret key stands here
        this key is burnt: make a new one with `entente key --kind secret`, and keep only its `sha256`
    sources/web.yaml:7:41: a public key is given by its text, not by its digest
        make a key with `entente key`, and write it as in `key: pk_...`
    sources/web.yaml:8:37: `key` is not a public key
        it is `pk_` and 32 to 64 letters and digits; make one with `entente key`
    sources/web.yaml:9:39: `key` is not a public key
        it is `pk_` and 32 to 64 letters and digits; make one with `entente key`
    sources/web.yaml:10:42: `sha256` is not 64 hex digits
        make a key with `entente key --kind secret`, and keep its digest, as in `sha256: 3f5a...`
    sources/web.yaml:11:41: `sha256` is not 64 hex digits
        make a key with `entente key --kind secret`, and keep its digest, as in `sha256: 3f5a...`
    sources/web.yaml:12:13: `Ten` is not a name for a write key
        use small letters, digits and `_`, a letter first, at most 64 characters
    sources/web.yaml:12:24: `privat` is not a kind of write key
        use one of: `public`, `secret`
    sources/web.yaml:12:32: `kee` is not a key of a write key
        did you mean `key`?
    sources/web.yaml:13:5: a write key needs `key`
        make a key with `entente key`, and write it as in `key: pk_...`
    sources/web.yaml:13:54: `events_per_second` is a whole number from 1 to 1000000
        write it as in `events_per_second: 10`
    sources/web.yaml:13:73: `events_per_day` is a whole number from 1 to 100000000000
        write it as in `events_per_day: 10`
    sources/web.yaml:14:5: a write key needs `sha256`
        make a key with `entente key --kind secret`, and keep its digest, as in `sha256: 3f5a...`
    sources/web.yaml:14:35: `events_per_secnd` is not a key of a write key
        did you mean `events_per_second`?
    sources/web.yaml:16:5: two keys named `same`
        give one another name
    sources/web.yaml:16:5: `same` is the same key as `same` of the source `web`
        a key stands for one source: make another one with `entente key`
    sources/web.yaml:17:5: a write key needs `name`
        give it a name, as in `name: shop`
    sources/web.yaml:17:5: a write key needs `kind`
        say who holds it: `public` for pages and apps, `secret` for servers of yours
    ");
    assert!(definitions.sources.contains_key("members") && !definitions.sources.contains_key("web"));
}

/// What `openssl pkey -pubout` printed for keys of several algorithms.
const ED25519: [&str; 2] = [
    "MCowBQYDK2VwAyEAOhArgisu4fFkzR1t/OB+ePI4uIJUtIGTFj8NKfzq+Rg=",
    "MCowBQYDK2VwAyEA4C2SvAa5uhZm1tiO1jRJRUU0ce+LLoa/hgn9cuvtYUY=",
];

#[test]
fn who_may_sign_for_a_public_key() {
    let [one, two] = ED25519;
    let till = format!(
        "contract: contracts/till.odcs.yaml\nkeys:\n  - name: shop\n    kind: public\n    key: pk_{}\n    signed_by:\n      - {one}\n      - |\n        {two}\n",
        "A1".repeat(16)
    );
    let (definitions, text) = load_with(&[("sources/till.yaml", &till)]);
    assert_eq!(text, "");
    let signers = &definitions.sources["till"].keys[0].signers;
    assert_eq!((signers.len(), &signers[0][..3], signers[1][31]), (2, &[0x3a, 0x10, 0x2b][..], 0x46));
}

#[test]
fn signers_with_errors() {
    let [one, two] = ED25519;
    let weak = "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let private = "MC4CAQAwBQYDK2VwBCIEIHarDKWoNdmYeuUPtZifVAR1fQxkTyv+ePveA6dvt3zf";
    let lists = [
        // Private keys: Ed25519, half of one, RSA, elliptic curve, with the lines around it, and not in a list.
        format!("[{private}]"),
        format!("[{}]", &private[..30]),
        "[MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC9bx3b868p1t80]".to_owned(),
        "[MHcCAQEEIGLfyp5KUxIzDFjGFWbvHxpHpbvyauM5j4ZURIgH]".to_owned(),
        format!("['-----BEGIN ENCRYPTED PRIVATE KEY----- {one}']"),
        private.to_owned(),
        // Other keys: X25519, RSA, elliptic curve; one by which everybody could sign.
        "[MCowBQYDK2VuAyEASiWrMmQel1JZe7mNb/68NIAg6e/t4T1+zq6BNsA4Hy0=]".to_owned(),
        "[MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvW8d2/OvKdbfND3gAJbB]".to_owned(),
        "[MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEd00oN8g8b0+NnEEzeHW1nz3XyG1J]".to_owned(),
        format!("[{weak}]"),
        // What is no key.
        format!("[{}]", &one[..56]),
        format!("['-----BEGIN PUBLIC KEY----- {one}']"),
        format!("[{one}{one}]"),
        "[OhArgisu4fFkzR1t/OB+ePI4uIJUtIGTFj8NKfzq+Rg=]".to_owned(),
        "[7, { x: y }]".to_owned(),
        one.to_owned(),
        // Too many, or one twice.
        format!("[{one}, {two}, {one}]"),
        format!("[{}]", [ED25519[0]; 5].join(", ")),
    ];
    let mut web = "contract: contracts/till.odcs.yaml\nkeys:\n".to_owned();
    for (at, list) in lists.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at).expect("there are few"));
        let key = format!("pk_{}", letter.to_string().repeat(32));
        web += &format!("  - {{ name: {letter}, kind: public, key: {key}, signed_by: {list} }}\n");
    }
    let digest = "'".to_owned() + &"0".repeat(64) + "'";
    web += &format!("  - {{ name: y, kind: secret, sha256: {digest}, signed_by: [{one}] }}\n");
    web += &format!("  - {{ name: z, kind: secret, sha256: {digest}, signed_by: [{private}] }}\n");
    let text = check(&[("sources/web.yaml", &web)]);
    assert!(!text.contains(&private[..20]) && !text.contains(&private[44..]), "what is burnt is not repeated: {text}");
    insta::assert_snapshot!(text, @"
    sources/web.yaml:3:84: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:4:84: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:5:84: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:6:84: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:7:84: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:8:83: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    sources/web.yaml:9:84: a key of another algorithm than Ed25519 stands here
        make one with `openssl genpkey -algorithm ed25519 -out identity.pem`
    sources/web.yaml:10:84: a key of another algorithm than Ed25519 stands here
        make one with `openssl genpkey -algorithm ed25519 -out identity.pem`
    sources/web.yaml:11:84: a key of another algorithm than Ed25519 stands here
        make one with `openssl genpkey -algorithm ed25519 -out identity.pem`
    sources/web.yaml:12:84: with this key anybody could sign
        make one with `openssl genpkey -algorithm ed25519 -out identity.pem`
    sources/web.yaml:13:84: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:14:84: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:15:84: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:16:84: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:17:84: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:17:87: this is not an Ed25519 public key
        take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints
    sources/web.yaml:18:83: `signed_by` is a list, not text
        write `- ` before it
    sources/web.yaml:19:208: the same key stands twice in `signed_by`
        keep it once
    sources/web.yaml:20:83: `signed_by` has more than 4 keys
        take away those that sign no more
    sources/web.yaml:20:146: the same key stands twice in `signed_by`
        keep it once
    sources/web.yaml:20:208: the same key stands twice in `signed_by`
        keep it once
    sources/web.yaml:20:270: the same key stands twice in `signed_by`
        keep it once
    sources/web.yaml:20:332: the same key stands twice in `signed_by`
        keep it once
    sources/web.yaml:21:117: a secret key has no `signed_by`
        leave it out: who holds the key vouches for what comes with it already
    sources/web.yaml:22:118: a private key stands here
        this key is burnt: replace it by a new one, and put only the public half here
    ");
}

#[test]
fn what_happens_at_the_door() {
    let contract = |custom: &str| {
        let text = &shop()["contracts/till.odcs.yaml"];
        text.replace("description:", &format!("customProperties:\n{custom}description:"))
    };
    let door = |custom: &str| {
        let (definitions, text) = load_with(&[("contracts/till.odcs.yaml", &contract(custom))]);
        assert_eq!(text, "");
        definitions.sources["till"].contract.door
    };
    assert_eq!(door("  - { property: somebody, value: else }\n"), Door::default());
    let all = door(
        "  - { property: on_unknown_event, value: reject }
  - { property: on_bad_value, value: flag }
  - { property: on_bad_time, value: reject }
  - { property: keep_ip, value: true }
",
    );
    let (unknown_event, bad_value) = (OnFault::Reject, OnFault::Flag);
    assert_eq!(all, Door { unknown_event, bad_value, bad_time: OnFault::Reject, keeps_ip: true });
    let wrong = contract(
        "  - { property: on_unknown_event, value: flag }
  - { property: on_bad_value, value: quarantin }
  - { property: on_bad_time, value: [] }
  - { property: keep_ip, value: sometimes }
",
    );
    insta::assert_snapshot!(check(&[("contracts/web.odcs.yaml", &wrong)]), @"
    contracts/web.odcs.yaml:7:42: an unknown event cannot be flagged
        the contract says nothing of it that could be kept: use `quarantine` or `reject`
    contracts/web.odcs.yaml:8:38: `quarantin` is not what can be done about a fault
        did you mean `quarantine`?
    contracts/web.odcs.yaml:9:37: `on_bad_time` is text, not a list
        write `on_bad_time: some text`
    contracts/web.odcs.yaml:10:33: `keep_ip` is true or false
        write `value: true`
    ");
}

#[test]
fn what_must_agree_across_contracts() {
    insta::assert_snapshot!(check(&[
        ("sources/web.yaml", "contract: contracts/web.odcs.yaml\n"),
        ("contracts/web.odcs.yaml", "\
apiVersion: v3.1.0
kind: DataContract
id: web
version: 1.0.0
status: active
schema:
  - name: basket_paid
    customProperties: [{ property: entity, value: event }, { property: person, value: user }, { property: time, value: at }]
    properties:
      - { name: user, logicalType: string }
      - { name: at, logicalType: timestamp }
      - { name: value, logicalType: integer }
  - name: profile
    customProperties: [{ property: entity, value: traits }, { property: person, value: user }]
    properties:
      - { name: user, logicalType: string }
      - { name: age, logicalType: integer }
"),
    ]), @r#"
contracts/web.odcs.yaml:7:5: a second event `basket_paid`
    give it another name: events are known by name alone
contracts/web.odcs.yaml:12:9: `value` is integer in `basket_paid` and decimal with 2 digits after the point in `basket_paid`
    give both the same type, or one of them another name
contracts/web.odcs.yaml:17:9: a second trait `age`
    give it another name: traits are known by name alone
"#);
}

#[test]
fn metrics_audiences_and_questions() {
    let (definitions, text) = load_with(&[
        ("metrics/bad_text.yaml", "measure: sum(basket_paid.value\n"),
        ("metrics/bad_name.yaml", "measure: \"sum(basket_paid.valu)\"\nwhere: |\n  event.stoer = 1\n"),
        ("metrics/bad_type.yaml", "measure: sum(basket_paid.paid_by)\nwhere: \"event.store = 'five'\"\n"),
        ("metrics/itself.yaml", "measure: sales\nowner: it\n"),
        ("audiences/one.yaml", "purpose: emial\nwhere: in_audience('two')\n"),
        ("audiences/two.yaml", "purpose: email\nwhere: in_audience('three')\n"),
        ("audiences/three.yaml", "purpose: email\nwhere: in_audience('two') OR gold\n"),
        ("audiences/four.yaml", "purpose: email\nwhere: agee = '30' AND did(basket_payd)\n"),
        ("audiences/five.yaml", "purpose: email\nwhere: in_audience('four')\n"),
        ("audiences/six.yaml", "purpose: email\nwhere: >-\n  gold AND\n  household_size =\n"),
        ("audiences/seven.yaml", "purpose: email\nwhere: |\n  gold AND\n    household_size = = 2\n"),
        ("audiences/eight.yaml", "purpose: email\nwhere: \"gold AND event.store = 1\"\n"),
        ("questions/trend.yaml", "question:\n  kind: trend\n  purpose: analitics\n  measure: sales\n"),
        (
            "questions/other.yaml",
            "question:\n  kind: trend\n  measure: sales\n  where: age = \n  period: { from: 2018-01-01, to: 2017-01-01 }\n",
        ),
    ]);
    insta::assert_snapshot!(text, @"
    audiences/eight.yaml:2:8: `event.store` stands outside of an event's brackets
        put it into the brackets, as in `did(E, where => (event.store = ...))`
    audiences/five.yaml:2:8: there is no audience `four`
        first mend what is wrong with `audiences/four.yaml`
    audiences/four.yaml:2:8: there is no trait `agee`
        did you mean `age`?
    audiences/four.yaml:2:8: there is no event `basket_payd`
        did you mean `basket_paid`?
    audiences/one.yaml:1:10: there is no purpose `emial`
        did you mean `email`?
    audiences/seven.yaml:4:22: expected a trait, `event.property` or a value, found `=`
        join comparisons with AND, OR and NOT
    audiences/six.yaml:3:3: expected a trait, `event.property` or a value, found the end
        finish it, as in `count(visit) >= 3`, or take its last word away
    audiences/three.yaml:2:8: the audience `three` is defined by itself
        break the circle of `in_audience`
    audiences/two.yaml:2:8: the audience `two` is defined by itself
        break the circle of `in_audience`
    metrics/bad_name.yaml:1:10: there is no property `basket_paid.valu`
        did you mean `value`?
    metrics/bad_name.yaml:3:3: there is no property `event.stoer`
        did you mean `store`?
    metrics/bad_text.yaml:1:31: expected `)`, found the end
        write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name
    metrics/bad_type.yaml:1:10: `sum` needs a number and `paid_by` is text
        use `count` for how often something happened
    metrics/bad_type.yaml:2:8: `event.store` is an integer and `five` is not
        compare it with a number, without quotes
    metrics/itself.yaml:1:10: a metric cannot be another metric (`sales`)
        write its measure, as in `count(purchase)`
    metrics/itself.yaml:2:1: `owner` is not a key of a metric
        did you mean `owners`?
    questions/other.yaml:2:3: a question needs `purpose`
        say what the answer is for, as in `purpose: analytics`
    questions/other.yaml:4:15: expected a trait, `event.property` or a value, found the end
        finish it, as in `count(visit) >= 3`, or take its last word away
    questions/other.yaml:5:35: the period has no day: it starts on 2018-01-01 and ends before 2017-01-01
        `to` is the day after the last one, so it is later than `from`
    questions/trend.yaml:3:12: there is no purpose `analitics`
        did you mean `analytics`?
    ");
    let kept: Vec<&str> = definitions.audiences.keys().map(String::as_str).collect();
    assert_eq!(kept, ["gold", "regulars"], "a definition with errors is left out, all others stay");
    assert_eq!(definitions.metrics.len(), 1);
}

#[test]
fn dashboards() {
    let question = "question: { kind: trend, purpose: analytics, measure: sales }\n";
    let names: Vec<String> = (0..17).map(|n| format!("questions/q{n}.yaml")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|path| (path.as_str(), question)).collect();
    let many: String = (0..17).map(|n| format!("  - question: q{n}\n")).collect();
    let many = format!("tiles:\n{many}");
    files.extend([
        ("questions/weekly.yaml", question),
        ("questions/broken.yaml", "question: 3\n"),
        (
            "dashboards/good.yaml",
            "title: Monday\ntiles:\n  - { question: weekly, title: The week, width: full }\n  - metric: sales\n  - question: broken\n",
        ),
        ("dashboards/empty.yaml", "title: Nothing yet\n"),
        (
            "dashboards/bad.yaml",
            "titel: x\ntiles:\n  - question: weakly\n  - { metric: sale, width: wide }\n  - { question: weekly, metric: sales }\n  - title: Neither\n  - { metric: sales, widht: half }\n  - { metric: sales, title: Again }\n  - weekly\n",
        ),
        ("dashboards/many.yaml", &many),
        ("dashboards/no_list.yaml", "title: 3\ntiles: { question: weekly }\n"),
    ]);
    let (definitions, text) = load_with(&files);
    insta::assert_snapshot!(text, @"
    dashboards/bad.yaml:1:1: `titel` is not a key of a dashboard
        did you mean `title`?
    dashboards/bad.yaml:3:15: there is no question `weakly`
        did you mean `weekly`?
    dashboards/bad.yaml:4:15: there is no metric `sale`
        did you mean `sales`?
    dashboards/bad.yaml:4:28: `wide` is not a width
        use one of: `half`, `full`
    dashboards/bad.yaml:5:33: a tile shows a question or a metric, not both
        make two tiles of it
    dashboards/bad.yaml:6:5: a tile shows a question or a metric
        write `question: NAME` or `metric: NAME`
    dashboards/bad.yaml:7:22: `widht` is not a key of a tile
        did you mean `width`?
    dashboards/bad.yaml:8:5: the metric `sales` stands on the dashboard twice
        keep one of the two tiles
    dashboards/bad.yaml:9:5: a tile is a mapping of keys to values, not text
        write `key: value`
    dashboards/many.yaml:18:5: a dashboard has at most 16 tiles, and this one 17
        put the others on a dashboard of their own
    dashboards/no_list.yaml:1:8: `title` is text, not a number
        put it in quotes
    dashboards/no_list.yaml:2:8: `tiles` is a list, not a mapping
        write `- ` before it
    questions/broken.yaml:1:11: a question is a mapping of keys to values, not a number
        write `key: value`
    ");
    let good = &definitions.dashboards["good"];
    let subjects: Vec<&TileSubject> = good.tiles.iter().map(|tile| &tile.subject).collect();
    let question = |name: &str| TileSubject::Question(name.to_owned());
    assert_eq!(subjects, [&question("weekly"), &TileSubject::Metric("sales".to_owned()), &question("broken")]);
    assert_eq!((good.tiles[0].title.as_deref(), good.tiles[0].width), (Some("The week"), TileWidth::Full));
    assert_eq!((good.tiles[1].title.as_deref(), good.tiles[1].width), (None, TileWidth::Half));
    let kept: Vec<&str> = definitions.dashboards.keys().map(String::as_str).collect();
    assert_eq!(kept, ["empty", "good"], "a dashboard with errors is left out, all others stay");
}

#[test]
fn files_in_the_wrong_place() {
    insta::assert_snapshot!(check(&[
        ("metric/x.yaml", "title: x"),
        ("metrics/Net-Sales.yaml", "title: x"),
        ("metrics/sales.yml", "title: x"),
        ("contracts/web.yaml", "title: x"),
        ("notes/x.yaml", "title: x"),
        ("audiences/deep/x.yaml", "title: x"),
    ]), @r#"
contracts/web.yaml:1:1: a file of `contracts` ends in `.odcs.yaml`
    rename it
metric/x.yaml:1:1: nothing is read from the folder `metric`
    did you mean `metrics`?
metrics/Net-Sales.yaml:1:1: `Net-Sales` is not a name for a definition
    rename it: small letters, digits and `_`, a letter first
metrics/sales.yml:1:1: a file of `metrics` ends in `.yaml`
    rename it
"#);
    let (_, diagnostics) = load(&BTreeMap::new());
    insta::assert_snapshot!(render(&diagnostics), @r#"
entente.yaml:1:1: the workspace has no `entente.yaml`
    add one with `title: ...`
"#);
}

#[test]
fn a_role_names_whose_files_it_changes() {
    let edits = |text: &str| {
        let (definitions, report) = load_with(&[("roles/analyst.yaml", text)]);
        (definitions.roles.get("analyst").map(|role| role.edits.clone()), report)
    };
    let (found, report) = edits("edits: [roles, laws, roles]\n");
    assert_eq!(found, Some(vec![spec::DefinitionKind::Laws, spec::DefinitionKind::Roles]), "{report}");
    assert_eq!(edits("title: Analyst\n").0, Some(Vec::new()), "nothing is named, so nothing may be changed");
    let (found, report) = edits("edits: [contract, users]\n");
    assert_eq!(found, None, "a role with errors allows nothing");
    assert!(report.contains("`contract` is not a sort of definitions") && report.contains("`users`"), "{report}");
}

#[test]
fn teams() {
    let good = [
        (
            "teams/it.yaml",
            "title: IT\nmembers: [mia]\nlooks_after: [contracts/, metrics/sales.yaml]\nanswers_within: 2 days\nbudget: { seconds_per_question: 5 }\n",
        ),
        (
            "teams/marketing.yaml",
            "title: Marketing\nmembers: [mia]\nlooks_after: [metrics/, contracts/till.odcs.yaml]\n",
        ),
    ];
    let (definitions, text) = load_with(&good);
    assert_eq!(text, "");
    let of = |file: &str| definitions.team_for(file).map(|team| team.title.as_str());
    assert_eq!(of("contracts/members.odcs.yaml"), Some("IT"));
    assert_eq!(of("contracts/till.odcs.yaml"), Some("Marketing"), "the longest match wins");
    assert_eq!((of("metrics/sales.yaml"), of("metrics/other.yaml")), (Some("IT"), Some("Marketing")));
    assert_eq!((of("metrics/"), of("users.yaml"), of("metrics.yaml")), (Some("Marketing"), None, None));
    assert_eq!(definitions.team_of("mia").map(|team| team.name.as_str()), Some("it"), "the first by name");
    assert_eq!(definitions.team_of("bob"), None);
    let it = &definitions.teams["it"];
    assert_eq!(it.answers_within.as_ref().map(ToString::to_string).as_deref(), Some("2 days"));
    assert_eq!((it.budget.seconds_per_question, it.budget.bytes_per_question), (Some(5), None));
    insta::assert_snapshot!(check(&[
        ("teams/a.yaml", "title: A\nmembers: [mai, mia, mia]\nlooks_after: [contract/, contracts/, roles/marketr.yaml, notes/]\n"),
        ("teams/b.yaml", "looks_after: [contracts/, metrics/, metrics/]\nanswer_within: 2 days\nanswers_within: soon\nbudget: { seconds: 1, bytes_per_question: 0 }\n"),
        ("team/c.yaml", "title: C\n"),
    ]), @"
    team/c.yaml:1:1: nothing is read from the folder `team`
        did you mean `teams`?
    teams/a.yaml:2:11: there is no user `mai`
        did you mean `mia`?
    teams/a.yaml:2:21: `mia` stands twice in `members`
        keep it once
    teams/a.yaml:3:15: `contract/` is no folder or file of definitions
        did you mean `contracts/`?
    teams/a.yaml:3:38: `roles/marketr.yaml` is no folder or file of definitions
        did you mean `roles/marketer.yaml`?
    teams/a.yaml:3:58: `notes/` is no folder or file of definitions
        did you mean `roles/`?
    teams/b.yaml:1:1: a team needs `title`
        say what people call the team, as in `title: Data team`
    teams/b.yaml:1:15: the team `a` looks after `contracts/` already
        leave it to one of the two; a file of a folder may be another team's
    teams/b.yaml:1:37: `metrics/` stands twice in `looks_after`
        keep it once
    teams/b.yaml:2:1: `answer_within` is not a key of a team
        did you mean `answers_within`?
    teams/b.yaml:3:17: `soon` is not a duration: write a number and a unit, as in `30 days`
        write it as in `answers_within: 30 days`
    teams/b.yaml:4:11: `seconds` is not a key of the budget of a team
        keys: `seconds_per_question`, `bytes_per_question`
    teams/b.yaml:4:43: `bytes_per_question` is a whole number from 1 to 1125899906842624
        write it as in `bytes_per_question: 10`
    ");
}

#[test]
fn the_end_of_use_is_shown_as_it_is_written() {
    let report = |value: &str| {
        let sla = format!("slaProperties: [{{ property: endOfLife, value: {value} }}, ");
        check(&[("contracts/till.odcs.yaml", &shop()["contracts/till.odcs.yaml"].replace("slaProperties: [", &sla))])
    };
    assert_eq!(report("2026-11-30"), "");
    for (value, shown) in [("20261130", "`20261130` is not a day"), ("soon", "`soon` is not a day")] {
        let report = report(value);
        assert!(report.contains(shown) && !report.contains("``"), "{value}: {report}");
    }
    assert!(report("9999-12-31").contains("days go from 0001-01-01 to 9998-12-31"));
}

#[test]
fn what_a_file_with_errors_may_define_is_found_in_it() {
    let left_out = |path: &str, from: &str, to: &str| {
        let text = shop()[path].replace(from, to);
        let (definitions, report) = load_with(&[(path, &text)]);
        assert_ne!(report, "", "{path} is wrong");
        definitions
    };
    let till = "contracts/till.odcs.yaml";
    let broken = left_out(till, "logicalType: timestamp", "logicalType: tmestamp");
    for (kind, name) in [("event", "basket_paid"), ("property", "event.paid_by"), ("metric", "sales")] {
        assert_eq!(broken.left_out_with(kind, name), Some(till), "{kind} {name}");
    }
    for (kind, name) in [("event", "refunded"), ("property", "event.colour"), ("metric", "visits"), ("trait", "value_")]
    {
        assert_eq!(broken.left_out_with(kind, name), None, "{kind} {name}");
    }
    // No YAML at all, and a source whose contract is right.
    assert_eq!(left_out(till, "schema:", "schema: [").left_out_with("event", "coupon_redeemed"), Some(till));
    let source = left_out("sources/till.yaml", "title: Till", "titel: Till");
    assert_eq!(source.left_out_with("event", "basket_paid"), Some("sources/till.yaml"));
    // A metric that is wrong by itself.
    let metric = left_out("metrics/sales.yaml", "unit: USD", "unti: USD");
    assert_eq!(metric.left_out_with("metric", "sales"), Some("metrics/sales.yaml"));
    assert!(shop_definitions().left_out.is_empty());
}
