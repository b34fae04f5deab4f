//! In: nothing. Kept: nothing. Out: everything that can be wrong with a client's frame, in words.
//! Never knows: sockets.

use crate::access::refused::Refused;
use crate::channel::VIEWS;
use crate::close::Close;
use crate::shape::Cadence;
use cx_model::frame::ServerFrame;
use std::fmt;

/// What was wrong with a frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not a frame of the protocol; what the parser says.
    Invalid(String),
    /// A binary message.
    Binary,
    /// A cadence that is not served.
    Cadence(String),
    /// No cell of the board passes the filter.
    EmptyFilter(String),
    /// The board has as many views as it may have.
    TooManyViews,
    /// A cursor that is no `epoch:seq`.
    Since(String),
    /// A door without messages cannot tell binary frames.
    NoBinary,
    /// A board that is not there, and the names of those that are.
    UnknownBoard(String, String),
    /// All places of this connection are taken.
    TooManySubscriptions(usize),
    /// No subscription of that id.
    NotSubscribed(u32),
    /// An acknowledgement without an id where there is not exactly one subscription.
    WhichSubscription,
    /// An acknowledgement of a number that was not sent yet.
    NeverSent { seq: u64, cursor: u64 },
    /// The client holds other values than the server.
    Digest { seq: u64 },
    /// The board has no such cell; how many it has.
    UnknownCell(u32, usize),
    /// A question is open on this connection.
    StillAsking,
    /// No second is sealed yet.
    NothingSealed,
    /// Whoever asks may not have it, or brought a credential that does not hold.
    Refused(Refused),
    /// A new credential that is somebody else's: who it must be of.
    SomebodyElse(String),
}

impl Fault {
    /// The stable name.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Binary => "invalid_frame",
            Self::Cadence(_) => "unknown_cadence",
            Self::EmptyFilter(_) => "empty_filter",
            Self::TooManyViews => "too_many_views",
            Self::Since(_) => "unknown_cursor",
            Self::NoBinary => "json_only",
            Self::UnknownBoard(..) => "unknown_board",
            Self::TooManySubscriptions(_) => "too_many_subscriptions",
            Self::NotSubscribed(_) | Self::WhichSubscription => "unknown_subscription",
            Self::NeverSent { .. } => "unknown_seq",
            Self::Digest { .. } => "digest_mismatch",
            Self::UnknownCell(..) => "unknown_cell",
            Self::StillAsking => "still_asking",
            Self::NothingSealed => "not_sealed",
            Self::Refused(refused) => refused.reason(),
            Self::SomebodyElse(_) => "somebody_else",
        }
    }

    /// What to send instead.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Invalid(_) => "send for example {\"op\":\"sub\",\"id\":1,\"board\":\"care\"}; see schemas/client-frame.schema.json".to_owned(),
            Self::Binary => "send JSON in text messages".to_owned(),
            Self::Cadence(_) => format!("leave cadence out or write one of: {}", Cadence::names()),
            Self::EmptyFilter(board) => format!("see the cells at /v1/boards/{board}"),
            Self::TooManyViews => "ask for what others ask for too, or for fewer different filters".to_owned(),
            Self::Since(_) => "write since as EPOCH:SEQ, as the last event's id says it, or leave it out".to_owned(),
            Self::NoBinary => "leave enc out, or open a WebSocket".to_owned(),
            Self::UnknownBoard(_, known) => format!("boards are: {known}"),
            Self::TooManySubscriptions(_) => "send unsub for one of them, or open another stream".to_owned(),
            Self::NotSubscribed(_) => "use an id that you subscribed with".to_owned(),
            Self::WhichSubscription => "add the id of the subscription".to_owned(),
            Self::NeverSent { cursor, .. } => format!("acknowledge the seq of the newest frame applied, {cursor} at most"),
            Self::Digest { .. } => "send sub with the same id and without since; a snapshot follows".to_owned(),
            Self::UnknownCell(_, most) => format!("cells of this board are 1 to {most}"),
            Self::StillAsking => "wait for the answer to the first why, then ask again".to_owned(),
            Self::NothingSealed => "ask again when a frame names its second; see /readyz".to_owned(),
            Self::Refused(refused) => refused.fix(),
            Self::SomebodyElse(_) => "open another stream with it".to_owned(),
        }
    }

    /// The frame that says so.
    pub(crate) fn frame(&self, id: Option<u32>) -> ServerFrame {
        let (code, detail, fix) = (self.code().to_owned(), self.to_string(), self.fix());
        ServerFrame::Error {
            id,
            code,
            detail,
            fix,
        }
    }

    /// How a stream ends whose last fault this was.
    pub(crate) fn close(&self) -> Close {
        match self {
            Self::UnknownBoard(..) => Close::UnknownBoard,
            Self::TooManySubscriptions(_) => Close::TooManySubscriptions,
            Self::Refused(_) | Self::SomebodyElse(_) => Close::Forbidden,
            Self::Invalid(_)
            | Self::Binary
            | Self::Cadence(_)
            | Self::EmptyFilter(_)
            | Self::TooManyViews
            | Self::Since(_)
            | Self::NoBinary
            | Self::NotSubscribed(_)
            | Self::WhichSubscription
            | Self::NeverSent { .. }
            | Self::Digest { .. }
            | Self::UnknownCell(..)
            | Self::StillAsking
            | Self::NothingSealed => Close::Garbage,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "not a frame of the protocol: {}", short(why)),
            Self::Binary => write!(f, "binary messages are not spoken here"),
            Self::Cadence(name) => write!(f, "cadence {:?} is not served", short(name)),
            Self::EmptyFilter(board) => {
                write!(f, "no cell of {:?} passes the filter", short(board))
            }
            Self::TooManyViews => write!(f, "the board has {VIEWS} views, which is the limit"),
            Self::Since(text) => write!(f, "{:?} is no cursor", short(text)),
            Self::NoBinary => write!(f, "this door speaks JSON only"),
            Self::UnknownBoard(name, _) => write!(f, "there is no board {:?}", short(name)),
            Self::TooManySubscriptions(n) => write!(f, "{n} subscriptions are open already"),
            Self::NotSubscribed(id) => write!(f, "there is no subscription {id}"),
            Self::WhichSubscription => write!(f, "there is not exactly one subscription"),
            Self::NeverSent { seq, cursor } => {
                write!(f, "seq {seq} was not sent yet, the newest is {cursor}")
            }
            Self::Digest { seq } => write!(f, "at seq {seq} the server holds other values"),
            Self::UnknownCell(cell, _) => write!(f, "there is no cell {cell} on this board"),
            Self::StillAsking => write!(f, "a why of this connection is not answered yet"),
            Self::NothingSealed => write!(f, "no second is sealed yet"),
            Self::Refused(refused) => write!(f, "{refused}"),
            Self::SomebodyElse(name) => {
                write!(
                    f,
                    "this stream is of {:?}, the credential is not",
                    short(name)
                )
            }
        }
    }
}

/// The client's own words come back, but not all 64 KiB of them.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
