//! In: nothing. Kept: nothing. Out: every reason for which a stream is closed, with its code.
//! Never knows: sockets.

/// Why the server closed a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The server goes away; come back after the delay in `bye`.
    Draining,
    /// Five frames in a row that were no frames of the protocol.
    Garbage,
}

impl Close {
    /// The WebSocket close code.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Draining => 1012,
            Self::Garbage => 4400,
        }
    }

    /// The word beside the code.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Garbage => "too many invalid frames",
        }
    }
}
