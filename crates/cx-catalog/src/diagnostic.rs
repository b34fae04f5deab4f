//! In: a fault and its place. Kept: nothing. Out: text an analyst can act on.
//! Never knows: what a definition means.

use std::fmt;

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// File as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
    /// The line in the file.
    pub source: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let pad = " ".repeat(number.len());
        let caret = " ".repeat(self.column.saturating_sub(1));
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{pad}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{pad} |")?;
        writeln!(f, "{number} | {}", self.source)?;
        writeln!(f, "{pad} | {caret}^")?;
        write!(f, "{pad} = {}", self.fix)
    }
}

/// One file being checked, and the faults found so far.
#[derive(Debug)]
pub(crate) struct Page<'t> {
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    pub(crate) faults: Vec<Diagnostic>,
}

impl<'t> Page<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            faults: Vec::new(),
        }
    }

    pub(crate) fn fault(&mut self, (line, column): (usize, usize), message: String, fix: String) {
        let source = self
            .text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .to_owned();
        let file = self.file.to_owned();
        self.faults.push(Diagnostic {
            file,
            line,
            column,
            message,
            fix,
            source,
        });
    }

    /// Reads YAML; a fault of form is put down and `None` comes back.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        match serde_saphyr::from_str(self.text) {
            Ok(read) => Some(read),
            Err(error) => {
                let place = error.location().map_or((1, 1), place);
                let shown = error.without_snippet().to_string();
                let message = shown.lines().next().unwrap_or_default().to_owned();
                self.fault(
                    place,
                    message,
                    "see the form of this file in schemas/README.md".to_owned(),
                );
                None
            }
        }
    }

    /// Where a CEL fault stands: the string's start plus the offset inside it.
    pub(crate) fn inside(&self, start: (usize, usize), offset: usize) -> (usize, usize) {
        let line = self
            .text
            .lines()
            .nth(start.0.saturating_sub(1))
            .unwrap_or_default();
        let quoted = line
            .chars()
            .nth(start.1.saturating_sub(1))
            .is_some_and(|c| c == '"' || c == '\'');
        (start.0, start.1 + offset + usize::from(quoted))
    }
}

pub(crate) fn place(location: serde_saphyr::Location) -> (usize, usize) {
    let number = |n: u64| usize::try_from(n).unwrap_or(1).max(1);
    (number(location.line()), number(location.column()))
}

/// The known name nearest to a misspelt one, as a hint.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .min_by_key(|k| distance(name, k))
        .filter(|k| distance(name, k) <= 3);
    near.map_or_else(
        || format!("known are: {}", known.join(", ")),
        |k| format!("did you mean {k:?}?"),
    )
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
