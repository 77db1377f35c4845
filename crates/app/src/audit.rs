//! The chain of what is on record: each record is bound to all before it, and each end of the chain is signed.
//!
//! Whoever changes, adds, removes or reorders records breaks the chain; whoever cuts off its end is found by a head that was
//! taken before. Heads are kept beside the store, and any number of them elsewhere: against somebody who can rewrite the
//! whole data folder, its key included, only those help.

use crate::error;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use spec::{Result, hex};

/// What the first record is bound to.
pub(crate) const START: [u8; 32] = [0; 32];

/// A link of the chain.
pub(crate) type Link = [u8; 32];

/// Signs ends of the chain.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
}

/// The end of the chain at some time, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many records there are.
    pub(crate) n_records: i64,
    /// The link of the last one.
    pub(crate) link: Link,
    /// The public key.
    pub(crate) key: [u8; 32],
    pub(crate) signature: Vec<u8>,
}

/// The link of a record after another.
pub(crate) fn link(before: &Link, body: &str) -> Link {
    let mut digest = Sha256::new();
    digest.update(b"entente record 1\n");
    digest.update(before);
    digest.update(body.as_bytes());
    digest.finalize().into()
}

fn signed_text(n_records: i64, link: &Link) -> Vec<u8> {
    format!("entente head 1\n{n_records} {}", hex(link)).into_bytes()
}

impl Signer {
    /// The signer with this secret.
    pub(crate) fn new(seed: &[u8; 32]) -> Result<Signer> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed);
        Ok(Signer { key: key.map_err(|_| error::bug("32 bytes that are no key"))? })
    }

    /// A number that follows from the secret and a label, and that nobody knows without it.
    pub(crate) fn number(&self, label: &str) -> u64 {
        // Ed25519 signs the same text in the same way each time.
        let signature = self.key.sign(format!("entente number 1\n{label}").as_bytes());
        let digest = Sha256::digest(signature.as_ref());
        u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
    }

    /// Signs an end of the chain.
    pub(crate) fn sign(&self, n_records: i64, link: Link) -> Head {
        let signature = self.key.sign(&signed_text(n_records, &link)).as_ref().to_vec();
        let mut key = [0; 32];
        key.copy_from_slice(self.key.public_key().as_ref());
        Head { n_records, link, key, signature }
    }
}

impl Head {
    /// Whether its key has signed it.
    pub(crate) fn is_genuine(&self) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        key.verify(&signed_text(self.n_records, &self.link), &self.signature).is_ok()
    }

    /// As people keep it.
    pub(crate) fn to_json(&self) -> Json {
        json!({
            "records": self.n_records, "link": hex(&self.link), "key": hex(&self.key), "signature": hex(&self.signature),
        })
    }

    /// Reads it; `None` for anything else.
    pub(crate) fn from_json(json: &Json) -> Option<Head> {
        let bytes = |key: &str| unhex(json.get(key)?.as_str()?);
        Some(Head {
            n_records: json.get("records")?.as_i64()?,
            link: bytes("link")?.try_into().ok()?,
            key: bytes("key")?.try_into().ok()?,
            signature: bytes("signature")?,
        })
    }
}

/// Digits as bytes; `None` for anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let pair = |pair: &[u8]| Some((digit(pair[0])? << 4 | digit(*pair.get(1)?)?) as u8);
    text.as_bytes().chunks(2).map(pair).collect()
}

/// Walks along a chain and says what is wrong with it.
pub(crate) struct Verifier {
    n_records: i64,
    link: Link,
    /// Heads that the chain has to go through, by their number of records.
    heads: Vec<Head>,
    wrong: Option<String>,
}

impl Verifier {
    /// Heads that nobody has signed are wrong at once.
    pub(crate) fn new(mut heads: Vec<Head>) -> Verifier {
        heads.sort_by_key(|head| head.n_records);
        let forged = heads.iter().find(|head| !head.is_genuine());
        let wrong = forged.map(|head| format!("the head of {} records is not signed by its key", head.n_records));
        Verifier { n_records: 0, link: START, heads, wrong }
    }

    /// Looks at the next record: its number, its text, its link as stored.
    pub(crate) fn record(&mut self, number: i64, body: &str, stored: &[u8]) {
        if self.wrong.is_some() {
            return;
        }
        self.n_records += 1;
        self.link = link(&self.link, body);
        if number != self.n_records {
            self.wrong = Some(format!("record {} is missing: {number} comes in its place", self.n_records));
        } else if stored != self.link {
            self.wrong = Some(format!("record {number} was changed, or one before it was taken out"));
        } else if let Some(head) = self.heads.iter().find(|head| head.n_records == number && head.link != self.link) {
            self.wrong = Some(format!("record {number} is not the one that was signed: {}", hex(&head.link)));
        }
    }

    /// How many records there are and their last link; or the first thing that is wrong.
    pub(crate) fn finish(self) -> std::result::Result<(i64, Link), String> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        match self.heads.last() {
            Some(head) if head.n_records > self.n_records => Err(format!(
                "record {} is missing: a signed head has {} records, and {} are there",
                self.n_records + 1,
                head.n_records,
                self.n_records
            )),
            _ => Ok((self.n_records, self.link)),
        }
    }
}

#[cfg(test)]
mod tests;
