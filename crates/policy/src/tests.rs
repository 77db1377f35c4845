//! The laws of the decision: strictest wins, order never matters, nothing is allowed that no rule allows.

use crate::{FieldUse, Refusal, Request, Shows, Use, Withholding, decide, law_of, may_use};
use roaring::RoaringTreemap;
use spec::{Basis, ConsentState, FieldClass, FieldRef, Instant, Law, LawRule, Mask, Purpose, Release, Role};
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
