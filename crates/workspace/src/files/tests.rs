//! Paths of definitions, and paths that are none.

use super::definition_of;
use spec::DefinitionKind;

#[test]
fn a_definition_is_known_by_its_path() {
    let check = |path: &str, kind, name| assert_eq!(definition_of(path), Some((kind, name)), "{path}");
    check("entente.yaml", DefinitionKind::Laws, "entente");
    check("contracts/till_2.odcs.yaml", DefinitionKind::Contracts, "till_2");
    for kind in DefinitionKind::ALL.into_iter().filter(|kind| kind.name() != "laws" && kind.name() != "contracts") {
        check(&format!("{}/gold.yaml", kind.name()), kind, "gold");
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_none() {
    for path in [
        "",
        "users.yaml",
        "/entente.yaml",
        "./entente.yaml",
        "laws/gold.yaml",
        "data/gold.yaml",
        "metrics",
        "metrics/",
        "metrics/.yaml",
        "metrics/../users.yaml",
        "metrics/..",
        "../metrics/gold.yaml",
        "/metrics/gold.yaml",
        "metrics//gold.yaml",
        "metrics/./gold.yaml",
        "metrics/a/gold.yaml",
        "metrics\\gold.yaml",
        "metrics/%2e%2e/users.yaml",
        "metrics/gold.yaml\0",
        "metrics/gold.yaml ",
        "metrics/gold.yml",
        "metrics/Gold.yaml",
        "metrics/gold.odcs.yaml",
        "contracts/till.yaml",
        "Metrics/gold.yaml",
    ] {
        assert_eq!(definition_of(path), None, "{path}");
    }
}
