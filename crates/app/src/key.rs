//! Write keys: made at random and shown once. Nothing here keeps one; of a secret one the workspace gets the digest only.

use crate::error;
use lake::Random;
use sha2::{Digest, Sha256};
use spec::{KeyKind, Result};

#[cfg(test)]
mod tests;

/// The digits that 32 bytes need in base 62: 62^42 < 2^256 < 62^43.
const N_DIGITS: usize = 43;

/// A new write key.
pub struct NewKey {
    /// Its text, for whoever sends with it.
    pub text: String,
    /// Its line for `keys:` in the source's file.
    pub yaml: String,
}

/// Makes a write key of this kind with this name.
pub fn make_key(kind: KeyKind, name: &str) -> Result<NewKey> {
    make(&lake::SystemRandom, kind, name)
}

fn make(random: &dyn Random, kind: KeyKind, name: &str) -> Result<NewKey> {
    if !workspace::is_name(name) {
        let message = format!("`{name}` is not a name for a key");
        return Err(error::invalid(message, "use small letters, digits and `_`, a letter first, as in `--name shop`"));
    }
    let mut bytes = [0_u8; 32];
    random.fill(&mut bytes);
    let prefix = match kind {
        KeyKind::Public => "pk_",
        KeyKind::Secret => "sk_",
    };
    let text = format!("{prefix}{}", base62(bytes));
    let digest = || spec::hex(&Sha256::digest(&text));
    let held = match kind {
        KeyKind::Public => format!("key: {text}"),
        KeyKind::Secret => format!("sha256: {}", digest()),
    };
    Ok(NewKey { yaml: format!("  - {{ name: {name}, kind: {}, {held} }}", kind.name()), text })
}

/// The bytes as one number in digits and letters, always as many of them.
fn base62(mut bytes: [u8; 32]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [' '; N_DIGITS];
    for digit in digits.iter_mut().rev() {
        // Divides by 62 in place, the highest byte first, and keeps what is left over.
        let mut rest = 0;
        for byte in &mut bytes {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).expect("a rest is below 62, so this is below 256");
            rest = value % 62;
        }
        *digit = char::from(DIGITS[rest]);
    }
    digits.iter().collect()
}
