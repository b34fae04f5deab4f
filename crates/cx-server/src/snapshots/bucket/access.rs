//! In: an installation's words, read and checked. Kept: what a client of a store must be told.
//! Out: the same, without secrets where it is printed. Never knows: the client.

use std::fmt;

/// Which store, which bucket, and in whose name.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The bucket's name.
    pub bucket: String,
    /// Stands before every key, without a slash at either end; may be empty.
    pub prefix: String,
    /// The bucket's region; `None`: `AWS_REGION` where the keys come from the environment, else
    /// `us-east-1`.
    pub region: Option<String>,
    /// Address of a store that is not Amazon's, with `https://` or `http://`.
    pub endpoint: Option<String>,
    /// Whether requests may travel in clear text.
    pub allow_http: bool,
    /// `None`: from AWS's usual environment variables, or from the machine's own role.
    pub keys: Option<Keys>,
}

/// A name and a secret.
#[derive(Clone)]
pub struct Keys {
    /// The access key's id, no secret.
    pub id: String,
    /// The secret access key.
    pub secret: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("id", &self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let keys = Keys {
            id: "who".to_owned(),
            secret: "hush".to_owned(),
        };
        let shown = format!("{keys:?}");
        assert!(shown.contains("who") && !shown.contains("hush"), "{shown}");
    }
}
