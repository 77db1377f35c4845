//! Who sends a request, and may that be: credentials, rights of a route, and forged requests.
//!
//! Invariants: a route's rights are checked before anything about its object is looked up, so a refusal is the same for
//! known and unknown objects; a request that changes something and is vouched for by a cookie must come from our own
//! page (`Sec-Fetch-Site`, else `Origin`) and carry the session's token; a request that asks a question by a cookie must
//! come from our own page as well, since it is put on record and may be charged to whose cookie it is.

use crate::body;
use crate::problem::Problem;
use crate::routes::{App, Rights, RouteInfo, RouteKind};
use api::{Credential, Principal};
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The header in which scripts send the session's token.
pub(crate) const TOKEN_HEADER: &str = "x-entente-csrf";
/// The form field in which pages send it.
const TOKEN_FIELD: &str = "csrf";
/// Attempts to sign in to one account in `ATTEMPT_WINDOW`.
const ATTEMPTS_MAX: u32 = 10;
const ATTEMPT_WINDOW: Duration = Duration::from_secs(300);
/// Counters of attempts.
const COUNTERS: usize = 16_384;

/// Routes that are looked at by GET and ask or judge questions: another site's link, picture or form could make anybody
/// who is signed in ask them. Those of the API are refused there, parts of pages lead to the page that they belong to.
pub(crate) const ASKING: [(&str, &str); 10] = [
    ("/ask/verdict", "/ask"),
    ("/ask/answer", "/ask"),
    ("/ask/tile", "/ask"),
    ("/ask/download", "/ask"),
    ("/home/metrics/{name}", "/"),
    ("/home/series", "/"),
    ("/home/people", "/"),
    ("/standings", "/"),
    ("/api/v1/verdicts", ""),
    ("/api/v1/values", ""),
];

/// Says in the address of a page that something else than the user led there, so that it asks nothing by itself that
/// would be charged.
pub(crate) const LED: &str = "led";

/// Who sent a request, once the gate let it through.
#[derive(Clone)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) who: Principal,
    /// The session, when a browser's cookie vouches for it.
    pub(crate) session: Option<String>,
}

impl Caller {
    /// The token that a request of this session must carry to change anything; empty without a session.
    pub(crate) fn form_token(&self) -> String {
        self.session.as_deref().map(form_token).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::who_are_you)
    }
}

/// Lets a request through to its route, with its `Caller` attached if the route needs one.
pub(crate) async fn admit(app: &App, route: &RouteInfo, mut request: Request) -> Result<Request, Problem> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if matches!(route.rights, Rights::Key | Rights::Link) {
        // Nobody's session or token counts there, so there is nothing to forge.
        return Ok(request);
    }
    if route.rights == Rights::Open {
        if changes && route.kind == RouteKind::Page {
            check_origin(request.headers())?;
        }
        return Ok(request);
    }
    let caller = identify(app, request.headers()).await?;
    if changes && let Some(session) = &caller.session {
        check_origin(request.headers())?;
        request = check_token(request, &form_token(session)).await?;
    }
    check_rights(route.rights, &caller.who)?;
    request.extensions_mut().insert(caller);
    Ok(request)
}

/// Where a request is led that would ask a question by a cookie and does not come from a page of ours; `None` where it
/// may ask.
///
/// A token and the owner's secret are sent by nobody's browser by itself, so that what shows one is meant.
pub(crate) fn led_away(route: &RouteInfo, request: &Request, caller: &Caller) -> Result<Option<String>, Problem> {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some((_, page)) = ASKING.iter().find(|(path, _)| is_look && *path == route.path) else { return Ok(None) };
    if caller.session.is_none() || is_from_our_page(request.headers()) {
        return Ok(None);
    }
    match *page {
        "" => Err(forged()),
        page => Ok(Some(page_of(page, request.uri()))),
    }
}

/// The page that a part belongs to, with the question and the face of the part's address.
fn page_of(page: &str, part: &Uri) -> String {
    let kept = body::pairs(part.query().unwrap_or_default()).into_iter().filter(|(key, _)| key == "q" || key == "face");
    let mut query: Vec<String> = kept.map(|(key, value)| format!("{key}={}", body::percent_encode(&value))).collect();
    if page == "/ask" {
        query.push(format!("{LED}=yes"));
    }
    if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
}

