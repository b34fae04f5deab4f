//! In: a store's error. Kept: nothing. Out: one line that says where, what, and what to do.
//! Never knows: who asked.

use object_store::Error;
use std::error::Error as _;
use std::io;

/// What a store calls an error, and what to do about it.
const CODES: &[(&str, &str)] = &[
    (
        "NoSuchBucket",
        "there is no such bucket: make it, or write its name in snapshots.s3.bucket",
    ),
    ("InvalidAccessKeyId", KEYS),
    ("SignatureDoesNotMatch", KEYS),
    ("InvalidToken", KEYS),
    ("ExpiredToken", KEYS),
    ("AccessDenied", RIGHTS),
    ("AuthorizationHeaderMalformed", REGION),
    ("PermanentRedirect", REGION),
    ("IllegalLocationConstraintException", REGION),
    ("incorrectly configured region", REGION),
    ("RequestTimeTooSkewed", "set this machine's clock"),
    (
        "certificate verify failed",
        "the store's certificate is of an authority that this machine does not know: name the authority's file in SSL_CERT_FILE",
    ),
    (
        "URL scheme is not allowed",
        "the address in AWS_ENDPOINT is in clear text: write it in snapshots.s3.endpoint with snapshots.s3.allow_http: true, or use https",
    ),
    // The address of a machine's own role.
    ("169.254.169.254", NO_KEYS),
    ("latest/api/token", NO_KEYS),
];
const KEYS: &str = "the store does not take the keys: see snapshots.s3.access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const NO_KEYS: &str = "there are no keys, and this machine has no role: write snapshots.s3.access_key_id and secret_access_key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const RIGHTS: &str = "this key needs the rights to list the bucket, and to get, put and delete objects and abort uploads below the prefix";
const REGION: &str = "write the bucket's region in snapshots.s3.region";
const ELSE: &str =
    "see that the store answers at snapshots.s3.endpoint (or Amazon's, from this machine)";
/// Longest text of a store that is shown, letters.
const LONGEST: usize = 300;

/// The error for people. Its kind is `NotFound` for an object that is not there.
pub(super) fn told(what: &str, place: &str, error: Error) -> io::Error {
    let text = error.to_string();
    let whole = format!("{text} {}", root(&error));
    let known = CODES.iter().find(|(code, _)| whole.contains(code));
    let missing = matches!(error, Error::NotFound { .. }) && !whole.contains("NoSuchBucket");
    let fix = match (known, &error) {
        (Some((_, fix)), _) => fix,
        (None, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => KEYS,
        (None, _) if missing => {
            "the object was there and is gone: nobody else may write below the prefix"
        }
        (None, _) => ELSE,
    };
    let kind = if missing {
        io::ErrorKind::NotFound
    } else {
        io::ErrorKind::Other
    };
    let why = said(&text).unwrap_or_else(|| shown(&text, &root(&error)));
    io::Error::new(kind, format!("cannot {what} {place}: {why}; {fix}"))
}

/// The innermost cause: `Connection refused` and the like.
fn root(error: &Error) -> String {
    let mut inner = error.source();
    let mut text = String::new();
    while let Some(cause) = inner {
        text = cause.to_string();
        inner = cause.source();
    }
    text
}

/// Code and message of a store's answer.
fn said(text: &str) -> Option<String> {
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>"))
            .map(|(found, _)| found)
    };
    let code = between("Code")?;
    let words = between("Message").unwrap_or_default();
    let all = format!("{code} {words}");
    Some(
        all.trim_end_matches([' ', '.'])
            .chars()
            .take(LONGEST)
            .collect(),
    )
}

fn shown(text: &str, root: &str) -> String {
    let lines: Vec<&str> = text.split_whitespace().collect();
    let line: String = lines.join(" ").chars().take(LONGEST).collect();
    if root.is_empty() || line.contains(root) {
        return line;
    }
    format!("{line}: {root}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, words: &[&str]) {
        let error = Error::Generic {
            store: "S3",
            source: source.into(),
        };
        let told = told("list", "s3://b/p", error).to_string();
        for word in words {
            assert!(told.contains(word), "{word:?} is not in {told:?}");
        }
    }

    #[test]
    fn what_a_store_says_is_told_in_one_line_with_what_to_do() {
        check(
            "status 403: <Error><Code>AccessDenied</Code><Message>No.</Message></Error>",
            &[
                "cannot list s3://b/p: AccessDenied No;",
                "the rights to list",
            ],
        );
        check(
            "<Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-west-1'</Message>",
            &["expecting 'eu-west-1'", "snapshots.s3.region"],
        );
        check("a\n  b", &["a b", "snapshots.s3.endpoint"]);
        check("GET http://169.254.169.254/x", &["AWS_ACCESS_KEY_ID"]);
    }
}
