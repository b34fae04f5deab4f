//! In: `ce-` headers and a body. Kept: nothing. Out: one structured event.
//! Never knows: what an event means.
//!
//! CloudEvents HTTP binding 1.0.2, binary mode: attributes in headers, data in the body. JSON data
//! is passed on as it was written, so that the decoder sees what the sender sent.

use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cx_model::reject::{Reason, Rejected};
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;

const PREFIX: &str = "ce-";

/// Whether attributes stand in headers.
pub(crate) fn is(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX))
}

/// Assembles the event; `kind` is the header content-type as it was written.
pub(crate) fn structured(headers: &HeaderMap, kind: &str, body: &Bytes) -> Result<Bytes, Problem> {
    let mut event = BTreeMap::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        let bad = |why: &str| bad(name.as_str(), why);
        if matches!(attribute, "data" | "data_base64" | "datacontenttype") {
            return Err(bad("data travels in the body, its type in content-type"));
        }
        let text = decoded(value.as_bytes()).map_err(bad)?;
        if event.insert(attribute, raw(&text)).is_some() {
            return Err(bad("the attribute is there twice: send it once"));
        }
    }
    if !kind.is_empty() {
        event.insert("datacontenttype", raw(kind));
    }
    if !body.is_empty() {
        let (name, data) = data(kind, body)?;
        event.insert(name, data);
    }
    let bytes = serde_json::to_vec(&event).expect("a map of JSON values");
    Ok(Bytes::from(bytes))
}

fn raw(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("text is JSON")
}

fn data(kind: &str, body: &Bytes) -> Result<(&'static str, Box<RawValue>), Problem> {
    let media = kind.split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    if media.is_empty() || media.ends_with("/json") || media.ends_with("+json") {
        let data = serde_json::from_slice(body).map_err(|e| {
            let place = format!("line {} column {}", e.line(), e.column());
            let detail = format!("the body is not the JSON that its content type says: {e}");
            Problem::refused(&Rejected::new(Reason::InvalidJson, place, detail))
        })?;
        return Ok(("data", data));
    }
    let text = std::str::from_utf8(body).ok();
    match text.filter(|_| media.starts_with("text/")) {
        Some(text) => Ok(("data", raw(text))),
        None => Ok(("data_base64", raw(&STANDARD.encode(body)))),
    }
}

fn bad(header: &str, why: &str) -> Problem {
    let place = format!("header {header}");
    Problem::refused(&Rejected::new(Reason::InvalidAttribute, place, why))
}

/// The attribute that a header's value stands for: first out of its quotes, then one round of
/// percent-decoding.
fn decoded(bytes: &[u8]) -> Result<String, &'static str> {
    let bytes = unquoted(bytes)?;
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), &bytes[..]);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let pair = after
            .first_chunk()
            .and_then(|[a, b]| Some((hex(*a)?, hex(*b)?)));
        let (high, low) = pair.ok_or("after % come two hex digits; a percent sign is %25")?;
        out.push(high << 4 | low);
        rest = &after[2..];
    }
    String::from_utf8(out).map_err(|_| "percent-encode the UTF-8 of the text; this is not UTF-8")
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Older senders put a value into double quotes, with backslashes before quotes in it.
fn unquoted(bytes: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        return Ok(Cow::Borrowed(bytes));
    };
    let wrong = "a double quote stands alone: percent-encode it as %22";
    let (mut out, mut rest) = (Vec::with_capacity(quoted.len()), quoted);
    loop {
        match rest {
            [b'"'] => return Ok(Cow::Owned(out)),
            [b'\\', escaped, after @ ..] => {
                out.push(*escaped);
                rest = after;
            }
            [b'"' | b'\\', ..] | [] => return Err(wrong),
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn keeps_data_of_every_type() {
        let check = |kind: &str, body: &'static [u8], expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("ce-subject", "caf%C3%A9".parse().unwrap());
            let event = structured(&headers, kind, &Bytes::from_static(body)).unwrap();
            let text = std::str::from_utf8(&event).unwrap().to_owned();
            let event: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(event["subject"], "café");
            assert_eq!(event["datacontenttype"], kind);
            assert!(text.contains(expected), "{kind}: {text}");
        };
        let twice = b"{\"a\": 1.50, \"a\":2}";
        check("application/json", twice, r#""data":{"a": 1.50, "a":2}"#);
        check("Application/X+JSON; charset=utf-8", b"[1]", r#""data":[1]"#);
        check("text/plain;charset=utf-8", b"hello", r#""data":"hello""#);
        check("text/plain", b"\xff", r#""data_base64":"/w==""#);
        check("image/png", b"\x00\xff", r#""data_base64":"AP8=""#);
    }

    #[test]
    fn header_values_lose_quotes_first_and_percent_signs_once() {
        let check = |value: &str, expected: Result<&str, &str>| {
            let got = decoded(value.as_bytes());
            match expected {
                Ok(text) => assert_eq!(got.as_deref(), Ok(text), "{value}"),
                Err(part) => assert!(got.unwrap_err().contains(part), "{value}"),
            }
        };
        check("Euro%20%E2%82%AC%20%F0%9F%98%80", Ok("Euro € 😀"));
        check("%e2%82%ac", Ok("€"));
        check("%41b", Ok("Ab"));
        check("100%2525", Ok("100%25"));
        check(r#""Euro %E2%82%AC \"a\" \\""#, Ok("Euro € \"a\" \\"));
        check(r#""""#, Ok(""));
        check(r#"a"b"#, Ok(r#"a"b"#));
        check("%C0%A0", Err("UTF-8"));
        check("%C3%28", Err("UTF-8"));
        check("100%", Err("%25"));
        check("%+1x", Err("%25"));
        check("%4", Err("%25"));
        check(r#""open"#, Err("%22"));
        check(r#""a" b"#, Err("%22"));
        check(r#""a\"#, Err("%22"));
    }

    #[test]
    fn faults_of_headers_and_body_name_their_place() {
        let check = |name: &'static str, kind: &str, body: &'static [u8], place: &str| {
            let mut headers = HeaderMap::new();
            headers.append(name, "1".parse().unwrap());
            headers.append("ce-id", "1".parse().unwrap());
            let refused = structured(&headers, kind, &Bytes::from_static(body)).unwrap_err();
            assert!(refused.detail().contains(place), "{}", refused.detail());
        };
        check("ce-id", "", b"", "header ce-id");
        check("ce-data", "", b"", "header ce-data");
        check("ce-datacontenttype", "", b"", "header ce-datacontenttype");
        check("ce-type", "application/json", b"{x", "line 1 column 2");
    }
}
