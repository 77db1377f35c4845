//! Whether a token bears the signature of one of those who may sign: by Ed25519, and remembered where it does.
//!
//! Looking takes tens of microseconds, and a browser sends the same token for as long as it is good. What is remembered is
//! only that this key has signed this text: when a token ends, and whom and what it is for, is compared for each message
//! anew. So nothing that is remembered can become wrong, and a key that left the workspace is not asked about.

use crate::token::Token;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered in each of two generations: those met lately, and those met before them.
const GENERATION: usize = 4_096;

/// Somebody who may sign: a public key of Ed25519.
pub(crate) struct Signer {
    bytes: [u8; 32],
    key: ParsedPublicKey,
}

impl Signer {
    /// The one with this key; `None` for bytes that are no key, with which nothing can be signed.
    pub(crate) fn new(bytes: &[u8; 32]) -> Option<Signer> {
        Some(Signer { bytes: *bytes, key: ParsedPublicKey::new(&ED25519, bytes).ok()? })
    }
}

/// The signatures that were found to be good.
#[derive(Default)]
pub(crate) struct Signatures {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    lately: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
}

impl Signatures {
    /// Whether one of these has signed the token; `None` when that would take more looks than are left.
    pub(crate) fn is_signed(&self, token: &Token<'_>, signers: &[Signer], n_looks: &mut u32) -> Option<bool> {
        let digests: Vec<[u8; 32]> = signers.iter().map(|signer| digest(signer, token)).collect();
        if self.seen().find(&digests) {
            return Some(true);
        }
        // Without the lock: what is known goes on being found meanwhile.
        for (signer, digest) in signers.iter().zip(digests) {
            *n_looks = n_looks.checked_sub(1)?;
            if signer.key.verify_sig(token.signed.as_bytes(), &token.signature).is_ok() {
                self.seen().keep(digest);
                return Some(true);
            }
        }
        Some(false)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn find(&mut self, digests: &[[u8; 32]]) -> bool {
        if digests.iter().any(|digest| self.lately.contains(digest)) {
            return true;
        }
        let known = digests.iter().find_map(|digest| self.before.take(digest));
        known.inspect(|digest| self.keep(*digest)).is_some()
    }

    fn keep(&mut self, digest: [u8; 32]) {
        if self.lately.len() >= GENERATION {
            self.before = std::mem::take(&mut self.lately);
        }
        self.lately.insert(digest);
    }
}

/// What is remembered of a signature: the key's bytes, whose number is fixed, and the token. The token itself is a secret.
fn digest(signer: &Signer, token: &Token<'_>) -> [u8; 32] {
    Sha256::new().chain_update(signer.bytes).chain_update(token.text).finalize().into()
}
