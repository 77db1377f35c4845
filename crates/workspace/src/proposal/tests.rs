//! Changes of definitions: what is written, that it means what was proposed, and that nothing else changes.

use super::*;
use crate::diagnostic::render;
use crate::fixture::shop;
use crate::{Definitions, load};
use spec::{Differences, Field, Mask, Object, ObjectKind};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

type Files = BTreeMap<String, String>;

const TYPES: [ValueType; 7] = [
    ValueType::Text,
    ValueType::Integer,
    ValueType::Number,
    ValueType::Decimal { scale: 2 },
    ValueType::Boolean,
    ValueType::Timestamp,
    ValueType::Date,
];

const CLASSES: [FieldClass; 4] = [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive];

/// The workspace with a change made; it came through an address.
fn after(files: &Files, path: &str, change: &Change) -> Definitions {
    let read = Change::parse(&change.to_json()).expect("it was written by a verdict");
    assert_eq!(read, *change, "what is read is what was written");
    let before = files.get(path).map_or("", String::as_str);
    let after = proposed(before, path, change).unwrap_or_else(|| panic!("{path} is not understood: {change:?}"));
    assert_eq!(proposed(&after, path, change).unwrap_or(after.clone()), after, "{path}: once made it is made");
    assert_is_small(before, &after, path);
    let mut files = files.clone();
    files.insert(path.to_owned(), after);
    let (definitions, diagnostics) = load(&files);
    assert_eq!(render(&diagnostics), "", "{change:?}\n{}", files[path]);
    definitions
}

/// What was there is there still, but for at most one word.
fn assert_is_small(before: &str, after: &str, path: &str) {
    let same = |one: &mut dyn Iterator<Item = (u8, u8)>| one.take_while(|(a, b)| a == b).count();
    let n_first = same(&mut before.bytes().zip(after.bytes()));
    let n_last = same(&mut before.bytes().rev().zip(after.bytes().rev()));
    assert!(before.len() <= n_first + n_last + "aggregate".len(), "{path} is another text now:\n{after}");
}

fn demo() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let mut files = Files::new();
    let read = |path: &Path| fs::read_to_string(path).expect("a file of the demo");
    for folder in ["contracts", "purposes", "roles", "sources", "metrics", "audiences", "questions", "teams"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder of the demo") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            files.insert(format!("{folder}/{name}"), read(&path));
        }
    }
    for name in ["entente.yaml", "users.yaml"] {
        files.insert(name.to_owned(), read(&root.join(name)));
    }
    files
}

fn object<'d>(definitions: &'d Definitions, path: &str, name: &str) -> &'d Object {
    let mut sources = definitions.sources.values().filter(|source| source.contract_path == path);
    let contract = &sources.next().expect("the contract has a source").contract;
    contract.objects.iter().find(|object| object.name == name).expect("it is declared")
}

fn field<'d>(definitions: &'d Definitions, path: &str, (owner, name): (&str, &str)) -> &'d Field {
    object(definitions, path, owner).fields.iter().find(|field| field.name == name).expect("it is declared")
}

fn every_change(files: &Files) {
    let (before, diagnostics) = load(files);
    assert_eq!(render(&diagnostics), "");
    let purposes: Vec<&String> = before.purposes.keys().collect();
    for source in before.sources.values() {
        let path = source.contract_path.as_str();
        // What is built on sources is not looked at, so that no more is read again and again than is changed.
        let is_read = |file: &str| file == path || file == format!("sources/{}.yaml", source.name);
        let is_rule = |file: &str| file.starts_with("purposes/") || file == "entente.yaml";
        let files = files.iter().filter(|(file, _)| is_read(file) || is_rule(file));
        let files = &files.map(|(file, text)| (file.clone(), text.clone())).collect::<Files>();
        for object in &source.contract.objects {
            changes_of_fields(files, (path, object), &purposes);
        }
        let mut events = source.contract.objects.iter().filter(|object| object.kind == ObjectKind::Event);
        if let Some(model) = events.next_back() {
            let now = after(files, path, &Change::DeclareEvent { event: "balloon_popped".to_owned() });
            let made = self::object(&now, path, "balloon_popped");
            assert_eq!(
                (&made.person_prefix, made.time_column.is_some(), made.kind, made.title.as_str()),
                (&model.person_prefix, true, ObjectKind::Event, "Balloon popped")
            );
        }
    }
    for name in before.roles.keys() {
        let path = format!("roles/{name}.yaml");
        for purpose in &purposes {
            for release in Release::ALL {
                let now = after(files, &path, &Change::AllowPurpose { purpose: (*purpose).clone(), release });
                let held = before.roles[name].purposes.get(*purpose).copied();
                assert_eq!(now.roles[name].purposes[*purpose], held.map_or(release, |held| held.max(release)));
            }
        }
        for class in CLASSES {
            assert_eq!(after(files, &path, &Change::ShowClass { class }).roles[name].masks[&class], Mask::Show);
        }
    }
    for name in before.purposes.keys() {
        let path = format!("purposes/{name}.yaml");
        let now = after(files, &path, &Change::ShowDifferences);
        assert_eq!(now.purposes[name].limits.differences, Differences::Shown);
        let now = after(files, &path, &Change::AllowQuestions { per_day: 40 });
        assert_eq!(now.purposes[name].limits.questions_per_day, Some(40));
    }
    for title in ["New one", "Größe: \"A\" # no comment"] {
        let define = Change::Define { title: title.to_owned(), purpose: purposes[0].clone() };
        assert_eq!(after(files, "metrics/new_one.yaml", &define).metrics["new_one"].title, title);
        assert_eq!(after(files, "audiences/new_one.yaml", &define).audiences["new_one"].title, title);
        assert_eq!(after(files, "purposes/new_one.yaml", &define).purposes["new_one"].title, title);
    }
}

