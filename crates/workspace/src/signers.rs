//! Who may sign for the users of a public key: Ed25519 public keys, as `openssl pkey -pubout` prints them.
//!
//! A private key that stands in a file is burnt: whoever can read the workspace has it. No message repeats any of these
//! texts, since one that cannot be read may be half of a private key.
//!
//! # Source
//! RFC 8410 (the form of the keys); the points of small order as in libsodium's `ge25519_has_small_order`.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use spec::KeyKind;

/// How many keys may sign: the one in use, the next one, and as many again.
const SIGNERS_MAX: usize = 4;
/// What precedes the 32 bytes of a public key: SubjectPublicKeyInfo with the algorithm Ed25519.
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// How many characters show what sort of key it is, and how many bytes they stand for.
const HEAD: (usize, usize) = (12, 9);

const BURNT: &str = "this key is burnt: replace it by a new one, and put only the public half here";
const WANTED: &str = "take the one line between BEGIN and END that `openssl pkey -in identity.pem -pubout` prints";
const OTHER: &str = "make one with `openssl genpkey -algorithm ed25519 -out identity.pem`";

/// Points by which nobody can be told from anybody, but for the sign: signatures under them are made without a private key.
const WEAK: [[u8; 32]; 7] = [
    ends(0x00, 0x00, 0x00),
    ends(0x01, 0x00, 0x00),
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn ends(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Reads `signed_by` of a write key; keys with errors are left out.
pub(crate) fn read_signers(fields: &mut Fields<'_>, kind: Option<KeyKind>, problems: &mut Problems) -> Vec<[u8; 32]> {
    let Some(node) = fields.optional("signed_by") else { return Vec::new() };
    let written = match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let burnt: Vec<&Node> = written.iter().filter(|node| is_private(node)).collect();
    if !burnt.is_empty() {
        burnt.iter().for_each(|node| problems.add(&node.place, "a private key stands here".into(), BURNT.into()));
        return Vec::new();
    }
    if kind == Some(KeyKind::Secret) {
        let hint = "leave it out: who holds the key vouches for what comes with it already";
        problems.add(&node.place, "a secret key has no `signed_by`".into(), hint.into());
        return Vec::new();
    }
    let mut signers = Vec::new();
    for node in fields.list("signed_by", problems) {
        let Some(signer) = read_signer(node, problems) else { continue };
        if signers.contains(&signer) {
            problems.add(&node.place, "the same key stands twice in `signed_by`".into(), "keep it once".into());
        }
        signers.push(signer);
    }
    if written.len() > SIGNERS_MAX {
        let hint = "take away those that sign no more";
        problems.add(&node.place, format!("`signed_by` has more than {SIGNERS_MAX} keys"), hint.into());
    }
    signers
}

fn read_signer(node: &Node, problems: &mut Problems) -> Option<[u8; 32]> {
    let text = match &node.kind {
        NodeKind::Text(text) => text.trim(),
        _ => "",
    };
    let bytes = STANDARD.decode(text).ok();
    let key = bytes.as_deref().and_then(|bytes| <[u8; 32]>::try_from(bytes.strip_prefix(&PREFIX)?).ok());
    let Some(key) = key else {
        if is_other_algorithm(text) {
            problems.add(&node.place, "a key of another algorithm than Ed25519 stands here".into(), OTHER.into());
        } else {
            problems.add(&node.place, "this is not an Ed25519 public key".into(), WANTED.into());
        }
        return None;
    };
    if is_weak(key) {
        problems.add(&node.place, "with this key anybody could sign".into(), OTHER.into());
        return None;
    }
    Some(key)
}

/// Whether it is a private key, of whatever algorithm, or the start of one.
///
/// All forms of them are a sequence that starts with its version, 0 or 1; a public key starts with its algorithm.
fn is_private(node: &Node) -> bool {
    let NodeKind::Text(text) = &node.kind else { return false };
    let is_versioned = |inside: &[u8]| matches!(inside, [0x02, 0x01, 0x00 | 0x01, ..]);
    text.contains("PRIVATE KEY") || head_of(text.trim()).is_some_and(|head| is_versioned(inside(&head)))
}

/// Whether it is a public key in the right form, with other contents.
fn is_other_algorithm(text: &str) -> bool {
    head_of(text).is_some_and(|head| inside(&head).starts_with(&[0x30]) && !head.starts_with(&PREFIX[..HEAD.1]))
}

/// The first bytes of what a text in base64 stands for.
fn head_of(text: &str) -> Option<Vec<u8>> {
    let (n_characters, n_bytes) = HEAD;
    let head = STANDARD.decode(text.get(..n_characters)?).ok();
    head.filter(|head| head.len() == n_bytes)
}

/// What stands in a sequence, of which these are the first bytes; empty for anything else.
fn inside(head: &[u8]) -> &[u8] {
    match head {
        [0x30, 0x81, _, inside @ ..] | [0x30, 0x82, _, _, inside @ ..] => inside,
        [0x30, length, inside @ ..] if *length < 0x80 => inside,
        _ => &[],
    }
}

fn is_weak(mut key: [u8; 32]) -> bool {
    // The highest bit is the sign of the other coordinate.
    key[31] &= 0x7f;
    WEAK.contains(&key)
}
