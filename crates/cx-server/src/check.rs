//! In: a folder of definitions. Kept: nothing. Out: what is wrong with them, on the terminal.
//! Never knows: Kafka.

use crate::examples;
use cx_catalog::{Catalog, load};
use std::io::Write;
use std::path::Path;

/// Checks a folder and runs all examples; false where something is wrong.
///
/// # Errors
/// None; the signature is that of every command.
pub(crate) fn run(dir: &Path) -> anyhow::Result<bool> {
    let Some((catalog, ran)) = checked(dir) else {
        return Ok(false);
    };
    let boards = catalog.compile(1).boards.len();
    say(&format!(
        "{}: {} KPIs, {boards} boards, {} sources, {} channels, {ran} examples: all right\nset hash {}",
        dir.display(),
        catalog.kpis.len(),
        catalog.sources.len(),
        catalog.channels.len(),
        catalog.hash,
    ));
    Ok(true)
}

/// The catalogue, if it and all its examples are right; else the faults are printed.
pub(crate) fn checked(dir: &Path) -> Option<(Catalog, usize)> {
    let catalog = match load(dir) {
        Ok(catalog) => catalog,
        Err(faults) => {
            let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
            complain(&format!(
                "{}\n\n{} faults in {}",
                texts.join("\n\n"),
                faults.len(),
                dir.display()
            ));
            return None;
        }
    };
    let (ran, differences) = examples::run(&catalog, &catalog.kpis);
    if !differences.is_empty() {
        complain(&format!(
            "{}\n\n{} of {ran} examples differ",
            differences.join("\n"),
            differences.len()
        ));
        return None;
    }
    Some((catalog, ran))
}

/// Prints a line; a closed terminal is nobody's fault.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Prints a line to standard error.
pub fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}
