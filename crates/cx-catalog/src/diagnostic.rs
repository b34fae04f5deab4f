//! In: a fault and its place. Kept: nothing. Out: text an analyst can act on.
//! Never knows: what a definition means.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use cx_model::attribute::ATTRIBUTES;
use std::fmt;

/// Does it stop the catalogue, or is it only worth knowing?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The definition is refused.
    Error,
    /// The definition is taken; something in it has no effect yet.
    Note,
}

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// File as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters that are meant, at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
    /// The line in the file; empty where the fault is the file itself.
    pub source: String,
}

impl Diagnostic {
    /// A fault of a whole file or folder.
    pub(crate) fn of_file(file: &str, message: String, fix: &str) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 1,
            column: 1,
            length: 1,
            message,
            fix: fix.to_owned(),
            source: String::new(),
        }
    }

    /// Bytes of the source line that are meant.
    fn bytes(&self) -> std::ops::Range<usize> {
        let byte = |chars: usize| {
            self.source
                .char_indices()
                .nth(chars)
                .map_or(self.source.len(), |(i, _)| i)
        };
        let start = self.column.saturating_sub(1);
        byte(start)..byte(start.saturating_add(self.length))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Note => Level::NOTE,
        };
        let title = Group::with_title(level.primary_title(&self.message));
        let fix = Level::HELP.message(&self.fix);
        let group = if self.source.is_empty() {
            title.element(Origin::path(&self.file)).element(fix)
        } else {
            let snippet = Snippet::source(&self.source)
                .line_start(self.line)
                .path(&self.file)
                .annotation(AnnotationKind::Primary.span(self.bytes()));
            title.element(snippet).element(fix)
        };
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

/// Where in a file, from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) length: usize,
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        let number = |n: u64| usize::try_from(n).unwrap_or(1).max(1);
        Self {
            line: number(location.line()),
            column: number(location.column()),
            length: number(location.span().len()),
        }
    }
}

/// One file being checked, and what was found so far.
#[derive(Debug)]
pub(crate) struct Page<'t> {
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    pub(crate) faults: Vec<Diagnostic>,
    pub(crate) notes: Vec<Diagnostic>,
}

impl<'t> Page<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            faults: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Puts down a fault.
    pub(crate) fn fault(
        &mut self,
        at: impl Into<Place>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let fault = self.diagnostic(Severity::Error, at.into(), message.into(), fix.into());
        self.faults.push(fault);
    }

    /// Puts down something worth knowing.
    pub(crate) fn note(
        &mut self,
        at: impl Into<Place>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let note = self.diagnostic(Severity::Note, at.into(), message.into(), fix.into());
        self.notes.push(note);
    }

    fn diagnostic(
        &self,
        severity: Severity,
        at: Place,
        message: String,
        fix: String,
    ) -> Diagnostic {
        let source = self.line(at.line).to_owned();
        let rest = source.chars().count().saturating_sub(at.column - 1).max(1);
        Diagnostic {
            severity,
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            length: at.length.min(rest),
            message,
            fix,
            source,
        }
    }

    fn line(&self, number: usize) -> &'t str {
        let line = self.text.lines().nth(number.saturating_sub(1));
        line.unwrap_or_default()
    }

    /// Where `length` characters at `offset` of a scalar's value stand in the file, if the scalar
    /// is plain, quoted without escapes, or a literal block; else where the scalar begins.
    pub(crate) fn inside(&self, start: Place, value: &str, offset: usize, length: usize) -> Place {
        let before: Vec<char> = value.chars().take(offset).collect();
        let row = before.iter().filter(|c| **c == '\n').count();
        let column = before.iter().rev().take_while(|c| **c != '\n').count();
        let written: String = self
            .line(start.line + row)
            .chars()
            .skip(start.column - 1)
            .collect();
        let wanted = value.lines().nth(row).unwrap_or_default();
        let quote =
            usize::from(written.starts_with(['"', '\'']) && !wanted.starts_with(['"', '\'']));
        let found: String = written.chars().skip(quote).collect();
        if found.starts_with(wanted) {
            Place {
                line: start.line + row,
                column: start.column + quote + column,
                length,
            }
        } else {
            start
        }
    }
}

/// The known name nearest to a misspelt one, as a hint; else all known names.
#[must_use]
pub fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let most = (name.chars().count() / 3).clamp(1, 3);
    let begins = |k: &&&str| name.len() > 2 && (k.starts_with(name) || name.starts_with(**k));
    let near = known
        .iter()
        .min_by_key(|k| distance(name, k))
        .filter(|k| distance(name, k) <= most)
        .or_else(|| known.iter().find(begins));
    match (near, known.is_empty()) {
        (Some(near), _) => format!("did you mean {near:?}?"),
        (None, true) => "none is declared yet".to_owned(),
        (None, false) => format!("known are: {}", known.join(", ")),
    }
}

/// As [`did_you_mean`], for attributes as they are written in CEL.
pub(crate) fn did_you_mean_attribute(name: &str) -> String {
    let known: Vec<String> = ATTRIBUTES
        .iter()
        .map(|a| format!("data.{}", a.name))
        .collect();
    let near = did_you_mean(name, ATTRIBUTES.iter().map(|a| a.name));
    if near.starts_with("did you mean \"") {
        near.replacen('"', "\"data.", 1)
    } else {
        format!("known are: {}", known.join(", "))
    }
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
