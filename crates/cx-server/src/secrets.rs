//! In: the data folder. Kept: nothing. Out: the installation's secrets, made at the first start.
//! Never knows: what they protect.

use crate::common::Secrets;
use crate::keyring::Keyring;
use anyhow::{Context as _, ensure};
use cx_model::ids::HashKey;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Bytes of a secret.
const LONG: usize = 32;
/// The first key of control records; a rotation adds files beside it.
const FIRST: &str = "k1";

/// Secrets that live as long as the process.
///
/// # Errors
/// No randomness to be had.
pub(crate) fn passing() -> anyhow::Result<Secrets> {
    let (control, customers) = (fresh()?, fresh()?);
    let keys = Keyring::default().with("demo", &control[..]);
    Ok(Secrets {
        keys,
        key_id: "demo".to_owned(),
        hash_key: hash_key(&customers),
    })
}

/// Secrets from files below `data`: `customers.key`, and `control/*.key`, whose last name signs.
/// Those that are missing are made, readable by their owner only.
///
/// # Errors
/// A folder that cannot be written, a file that holds no key.
pub(crate) fn kept(data: &Path) -> anyhow::Result<Secrets> {
    let folder = data.join("secrets");
    let control = folder.join("control");
    std::fs::create_dir_all(&control).with_context(|| {
        format!(
            "cannot make {}: give the setting `data` a folder this user may write to",
            control.display()
        )
    })?;
    let customers = kept_one(&folder.join("customers.key"))?;
    kept_one(&control.join(format!("{FIRST}.key")))?;
    let (keys, key_id) = ring(&control)?;
    Ok(Secrets {
        keys,
        key_id,
        hash_key: hash_key(&customers),
    })
}

/// The keys of control records below `data`, all of which must be there already: whoever only reads
/// makes none.
///
/// # Errors
/// A folder without keys, a file that holds none.
pub(crate) fn found(data: &Path) -> anyhow::Result<Keyring> {
    let control = data.join("secrets/control");
    let fix = "give --data the folder that the setting `data` names, or leave it out to take control records on trust";
    let (keys, _) =
        ring(&control).with_context(|| format!("no keys in {}: {fix}", control.display()))?;
    ensure!(
        keys != Keyring::default(),
        "no keys in {}: {fix}",
        control.display()
    );
    Ok(keys)
}

/// The keys in a folder, and the id of the last one by name, which signs.
fn ring(control: &Path) -> anyhow::Result<(Keyring, String)> {
    let mut keys = Keyring::default();
    let mut key_id = FIRST.to_owned();
    let mut files: Vec<_> = std::fs::read_dir(control)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files {
        let path = file.path();
        if let (Some("key"), Some(id)) = (
            path.extension().and_then(|e| e.to_str()),
            path.file_stem().and_then(|s| s.to_str()),
        ) {
            keys = keys.with(id, &kept_one(&path)?[..]);
            id.clone_into(&mut key_id);
        }
    }
    Ok((keys, key_id))
}

fn hash_key(secret: &[u8; LONG]) -> HashKey {
    let word = |at: usize| u64::from_le_bytes(secret[at..at + 8].try_into().expect("eight bytes"));
    HashKey(word(0), word(8))
}

fn fresh() -> anyhow::Result<[u8; LONG]> {
    let mut secret = [0; LONG];
    getrandom::fill(&mut secret).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(secret)
}

/// The key in a file; a missing file is made with a fresh one.
fn kept_one(path: &Path) -> anyhow::Result<[u8; LONG]> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(text.trim())
            .with_context(|| format!("{}: a key is {} hex digits; restore the file from your backup, numbers and ids depend on it", path.display(), LONG * 2)),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let secret = fresh()?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(file, "{}", hex(&secret))?;
            file.sync_all()?;
            Ok(secret)
        }
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn hex(secret: &[u8]) -> String {
    secret.iter().map(|b| format!("{b:02x}")).collect()
}

fn parse(text: &str) -> anyhow::Result<[u8; LONG]> {
    ensure!(
        text.len() == LONG * 2 && text.is_ascii(),
        "{} characters",
        text.len()
    );
    let mut secret = [0; LONG];
    for (i, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16)?;
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_found_again_and_nobody_else_may_read_them() {
        let data = tempfile::tempdir().expect("a folder");
        let first = kept(data.path()).expect("made");
        let again = kept(data.path()).expect("found");
        assert_eq!(first.hash_key, again.hash_key);
        assert_eq!(again.key_id, FIRST);
        let file = data.path().join("secrets/customers.key");
        let mode = file.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_last_key_by_name_signs() {
        let data = tempfile::tempdir().expect("a folder");
        drop(kept(data.path()).expect("made"));
        let second = data.path().join("secrets/control/k2.key");
        std::fs::write(second, "ab".repeat(LONG)).expect("written");
        assert_eq!(kept(data.path()).expect("found").key_id, "k2");
    }

    #[test]
    fn a_file_that_holds_no_key_is_named_with_the_fix() {
        let data = tempfile::tempdir().expect("a folder");
        drop(kept(data.path()).expect("made"));
        let file = data.path().join("secrets/customers.key");
        std::fs::write(&file, "short").expect("written");
        let error = format!("{:#}", kept(data.path()).expect_err("refused"));
        assert!(
            error.contains("customers.key") && error.contains("64 hex digits"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_the_fix() {
        let data = tempfile::tempdir().expect("a folder");
        let file = data.path().join("taken");
        std::fs::write(&file, "").expect("written");
        let error = format!("{:#}", kept(&file).expect_err("refused"));
        assert!(
            error.contains("taken") && error.contains("setting `data`"),
            "{error}"
        );
    }
}
