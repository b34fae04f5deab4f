//! Lengths, and words that must not stand in a file.

use super::{crates, none, read, short};
use crate::run::root;
use std::path::Path;

const FILE: usize = 500;
const MAIN: usize = 130;
const MODEL: usize = 2_000;
const MAP: usize = 150;

/// Words that leave something open or switch something off. The second half of each stands apart,
/// so that this list does not find itself.
const BANNED: &[(&str, &str)] = &[
    ("macro_", "rules!"),
    ("FIX", "ME"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[ig", "nore"),
    ("#[al", "low("),
    ("#![al", "low("),
];

fn is_test(path: &Path) -> bool {
    let folders = ["tests", "e2e", "benches", "tidy"];
    let inside = path
        .components()
        .any(|c| folders.iter().any(|f| c.as_os_str() == *f));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    inside || name == "tests.rs" || name == "tidy.rs" || name.contains(".test.")
}

/// Lines of a file without its tests (a test module inside a file stands at its end).
fn length(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|w| w[0].trim() == "#[cfg(test)]" && w[1].starts_with("mod tests {"));
    tests.unwrap_or(lines.len())
}

fn banned(text: &str) -> Vec<String> {
    let words = BANNED.iter().map(|(a, b)| format!("{a}{b}"));
    words.filter(|word| text.contains(word)).collect()
}

#[test]
fn files_stay_short() {
    let all = crates(&[".rs", ".ts", ".svelte", ".mjs", ".py"]);
    let mut wrong = Vec::new();
    for path in all.iter().filter(|p| !is_test(p)) {
        let most = if path.ends_with("main.rs") {
            MAIN
        } else {
            FILE
        };
        let lines = length(&read(path));
        if lines > most {
            wrong.push(format!(
                "{}: {lines} lines without tests, {most} at most",
                short(path)
            ));
        }
    }
    let map = root().join("crates/README.md");
    if map.exists() && read(&map).lines().count() > MAP {
        wrong.push(format!("{}: more than {MAP} lines", short(&map)));
    }
    none(wrong);
}

#[test]
fn the_words_of_the_house_stay_few() {
    let all = crates(&[".rs"])
        .into_iter()
        .filter(|path| path.starts_with(root().join("crates/cx-model/src")) && !is_test(path));
    let lines: usize = all.map(|path| length(&read(&path))).sum();
    assert!(
        lines > 0 && lines <= MODEL,
        "cx-model has {lines} lines, {MODEL} at most"
    );
}

#[test]
fn nothing_is_left_open_or_switched_off() {
    let all = crates(&[".rs", ".ts", ".svelte", ".mjs", ".py"]);
    let wrong = all.iter().flat_map(|path| {
        let words = banned(&read(path)).into_iter();
        words.map(|word| format!("{}: contains `{word}`", short(path)))
    });
    none(wrong.collect());
}

#[test]
fn lengths_and_words_are_seen() {
    assert_eq!(length("a\nb\n\n#[cfg(test)]\nmod tests {\n}\n"), 3);
    assert_eq!(length("a\n#[cfg(test)]\nmod tests;\n"), 3);
    for (a, b) in BANNED {
        assert!(!banned(&format!("x {a}{b} y")).is_empty(), "{a}{b}");
    }
    assert_eq!(banned("#[expect(lint, reason = \"said\")]"), [""; 0]);
    assert!(is_test(Path::new("c/src/decode/tests.rs")));
    assert!(!is_test(Path::new("c/src/suite.rs")));
}
