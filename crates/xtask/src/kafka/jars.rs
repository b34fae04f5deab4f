//! In: the list of what a broker needs. Kept: it and its class path in `target/kafka`. Out: the
//! class path, fetched by Maven when the list changed. Never knows: how a broker is run.

use crate::run::{program, say, target};
use crate::tools::require_java;
use anyhow::{Context as _, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const POM: &str = include_str!("pom.xml");
const RESOLVE: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";

/// Everything of developers' brokers lives below it.
pub(super) fn home() -> PathBuf {
    let target = target();
    std::path::absolute(&target).unwrap_or(target).join("kafka")
}

/// The class path of a broker.
///
/// # Errors
/// Java or Maven missing, Maven's own error.
pub(super) fn class_path() -> Result<String> {
    require_java()?;
    let home = home();
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let (pom, found) = (home.join("pom.xml"), home.join("classpath"));
    if fs::read_to_string(&pom).unwrap_or_default() != POM {
        fs::write(&pom, POM)?;
    }
    if !newer(&found, &pom) || !complete(&fs::read_to_string(&found)?) {
        fetch(&home, &found)?;
    }
    Ok(fs::read_to_string(&found)?.trim().to_owned())
}

fn fetch(home: &Path, found: &Path) -> Result<()> {
    say("fetching Apache Kafka with Maven (once, some 50 MB) …");
    // A half-written file of a run that was cut off must not count as resolved.
    drop(fs::remove_file(found));
    let out = format!("-Dmdep.outputFile={}", found.display());
    let words = ["-B", "-q", "-f", "pom.xml", RESOLVE, &out];
    let words: Vec<&str> = words
        .into_iter()
        .chain(["-DincludeScope=runtime"])
        .collect();
    let output = program(home, "mvn", &words)
        .stdin(Stdio::null())
        .output()
        .context("cannot run mvn")?;
    if !output.status.success() {
        bail!(
            "Maven could not fetch Apache Kafka:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let path = fs::read_to_string(found).context("Maven wrote no class path")?;
    ensure!(complete(&path), "Maven named jars that are not there");
    Ok(())
}

fn newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|m| m.modified());
    matches!((changed(file), changed(than)), (Ok(file), Ok(than)) if file >= than)
}

/// Whether every jar is where the class path says: the local repository may have been emptied.
fn complete(class_path: &str) -> bool {
    let mut jars = class_path.trim().split(':').peekable();
    jars.peek().is_some_and(|first| !first.is_empty()) && jars.all(|jar| Path::new(jar).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_path_with_a_lost_jar_is_fetched_again() {
        let here = std::env::current_exe().expect("this program");
        let here = here.display();
        assert!(complete(&format!("{here}:{here}\n")));
        assert!(!complete(&format!("{here}:/no/such/file.jar")));
        assert!(!complete("\n"));
    }
}
