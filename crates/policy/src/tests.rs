//! The laws of the decision: strictest wins, order never matters, nothing is allowed that no rule allows.

use crate::{FieldUse, Refusal, Request, Shows, Use, Withholding, decide, law_of, may_use, table};
use roaring::RoaringTreemap;
use spec::{AnswerLimits, Basis, ConsentState, Differences, FieldClass, FieldRef, Instant, Law, LawRule, Mask, Noise};
use spec::{PersonId, Purpose, Release, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

fn purpose(basis: &[(Law, Basis)]) -> Purpose {
    Purpose {
        name: "email".to_owned(),
        title: "e-mail".to_owned(),
        description: String::new(),
        basis: basis.iter().copied().collect(),
        min_group: 3,
        signals: spec::Signals::default(),
        limits: spec::AnswerLimits::default(),
    }
}

fn role(most: Option<Release>, masks: &[(FieldClass, Mask)]) -> Role {
    Role {
        name: "marketer".to_owned(),
        title: "Marketer".to_owned(),
        purposes: most.map(|most| ("email".to_owned(), most)).into_iter().collect(),
        masks: masks.iter().copied().collect::<BTreeMap<_, _>>(),
        sees_cost: false,
        may_import: false,
        may_define: false,
        sees_audit: false,
        edits: Vec::new(),
    }
}

fn check(
    role: &Role,
    release: Release,
    fields: &[FieldUse<'_>],
    n_people: u64,
) -> Result<Vec<(FieldRef, Mask)>, Vec<Refusal>> {
    let purpose = purpose(&[(Law::Gdpr, Basis::Consent)]);
    let people = Arc::new((0..n_people).collect::<RoaringTreemap>());
    let request = Request {
        role,
        purpose: &purpose,
        release,
        fields,
        shows: Shows::CountsOfPeople,
        people,
        until: Instant::UNIX_EPOCH,
    };
    decide(&request).map(|grant| grant.fields.into_iter().collect())
}

fn field<'a>(name: &str, class: FieldClass, purposes: &'a [String], only_shown: bool) -> FieldUse<'a> {
    FieldUse { field: FieldRef::Trait(name.to_owned()), class, purposes, only_shown }
}

#[test]
fn an_unknown_law_is_the_strictest() {
    let purpose = purpose(&[(Law::Gdpr, Basis::Consent), (Law::Ccpa, Basis::OptOut), (Law::UsOther, Basis::OptOut)]);
    assert_eq!(may_use(&purpose, Some(Law::Ccpa), ConsentState::Silent), Use::Used);
    assert_eq!(may_use(&purpose, None, ConsentState::Silent), Use::Withheld(Withholding::Consent));
    assert_eq!(may_use(&purpose, None, ConsentState::Granted), Use::Used);
    for state in [ConsentState::Granted, ConsentState::Denied, ConsentState::Silent] {
        let all = Law::ALL.iter().all(|law| may_use(&purpose, Some(*law), state) == Use::Used);
        assert_eq!(may_use(&purpose, None, state) == Use::Used, all);
    }
}

#[test]
fn a_purpose_without_a_basis_under_a_law_uses_nobody_there() {
    let purpose = purpose(&[(Law::Ccpa, Basis::OptOut)]);
    assert_eq!(may_use(&purpose, Some(Law::Gdpr), ConsentState::Granted), Use::Withheld(Withholding::Law));
    assert_eq!(may_use(&purpose, None, ConsentState::Granted), Use::Withheld(Withholding::Law));
}

#[test]
fn a_no_is_obeyed_under_every_basis_that_asks() {
    for (basis, used) in [
        (Basis::Consent, false),
        (Basis::OptOut, false),
        (Basis::LegitimateInterest, false),
        (Basis::Contract, true),
        (Basis::LegalObligation, true),
    ] {
        let purpose = purpose(&[(Law::Gdpr, basis)]);
        assert_eq!(may_use(&purpose, Some(Law::Gdpr), ConsentState::Denied) == Use::Used, used, "{basis:?}");
    }
}

#[test]
fn the_law_follows_from_the_place() {
    let rule = |country: &str, region: Option<&str>, law| LawRule {
        country: country.to_owned(),
        region: region.map(str::to_owned),
        law,
    };
    let mut rules =
        vec![rule("US", Some("US-CA"), Law::Ccpa), rule("US", None, Law::UsOther), rule("DE", None, Law::Gdpr)];
    for _ in 0..rules.len() {
        rules.rotate_left(1);
        assert_eq!(law_of(&rules, Some("US"), Some("US-CA")), Some(Law::Ccpa));
        assert_eq!(law_of(&rules, Some("US"), Some("US-OH")), Some(Law::UsOther));
        assert_eq!(law_of(&rules, Some("US"), None), None, "it may be California");
        assert_eq!(law_of(&rules, Some("DE"), None), Some(Law::Gdpr));
        assert_eq!(law_of(&rules, Some("FR"), None), None);
        assert_eq!(law_of(&rules, None, Some("US-CA")), None);
    }
}

