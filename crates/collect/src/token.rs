//! Tokens of identity: a JWT in compact form by which a server of ours says who the user of a browser is.
//!
//! Reading one and comparing what it claims with its message is here; whose signature it bears is found by `signatures`. A
//! token is a secret for as long as it is good, so it is never kept, and no fault repeats any of it. What it lacks on
//! purpose: every algorithm but one, extensions, and keys that the token itself brings.
//!
//! # Source
//! RFC 7515 (compact serialisation, `crit`), RFC 7519 (claims), RFC 8037 (`EdDSA` with Ed25519), RFC 8725 (what to refuse).

use crate::json;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The member of `context` that holds it.
pub(crate) const MEMBER: &str = "identityToken";
/// The longest token, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 2 * 1024;
/// The only algorithm, which with the keys that a workspace can hold means Ed25519.
const ALGORITHM: &str = "EdDSA";
/// How far the clocks of those who sign may be from ours.
const LEEWAY_MICROS: i64 = 60 * MICROS_PER_SECOND;
/// How long a token may be good, so that a stolen one is not for ever.
pub(crate) const LIFETIME_MICROS_MAX: i64 = DAY_MICROS;
pub(crate) const DAY_MICROS: i64 = 24 * 60 * 60 * MICROS_PER_SECOND;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// The latest time that a claim can name, in seconds since 1970: the end of the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Unreadable,
    Algorithm,
    Critical,
    Claims,
    NoUser,
    OtherUser,
    Audience,
    Expired,
    NotYet,
    TooLasting,
    Signature,
    TooMany,
}

/// The faults by the names under which messages that are kept aside remember them.
const FAULTS: [(TokenFault, &str); 12] = [
    (TokenFault::Unreadable, "unreadable"),
    (TokenFault::Algorithm, "algorithm"),
    (TokenFault::Critical, "critical"),
    (TokenFault::Claims, "claims"),
    (TokenFault::NoUser, "no user"),
    (TokenFault::OtherUser, "other user"),
    (TokenFault::Audience, "audience"),
    (TokenFault::Expired, "expired"),
    (TokenFault::NotYet, "not yet"),
    (TokenFault::TooLasting, "too lasting"),
    (TokenFault::Signature, "signature"),
    (TokenFault::TooMany, "too many"),
];

impl TokenFault {
    /// Its name where it is written down.
    pub(crate) fn name(self) -> &'static str {
        FAULTS.iter().find(|(fault, _)| *fault == self).map_or("", |(_, name)| name)
    }

    /// The fault with this name.
    pub(crate) fn named(name: &str) -> Option<TokenFault> {
        FAULTS.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }
}

/// What a token has to say to be good.
pub(crate) struct Expected<'a> {
    /// `userId` as it was sent; absent where the token alone says who it is.
    pub(crate) user_id: Option<&'a str>,
    /// What it is for: the name of the source, for messages.
    pub(crate) audience: &'a str,
    pub(crate) received_micros: i64,
    /// How long it may be good from its start to its end.
    pub(crate) lifetime_micros_max: i64,
}

/// A token that was read; nothing of it is known to be true.
pub(crate) struct Token<'a> {
    /// All of it.
    pub(crate) text: &'a str,
    /// What the signature is of.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    /// A JSON object, if the one who signed is sound.
    claims: String,
}

impl<'a> Token<'a> {
    /// Takes a token apart; its header has to be one that is understood.
    pub(crate) fn read(text: &'a str) -> Result<Token<'a>, TokenFault> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Unreadable);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenFault::Unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Unreadable)?;
        let bytes_of = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Unreadable);
        let text_of = |part: &str| String::from_utf8(bytes_of(part)?).map_err(|_| TokenFault::Unreadable);
        check_header(&text_of(header)?)?;
        Ok(Token { text, signed, signature: bytes_of(signature)?, claims: text_of(claims)? })
    }

    /// Compares what it claims with what is expected, and says whom it names; the order of the checks is that of their
    /// words to the sender.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<String, TokenFault> {
        let claims = Claims::read(&self.claims)?;
        if !claims.names(expected.audience) {
            return Err(TokenFault::Audience);
        }
        if expected.user_id.is_some_and(|user_id| claims.subject != user_id) {
            return Err(TokenFault::OtherUser);
        }
        claims.check_times(expected)?;
        Ok(claims.subject.into_owned())
    }
}

