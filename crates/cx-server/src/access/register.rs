//! In: a house's folder. Kept: nothing. Out: its people, API keys and passes, each in a file that only its
//! owner may read. Never knows: who is asked.

use anyhow::{Context as _, ensure};
use cx_gateway::access::{Key, Pass, Person};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Largest of the files, bytes.
const LARGEST: u64 = 16 * 1_024 * 1_024;

/// The files of a house.
#[derive(Debug, Clone)]
pub(crate) struct Register(PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held<T> {
    all: Vec<T>,
}

impl Register {
    /// Below the folder that the setting `data` names.
    pub(crate) fn of(data: &Path) -> Self {
        Self(data.join("access"))
    }

    /// Everybody there is.
    ///
    /// # Errors
    /// A file that cannot be read, or that others may read.
    pub(crate) fn read(&self) -> anyhow::Result<(Vec<Person>, Vec<Key>)> {
        Ok((self.held("users.json")?, self.held("keys.json")?))
    }

    /// # Errors
    /// As [`Register::read`].
    pub(crate) fn passes(&self) -> anyhow::Result<Vec<Pass>> {
        self.held("passes.json")
    }

    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn keep_passes(&self, all: &[Pass]) -> anyhow::Result<()> {
        self.keep("passes.json", all)
    }

    /// Changes the people; one command after the other.
    ///
    /// # Errors
    /// What the change says, a folder that cannot be written.
    pub(crate) fn change_people<T>(
        &self,
        change: impl FnOnce(&mut Vec<Person>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.change("users.json", change)
    }

    /// Changes the keys, as [`Register::change_people`].
    ///
    /// # Errors
    /// As [`Register::change_people`].
    pub(crate) fn change_keys<T>(
        &self,
        change: impl FnOnce(&mut Vec<Key>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.change("keys.json", change)
    }

    fn change<E: Serialize + DeserializeOwned, T>(
        &self,
        file: &str,
        change: impl FnOnce(&mut Vec<E>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.make()?;
        let lock = File::create(self.0.join("lock"))?;
        lock.lock()?;
        let mut all = self.held(file)?;
        let said = change(&mut all)?;
        self.keep(file, &all)?;
        Ok(said)
    }

    fn make(&self) -> anyhow::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&self.0);
        made.with_context(|| {
            let shown = self.0.display();
            format!("cannot make {shown}: give the setting `data` a folder this user may write to")
        })
    }

    /// What a file holds; nothing where there is none.
    fn held<E: DeserializeOwned>(&self, file: &str) -> anyhow::Result<Vec<E>> {
        let path = self.0.join(file);
        let shown = path.display();
        let meta = match std::fs::metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| shown.to_string()),
        };
        ensure!(
            meta.permissions().mode().trailing_zeros() >= 6,
            "{shown} may be read by others: chmod 600 {shown}"
        );
        ensure!(
            meta.len() <= LARGEST,
            "{shown} is larger than {LARGEST} bytes"
        );
        let text = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        // Of a file with secrets' hashes only the place of a fault is told.
        let held: Result<Held<E>, _> = serde_json::from_slice(&text);
        let held = held
            .map_err(|e| anyhow::anyhow!("{shown}, line {}: {:?} fault", e.line(), e.classify()))?;
        Ok(held.all)
    }

    /// Whole or not at all, also through a power cut.
    fn keep<E: Serialize>(&self, file: &str, all: &[E]) -> anyhow::Result<()> {
        self.make()?;
        let (path, fresh) = (self.0.join(file), self.0.join(format!("{file}.new")));
        let write = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let mut out = options.open(&fresh)?;
            let text = serde_json::to_vec_pretty(&serde_json::json!({"all": all}))?;
            out.write_all(&text)?;
            out.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_gateway::access::{Boards, Role};

    fn with_ada() -> (tempfile::TempDir, Register) {
        let data = tempfile::tempdir().expect("a folder");
        let register = Register::of(data.path());
        let added = register.change_people(|all| {
            let ada = Person::new(
                "ada",
                Role::Operator,
                Boards::all(),
                "correct horse battery",
            );
            all.push(ada.map_err(anyhow::Error::msg)?);
            Ok(())
        });
        added.expect("added");
        (data, register)
    }

    #[test]
    fn people_are_found_again_and_nobody_else_may_read_them() {
        let (_data, register) = with_ada();
        let (people, keys) = register.read().expect("read");
        assert_eq!((people.len(), keys.len()), (1, 0));
        let file = register.0.join("users.json");
        let mode = file.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).expect("read");
        assert!(
            text.contains("$argon2id$") && !text.contains("battery"),
            "{text}"
        );
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_broken_is_refused_without_a_word_of_it() {
        let (_data, register) = with_ada();
        let file = register.0.join("users.json");
        let open = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&file, open).expect("set");
        let said = format!("{:#}", register.read().expect_err("open to others"));
        assert!(said.contains("chmod 600"), "{said}");
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, own).expect("set");
        let text = std::fs::read_to_string(&file).expect("read");
        std::fs::write(&file, text.replace("\"role\"", "\"rule\"")).expect("written");
        let said = format!("{:#}", register.read().expect_err("broken"));
        assert!(
            said.contains("users.json, line") && !said.contains("argon2"),
            "{said}"
        );
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let (_data, register) = with_ada();
        let failed = register.change_people(|all| -> anyhow::Result<()> {
            all.clear();
            anyhow::bail!("no")
        });
        failed.expect_err("it says no");
        assert_eq!(register.read().expect("read").0.len(), 1);
    }
}
