//! A small workspace for tests: a shop with a till and members.

use crate::{Definitions, load, render};
use std::collections::BTreeMap;

const TILL: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: till
version: 1.0.0
status: active
description: { purpose: What the till saw. }
team: { members: [{ username: ann }, { username: bob, role: owner }] }
slaProperties: [{ property: latency, value: 2, unit: d }]
schema:
  - name: basket_paid
    businessName: Basket paid
    customProperties:
      - { property: entity, value: event }
      - { property: person, value: member }
      - { property: time, value: at }
      - { property: past, value: paid for a basket }
      - { property: base, value: pay for a basket }
    properties:
      - { name: member, logicalType: string, classification: pseudonym }
      - { name: at, logicalType: timestamp, classification: none }
      - { name: basket_id, logicalType: integer, classification: none, customProperties: [{ property: key, value: true }] }
      - { name: store, businessName: Shop, logicalType: integer, classification: none, customProperties: [{ property: purposes, value: [analytics, email] }] }
      - { name: value, businessName: Sales, logicalType: number, physicalType: 'decimal(18,2)', classification: none, customProperties: [{ property: unit, value: USD }, { property: purposes, value: [analytics] }] }
      - { name: paid_by, businessName: Means of payment, logicalType: string, classification: none }
      - { name: due, logicalType: date, classification: none }
      - { name: gift, logicalType: boolean }
  - name: coupon_redeemed
    businessName: Coupon redeemed
    customProperties:
      - { property: entity, value: event }
      - { property: person, value: member }
      - { property: time, value: at }
      - { property: past, value: redeemed a coupon }
      - { property: base, value: redeem a coupon }
    properties:
      - { name: member, logicalType: string, classification: pseudonym }
      - { name: at, logicalType: timestamp, classification: none }
      - { name: store, businessName: Shop, logicalType: integer, classification: none, customProperties: [{ property: purposes, value: [analytics] }] }
      - { name: campaign, businessName: Campaign, logicalType: string, classification: none }
  - name: till_rolls
    properties: [{ name: anything }]
";

const MEMBERS: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: members
version: 1.0.0
status: active
schema:
  - name: members
    customProperties:
      - { property: entity, value: traits }
      - { property: person, value: member }
    properties:
      - { name: member, logicalType: string, classification: pseudonym, customProperties: [{ property: purposes, value: [email] }] }
      - { name: age, businessName: Age, logicalType: string, classification: none }
      - { name: household_size, businessName: Household size, logicalType: integer, classification: none }
      - { name: joined, businessName: Day of joining, logicalType: timestamp, classification: none }
      - { name: gold, businessName: Gold member, logicalType: boolean, classification: none }
      - { name: email, businessName: E-mail address, logicalType: string, classification: direct, customProperties: [{ property: purposes, value: [email] }] }
";

/// The files of the shop.
pub(crate) fn shop() -> BTreeMap<String, String> {
    let files = [
        ("entente.yaml", "title: Shop\nlaws:\n  - { country: US, law: us_other }\n"),
        ("users.yaml", "users: [{ name: mia, title: Mia, role: marketer }]\n"),
        ("purposes/analytics.yaml", "title: analytics\nbasis: { us_other: opt_out }\nmin_group: 10\n"),
        ("purposes/email.yaml", "title: e-mail\nbasis: { gdpr: consent, us_other: consent }\nmin_group: 50\n"),
        (
            "roles/marketer.yaml",
            "title: Marketer\npurposes: { analytics: aggregate, email: list }\nmasks: { none: show }\n",
        ),
        ("contracts/till.odcs.yaml", TILL),
        ("contracts/members.odcs.yaml", MEMBERS),
        (
            "sources/till.yaml",
            "title: Till\ncontract: contracts/till.odcs.yaml\nfiles: [{ path: data/till.csv, object: basket_paid }]\n",
        ),
        ("sources/members.yaml", "title: Members\ncontract: contracts/members.odcs.yaml\n"),
        (
            "metrics/sales.yaml",
            "title: Net sales\nmeasure: sum(basket_paid.value)\nwhere: event.store <> 0\nunit: USD\n",
        ),
        ("audiences/gold.yaml", "title: Gold\npurpose: email\nwhere: gold AND household_size >= 2\n"),
        (
            "audiences/regulars.yaml",
            "title: Regulars\npurpose: email\nwhere: count(basket_paid, within => '30 days') >= 8\n",
        ),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// The definitions of the shop.
pub(crate) fn shop_definitions() -> Definitions {
    let (definitions, diagnostics) = load(&shop());
    assert_eq!(render(&diagnostics), "");
    definitions
}
