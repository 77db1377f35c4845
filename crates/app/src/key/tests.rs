//! What is made is what the workspace reads.

use super::{base62, make};
use lake::SeededRandom;
use sha2::{Digest, Sha256};
use spec::{ErrorKind, KeyKind};
use std::collections::BTreeMap;

const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
";

#[test]
fn the_workspace_reads_what_is_made() {
    let random = SeededRandom::new(7);
    for kind in [KeyKind::Public, KeyKind::Secret] {
        let new = make(&random, kind, "shop").expect("the name is good");
        let source = format!("contract: contracts/shop.odcs.yaml\nkeys:\n{}\n", new.yaml);
        let files = [
            ("entente.yaml", "title: Shop".to_owned()),
            ("contracts/shop.odcs.yaml", CONTRACT.to_owned()),
            ("sources/shop.yaml", source),
        ];
        let files: BTreeMap<String, String> = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        let (definitions, diagnostics) = workspace::load(&files);
        assert_eq!(workspace::render(&diagnostics), "");
        let key = &definitions.sources["shop"].keys[0];
        assert_eq!((key.name.as_str(), key.kind), ("shop", kind));
        assert_eq!(key.digest, <[u8; 32]>::from(Sha256::digest(&new.text)), "the digest is that of the text");
        assert_eq!(new.yaml.contains(&new.text), kind == KeyKind::Public, "a secret stands in no file");
        assert_eq!(new.text.len(), 3 + 43);
    }
    let wrong = make(&random, KeyKind::Public, "Shop 1").map(|new| new.yaml).expect_err("it is no name");
    assert_eq!(wrong.kind, ErrorKind::Invalid);
}

#[test]
fn digits_are_those_of_the_number() {
    let mut bytes = [0; 32];
    assert_eq!(base62(bytes), "0".repeat(43));
    bytes[30..].copy_from_slice(&[0x0f, 0x04]); // 62 * 62 = 0x0f04
    assert_eq!(base62(bytes), format!("{}100", "0".repeat(40)));
    // 2^256 - 1 as other programs write it.
    assert_eq!(base62([0xff; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
}
