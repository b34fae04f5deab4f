//! In: nothing. Kept: nothing. Out: what keeps a client from a board.
//! Never knows: how to go on.

use tokio_tungstenite::tungstenite;

/// What keeps a client from a board.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is held is not what the server holds: subscribe again without `since`.
    #[error("digest mismatch at seq {seq}: the server says {server}, this view holds {ours}")]
    Mismatch {
        /// Sequence number.
        seq: u64,
        /// The server's digest.
        server: String,
        /// Ours.
        ours: String,
    },
    /// A value for a cell that was never announced.
    #[error("a value came for cell {cell}, which was not announced: subscribe without since")]
    Unannounced {
        /// Cell id.
        cell: u32,
    },
    /// A window this client does not know.
    #[error("unknown window {window:?}: this client is older than the server")]
    Window {
        /// Its name.
        window: String,
    },
    /// A diff for another life of the server than the one that is held.
    #[error("a diff of epoch {theirs:?} cannot be applied to a view of epoch {ours:?}")]
    Epoch {
        /// The epoch held.
        ours: String,
        /// The epoch of the diff.
        theirs: String,
    },
    /// The server refused the subscription; asking again would not help.
    #[error("{code}: {detail}; {fix}")]
    Refused {
        /// Stable name.
        code: String,
        /// What is wrong.
        detail: String,
        /// What to do.
        fix: String,
    },
    /// The server sent something that is no frame of the protocol.
    #[error("not a frame of the protocol: {text}: {source}")]
    Frame {
        /// Its first 200 characters.
        text: String,
        /// The parser's words.
        source: serde_json::Error,
    },
    /// The server sent binary bytes that are no frame of the protocol.
    #[error("{bytes} binary bytes are not a frame of the protocol")]
    Binary {
        /// How many.
        bytes: usize,
    },
    /// No connection.
    #[error("no stream from {url}: {source}")]
    Connect {
        /// Where.
        url: String,
        /// The socket's words.
        source: Box<tungstenite::Error>,
    },
    /// The house does not let this client in, or no longer; asking again would not help.
    #[error("not let in: {detail}; WATCHFLOOR_TOKEN_FILE names a file with an API key")]
    Denied {
        /// Its words.
        detail: String,
    },
    /// No connection within the time given.
    #[error("no stream from {url} within {seconds} s")]
    Timeout {
        /// Where.
        url: String,
        /// How long.
        seconds: u64,
    },
}
