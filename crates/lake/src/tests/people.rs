//! Traits, identifiers, places and statements.

use super::fixture::{Fixture, field, grant, grant_of, object, purpose, text_of, trait_of};
use roaring::RoaringTreemap;
use spec::{
    Basis, ConsentState, ErrorKind, FieldClass, FieldRef, Law, LawRule, Object, ObjectKind, PersonId, Purpose, Release,
    ValueType,
};

fn customers() -> Object {
    let mut email = field("email", ValueType::Text, false);
    email.class = FieldClass::Direct;
    let fields = vec![
        field("customer", ValueType::Text, true),
        field("seen", ValueType::Timestamp, true),
        field("country", ValueType::Text, false),
        field("region", ValueType::Text, false),
        field("tier", ValueType::Text, false),
        email,
    ];
    object("customer", ObjectKind::Traits, Some("seen"), fields)
}

fn statements() -> Object {
    let fields = vec![
        field("customer", ValueType::Text, true),
        field("at", ValueType::Timestamp, true),
        field("purpose", ValueType::Text, true),
        field("state", ValueType::Text, true),
    ];
    object("statement", ObjectKind::Consent, Some("at"), fields)
}

fn person(fixture: &Fixture, user_id: &str) -> PersonId {
    let snapshot = fixture.lake.snapshot();
    let grant =
        grant_of(snapshot.known().clone(), &[FieldRef::Trait("user_id".to_owned())], Release::List, FieldClass::Direct);
    let people: Vec<PersonId> =
        snapshot.known().iter().filter_map(|number| PersonId::from_stored(i64::try_from(number).ok()?)).collect();
    let ids = snapshot.identifiers(&grant, "user_id", &people).expect("the grant reaches to lists");
    let at = ids.iter().position(|id| id.as_deref() == Some(user_id)).expect("the person is known");
    people[at]
}

#[test]
fn newer_traits_replace_older_ones_and_identifiers_stay_in_the_vault() {
    let fixture = Fixture::new();
    let object = customers();
    let head = "customer,seen,country,region,tier,email\n";
    let first =
        format!("{head}ann,2017-02-01T00:00:00Z,US,US-CA,gold,ann@example.com\nbob,2017-02-01T00:00:00Z,DE,,tin,\n");
    let report = fixture.import(&object, "a.csv", first.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate), (2, 0));
    let second = format!(
        "{head}ann,2017-01-01T00:00:00Z,DE,,old,old@example.com\nbob,2017-03-01T00:00:00Z,FR,,lead,bob@example.com\nann,2017-02-01T00:00:00Z,US,US-CA,gold,ann@example.com\n"
    );
    let report = fixture.import(&object, "b.csv", second.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate), (1, 2));
    let fixture = fixture.reopened();
    let snapshot = fixture.lake.snapshot();
    let (ann, bob) = (person(&fixture, "customer-ann"), person(&fixture, "customer-bob"));
    let tier = [FieldRef::Trait("tier".to_owned())];
    let tier_of = |person: PersonId| {
        let only = grant([person.number()].into_iter().collect(), &tier);
        let tiers = trait_of(&snapshot, &only, "tier").expect("it is granted");
        assert_eq!(tiers.len(), 1);
        text_of(&tiers, 0)
    };
    assert_eq!((tier_of(ann), tier_of(bob)), ("gold".to_owned(), "lead".to_owned()));
    let only_ann = grant([ann.number()].into_iter().collect(), &tier);
    let refused = trait_of(&snapshot, &only_ann, "region").expect_err("it is not granted");
    assert_eq!(refused.kind, ErrorKind::Denied);
    let lists =
        grant_of(snapshot.known().clone(), &[FieldRef::Trait("email".to_owned())], Release::List, FieldClass::Direct);
    let emails = snapshot.identifiers(&lists, "email", &[ann, bob]).expect("the grant reaches to lists");
    assert_eq!(emails, [Some("ann@example.com".to_owned()), Some("bob@example.com".to_owned())]);
    let places: Vec<(Option<&str>, Option<&str>, u64)> = snapshot
        .places()
        .iter()
        .map(|place| (place.country.as_deref(), place.region.as_deref(), place.people.len()))
        .collect();
    assert_eq!(places, [(Some("FR"), None, 1), (Some("US"), Some("US-CA"), 1)]);
    for entry in walk(&fixture.folder.path().join("data")) {
        let bytes = std::fs::read(&entry).expect("the file is ours");
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"ann@example.com") && !holds(b"customer-ann"), "{} tells who somebody is", entry.display());
    }
}