fn changes_of_fields(files: &Files, (path, object): (&str, &Object), purposes: &[&String]) {
    let name = object.name.as_str();
    for known in &object.fields {
        // Which of the purposes it is makes no difference to the edit.
        let Some(purpose) = purposes.iter().find(|purpose| !known.purposes.contains(purpose)) else { continue };
        let (object, field) = (name.to_owned(), known.name.clone());
        let now = after(files, path, &Change::AllowField { object, field, purpose: (*purpose).clone() });
        let mut expected = known.clone();
        expected.purposes.push((*purpose).clone());
        assert_eq!(*self::field(&now, path, (name, &known.name)), expected);
    }
    for value_type in TYPES {
        let (object, field, purpose) = (name.to_owned(), "balloon".to_owned(), purposes[0].clone());
        let now = after(files, path, &Change::DeclareField { object, field, value_type, purpose });
        let made = self::field(&now, path, (name, "balloon"));
        assert_eq!(
            (made.value_type, made.class, &made.purposes[..]),
            (value_type, FieldClass::None, &[purposes[0].clone()][..])
        );
    }
}

#[test]
fn every_change_of_the_demo() {
    every_change(&demo());
}

#[test]
fn with_the_line_ends_of_another_system() {
    let files = demo().into_iter().map(|(path, text)| (path, text.replace('\n', "\r\n"))).collect();
    let (path, change) = ("purposes/email.yaml", Change::ShowDifferences);
    after(&files, path, &change);
    let edited = proposed(&files[path], path, &change).expect("it is understood");
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
    let change = Change::DeclareEvent { event: "balloon_popped".to_owned() };
    let edited = proposed(&files["contracts/website.odcs.yaml"], "contracts/website.odcs.yaml", &change);
    let edited = edited.expect("it is understood");
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
    // Without an end of the last line.
    let files: Files = demo().into_iter().map(|(path, text)| (path, text.trim_end().to_owned())).collect();
    after(&files, path, &Change::AllowQuestions { per_day: 3 });
}

#[test]
fn a_contract_of_few_lines() {
    let files = shop();
    let path = "contracts/till.odcs.yaml";
    let allow = |object: &str, field: &str| {
        let (object, field, purpose) = (object.to_owned(), field.to_owned(), "email".to_owned());
        after(&files, path, &Change::AllowField { object, field, purpose })
    };
    for (owner, name) in [("basket_paid", "value"), ("basket_paid", "paid_by"), ("coupon_redeemed", "store")] {
        let now = allow(owner, name);
        assert_eq!(field(&now, path, (owner, name)).purposes.last().map(String::as_str), Some("email"));
        assert_eq!(field(&now, path, (owner, name)).class, FieldClass::None);
    }
    let closed = allow("basket_paid", "gift");
    let closed = field(&closed, path, ("basket_paid", "gift"));
    assert_eq!((closed.class, closed.purposes.len()), (FieldClass::Sensitive, 1), "no more open than it was");
    let declared = Change::DeclareField {
        object: "basket_paid".to_owned(),
        field: "balloon".to_owned(),
        value_type: ValueType::Decimal { scale: 2 },
        purpose: "email".to_owned(),
    };
    after(&files, path, &declared);
    after(&files, path, &Change::DeclareEvent { event: "balloon_popped".to_owned() });
    after(&files, "roles/marketer.yaml", &Change::ShowClass { class: FieldClass::Direct });
    after(&files, "purposes/email.yaml", &Change::ShowDifferences);
}

/// A text after a change, as a reader sees it.
fn check(path: &str, text: &str, change: &Change) -> String {
    proposed(text, path, change).unwrap_or_else(|| "(not understood)".to_owned())
}

fn allow_field(text: &str) -> String {
    let (object, field, purpose) = ("bought".to_owned(), "price".to_owned(), "email".to_owned());
    check("contracts/till.odcs.yaml", text, &Change::AllowField { object, field, purpose })
}