#[test]
fn nothing_is_allowed_that_no_rule_allows() {
    let closed = role(None, &[]);
    assert_eq!(check(&closed, Release::Aggregate, &[], 9), Err(vec![Refusal::PurposeNotForRole]));
    let open = role(Some(Release::Aggregate), &[]);
    let undeclared = field("age", FieldClass::None, &[], false);
    let name = FieldRef::Trait("age".to_owned());
    assert_eq!(
        check(&open, Release::Aggregate, &[undeclared], 9),
        Err(vec![Refusal::PurposeNotForField(name.clone())])
    );
    let email = ["email".to_owned()];
    let unmasked = field("age", FieldClass::None, &email, false);
    let hidden = Refusal::FieldHidden(name, FieldClass::None);
    assert_eq!(check(&open, Release::Aggregate, &[unmasked], 9), Err(vec![hidden]), "a class without a mask is hidden");
}

#[test]
fn a_masked_field_is_shown_masked_and_never_computed_with() {
    let role = role(Some(Release::List), &[(FieldClass::Pseudonym, Mask::Hash), (FieldClass::Direct, Mask::Show)]);
    let email = ["email".to_owned()];
    let name = FieldRef::Trait("card".to_owned());
    let shown = field("card", FieldClass::Pseudonym, &email, true);
    assert_eq!(check(&role, Release::List, &[shown], 9), Ok(vec![(name.clone(), Mask::Hash)]));
    let computed = field("card", FieldClass::Pseudonym, &email, false);
    let hidden = Refusal::FieldHidden(name.clone(), FieldClass::Pseudonym);
    assert_eq!(check(&role, Release::List, &[computed], 9), Err(vec![hidden]));
    let direct = field("card", FieldClass::Direct, &email, false);
    assert_eq!(check(&role, Release::List, &[direct], 9), Err(vec![Refusal::FieldHidden(name, FieldClass::Direct)]));
}

#[test]
fn every_refusal_is_told_and_order_does_not_matter() {
    let role = role(Some(Release::Aggregate), &[(FieldClass::None, Mask::Show)]);
    let email = ["email".to_owned()];
    let ads = ["ads".to_owned()];
    let fields = || vec![field("a", FieldClass::None, &ads, false), field("b", FieldClass::Sensitive, &email, false)];
    let forward = check(&role, Release::List, &fields(), 2).expect_err("four things stand against it");
    let mut reversed_fields = fields();
    reversed_fields.reverse();
    let mut backward = check(&role, Release::List, &reversed_fields, 2).expect_err("four things stand against it");
    assert_eq!(forward.len(), 4);
    assert!(
        forward.contains(&Refusal::ReleaseLevel { most: Release::Aggregate }) && forward.contains(&Refusal::TooFew)
    );
    backward.sort_by_key(|refusal| forward.iter().position(|other| other == refusal));
    assert_eq!(forward, backward);
    assert_eq!(check(&role, Release::Aggregate, &[], 0), Err(vec![Refusal::Nobody]));
}

#[test]
fn a_role_computes_with_what_it_sees_as_it_is_and_never_with_what_names_people() {
    let email = ["email".to_owned()];
    for class in [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive] {
        for mask in Mask::ALL {
            let role = role(Some(Release::List), &[(class, mask)]);
            let is_allowed = |only_shown| {
                check(&role, Release::List, &[field("age", class, &email, only_shown)], 9)
                    .is_ok_and(|fields| fields == [(FieldRef::Trait("age".to_owned()), mask)])
            };
            assert_eq!(is_allowed(true), mask != Mask::Hide, "{class:?} shown under {mask:?}");
            let is_open = mask == Mask::Show && class != FieldClass::Direct;
            assert_eq!(is_allowed(false), is_open, "{class:?} computed with under {mask:?}");
        }
    }
}

#[test]
fn a_field_that_is_used_twice_is_judged_by_the_stricter_rule_and_told_once() {
    let role = role(Some(Release::List), &[(FieldClass::None, Mask::Show), (FieldClass::Pseudonym, Mask::Hash)]);
    let (email, ads) = (["email".to_owned()], ["ads".to_owned()]);
    let name = FieldRef::Trait("city".to_owned());
    for classes in [[FieldClass::None, FieldClass::Pseudonym], [FieldClass::Pseudonym, FieldClass::None]] {
        let twice = classes.map(|class| field("city", class, &email, true));
        assert_eq!(check(&role, Release::List, &twice, 9), Ok(vec![(name.clone(), Mask::Hash)]));
        let twice = classes.map(|class| field("city", class, &ads, true));
        assert_eq!(check(&role, Release::List, &twice, 9), Err(vec![Refusal::PurposeNotForField(name.clone())]));
    }
}

#[test]
fn as_many_people_as_the_minimum_group_are_enough() {
    let role = role(Some(Release::Aggregate), &[]);
    let refusals = |n_people| check(&role, Release::Aggregate, &[], n_people).err().unwrap_or_default();
    assert_eq!([1, 2, 3, 4].map(refusals), [vec![Refusal::TooFew], vec![Refusal::TooFew], vec![], vec![]]);
}

