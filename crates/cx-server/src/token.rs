//! In: the file that holds an API key or a signed token. Kept: nothing. Out: the same, for a house whose access is closed. Never
//! knows: houses. A key never stands in a command line: others of the machine read those.

use anyhow::{Context as _, ensure};
use std::path::Path;

/// The key in a file, without the line end after it; `None` without a file.
///
/// # Errors
/// A file that cannot be read, or that holds something else.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else {
        return Ok(None);
    };
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("WATCHFLOOR_TOKEN_FILE: cannot read {shown}"))?;
    let text = text.trim();
    let printable = text.bytes().all(|b| b.is_ascii_graphic());
    ensure!(
        !text.is_empty() && printable,
        "WATCHFLOOR_TOKEN_FILE: {shown} holds no API key and no token; write what watchfloor key add printed, or what the issuer gave"
    );
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_only_line_of_its_file_and_never_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "wf_0a_b\n").expect("written");
        let key = read(Some(file.path())).expect("read");
        assert_eq!(key.as_deref(), Some("wf_0a_b"));
        assert_eq!(read(None).expect("none"), None);
        std::fs::write(file.path(), "hush hush").expect("written");
        let said = format!("{:#}", read(Some(file.path())).expect_err("no key"));
        assert!(!said.contains("hush"), "{said}");
    }
}
