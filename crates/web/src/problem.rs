//! What went wrong, as RFC 9457 says it, and its HTTP status.
//!
//! A handler returns a `Problem`; `routes` turns it into JSON for programs and into a page for people.

use api::Input;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use spec::{Diagnostic, ErrorKind, Verdict};
use std::ops::Deref;

/// A problem that is told to the caller; boxed, since most results carry none.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Told>);

/// What is told.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    /// A name for the sort of problem.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The sort of problem in words.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened.
    pub(crate) detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Everything that is wrong with the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Diagnostic>,
    /// What else there is to say of this sort of problem.
    #[serde(flatten)]
    pub(crate) members: Map<String, Json>,
    /// Why the question is refused, with the nearest yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Json>,
    /// The same verdict for a page.
    #[serde(skip)]
    pub(crate) refusal: Option<Verdict>,
    /// After how many seconds to try again.
    #[serde(skip)]
    pub(crate) retry_after_seconds: Option<u32>,
}

impl Problem {
    /// Makes a problem of a status.
    pub(crate) fn new(status: StatusCode, detail: &str) -> Problem {
        let (word, title) = words_of(status);
        Problem(Box::new(Told {
            kind: format!("urn:entente:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: detail.to_owned(),
            hint: None,
            errors: Vec::new(),
            members: Map::new(),
            verdict: None,
            refusal: None,
            retry_after_seconds: None,
        }))
    }

    /// The same problem with a hint.
    pub(crate) fn with_hint(mut self, hint: &str) -> Problem {
        self.0.hint = Some(hint.to_owned());
        self
    }

    /// The same problem with the time after which to try again.
    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Problem {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// The same problem with further members.
    pub(crate) fn with_members(mut self, members: Map<String, Json>) -> Problem {
        self.0.members = members;
        self
    }

    /// An input with everything that is wrong with it.
    pub(crate) fn invalid(errors: Vec<Diagnostic>) -> Problem {
        let detail = match errors.as_slice() {
            [only] => only.message.clone(),
            many => format!("{} things are wrong with the input", many.len()),
        };
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, &detail);
        let is_question = |path: &str| path == "/q" || path == "/question" || path.starts_with("/question/");
        if errors.iter().any(|error| is_question(&error.path)) {
            problem.0.title = "This cannot be read as a question";
        }
        problem.0.errors = errors;
        problem
    }

    /// A question that was refused by its verdict.
    pub(crate) fn refused(verdict: &Verdict) -> Problem {
        let detail = verdict.reasons.first().map_or("the question cannot be answered", |first| &first.for_marketing);
        let json = serde_json::to_value(verdict).expect("a verdict is plain data and serialises");
        let mut problem = Problem::new(StatusCode::FORBIDDEN, detail);
        problem.0.verdict = Some(json);
        problem.0.refusal = Some(verdict.clone());
        problem
    }

    /// No credential, or a wrong one; the same words for both.
    pub(crate) fn who_are_you() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "sign in, or send a valid token")
            .with_hint("send `Authorization: Bearer <token>`; `entente token USER` makes one")
    }

    /// A right that the role lacks; the same words whatever the object.
    pub(crate) fn role_may_not(what: &str) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, &format!("your role may not {what}"))
            .with_hint("the files in roles/ say what each role may do")
    }

    /// Nothing is there.
    pub(crate) fn not_found(what: &str) -> Problem {
        let problem = Problem::new(StatusCode::NOT_FOUND, &format!("there is no {what} here"));
        match what {
            "audience" | "dashboard" | "metric" | "question" | "source" => problem.with_hint(&format!(
                "it may have been renamed or taken back; the list of {what}s has those that are there"
            )),
            _ => problem,
        }
    }

    /// Too much to do at the moment.
    pub(crate) fn busy(detail: &str) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_hint("try again in a few seconds")
            .with_retry_after(2)
    }
}

impl Deref for Problem {
    type Target = Told;
    fn deref(&self) -> &Told {
        &self.0
    }
}

impl From<spec::Error> for Problem {
    fn from(error: spec::Error) -> Problem {
        let status = status_of(error.kind);
        if error.kind == ErrorKind::Bug {
            tracing::error!(cause = error.chain(), "a request failed");
            return Problem::new(status, "something went wrong on our side; it is in the server's log");
        }
        if error.kind == ErrorKind::Unavailable {
            tracing::warn!(cause = error.chain(), "something that a request needs is away");
            return unavailable(&error);
        }
        let mut problem = Problem::new(status, &error.message);
        problem.0.hint = error.hint;
        problem
    }
}

/// What is told when something is away: where it lies on the server's disk is for the log alone.
fn unavailable(error: &spec::Error) -> Problem {
    if holds_path(&error.message) {
        return Problem::busy("something that is needed for this cannot be read or written just now")
            .with_hint("try again in a minute; the server's log says what it is");
    }
    let hint = error.hint.as_deref().filter(|hint| !holds_path(hint)).unwrap_or("try again in a few seconds");
    Problem::busy(&error.message).with_hint(hint)
}

/// Whether a word of the text looks like a path of the system.
fn holds_path(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || ['`', '\'', '"', '(', ':', '='].contains(&c));
    words.any(|word| word.len() > 1 && (word.starts_with('/') || word.starts_with("./") || word.contains('\\')))
}

/// The problem rides on the response until `routes` writes it down for a program or a person.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    /// Its status as a type.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The value of a good input, or the problem with everything that is wrong with it.
pub(crate) fn good<T>(input: Input<T>) -> Result<T, Problem> {
    match input {
        Input::Good(value) => Ok(value),
        Input::Bad(errors) => Err(Problem::invalid(errors)),
    }
}

/// The HTTP status of an error.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn words_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("invalid", "This cannot be taken as it stands"),
        StatusCode::UNAUTHORIZED => ("unauthenticated", "Who are you?"),
        StatusCode::FORBIDDEN => ("denied", "Not this way"),
        StatusCode::NOT_FOUND => ("not-found", "Nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "This address does something else"),
        StatusCode::NOT_ACCEPTABLE => ("not-acceptable", "No such format"),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "It did not arrive in time"),
        StatusCode::CONFLICT => ("conflict", "It did not go through"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "Too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "Not a format that is read here"),
        StatusCode::TOO_MANY_REQUESTS => ("too-many", "Too much at once"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Not just now"),
        _ => ("fault", "Something went wrong"),
    }
}
