//! Keys of sources: what clients show when they send events.
//!
//! A public key stands in the workspace with its text, which stands in pages anyway; of a secret one only the SHA-256 does.
//! A secret text that stands in a file is burnt: whoever can read the workspace has it. No message repeats one.

use crate::diagnostic::Problems;
use crate::fields::{Fields, text_of};
use crate::names::check_name;
use crate::node::{Node, NodeKind};
use crate::rules::word_of;
use crate::signers::read_signers;
use sha2::{Digest, Sha256};
use spec::{Key, KeyKind};
use std::collections::BTreeMap;

/// What the texts of public keys start with.
const PUBLIC_PREFIX: &str = "pk_";
/// What the texts of secret keys start with.
const SECRET_PREFIX: &str = "sk_";
/// Characters of a public key after its prefix: enough that keys are not guessed, and short enough for a header.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=64;
/// The bounds of what a key may send.
const PER_SECOND: (u32, u32) = (1, 1_000_000);
const PER_DAY: (u64, u64) = (1, 100_000_000_000);

const KINDS: [(&str, KeyKind); 2] = [("public", KeyKind::Public), ("secret", KeyKind::Secret)];

/// How the text of a public key and the digest of a secret one are written.
const PUBLIC: &str = "make a key with `entente key`, and write it as in `key: pk_...`";
const SECRET: &str = "make a key with `entente key --kind secret`, and keep its digest, as in `sha256: 3f5a...`";

/// The keys of all sources: a text that two of them had would not tell which of them is meant.
#[derive(Default)]
pub(crate) struct Keyring {
    /// By digest the key's name and its source.
    owners: BTreeMap<[u8; 32], (String, String)>,
}

/// Reads the keys of a source; those with errors are left out.
pub(crate) fn read_keys(
    source: &str,
    fields: &mut Fields<'_>,
    keyring: &mut Keyring,
    problems: &mut Problems,
) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for node in fields.list("keys", problems) {
        let Some(key) = read_key(node, problems) else { continue };
        if keys.iter().any(|known| known.name == key.name) {
            problems.add(&node.place, format!("two keys named `{}`", key.name), "give one another name".into());
        }
        if let Some((name, owner)) = keyring.owners.get(&key.digest) {
            let message = format!("`{}` is the same key as `{name}` of the source `{owner}`", key.name);
            problems.add(
                &node.place,
                message,
                "a key stands for one source: make another one with `entente key`".into(),
            );
        } else {
            keyring.owners.insert(key.digest, (key.name.clone(), source.to_owned()));
        }
        keys.push(key);
    }
    keys
}

fn read_key(node: &Node, problems: &mut Problems) -> Option<Key> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a write key", problems)?;
    let name_node = fields.required("name", "give it a name, as in `name: shop`", problems);
    let name = name_node.and_then(|node| text_of(node, "name", problems));
    if let (Some(name), Some(node)) = (name, name_node) {
        check_name(name, "a write key", &node.place, problems);
    }
    let hint = "say who holds it: `public` for pages and apps, `secret` for servers of yours";
    let kind = fields.required("kind", hint, problems);
    let kind = kind.and_then(|node| {
        word_of(text_of(node, "kind", problems)?, &node.place, "a kind of write key", &KINDS, problems)
    });
    let text = read_text(&mut fields, kind, problems);
    let signers = read_signers(&mut fields, kind, problems);
    let (per_second, per_day) = limits(kind);
    let per_second = fields.whole("events_per_second", PER_SECOND, problems).unwrap_or(per_second);
    let per_day = fields.large("events_per_day", PER_DAY, problems).unwrap_or(per_day);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (digest, text) = text?;
    Some(Key {
        name: name?.to_owned(),
        kind: kind?,
        digest,
        text,
        events_per_second_max: per_second,
        events_per_day_max: per_day,
        signers,
    })
}

/// The digest and, of a public key, the text.
fn read_text(
    fields: &mut Fields<'_>,
    kind: Option<KeyKind>,
    problems: &mut Problems,
) -> Option<([u8; 32], Option<String>)> {
    let text = fields.optional("key");
    let digest = fields.optional("sha256");
    let is_secret = |node: &&Node| matches!(&node.kind, NodeKind::Text(text) if text.starts_with(SECRET_PREFIX));
    let is_burnt = |node: &&Node| kind == Some(KeyKind::Secret) || is_secret(node);
    if let Some(node) = text.filter(is_burnt).or(digest.filter(is_secret)) {
        let hint = "this key is burnt: make a new one with `entente key --kind secret`, and keep only its `sha256`";
        problems.add(&node.place, "a secret key stands here".into(), hint.into());
        return None;
    }
    match kind? {
        KeyKind::Public => {
            if let Some(node) = digest {
                problems.add(&node.place, "a public key is given by its text, not by its digest".into(), PUBLIC.into());
                return None;
            }
            let node = fields.required("key", PUBLIC, problems)?;
            let text = text_of(node, "key", problems)?;
            if !is_public(text) {
                let hint = "it is `pk_` and 32 to 64 letters and digits; make one with `entente key`";
                problems.add(&node.place, "`key` is not a public key".into(), hint.into());
                return None;
            }
            Some((Sha256::digest(text).into(), Some(text.to_owned())))
        }
        KeyKind::Secret => {
            let node = fields.required("sha256", SECRET, problems)?;
            let digest = digest_in(text_of(node, "sha256", problems)?);
            if digest.is_none() {
                problems.add(&node.place, "`sha256` is not 64 hex digits".into(), SECRET.into());
            }
            Some((digest?, None))
        }
    }
}

fn is_public(text: &str) -> bool {
    let rest = text.strip_prefix(PUBLIC_PREFIX).unwrap_or_default();
    LENGTHS.contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The bytes that 64 hex digits stand for.
fn digest_in(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0_u8; 32];
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// Events per second and per day, where the file does not say.
fn limits(kind: Option<KeyKind>) -> (u32, u64) {
    match kind {
        Some(KeyKind::Secret) => (10_000, 1_000_000_000),
        Some(KeyKind::Public) | None => (1_000, 10_000_000),
    }
}
