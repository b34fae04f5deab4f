//! In: `ce-` headers and a body. Kept: nothing. Out: one structured event.
//! Never knows: what an event means.
//!
//! CloudEvents HTTP binding 1.0, binary mode: attributes in headers, data in the body.

use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Assembles the event; `kind` is the body's media type without parameters, lower case.
pub(crate) fn structured(headers: &HeaderMap, kind: &str, body: &Bytes) -> Result<Bytes, Problem> {
    let mut event = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        if matches!(attribute, "data" | "data_base64" | "datacontenttype") {
            let why = "data travels in the body, its type in content-type";
            return Err(bad(name.as_str(), why.to_owned()));
        }
        let text = decoded(value.as_bytes())
            .ok_or_else(|| bad(name.as_str(), "not percent-encoded UTF-8".to_owned()))?;
        if event.insert(attribute.to_owned(), text.into()).is_some() {
            return Err(bad(
                name.as_str(),
                "the attribute is there twice".to_owned(),
            ));
        }
    }
    if !kind.is_empty() {
        event.insert("datacontenttype".to_owned(), kind.into());
    }
    if !body.is_empty() {
        let (name, data) = data(kind, body)?;
        event.insert(name.to_owned(), data);
    }
    let bytes = serde_json::to_vec(&event).expect("a map of JSON values");
    Ok(Bytes::from(bytes))
}

fn data(kind: &str, body: &Bytes) -> Result<(&'static str, Value), Problem> {
    if kind.is_empty() || kind.ends_with("/json") || kind.ends_with("+json") {
        let data = serde_json::from_slice(body)
            .map_err(|e| bad("body", format!("data is not JSON: {e}")))?;
        return Ok(("data", data));
    }
    match std::str::from_utf8(body)
        .ok()
        .filter(|_| kind.starts_with("text/"))
    {
        Some(text) => Ok(("data", text.into())),
        None => Ok(("data_base64", base64(body).into())),
    }
}

fn bad(field: &str, why: String) -> Problem {
    let place = match field {
        "body" => "body".to_owned(),
        header => format!("header {header}"),
    };
    let fix = "see the CloudEvents HTTP binding, binary mode";
    Problem::new(StatusCode::BAD_REQUEST, "the event was refused", why).at(field, &place, fix)
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(i) {
        if *byte == b'%' {
            let hex = std::str::from_utf8(bytes.get(i + 1..i + 3)?).ok()?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            i += 3;
        } else {
            out.push(*byte);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * i) & 63) as usize];
            out.push(if i > three.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_base64_with_padding() {
        for (raw, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(raw.as_bytes()), expected);
        }
    }

    #[test]
    fn keeps_data_of_every_type() {
        let check = |kind: &str, body: &'static [u8], expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("ce-subject", "caf%C3%A9".parse().unwrap());
            let event = structured(&headers, kind, &Bytes::from_static(body)).unwrap();
            let event: Value = serde_json::from_slice(&event).unwrap();
            assert_eq!(event["subject"], "café");
            let data = event.get("data").or(event.get("data_base64")).unwrap();
            assert_eq!(data.to_string(), expected, "{kind}");
        };
        check("application/json", b"{\"a\":1}", "{\"a\":1}");
        check("application/x+json", b"[1]", "[1]");
        check("text/plain", b"hello", "\"hello\"");
        check("application/octet-stream", b"\x00\xff", "\"AP8=\"");
    }

    #[test]
    fn refuses_headers_that_are_no_text() {
        let mut headers = HeaderMap::new();
        headers.insert("ce-subject", "%C3%28".parse().unwrap());
        let problem = structured(&headers, "", &Bytes::new()).unwrap_err();
        assert!(problem.detail().contains("UTF-8"), "{}", problem.detail());
    }
}