#[test]
fn what_can_be_neither_made_noisy_nor_followed_is_refused() {
    use {Differences::*, Release::*, Shows::*};
    let role = role(Some(List), &[]);
    let refused = |noise: Option<Noise>, differences, shows, release| {
        let limits = AnswerLimits { questions_per_day: None, differences, noise };
        let purpose = Purpose { limits, ..purpose(&[]) };
        let people = Arc::new((0..3).collect());
        let until = Instant::UNIX_EPOCH;
        let request = Request { role: &role, purpose: &purpose, release, fields: &[], shows, people, until };
        decide(&request).err().unwrap_or_default()
    };
    let noise = Some(Noise { epsilon: 0.1, epsilon_per_day: 1.0 });
    // Noise is for counts of people in groups; what has noise needs not be followed.
    for (shows, release, is_count) in [
        (CountsOfPeople, Aggregate, true),
        (CountsOfPeople, List, false),
        (Figures, Aggregate, false),
        (Anything, Aggregate, false),
        (Anything, List, false),
    ] {
        let expected = if is_count { vec![] } else { vec![Refusal::NotCountsOfPeople] };
        for differences in Differences::ALL {
            assert_eq!(refused(noise, differences, shows, release), expected, "{shows:?}, {release:?}");
        }
        let expected = if shows == Anything { vec![Refusal::NotFollowed] } else { vec![] };
        assert_eq!(refused(None, Guarded, shows, release), expected, "{shows:?}, {release:?}");
        assert_eq!(refused(None, Shown, shows, release), [], "{shows:?}, {release:?}");
    }
}

#[test]
fn a_grant_tells_what_was_decided_and_of_nothing_else() {
    let role = role(Some(Release::List), &[(FieldClass::Pseudonym, Mask::Hash)]);
    let limits = AnswerLimits { questions_per_day: Some(7), ..AnswerLimits::default() };
    let purpose = Purpose { limits: limits.clone(), ..purpose(&[]) };
    let people: Arc<RoaringTreemap> = Arc::new((5..9).collect());
    let email = ["email".to_owned()];
    let grant = decide(&Request {
        role: &role,
        purpose: &purpose,
        release: Release::List,
        fields: &[field("card", FieldClass::Pseudonym, &email, true)],
        shows: Shows::Figures,
        people: Arc::clone(&people),
        until: Instant::MAX_UTC,
    })
    .expect("nothing stands against it");
    assert_eq!((grant.purpose(), grant.release(), grant.min_group()), ("email", Release::List, 3));
    assert_eq!((grant.limits(), grant.until()), (&limits, Instant::MAX_UTC));
    assert_eq!((grant.people(), Arc::ptr_eq(grant.shared_people(), &people)), (&*people, true));
    assert_eq!([4, 5, 8, 9].map(|local| grant.allows(PersonId::new(0, local))), [false, true, true, false]);
    let mask_of = |name: &str| grant.mask_of(&FieldRef::Trait(name.to_owned()));
    assert_eq!((mask_of("card"), mask_of("age")), (Some(Mask::Hash), None), "what was not asked for is not granted");
}

#[test]
fn a_lawyer_reads_who_may_be_used_and_who_may_see_what() {
    let email = purpose(&[(Law::Gdpr, Basis::Consent), (Law::Ccpa, Basis::OptOut)]);
    let orders =
        Purpose { name: "orders".to_owned(), min_group: 10, ..purpose(&Law::ALL.map(|law| (law, Basis::Contract))) };
    let marketer = role(Some(Release::List), &[(FieldClass::None, Mask::Show), (FieldClass::Pseudonym, Mask::Hash)]);
    let support = Role {
        name: "support".to_owned(),
        purposes: [("orders".to_owned(), Release::Profile)].into(),
        ..role(None, &[(FieldClass::Direct, Mask::Truncate)])
    };
    let expected = "\
## Who may be used for what

| purpose | law | basis | has said yes | has said nothing | has said no |
|---|---|---|---|---|---|
| email | gdpr | consent | used | left out (consent) | left out (consent) |
| email | ccpa | opt_out | used | used | left out (objection) |
| email | us_other | none | left out (law) | left out (law) | left out (law) |
| email | not known: the strictest | all of the above | left out (law) | left out (law) | left out (law) |
| orders | gdpr | contract | used | used | used |
| orders | ccpa | contract | used | used | used |
| orders | us_other | contract | used | used | used |
| orders | not known: the strictest | all of the above | used | used | used |

## Who may see what

Groups are shown from the minimum group on. A field must also name the purpose itself.

| role | purpose | most it gets | minimum group | none | pseudonym | direct | sensitive |
|---|---|---|---|---|---|---|---|
| marketer | email | list | 3 | show | hash | hide | hide |
| marketer | orders | nothing | - | - | - | - | - |
| support | email | nothing | - | - | - | - | - |
| support | orders | profile | 10 | hide | hide | truncate | hide |
";
    assert_eq!(table(&[&email, &orders], &[&marketer, &support]), expected);
}