/// Whether a part of a page is asked for by a page of ours.
///
/// A browser says so itself. One that does not, or is reached over plain HTTP, shows the page by `Origin` or `Referer`,
/// which our own pages send; a page of another site can send neither of these with our name in it, nor the header of
/// htmx, which takes leave that is not given. Whoever says nothing is taken for another site.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.get("hx-request").is_some_and(|value| value == "true") || names_our_host(headers),
    }
}

/// Whether something else than the user or a page of ours led to a page: then it asks nothing by itself that would be
/// charged. Whoever types an address or takes a bookmark means it.
pub(crate) fn is_led_from_elsewhere(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site != "same-origin" && site != "none",
        None => !is_from_our_page(headers),
    }
}

/// Whether the page that sends a request is on our host, by what it says of itself.
fn names_our_host(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((said, host)) = text("origin").or_else(|| text("referer")).zip(text("host")) else { return false };
    is_of_host(said, host)
}

/// Whether an address, or the origin of one, is on a host.
fn is_of_host(address: &str, host: &str) -> bool {
    address.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.eq_ignore_ascii_case(host)
    })
}

/// Whose credential a request shows.
pub(crate) async fn identify(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let credential = credential(app, headers).ok_or_else(Problem::who_are_you)?;
    let session = match &credential {
        Credential::Session(session) => Some(session.clone()),
        Credential::Token(_) | Credential::Owner { .. } => None,
    };
    let product = app.product.clone();
    let found = app.checks.run(move || product.principal(&credential).map_err(Problem::from)).await;
    let who = found.map_err(|problem| if problem.status == 403 { Problem::who_are_you() } else { problem })?;
    Ok(Caller { who, session })
}

/// The name of the session's cookie.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-entente" } else { "entente" }
}

/// The `Set-Cookie` of a session; `None` ends it.
pub(crate) fn set_cookie(secure: bool, session: Option<&str>) -> String {
    let flags = if secure { "; Secure" } else { "" };
    let age = if session.is_some() { "" } else { "; Max-Age=0" };
    format!("{}={}; Path=/; HttpOnly; SameSite=Lax{flags}{age}", cookie_name(secure), session.unwrap_or_default())
}

/// How often accounts were tried lately, in a table of fixed size.
///
/// Accounts share a counter when their hashes do. The key is random, so nobody can aim at somebody's counter, and only
/// attempts that were checked stay counted: far fewer in a window than there are counters.
pub(crate) struct Attempts {
    counters: Mutex<Vec<(u32, Option<Instant>)>>,
    key: RandomState,
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts { counters: Mutex::new(vec![(0, None); COUNTERS]), key: RandomState::new() }
    }
}

impl Attempts {
    /// Counts an attempt, or refuses it.
    pub(crate) fn count(&self, account: &str, now: Instant) -> Result<(), Problem> {
        self.at(account, |(n_attempts, since)| {
            if since.is_none_or(|since| now.duration_since(since) >= ATTEMPT_WINDOW) {
                (*n_attempts, *since) = (0, Some(now));
            }
            *n_attempts = n_attempts.saturating_add(1);
            if *n_attempts > ATTEMPTS_MAX { Err(too_many()) } else { Ok(()) }
        })
    }

    /// Takes an attempt back that nobody had the time to check.
    pub(crate) fn take_back(&self, account: &str) {
        self.at(account, |(n_attempts, _)| *n_attempts = n_attempts.saturating_sub(1));
    }

    /// Forgets an account's attempts after it signed in.
    pub(crate) fn forget(&self, account: &str) {
        self.at(account, |counter| *counter = (0, None));
    }

    fn at<T>(&self, account: &str, change: impl FnOnce(&mut (u32, Option<Instant>)) -> T) -> T {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(self.key.hash_one(account) % COUNTERS as u64).unwrap_or_default();
        change(&mut counters[place])
    }
}

fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts to sign in to this account")
        .with_hint("wait five minutes, then try again")
        .with_retry_after(300)
}