#[test]
fn the_last_statement_counts_and_law_follows_from_the_place() {
    let fixture = Fixture::new();
    let places = "customer,seen,country,region,tier,email\nca,2017-01-01T00:00:00Z,US,US-CA,,\noh,2017-01-01T00:00:00Z,US,US-OH,,\nde,2017-01-01T00:00:00Z,DE,,,\nno,2017-01-01T00:00:00Z,,,,\nde2,2017-01-01T00:00:00Z,DE,,,\n";
    fixture.import(&customers(), "a.csv", places.as_bytes()).expect("the file is good");
    let said = "customer,at,purpose,state\nca,2017-01-01T00:00:00Z,ads,granted\nca,2017-02-01T00:00:00Z,ads,objected\nde,2017-03-01T00:00:00Z,ads,granted\nde,2017-02-01T00:00:00Z,ads,denied\nno,2017-01-01T00:00:00Z,ads,granted\nno,2017-01-01T00:00:00Z,ads,denied\nca,2017-01-01T00:00:00Z,ads,maybe\n";
    let report = fixture.import(&statements(), "s.csv", said.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.rejected), (6, 1), "{:?}", report.reasons);
    let again = format!("{said}oh,2017-01-01T00:00:00Z,ads,granted\n");
    let report = fixture.import(&statements(), "t.csv", again.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate, report.rejected), (1, 6, 1));
    let rule = |country: &str, region: Option<&str>, law| LawRule {
        country: country.to_owned(),
        region: region.map(str::to_owned),
        law,
    };
    let laws = [rule("US", Some("US-CA"), Law::Ccpa), rule("US", None, Law::UsOther), rule("DE", None, Law::Gdpr)];
    let ads = Purpose {
        basis: [(Law::Gdpr, Basis::Consent), (Law::Ccpa, Basis::OptOut), (Law::UsOther, Basis::OptOut)].into(),
        ..purpose("ads", Basis::Consent)
    };
    let snapshot = fixture.lake.snapshot();
    let people = snapshot.people_for(&ads, &laws);
    let group = |names: &[&str]| -> RoaringTreemap {
        names.iter().map(|name| person(&fixture, &format!("customer-{name}")).number()).collect()
    };
    assert_eq!(*people.used, group(&["oh", "de"]));
    assert_eq!(people.withheld["objection"], group(&["ca"]));
    assert_eq!(people.withheld["consent"], group(&["no", "de2"]));
    assert_eq!(snapshot.state_of(person(&fixture, "customer-de"), "ads"), ConsentState::Granted);
    assert_eq!(snapshot.state_of(person(&fixture, "customer-de"), "email"), ConsentState::Silent);
    assert!(std::sync::Arc::ptr_eq(&people, &snapshot.people_for(&ads, &laws)), "it is remembered");
}

#[test]
fn a_denial_without_its_id_is_not_lost_behind_another() {
    let fixture = Fixture::new();
    let mut object = statements();
    object.fields.push(field("id", ValueType::Text, false));
    object.message_id_column = Some("id".to_owned());
    let said = "customer,at,purpose,state,id\nann,2017-01-01T00:00:00Z,ads,granted,m1\nann,2017-01-02T00:00:00Z,email,granted,\nann,2017-02-01T00:00:00Z,ads,denied,\n";
    let report = fixture.import(&object, "s.csv", said.as_bytes()).expect("the file as a whole is good");
    assert_eq!((report.stored, report.duplicate, report.rejected), (1, 0, 2), "{:?}", report.reasons);
}

#[test]
fn traits_that_are_read_again_are_as_old_as_their_file() {
    let fixture = Fixture::new();
    let mut object = customers();
    object.time_column = None;
    object.fields.retain(|field| field.name != "seen");
    object.fields[3].length_max = 5;
    let head = "customer,country,region,tier,email\n";
    let old = format!("{head}ann,FR,,lead,\nbob,FR,,platinum,\n");
    let report = fixture.import(&object, "old.csv", old.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.rejected), (1, 1));
    object.fields[3].length_max = 20;
    let report = fixture.import(&object, "old.csv", old.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate, report.rejected), (1, 1, 0));
    let imports = fixture.lake.snapshot().imports().to_vec();
    assert_eq!((imports.len(), imports[0].at), (2, imports[1].at), "the file has landed once");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is ours").flatten() {
        if entry.path().is_dir() { files.extend(walk(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}
