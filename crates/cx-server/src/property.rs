//! In: a setting that may be a secret. Kept: its value, or the file that holds it. Out: the value.
//! Never knows: what it is for.

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use std::fmt;
use std::path::PathBuf;

/// A value, or the file that holds it (secrets).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Property {
    Plain(String),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    file: PathBuf,
}

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Property;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or {file: \u{2026}}")
            }
            fn visit_str<E>(self, text: &str) -> Result<Property, E> {
                Ok(Property::Plain(text.to_owned()))
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Property, E> {
                Ok(Property::Plain(yes.to_string()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Property, E> {
                Ok(Property::Plain(n.to_string()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Property, E> {
                Ok(Property::Plain(n.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Property, A::Error> {
                let held = InFile::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Property::File(held.file))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Property {
    /// The value; a file's text without the line end after it.
    ///
    /// # Errors
    /// A file that cannot be read, with the setting's name.
    pub(crate) fn read(&self, setting: &str) -> anyhow::Result<String> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::File(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("{setting}: cannot read {}", file.display()))?;
                Ok(text.trim_end().to_owned())
            }
        }
    }
}