/// Refuses what is not signed as it has to be, and what would have to be understood and is not.
fn check_header(text: &str) -> Result<(), TokenFault> {
    let (mut algorithm, mut is_critical) = (None, false);
    read_object(text, &mut |name, value| match name {
        "alg" => algorithm = json::text_of(value),
        "crit" => is_critical = true,
        _ => {}
    })?;
    match algorithm {
        _ if is_critical => Err(TokenFault::Critical),
        Some(algorithm) if algorithm == ALGORITHM => Ok(()),
        _ => Err(TokenFault::Algorithm),
    }
}

/// The claims that mean something.
struct Claims<'a> {
    subject: Cow<'a, str>,
    audience: &'a RawValue,
    expires_micros: i64,
    issued_micros: Option<i64>,
    not_before_micros: Option<i64>,
}

impl<'a> Claims<'a> {
    fn read(text: &'a str) -> Result<Claims<'a>, TokenFault> {
        let (mut subject, mut audience, mut expires, mut issued, mut not_before) = (None, None, None, None, None);
        read_object(text, &mut |name, value| match name {
            "sub" => subject = Some(value),
            "aud" => audience = Some(value),
            "exp" => expires = Some(value),
            "iat" => issued = Some(value),
            "nbf" => not_before = Some(value),
            _ => {}
        })?;
        // A claim that is there is one to be understood.
        let time = |value: Option<&RawValue>| value.map(|value| micros(value).ok_or(TokenFault::Claims)).transpose();
        Ok(Claims {
            subject: subject.and_then(json::text_of).ok_or(TokenFault::Claims)?,
            audience: audience.ok_or(TokenFault::Claims)?,
            expires_micros: time(expires)?.ok_or(TokenFault::Claims)?,
            issued_micros: time(issued)?,
            not_before_micros: time(not_before)?,
        })
    }

    /// Whether the audience is this one, or a list in which it stands.
    fn names(&self, audience: &str) -> bool {
        let is_it = |value: &RawValue| json::text_of(value).is_some_and(|text| text == audience);
        is_it(self.audience) || json::elements(self.audience.get()).is_some_and(|all| all.into_iter().any(is_it))
    }

    fn check_times(&self, expected: &Expected<'_>) -> Result<(), TokenFault> {
        let received_micros = expected.received_micros;
        if received_micros >= self.expires_micros + LEEWAY_MICROS {
            return Err(TokenFault::Expired);
        }
        let latest = received_micros + LEEWAY_MICROS;
        if [self.issued_micros, self.not_before_micros].into_iter().flatten().any(|from| from > latest) {
            return Err(TokenFault::NotYet);
        }
        // Without a start of its own it counts from now on, by the clock of the one who signed.
        let start = self.issued_micros.unwrap_or(latest);
        if self.expires_micros - start > expected.lifetime_micros_max {
            return Err(TokenFault::TooLasting);
        }
        Ok(())
    }
}

/// Visits the members of an object in which no name stands twice: two readers could take different ones of them.
fn read_object<'a>(text: &'a str, visit: &mut dyn FnMut(&str, &'a RawValue)) -> Result<(), TokenFault> {
    let mut names = BTreeSet::new();
    let mut is_twice = false;
    let is_object = json::members(text, &mut |name, value| {
        visit(&name, value);
        is_twice |= !names.insert(name);
    });
    if is_object && !is_twice { Ok(()) } else { Err(TokenFault::Unreadable) }
}

/// The instant that a claim names, in seconds since 1970 with or without a fraction.
fn micros(value: &RawValue) -> Option<i64> {
    let seconds: f64 = Some(value).filter(|value| json::is_number(value))?.get().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it lies within the years that there are")]
    (0.0..=SECONDS_MAX).contains(&seconds).then_some((seconds * 1e6) as i64)
}

/// A message's `context` as it may be kept: without its token, and otherwise as it came.
pub(crate) fn without_token(context: &str) -> Cow<'_, str> {
    if json::member(context, MEMBER).is_none() {
        return Cow::Borrowed(context);
    }
    let mut kept = String::with_capacity(context.len());
    json::members(context, &mut |name, value| {
        if name != MEMBER {
            json::push_member(&mut kept, &name, value.get());
        }
    });
    kept.push_str(if kept.is_empty() { "{}" } else { "}" });
    Cow::Owned(kept)
}
