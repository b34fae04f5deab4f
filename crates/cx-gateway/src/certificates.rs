//! In: two PEM files. Kept: what they said last, and what is made of it. Out: how to greet a client that
//! speaks TLS. Never knows: sockets.

use crate::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate chain and its key, which may be replaced while the house runs.
#[derive(Debug)]
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    now: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    /// When the files were changed, as far as they are there.
    changed: [Option<SystemTime>; 2],
    config: Arc<ServerConfig>,
}

impl Certificates {
    /// Reads a chain of certificates, the server's own first, and its private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// [`Error::Certificate`]: a file that cannot be read, holds no PEM of that kind, or a key of another certificate.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, Error> {
        let held = Held {
            changed: changed(chain, key),
            config: config(chain, key)?,
        };
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            now: RwLock::new(held),
        })
    }

    /// Greets by what the files said when they were last good.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let held = self.now.read().expect("no holder panics");
        TlsAcceptor::from(Arc::clone(&held.config))
    }

    /// Reads the files again where they changed; true where they are good. Whoever is connected stays
    /// so, and what is wrong changes nothing.
    ///
    /// # Errors
    /// As [`Certificates::read`], once for each change.
    pub(crate) fn renew(&self) -> Result<bool, Error> {
        let changed = changed(&self.chain, &self.key);
        if self.now.read().expect("no holder panics").changed == changed {
            return Ok(false);
        }
        let config = config(&self.chain, &self.key);
        let mut held = self.now.write().expect("no holder panics");
        held.changed = changed;
        held.config = config?;
        Ok(true)
    }
}

fn changed(chain: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [chain, key].map(|path| path.metadata().and_then(|m| m.modified()).ok())
}

/// TLS 1.2 and 1.3, HTTP/1.1, no client certificates.
fn config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let fault = |file: &Path, why: String| Error::Certificate {
        file: file.to_owned(),
        why,
    };
    let read = CertificateDer::pem_file_iter(chain);
    let read = read.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| fault(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(fault(chain, "no certificate is in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| fault(key, error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            let builder = builder.with_no_client_auth();
            builder.with_single_cert(certificates, private)
        });
    let mut config = config.map_err(|error| {
        let ours = matches!(error, rustls::Error::InconsistentKeys(_));
        let why = if ours {
            "it is the key of another certificate".to_owned()
        } else {
            error.to_string()
        };
        fault(key, why)
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    #[test]
    fn what_is_wrong_is_told_once_and_the_former_ones_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
        let write = || {
            let made = generate_simple_self_signed(["localhost".to_owned()]);
            let CertifiedKey { cert, signing_key } = made.expect("made");
            std::fs::write(&chain, cert.pem()).expect("written");
            std::fs::write(&key, signing_key.serialize_pem()).expect("written");
        };
        write();
        let certificates = Certificates::read(&chain, &key).expect("good");
        let held = || Arc::as_ptr(&certificates.now.read().expect("free").config);
        let first = held();
        assert!(!certificates.renew().expect("nothing changed"));
        std::fs::write(&chain, "no certificate").expect("written");
        certificates.renew().expect_err("it is none");
        assert!(!certificates.renew().expect("told once"));
        assert_eq!(held(), first);
        write();
        assert!(certificates.renew().expect("good again"));
        assert_ne!(held(), first);
    }
}
