//! The errors of this crate.

use spec::{Error, ErrorKind};

/// Whoever presented a credential is not known; one text for every cause, so that it tells nothing.
pub(crate) fn not_signed_in() -> Error {
    Error::new(ErrorKind::Denied, "the name, password or token is not valid".to_owned())
        .with_hint("sign in again, or make a new token with `entente token USER`")
}

/// The role lacks a right.
pub(crate) fn no_right(role: &str, what: &str) -> Error {
    Error::new(ErrorKind::Denied, format!("the role `{role}` may not {what}"))
        .with_hint("the privacy officer can change the role's file in the workspace")
}

/// Nothing of this name is there.
pub(crate) fn not_found(noun: &str, name: &str, nearest: Option<&str>) -> Error {
    let error = Error::new(ErrorKind::NotFound, format!("there is no {noun} `{name}`"));
    match nearest {
        Some(nearest) => error.with_hint(&format!("did you mean `{nearest}`?")),
        None => error,
    }
}

/// The input makes no sense.
pub(crate) fn invalid(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_hint(hint)
}

/// A thing of this name is there already.
pub(crate) fn exists(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{path}` is there already")).with_hint("choose another name")
}

/// Somebody has changed a file since it was looked at.
pub(crate) fn changed(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{path}` was changed meanwhile"))
        .with_hint("look at it again, then make your change once more")
}

/// A path that is no file of a definition.
pub(crate) fn no_definition(path: &str) -> Error {
    let path: String = path.chars().take(120).collect();
    let error = Error::new(ErrorKind::NotFound, format!("`{path}` is no file of a definition"));
    if path == "users.yaml" {
        return error.with_hint("it says who may sign in: whoever keeps the workspace's folder changes it there");
    }
    error.with_hint(
        "a definition is `entente.yaml` or a file such as `purposes/NAME.yaml` or `contracts/NAME.odcs.yaml`",
    )
}

/// Something stands under a definition's path that is not its text.
pub(crate) fn no_text(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{path}` cannot be edited here"))
        .with_hint("it is a link, larger than 1 MiB, or no UTF-8 text: change it in the workspace's folder")
}

/// A question that a dashboard shows cannot go.
pub(crate) fn shown(question: &str, dashboard: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("the question `{question}` stands on the dashboard “{dashboard}”"))
        .with_hint("take its tile off first")
}

/// A file or folder cannot be used.
pub(crate) fn file(what: &str, path: &std::path::Path, source: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {what} `{}`", path.display()))
        .with_hint("is it there, may this account use it, and is there room on the disk?")
        .with_source(Box::new(source))
}

/// The metadata store fails.
pub(crate) fn store(source: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the metadata store cannot be used".to_owned())
        .with_hint("is the disk full, or the data folder read-only?")
        .with_source(Box::new(source))
}

/// Nobody waits for the answer any more. Nothing is away, and nobody hears of it.
pub(crate) fn given_up() -> Error {
    Error::new(ErrorKind::Conflict, "the question was given up".to_owned()).with_hint("ask it again")
}

/// More was to be looked at than there was time for; asked by itself it may well be answered.
pub(crate) fn looked_at_too_briefly() -> Error {
    Error::new(ErrorKind::Unavailable, "the question was looked at too briefly to say".to_owned())
        .with_hint("open it to have it judged by itself")
}

/// Something that our own modules rule out.
pub(crate) fn bug(message: &str) -> Error {
    Error::new(ErrorKind::Bug, message.to_owned())
}

/// The system gives no thread.
pub(crate) fn threads(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the system gives no threads".to_owned()).with_source(Box::new(cause))
}

/// The log does not answer.
pub(crate) fn slow_log() -> Error {
    Error::new(ErrorKind::Unavailable, "the intake log does not answer".to_owned())
        .with_hint("check the disk's space and health, then try again: what came in already counts once")
}
