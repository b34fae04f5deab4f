//! In: YAML text. Kept: nothing. Out: what it says in the form that was asked for, or every
//! missing and unknown field, or the one place where it is no YAML.
//! Never knows: whether what it says makes sense.

use crate::diagnostic::{Page, Place, did_you_mean};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::{Error, Spanned};
use std::fmt;

/// The fields of one kind of file.
pub(crate) struct Form {
    /// What the file is, e.g. "a KPI".
    pub(crate) what: &'static str,
    /// Fields that must be there.
    pub(crate) required: &'static [(&'static str, &'static str)],
    /// Fields that may be there.
    pub(crate) optional: &'static [&'static str],
}

/// The field names of a mapping with their places; their values are not looked at.
struct Names(Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields with values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = map.next_key::<Spanned<String>>()? {
                    map.next_value::<IgnoredAny>()?;
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Walk)
    }
}

impl Page<'_> {
    /// Reads YAML of a form; faults of form are put down and `None` comes back.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, form: &Form) -> Option<T> {
        match serde_saphyr::from_str::<Names>(self.text) {
            Ok(names) => self.fields(form, &names.0),
            Err(error) => self.broken(form, &error),
        }
        if !self.faults.is_empty() {
            return None;
        }
        match serde_saphyr::from_str(self.text) {
            Ok(read) => Some(read),
            Err(error) => {
                self.broken(form, &error);
                None
            }
        }
    }

    fn fields(&mut self, form: &Form, names: &[Spanned<String>]) {
        let required = || form.required.iter().map(|(name, _)| *name);
        let known = || required().chain(form.optional.iter().copied());
        for name in names {
            if !known().any(|k| k == name.value) {
                let message = format!("{} has no field `{}`", form.what, name.value);
                self.fault(name.referenced, message, did_you_mean(&name.value, known()));
            }
        }
        for (name, fix) in form.required {
            if !names.iter().any(|n| n.value == *name) {
                let first = names.first().map_or(START, |n| n.referenced.into());
                let message = format!("{} needs the field `{name}`", form.what);
                self.fault(first, message, *fix);
            }
        }
    }

    /// Says what serde and the YAML reader found, in our words where they are clearer.
    fn broken(&mut self, form: &Form, error: &Error) {
        let at = error.location().map_or(START, Place::from);
        let error = error.without_snippet();
        let (message, fix) = if let Error::SerdeUnknownField {
            field, expected, ..
        } = error
        {
            let fix = did_you_mean(field, expected.iter().copied());
            (format!("there is no field `{field}` here"), fix)
        } else if let Error::SerdeMissingField { field, .. } = error {
            let fix = format!("write {field}: \u{2026}");
            (format!("the field `{field}` is missing here"), fix)
        } else if let Error::DuplicateMappingKey { key, .. } = error {
            let name = key.as_deref().unwrap_or("a field");
            (format!("`{name}` stands twice"), "remove one".to_owned())
        } else if let Some((at, bracket)) = unclosed(self.text) {
            let message = format!("{bracket} is not closed");
            return self.fault(at, message, "close it on the line where the list ends");
        } else {
            self.unreadable(form, error)
        };
        self.fault(at, message, fix);
    }

    fn unreadable(&self, form: &Form, error: &Error) -> (String, String) {
        let shown = error.to_string();
        let first = shown.lines().next().unwrap_or_default();
        let message = first.rsplit_once(" at line ").map_or(first, |(m, _)| m);
        let fix = if self.text.trim().is_empty() {
            format!("the file is empty: write {}", form.what)
        } else if message.contains("mapping values are not allowed") {
            "put the text in quotes if it holds \": \", or mend the indentation".to_owned()
        } else if message.contains("tab") {
            "indent with blanks, not tabs".to_owned()
        } else {
            format!("write {} as those in deploy/catalog", form.what)
        };
        let words = WORDS
            .iter()
            .find(|(theirs, ..)| message.starts_with(theirs));
        words.map_or((message.to_owned(), fix), |(_, ours, fix)| {
            ((*ours).to_owned(), (*fix).to_owned())
        })
    }
}

/// Where a bracket was opened that nothing closes, in YAML without multi-line text.
fn unclosed(text: &str) -> Option<(Place, char)> {
    let mut open: Vec<(Place, char)> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let mut quote = None;
        let mut before = ' ';
        for (j, c) in line.chars().enumerate() {
            let place = Place {
                line: i + 1,
                column: j + 1,
                length: 1,
            };
            match (quote, c) {
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if " [{,:(=<>".contains(before) => quote = Some(c),
                (Some(q), c) if q == c => quote = None,
                (None, '[' | '{') => open.push((place, c)),
                (None, ']' | '}') => drop(open.pop()),
                _ => {}
            }
            before = c;
        }
    }
    open.pop()
}

/// What the reader says, what we say, and what to write: Rust's types are not an analyst's words.
const WORDS: [(&str, &str, &str); 7] = [
    (
        "invalid u8",
        "this must be a whole number from 0 to 255",
        "write a number such as 1",
    ),
    (
        "invalid u32",
        "this must be a whole number, 0 or more",
        "write a number such as 60",
    ),
    (
        "invalid i64",
        "this must be a whole number",
        "write a number such as 3",
    ),
    (
        "invalid f64",
        "this must be a number",
        "write a number such as 33.3, without unit and quotes",
    ),
    (
        "invalid bool",
        "this must be true or false",
        "write true or false",
    ),
    (
        "expected string scalar",
        "this must be text",
        "write text, in quotes if it begins with [ or {",
    ),
    (
        "cannot deserialize null into string",
        "the value is missing",
        "write it after the colon",
    ),
];

/// The first character of a file.
const START: Place = Place {
    line: 1,
    column: 1,
    length: 1,
};
