//! What is said of an experiment's variants.

use super::ratio_text;
use serde_json::json;

#[test]
fn a_sample_ratio_is_a_table_and_a_judgement() {
    let variants = json!([
        { "variant": "control", "people": 3012, "expected": 3000.0 },
        { "variant": "sh\u{1b}rter", "people": 2988, "expected": 3000.0 },
    ]);
    let good = json!({ "variants": variants, "several": 12, "chi_square": 0.096, "p": 0.756_7, "alarm": false });
    let expected = [
        "Variant  people   meant",
        "-------  ------  ------",
        "control    3012  3000.0",
        "sh\u{fffd}rter    2988  3000.0",
        "People per variant are as was meant (p = 0.7567); left out for several variants: 12",
    ];
    assert_eq!(ratio_text(&good), expected.join("\n"));
    let bad = json!({ "variants": variants, "several": null, "chi_square": 99.0, "p": 1e-9, "alarm": true });
    let said = ratio_text(&bad);
    assert!(said.contains("NOT as was meant (p < 0.0001)") && !said.contains("left out"), "{said}");
}

#[test]
fn what_is_withheld_stays_so() {
    let named = json!([{ "variant": "N", "people": null, "expected": null }]);
    let few = |variants| json!({ "variants": variants, "several": null, "chi_square": null, "p": null, "alarm": null });
    assert!(ratio_text(&few(json!([]))).starts_with("Too few people"), "no table without variants");
    let said = ratio_text(&few(named));
    assert!(said.contains("N             -      -") && said.contains("Too few people"), "{said}");
}
