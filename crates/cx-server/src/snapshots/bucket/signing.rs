//! In: what a request says. Kept: nothing. Out: SHA-256 and its HMAC, by which a store knows who asks.
//! Never knows: the request.
//!
//! By crates that are here anyway, so that no second cryptographic library in C is built for it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::client::{
    CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm,
};
use object_store::{Error, Result};
use sha2::{Digest as _, Sha256};

/// SHA-256 of the RustCrypto crates.
#[derive(Debug)]
pub(super) struct Sha;

impl CryptoProvider for Sha {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        sha256(&algorithm)?;
        Ok(Box::new(Sum(Sha256::new(), [0; 32])))
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        sha256(&algorithm)?;
        let keyed = Hmac::new_from_slice(secret).map_err(|e| unknown(&e))?;
        Ok(Box::new(Keyed(keyed, [0; 32])))
    }

    fn sign(&self, algorithm: SigningAlgorithm, _pem: &[u8]) -> Result<Box<dyn Signer>> {
        Err(unknown(&format!("{algorithm:?}")))
    }
}

fn sha256(algorithm: &DigestAlgorithm) -> Result<()> {
    if *algorithm == DigestAlgorithm::Sha256 {
        return Ok(());
    }
    Err(unknown(&format!("{algorithm:?}")))
}

fn unknown(what: &impl ToString) -> Error {
    let source = format!("S3 needs SHA-256 only: {}", what.to_string());
    Error::NotSupported {
        source: source.into(),
    }
}

/// A running digest, and the finished one.
struct Sum(Sha256, [u8; 32]);

impl DigestContext for Sum {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.1 = self.0.finalize_reset().into();
        Ok(&self.1)
    }
}

/// A running keyed digest, and the finished one.
struct Keyed(Hmac<Sha256>, [u8; 32]);

impl HmacContext for Keyed {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.1 = self.0.clone().finalize().into_bytes().into();
        Ok(&self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn digests_are_those_of_the_published_examples() {
        // FIPS 180-4, "abc" in two pieces; RFC 4231, test case 2.
        let mut sum = Sha.digest(DigestAlgorithm::Sha256).expect("known");
        sum.update(b"a");
        sum.update(b"bc");
        assert_eq!(
            hex(sum.finish().expect("done")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let mut keyed = Sha.hmac(DigestAlgorithm::Sha256, b"Jefe").expect("known");
        keyed.update(b"what do ya want ");
        keyed.update(b"for nothing?");
        assert_eq!(
            hex(keyed.finish().expect("done")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
