//! Who is there: sign-in, sessions, tokens.

use crate::error;
use crate::state::State;
use crate::store::{Record, Store};
use api::{Credential, Principal, SignedIn};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use lake::Random;
use spec::{Instant, Result};
use std::sync::LazyLock;
use workspace::Definitions;

/// A session that was not used for this long is over.
const IDLE_SECONDS_MAX: i64 = 30 * 60;
/// A session is over after this long, used or not.
const AGE_SECONDS_MAX: i64 = 12 * 60 * 60;
/// The longest life of a token.
const TOKEN_SECONDS_MAX: u64 = 366 * 86_400;
/// A hash to compare with where there is none: an unknown user takes as long as a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody", b"sixteen bytes...").unwrap_or_default());

/// Forgets the sessions and tokens that are over.
pub(crate) fn forget_old(store: &Store, now: Instant) -> Result<()> {
    store.remove_old(now.timestamp() - AGE_SECONDS_MAX, now.timestamp())
}

/// Signs a user in by password.
pub(crate) fn sign_in(state: &State, name: &str, password: &str) -> Result<SignedIn> {
    let loaded = state.folder.current()?;
    let stored = state.store.password(name)?;
    let is_right = verifies(stored.as_deref().unwrap_or(&NOBODY), password);
    let principal = principal_of(&loaded.definitions, name).filter(|_| is_right && stored.is_some());
    let outcome = if principal.is_some() { "yes" } else { "no" };
    record(state, name, "sign in", outcome)?;
    let principal = principal.ok_or_else(error::not_signed_in)?;
    let session = new_token(state.random.as_ref());
    state.store.add_session(&session, name, state.clock.now())?;
    Ok(SignedIn { session, principal })
}

/// Sets a new random password for a user and returns it.
pub(crate) fn reset_password(state: &State, name: &str) -> Result<String> {
    let loaded = state.folder.current()?;
    principal_of(&loaded.definitions, name).ok_or_else(|| error::not_found("user", name, None))?;
    let mut salt = [0_u8; 16];
    state.random.fill(&mut salt);
    let mut bytes = [0_u8; 16];
    state.random.fill(&mut bytes);
    let password = readable(&bytes);
    state.store.set_password(name, &hash(&password, &salt)?)?;
    record(state, name, "new password", "yes")?;
    Ok(password)
}

/// Makes a token for a user that is good for some seconds.
pub(crate) fn make_token(
    definitions: &Definitions,
    store: &Store,
    now: Instant,
    random: &dyn Random,
    (user, seconds): (&str, u64),
) -> Result<String> {
    principal_of(definitions, user).ok_or_else(|| error::not_found("user", user, None))?;
    if seconds == 0 || seconds > TOKEN_SECONDS_MAX {
        return Err(error::invalid("a token lives between a second and 366 days".to_owned(), "use `--for '30 days'`"));
    }
    let token = new_token(random);
    store.add_token(&token, user, now.timestamp().saturating_add_unsigned(seconds))?;
    store.record(&deed(user, "new token", "yes"), now)?;
    Ok(token)
}

/// 32 random bytes in hex: a token that nobody guesses.
pub(crate) fn new_token(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 32];
    random.fill(&mut bytes);
    spec::hex(&bytes)
}

/// Says who presents a credential.
pub(crate) fn principal(state: &State, credential: &Credential) -> Result<Principal> {
    let now = state.clock.now();
    let user = match credential {
        Credential::Session(session) => {
            let row = state.store.session(session)?.ok_or_else(error::not_signed_in)?;
            let (idle, age) = (now.timestamp() - row.seen_at, now.timestamp() - row.made_at);
            if idle >= IDLE_SECONDS_MAX || age >= AGE_SECONDS_MAX {
                state.store.remove_session(session)?;
                return Err(error::not_signed_in());
            }
            // Once a minute is exact enough, and spares a write per request.
            if idle >= 60 {
                state.store.touch_session(session, now)?;
            }
            row.user
        }
        Credential::Token(token) => state.store.token_user(token, now)?.ok_or_else(error::not_signed_in)?,
        Credential::Owner { secret, user } => {
            if !same(secret, &state.owner_secret) {
                return Err(error::not_signed_in());
            }
            record(state, user, "owner acts as", "yes")?;
            user.clone()
        }
    };
    principal_of(&state.folder.current()?.definitions, &user).ok_or_else(error::not_signed_in)
}

/// The principal of a user, if the user and the role are defined.
pub(crate) fn principal_of(definitions: &Definitions, user: &str) -> Option<Principal> {
    let user = definitions.users.get(user)?;
    let role = definitions.roles.get(&user.role)?;
    Some(Principal {
        waiting: api::Waiting::default(),
        user: user.name.clone(),
        title: user.title.clone(),
        role: role.name.clone(),
        role_title: role.title.clone(),
        sees_cost: role.sees_cost,
        may_import: role.may_import,
        may_define: role.may_define,
        sees_audit: role.sees_audit,
        edits: role.edits.iter().map(|kind| kind.name().to_owned()).collect(),
    })
}

fn record(state: &State, user: &str, what: &str, outcome: &str) -> Result<()> {
    state.store.record(&deed(user, what, outcome), state.clock.now())
}

fn deed<'a>(user: &'a str, what: &'a str, outcome: &'a str) -> Record<'a> {
    Record { user, what, outcome: Some(outcome), ..Record::default() }
}

/// Argon2id with its recommended cost (19 MiB, two passes).
fn hash(password: &str, salt: &[u8; 16]) -> Result<String> {
    let hash: std::result::Result<PasswordHash, _> =
        Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|_| error::bug("a password could not be hashed"))
}

fn verifies(hash: &str, password: &str) -> bool {
    let parsed = PasswordHash::new(hash);
    parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Compares in a time that does not tell where the texts differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// 80 random bits as four groups of letters and digits that cannot be mistaken for one another.
fn readable(bytes: &[u8; 16]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters: Vec<String> = bytes
        .chunks(4)
        .map(|four| four.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect())
        .collect();
    letters.join("-")
}
