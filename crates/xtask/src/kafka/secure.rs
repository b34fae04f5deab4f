//! In: a cluster's folder. Kept: an authority, the brokers' certificate, a user with a password.
//! Out: what a client needs for TLS and SASL, and the broker's settings. Never knows: listeners' ports.

use crate::run::program;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The one user of a developer's cluster.
pub(super) const USER: &str = "watchfloor";
const MECHANISMS: &str = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
/// What the brokers' certificate is for.
const NAMES: &str = "san=ip:127.0.0.1,dns:localhost";

/// The folder with `ca.pem`, `user`, `password` and `bootstrap`.
#[derive(Debug, Clone)]
pub(super) struct Secure {
    pub(super) folder: PathBuf,
    pub(super) password: String,
}

impl Secure {
    /// Finds the user of a cluster, or makes one.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(super) fn user(cluster: &Path) -> Result<Self> {
        let folder = cluster.join("secure");
        fs::create_dir_all(&folder)?;
        let file = folder.join("password");
        let password = match fs::read_to_string(&file) {
            Ok(found) => found,
            Err(_) => {
                let made = random()?;
                fs::write(&file, &made)?;
                made
            }
        };
        fs::write(folder.join("user"), USER)?;
        Ok(Self { folder, password })
    }

    /// Makes the authority and the brokers' certificate, unless they are there.
    ///
    /// # Errors
    /// keytool's own words.
    pub(super) fn certify(&self) -> Result<()> {
        if self.folder.join("done").exists() {
            return Ok(());
        }
        for file in ["ca.p12", "broker.p12"] {
            drop(fs::remove_file(self.folder.join(file)));
        }
        let key = "-keyalg EC -groupname secp256r1 -validity 3650";
        self.keytool(&format!(
            "-genkeypair -alias ca -dname CN=developers {key} -ext bc:c -keystore ca.p12"
        ))?;
        self.keytool("-exportcert -alias ca -rfc -file ca.pem -keystore ca.p12")?;
        self.keytool(&format!(
            "-genkeypair -alias broker -dname CN=localhost {key} -keystore broker.p12"
        ))?;
        self.keytool("-certreq -alias broker -file broker.csr -keystore broker.p12")?;
        self.keytool(&format!("-gencert -alias ca -infile broker.csr -outfile broker.pem -rfc -validity 3650 -ext {NAMES} -keystore ca.p12"))?;
        self.keytool("-importcert -noprompt -alias ca -file ca.pem -keystore broker.p12")?;
        self.keytool("-importcert -noprompt -alias broker -file broker.pem -keystore broker.p12")?;
        fs::write(self.folder.join("done"), "")?;
        Ok(())
    }

    /// What a broker must be told for its listener `SECURE`.
    pub(super) fn properties(&self) -> String {
        let password = &self.password;
        let store = self.folder.join("broker.p12").display().to_string();
        let module = "org.apache.kafka.common.security";
        let plain = format!("{module}.plain.PlainLoginModule required user_{USER}=\"{password}\";");
        let scram = format!("{module}.scram.ScramLoginModule required;");
        let settings: [(&str, &str); 8] = [
            ("ssl.keystore.type", "PKCS12"),
            ("ssl.keystore.location", &store),
            ("ssl.keystore.password", password),
            ("ssl.key.password", password),
            ("sasl.enabled.mechanisms", MECHANISMS),
            ("plain.sasl.jaas.config", &plain),
            ("scram-sha-256.sasl.jaas.config", &scram),
            ("scram-sha-512.sasl.jaas.config", &scram),
        ];
        let lines = settings.map(|(name, value)| format!("listener.name.secure.{name}={value}\n"));
        format!("sasl.enabled.mechanisms={MECHANISMS}\n{}", lines.concat())
    }

    /// The arguments with which a formatted folder knows the user for SCRAM.
    pub(super) fn scram(&self) -> Vec<String> {
        let user = format!("[name={USER},password={}]", self.password);
        ["SCRAM-SHA-256", "SCRAM-SHA-512"]
            .iter()
            .flat_map(|kind| ["--add-scram".to_owned(), format!("{kind}={user}")])
            .collect()
    }

    fn keytool(&self, words: &str) -> Result<()> {
        let words: Vec<&str> = words.split(' ').collect();
        let mut command = program(&self.folder, "keytool", &words);
        command
            .args(["-storetype", "PKCS12", "-storepass", &self.password])
            .stdin(Stdio::null());
        let output = command
            .output()
            .context("cannot run keytool; it comes with Java")?;
        if !output.status.success() {
            bail!(
                "keytool {} failed:\n{}{}",
                words[0],
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}

/// 16 random bytes in hexadecimal digits.
pub(super) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    let file = fs::File::open("/dev/urandom").context("no source of random bytes")?;
    (&file).read_exact(&mut bytes)?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}
