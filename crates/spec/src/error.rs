//! The one error type of the project: what failed, on which thing, and what to do next.
//!
//! A crate makes its errors by constructor functions in its own `error.rs`; the HTTP status and the exit code of a kind
//! are each one function in the outermost crates.

use std::fmt;

/// The result of anything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What sort of failure it is; it decides the HTTP status and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is wrong; the sender can mend it.
    Invalid,
    /// The thing does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller may not do this.
    Denied,
    /// The state has changed, or somebody else holds what is needed.
    Conflict,
    /// It may work later: a limit was reached, a disk is full, a service is away.
    Unavailable,
    /// A fault of the program.
    Bug,
}

/// What failed, on which thing, why, and what to do next.
///
/// The message is lower case without a final stop and does not repeat its source.
#[derive(Debug)]
pub struct Error {
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// What failed, on which thing.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// What caused it.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of a kind with a message.
    pub fn new(kind: ErrorKind, message: String) -> Self {
        Error { kind, message, hint: None, source: None }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(self, hint: &str) -> Self {
        Error { hint: Some(hint.to_owned()), ..self }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(self, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Error { source: Some(source), ..self }
    }

    /// The message with all its causes, joined by colons, for a terminal or a log.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
