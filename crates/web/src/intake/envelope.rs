//! What is around the messages of a request: the key, the sender, and the ways in which browsers wrap JSON.

use super::Peer;
use crate::body::{pairs, percent_decode};
use crate::problem::Problem;
use api::Sender;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::Deserialize;

/// A write key as a request shows it outside of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShownKey {
    /// The key; absent when only the body can have it.
    pub(crate) key: Option<String>,
    /// Whether it stood in the URL.
    pub(crate) is_in_url: bool,
}

/// The key that a request shows; a header wins over the query, and one that cannot be read is no key at all.
pub(crate) fn key_of(parts: &Parts) -> Result<ShownKey, Problem> {
    let mut shown = parts.headers.get_all(header::AUTHORIZATION).iter();
    if let Some(first) = shown.next() {
        let key = first.to_str().ok().filter(|_| shown.next().is_none()).and_then(authorized);
        return key.map(|key| ShownKey { key: Some(key), is_in_url: false }).ok_or_else(|| {
            Problem::new(StatusCode::UNAUTHORIZED, "the header `Authorization` holds no write key")
                .with_hint("send `Authorization: Basic` with base64 of `KEY:`, or `Authorization: Bearer KEY`")
        });
    }
    let query = pairs(parts.uri.query().unwrap_or_default());
    let key = query.into_iter().rev().find(|(name, value)| name == "writeKey" && !value.is_empty());
    Ok(ShownKey { is_in_url: key.is_some(), key: key.map(|(_, value)| value) })
}

/// The key of `Basic BASE64(KEY:anything)` or `Bearer KEY`.
fn authorized(value: &str) -> Option<String> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(base64(rest.trim())?).ok()?;
        pair.split_once(':')?.0.to_owned()
    } else if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

/// What the head of a request tells of its sender.
///
/// The address is that of the connection: `X-Forwarded-For` is whatever the client says.
pub(crate) fn sender_of(parts: &Parts) -> Sender {
    let text =
        |name: HeaderName| parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Sender {
        user_agent: text(header::USER_AGENT),
        referrer: text(header::REFERER),
        address: parts.extensions.get::<Peer>().map(|peer| peer.0),
        refuses_sale: parts.headers.get("sec-gpc").is_some_and(|value| value == "1"),
    }
}

/// Whether the body is declared as a form; everything else is read as JSON, whatever a beacon may call it.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The JSON of a form: its field `data`, as it is or in base64. `curl -d` calls plain JSON a form, too.
pub(crate) fn json_of_form(form: Vec<u8>) -> Result<Vec<u8>, Problem> {
    if form.trim_ascii_start().starts_with(b"{") {
        return Ok(form);
    }
    let field = form.split(|byte| *byte == b'&').rev().find_map(|pair| pair.strip_prefix(b"data="));
    let data = field.map(percent_decode);
    let json = data.and_then(|data| {
        if data.trim_ascii_start().starts_with(b"{") {
            return Some(data);
        }
        std::str::from_utf8(&data).ok().and_then(base64)
    });
    json.ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "the form has no field `data` that can be read")
            .with_hint("send the JSON in the field `data`, as it is or in base64")
    })
}

/// The bytes of a text in base64: of either alphabet, with or without padding, and with the blanks that a `+` becomes
/// in a form.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut n_bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' | b' ' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    Some(bytes)
}

/// The `writeKey` of one message; `Err` when it is no message at all.
pub(crate) fn key_in(message: &[u8]) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(rename = "writeKey")]
        key: Option<String>,
    }
    Ok(serde_json::from_slice::<Keyed>(message)?.key)
}