/// What a request shows; a header wins over the cookie, since a browser sends the cookie by itself.
fn credential(app: &App, headers: &HeaderMap) -> Option<Credential> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.contains_key(header::AUTHORIZATION) {
        let (scheme, token) = text("authorization")?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Credential::Token(token.trim().to_owned()));
    }
    if let Some(secret) = text("x-entente-owner") {
        return Some(Credential::Owner { secret: secret.to_owned(), user: text("x-entente-as")?.to_owned() });
    }
    let name = cookie_name(app.secure_cookies);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| Credential::Session(value.to_owned()))
}

fn check_rights(rights: Rights, who: &Principal) -> Result<(), Problem> {
    match rights {
        Rights::Open | Rights::Key | Rights::Link | Rights::SignedIn => Ok(()),
        Rights::Import if who.may_import => Ok(()),
        Rights::Define if who.may_define => Ok(()),
        Rights::Audit if who.sees_audit => Ok(()),
        // Which files, the product says.
        Rights::Edit if !who.edits.is_empty() => Ok(()),
        Rights::Import => Err(Problem::role_may_not("bring data in")),
        Rights::Define => Err(Problem::role_may_not("save definitions")),
        Rights::Audit => Err(Problem::role_may_not("see who saw what")),
        Rights::Edit => Err(Problem::role_may_not("change files of the workspace")),
    }
}

/// Refuses a change that another site's page asks for.
///
/// A browser says itself whether the page is ours, but not over plain HTTP from another machine; then `Origin` has to
/// name our `Host`. A proxy may have rewritten that, which matters only where the browser did not say.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text("host").unwrap_or_default();
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), _) => true,
        (None | Some("none"), None) => true,
        (None | Some("none"), Some(origin)) => is_of_host(origin, host),
        (Some(_), _) => false,
    };
    if is_ours { Ok(()) } else { Err(forged()) }
}

/// Refuses a change without the session's token, which stands in a header or in the form.
async fn check_token(request: Request, expected: &str) -> Result<Request, Problem> {
    if let Some(token) = request.headers().get(TOKEN_HEADER) {
        return if same(token.as_bytes(), expected.as_bytes()) { Ok(request) } else { Err(forged()) };
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(forged());
    }
    let (parts, content) = request.into_parts();
    let copy = axum::http::Request::from_parts(parts.clone(), content);
    let bytes = body::read(copy).await?;
    let form = body::pairs(&String::from_utf8_lossy(&bytes));
    let token = form.iter().find(|(key, _)| key == TOKEN_FIELD).map(|(_, value)| value.as_str()).unwrap_or_default();
    if !same(token.as_bytes(), expected.as_bytes()) {
        return Err(forged());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn forged() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this request does not come from a page of yours")
        .with_hint("reload the page and try again")
}

/// The session's token: whoever knows it was shown a page of the session, and it does not give the session away.
fn form_token(session: &str) -> String {
    keyed(session, &["entente form token"])
}

/// What an address can say that happened in a session.
#[derive(Clone, Copy)]
pub(crate) enum Deed {
    /// A question was offered as a yes.
    Offered,
    /// A version of a file was saved.
    Saved,
}

impl Deed {
    /// Marks what it was done with: nobody else can make a link that says so.
    pub(crate) fn mark(self, session: &str, what: &str) -> String {
        let label = match self {
            Deed::Offered => "entente offer",
            Deed::Saved => "entente saved",
        };
        keyed(session, &[label, what])
    }

    /// Whether a mark is the one of what this session did it with.
    pub(crate) fn is_mark(self, session: &str, what: &str, mark: &str) -> bool {
        same(mark.as_bytes(), self.mark(session, what).as_bytes())
    }
}

/// The start of a hash that only who knows the session can make.
fn keyed(session: &str, parts: &[&str]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(session.as_bytes()).expect("a key of any length is good");
    mac.update(parts.join("\n").as_bytes());
    spec::hex(&mac.finalize().into_bytes()[..16])
}

/// Compares in a time that does not tell where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (x, y)| different | (x ^ y)) == 0
}