#[test]
fn layout_and_comments_stay() {
    insta::assert_snapshot!(allow_field("\
schema:
- name: bought   # the event
  properties:
  - name: other
    classification: none
  - name: price
    classification: none
    customProperties:
    - property: unit   # money
      value: USD
    - property: purposes
      value:
      - analytics      # since May
      # - ads          # not yet

    # the last word on it
  - name: last
"), @"
schema:
- name: bought   # the event
  properties:
  - name: other
    classification: none
  - name: price
    classification: none
    customProperties:
    - property: unit   # money
      value: USD
    - property: purposes
      value:
      - analytics      # since May
      - email
      # - ads          # not yet

    # the last word on it
  - name: last
");
    insta::assert_snapshot!(allow_field("\
schema:
  - properties:
      - { name: price, classification: none,
          customProperties: [ { property: purposes, value: [
            analytics, # since May
            'ads'      # ]
          ] } ] }
    name: bought
"), @"
schema:
  - properties:
      - { name: price, classification: none,
          customProperties: [ { property: purposes, value: [
            analytics, # since May
            'ads', email      # ]
          ] } ] }
    name: bought
");
    insta::assert_snapshot!(allow_field("\
schema:
  - name: bought
    properties:
      - name: price
        description: >-
          It's what
          was paid.

      - name: last
"), @"
schema:
  - name: bought
    properties:
      - name: price
        description: >-
          It's what
          was paid.
        classification: sensitive
        customProperties:
          - { property: purposes, value: [email] }

      - name: last
");
    let role = |text: &str| {
        check("roles/r.yaml", text, &Change::AllowPurpose { purpose: "email".to_owned(), release: Release::List })
    };
    insta::assert_snapshot!(role("purposes:\n  # what for\n  email: \"aggregate\" # few\n  ads: list\ntitle: R\n"), @r#"
    purposes:
      # what for
      email: list # few
      ads: list
    title: R
    "#);
    insta::assert_snapshot!(role("purposes:\n  ads: list\n\n# the end\n"), @"
    purposes:
      ads: list
      email: list

    # the end
    ");
    insta::assert_snapshot!(role("{title: R, purposes: {}}"), @"{title: R, purposes: { email: list }}");
    insta::assert_snapshot!(role("title: R"), @"
    title: R
    purposes: { email: list }
    ");
}

#[test]
fn what_is_not_understood_is_not_guessed_at() {
    let none = "(not understood)";
    assert_eq!(allow_field("schema: [\n"), none);
    assert_eq!(allow_field("schema:\n  - name: bought\n    properties: []\n"), none);
    assert_eq!(allow_field("\u{feff}schema: []\n"), none);
    assert_eq!(allow_field("schema:\n  -\n    name: bought\n    properties:\n      -\n        name: other\n"), none);
    let nothing = "schema: [{ name: bought, properties: [{ name: price, classification: none, customProperties: [{ property: purposes }] }] }]";
    assert_eq!(allow_field(nothing), none);
    // What stands in an address is not trusted to be a name, nor to belong to the file.
    let role = "purposes: { ads: list }\n";
    let purpose = "x }\nsees_audit: true\n#".to_owned();
    assert_eq!(check("roles/r.yaml", role, &Change::AllowPurpose { purpose, release: Release::List }), none);
    let event = "x\nstatus: retired".to_owned();
    let contract = &shop()["contracts/till.odcs.yaml"];
    assert_eq!(check("contracts/till.odcs.yaml", contract, &Change::DeclareEvent { event }), none);
    assert_eq!(check("roles/r.yaml", role, &Change::ShowDifferences), none);
    assert_eq!(check("users.yaml", "users: []\n", &Change::ShowDifferences), none);
    let define = Change::Define { title: "New".to_owned(), purpose: "email".to_owned() };
    assert_eq!(check("metrics/sales.yaml", "title: Sales\n", &define), none);
    assert_eq!(check("metrics/../x.yaml", "", &define), none);
    assert_eq!(check("roles/new.yaml", "", &define), none);
}

#[test]
fn a_change_that_is_none() {
    let wrong = [
        "3",
        "{}",
        r#"{ "kind": "burn" }"#,
        r#"{ "kind": "allow_field", "object": "a", "field": "b" }"#,
        r#"{ "kind": "allow_purpose", "purpose": "a", "release": "all" }"#,
        r#"{ "kind": "allow_questions", "per_day": 0 }"#,
        r#"{ "kind": "declare_field", "object": "a", "field": "b", "purpose": "c", "type": "decimal", "scale": 99 }"#,
    ];
    for text in wrong {
        let json = serde_json::from_str(text).expect("it is JSON");
        assert_eq!(Change::parse(&json).expect_err(text).kind, spec::ErrorKind::Invalid, "{text}");
    }
}
