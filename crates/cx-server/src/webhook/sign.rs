//! In: a secret, a message. Kept: the key. Out: the signature of Standard Webhooks, version 1.
//! Never knows: who is told.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The key of one receiver.
#[derive(Clone)]
pub(crate) struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// Another form, or a key that is too short or too long.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let encoded = text.trim().strip_prefix("whsec_");
        let encoded = encoded.context("it does not begin with whsec_")?;
        let bytes = STANDARD.decode(encoded).context("it is no base64")?;
        ensure!(
            (24..=64).contains(&bytes.len()),
            "it has {} bytes",
            bytes.len()
        );
        Ok(Self(bytes))
    }

    /// The header `webhook-signature` of a message sent at a second.
    pub(crate) fn sign(&self, id: &str, second: i64, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mut mac = mac.expect("a key of any length is one");
        mac.update(format!("{id}.{second}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_published_example_of_the_specification() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signed = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_is_refused() {
        for bad in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_!",
        ] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }
}
