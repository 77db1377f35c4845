//! The demo's policy as one table that a lawyer can read: `demo/policy.md`.

use super::world::is_blessing;
use crate::files::WorkspaceFolder;
use std::fs;
use std::path::Path;

const HEAD: &str = "\
# The demo's policy

Who may be used for which purpose, and who may see what of them: this page is written by the program from `purposes/` and
`roles/`, and a test compares the two. Where several rules bear on a person or a field, the strictest wins; what no rule
allows is left out. The law that applies to people follows from where they live (`entente.yaml`).

";

#[test]
fn the_demo_s_policy_is_as_written() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let loaded = WorkspaceFolder::open(&demo).and_then(|folder| folder.current()).expect("the demo can be read");
    let purposes: Vec<_> = loaded.definitions.purposes.values().collect();
    let roles: Vec<_> = loaded.definitions.roles.values().collect();
    let found = format!("{HEAD}{}", policy::table(&purposes, &roles));
    let path = demo.join("policy.md");
    if is_blessing() {
        fs::write(&path, &found).expect("the table can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "if that is right: cargo xtask bless");
}
