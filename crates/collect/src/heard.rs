//! Who has said no just now, so that it is not only on disk but soon in force.
//!
//! A browser with Global Privacy Control says no with each request. Only a word that is not the last one of the same ids by
//! the same signal makes landing hurry. Never the truth: whatever is forgotten here lands a second later.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many last words are remembered.
const WORDS_MAX: usize = 1 << 16;

/// Last words, and whether one of them waits to be in force.
#[derive(Default)]
pub(crate) struct Heard {
    last: Mutex<HashMap<[u8; 16], [u8; 16]>>,
    is_urgent: AtomicBool,
}

/// A word by some ids and a signal.
#[derive(Debug, PartialEq)]
pub(crate) struct Word {
    whose: [u8; 16],
    said: [u8; 16],
    has_no: bool,
}

impl Word {
    pub(crate) fn of(consent: &lake::Consent<'_>) -> Word {
        let mut whose = Sha256::new();
        for id in [&consent.user_id, &consent.anonymous_id] {
            // With a length, so that no two pairs of ids run into the same bytes.
            let id = id.as_deref().unwrap_or_default();
            whose.update(id.len().to_le_bytes());
            whose.update(id);
        }
        whose.update(consent.signal.as_bytes());
        let mut said = Sha256::new();
        for (purpose, is_yes) in &consent.said {
            said.update([u8::from(*is_yes)]);
            said.update(purpose.as_bytes());
            said.update([0]);
        }
        let has_no = consent.said.iter().any(|(_, is_yes)| !*is_yes);
        Word { whose: first_16(whose), said: first_16(said), has_no }
    }
}

impl Heard {
    /// Notes words that are on disk.
    pub(crate) fn note(&self, words: &[Word]) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for word in words {
            if last.len() >= WORDS_MAX {
                last.clear();
            }
            let before = last.insert(word.whose, word.said);
            if word.has_no && before != Some(word.said) {
                self.is_urgent.store(true, Ordering::Release);
            }
        }
    }

    /// Whether there is a new no since it was asked before.
    pub(crate) fn take_urgent(&self) -> bool {
        self.is_urgent.swap(false, Ordering::AcqRel)
    }
}

fn first_16(digest: Sha256) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&digest.finalize()[..16]);
    first
}
