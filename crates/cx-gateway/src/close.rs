//! In: nothing. Kept: nothing. Out: every reason for which a stream is closed, with its code.
//! Never knows: sockets.

/// Why the server closed a stream. 1xxx are WebSocket's own codes, 44xx are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The server goes away; come back after the delay in `bye`.
    Draining,
    /// A message over 64 KiB.
    TooBig,
    /// Not a stream of WebSocket frames.
    Protocol,
    /// A text message that is not UTF-8.
    NotText,
    /// Five refused frames in a row; the last one was no frame of the protocol.
    Garbage,
    /// Five refused frames in a row; the last one asked for a board that is not there.
    UnknownBoard,
    /// Five refused frames in a row; the last one was a subscription too many.
    TooManySubscriptions,
    /// Nothing was subscribed to within 10 s.
    Silent,
    /// A frame was on its way for 2 minutes and was not read.
    Stuck,
    /// More messages than a client may send, pings included.
    TooFast,
    /// The session or token is over; sign in again, or bring a new one.
    Expired,
    /// The credential was revoked, or is for other things than before; sign in again.
    Revoked,
    /// Five refused frames in a row; the last one asked for what its sender may not have.
    Forbidden,
}

impl Close {
    /// The WebSocket close code.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::NotText => 1007,
            Self::TooBig => 1009,
            Self::Draining => 1012,
            Self::Garbage => 4400,
            Self::UnknownBoard => 4404,
            Self::TooManySubscriptions => 4408,
            Self::Silent => 4410,
            Self::Stuck => 4411,
            Self::TooFast => 4429,
            Self::Expired => 4401,
            Self::Revoked => 4403,
            Self::Forbidden => 4406,
        }
    }

    /// The word beside the code, also the label in `/metrics`.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::TooBig => "message_over_64_kib",
            Self::Protocol => "websocket_protocol_error",
            Self::NotText => "text_is_not_utf8",
            Self::Garbage => "too_many_invalid_frames",
            Self::UnknownBoard => "too_many_unknown_boards",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::Silent => "nothing_subscribed",
            Self::Stuck => "nothing_read",
            Self::TooFast => "too_many_messages",
            Self::Expired => "access_expired",
            Self::Revoked => "access_revoked",
            Self::Forbidden => "too_many_forbidden",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_contract_and_no_other() {
        let all = [
            Close::Draining,
            Close::TooBig,
            Close::Protocol,
            Close::NotText,
            Close::Garbage,
            Close::UnknownBoard,
            Close::TooManySubscriptions,
            Close::Silent,
            Close::Stuck,
            Close::TooFast,
            Close::Expired,
            Close::Revoked,
            Close::Forbidden,
        ];
        let contract = include_str!("../../../schemas/asyncapi.yaml");
        let (_, listed) = contract.split_once("x-close-codes:\n").expect("a list");
        let listed: std::collections::BTreeSet<&str> = listed.lines().map(str::trim).collect();
        let known = all.map(|c| format!("\"{}\": {}", c.code(), c.reason()));
        let known: std::collections::BTreeSet<&str> = known.iter().map(String::as_str).collect();
        assert_eq!(listed, known);
    }
}
