//! Who vouches for what a message says about somebody: a server of ours, directly or by a token, or nobody.
//!
//! A public key stands in pages, so whatever comes with it is claimed, unless the message brings a token in which a server
//! says who the browser's user is. The token vouches for that user's own messages and for nothing else. One that is not
//! good takes nothing away: the message is claimed, as it would be without it, and says why.

use crate::json;
use crate::message::Members;
use crate::rules::KeyRules;
use crate::signatures::Signatures;
use crate::token::{Expected, LIFETIME_MICROS_MAX, MEMBER, Token, TokenFault};
use serde_json::value::RawValue;
use spec::KeyKind;

/// How often in one delivery a signature is looked at that is not known to be good: a browser has one token, or the next.
pub(crate) const LOOKS_MAX: u32 = 16;

/// Who vouches for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouching {
    /// A server of ours, which sent it with a secret key.
    Server,
    /// A server of ours, by a token for the user of the message; it came with a public key.
    Token,
    /// Nobody: it came with a public key. What is wrong with its token, if it has one.
    Nobody(Option<TokenFault>),
}

impl Vouching {
    /// Whether what it says about identity is only claimed.
    pub(crate) fn is_claimed(self) -> bool {
        matches!(self, Vouching::Nobody(_))
    }

    /// Whether it came with a public key, so that the request is that of the person.
    pub(crate) fn is_public(self) -> bool {
        self != Vouching::Server
    }

    /// What is wrong with its token.
    pub(crate) fn fault(self) -> Option<TokenFault> {
        match self {
            Vouching::Nobody(fault) => fault,
            Vouching::Server | Vouching::Token => None,
        }
    }
}

/// Finds out who vouches for the messages of one delivery.
pub(crate) struct Vouchers<'r> {
    pub(crate) key: &'r KeyRules,
    pub(crate) signatures: &'r Signatures,
    pub(crate) received_micros: i64,
    /// How many more signatures are looked at.
    pub(crate) n_looks: u32,
}

impl Vouchers<'_> {
    /// Who vouches for the message with these members.
    pub(crate) fn vouching(&mut self, members: &Members<'_>) -> Vouching {
        if self.key.kind == KeyKind::Secret {
            return Vouching::Server;
        }
        let sent = Some(members).filter(|_| !self.key.signers.is_empty()).and_then(token_of);
        let Some(sent) = sent else { return Vouching::Nobody(None) };
        match self.check(sent, members.user_id) {
            Ok(()) => Vouching::Token,
            Err(fault) => Vouching::Nobody(Some(fault)),
        }
    }

    /// Compares what a token claims, and looks at its signature last, since that is dear.
    fn check(&mut self, sent: &RawValue, user_id: Option<&RawValue>) -> Result<(), TokenFault> {
        let text = json::text_of(sent).ok_or(TokenFault::Unreadable)?;
        let token = Token::read(&text)?;
        let user_id = user_id.and_then(json::text_or_number).filter(|id| !id.is_empty()).ok_or(TokenFault::NoUser)?;
        token.check(&Expected {
            user_id: Some(&user_id),
            audience: &self.key.source.name,
            received_micros: self.received_micros,
            lifetime_micros_max: LIFETIME_MICROS_MAX,
        })?;
        match self.signatures.is_signed(&token, &self.key.signers, &mut self.n_looks) {
            Some(true) => Ok(()),
            Some(false) => Err(TokenFault::Signature),
            None => Err(TokenFault::TooMany),
        }
    }
}

/// What stands in the token's place; `null` and empty text are none.
fn token_of<'a>(members: &Members<'a>) -> Option<&'a RawValue> {
    json::member(members.context?.get(), MEMBER).filter(|sent| !matches!(sent.get(), "null" | "\"\""))
}
