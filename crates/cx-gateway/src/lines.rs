//! In: a request for a stream without messages. Kept: its feed. Out: the same frames as over
//! WebSocket, as server-sent events or as lines of JSON. Never knows: other connections.
//!
//! A frame is made when the connection takes one, so a client that does not read costs what the
//! socket holds, and gets one diff when it wakes.

use crate::access::Access;
use crate::access::principal::Principal;
use crate::access::stay::{self, Held, at};
use crate::close::Close;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::feed::{Feed, Out, SUBSCRIPTIONS, Wish, allowed};
use crate::hub::Hub;
use crate::problem::Problem;
use crate::shape::{Cadence, Shape};
use crate::socket::{Room, bye, retry_ms};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cx_model::frame::{Encoding, Fields, Filter, Mode, Since};
use futures_util::future::BoxFuture;
use futures_util::stream;
use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Where a client of server-sent events says how far it had come.
const LAST: &str = "last-event-id";
/// What precedes a dimension's name in the query.
const DIMENSION: &str = "dim.";

/// How frames are written without messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Events,
    Lines,
}

impl Door {
    /// The one that a client accepts, if any.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get_all(header::ACCEPT).iter();
        let mut accepted = accepted.filter_map(|value| value.to_str().ok());
        accepted.find_map(|all| {
            all.split(',').find_map(
                |one| match one.split(';').next().unwrap_or_default().trim() {
                    "text/event-stream" => Some(Self::Events),
                    "application/x-ndjson" => Some(Self::Lines),
                    _ => None,
                },
            )
        })
    }

    fn media(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Lines => "application/x-ndjson",
        }
    }
}

/// Answers with the stream, or with what is wrong with the question.
pub(crate) fn open(
    door: Door,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    room: Room,
) -> Response {
    let last = headers.get(LAST).map(HeaderValue::as_bytes);
    let last = last.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let wishes = wishes(pairs, last).and_then(|wishes| {
        for wish in &wishes {
            allowed(&room.who, wish).map_err(Fault::Refused)?;
            room.hub.shaped(&wish.board, &wish.shape)?;
        }
        Ok(wishes)
    });
    let wishes = match wishes {
        Ok(wishes) => wishes,
        Err(fault) => {
            room.hub.counts().refuse(fault.code());
            if let Fault::Refused(refused) = fault {
                return refused.into_response();
            }
            return refused(&fault).into_response();
        }
    };
    let reader = Reader::new(door, wishes, room);
    let frames = stream::unfold(reader, Reader::next);
    let mut response = Body::from_stream(frames).into_response();
    let kind = HeaderValue::from_static(door.media());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    // Proxies must pass frames on as they come.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}

fn refused(fault: &Fault) -> Problem {
    let status = if matches!(fault, Fault::UnknownBoard(..)) {
        StatusCode::NOT_FOUND
    } else if matches!(fault, Fault::TooManyViews) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::BAD_REQUEST
    };
    let problem = Problem::new(status, "the stream is refused", fault.to_string());
    problem.at(fault.code(), "query", &fault.fix())
}

/// `board=care,sales&cadence=live250&fields=parts&mode=every&kpi=…&window=…&dim.queue=…&since=EPOCH:SEQ`;
/// everything but `board` may be left out.
fn wishes(pairs: &[(String, String)], last: Option<String>) -> Result<VecDeque<Wish>, Fault> {
    let (mut shape, mut mode, mut since) = (Shape::default(), Mode::Latest, last);
    let (mut boards, mut filter) = (Vec::new(), Filter::default());
    for (name, value) in pairs {
        let list = || -> BTreeSet<String> { value.split(',').map(str::to_owned).collect() };
        match name.as_str() {
            "board" => boards = value.split(',').map(str::to_owned).collect(),
            "cadence" => {
                let cadence = Cadence::parse(value);
                shape.cadence = cadence.ok_or_else(|| Fault::Cadence(value.clone()))?;
            }
            "fields" => shape.fields = word::<Fields>(name, value)?,
            "mode" => mode = word::<Mode>(name, value)?,
            "enc" if value == "json" => {}
            "enc" => return Err(Fault::NoBinary),
            "kpi" => filter.kpis = list(),
            "window" => filter.windows = list(),
            // The header of a client that comes back is newer than the address it has.
            "since" => since = since.or_else(|| Some(value.clone())),
            _ => match name.strip_prefix(DIMENSION) {
                Some(dimension) => drop(filter.dims.insert(dimension.to_owned(), list())),
                None => return Err(Fault::Invalid(format!("{name:?} is not expected here"))),
            },
        }
    }
    if boards.is_empty() {
        return Err(Fault::Invalid("no board: add ?board=NAME".to_owned()));
    }
    if boards.len() > SUBSCRIPTIONS {
        return Err(Fault::TooManySubscriptions(SUBSCRIPTIONS));
    }
    shape.enc = Encoding::Json;
    shape.filter = filter;
    let since = since.filter(|text| !text.is_empty());
    let since = since.map(|text| cursor(&text)).transpose()?;
    let wish = |(id, board)| Wish {
        id,
        board,
        shape: shape.clone(),
        mode,
        ack: false,
        since: since.clone(),
    };
    Ok((1..).zip(boards).map(wish).collect())
}

fn word<T: serde::de::DeserializeOwned>(name: &str, value: &str) -> Result<T, Fault> {
    let word = serde_json::from_value(value.into());
    word.map_err(|error| Fault::Invalid(format!("{name}: {error}")))
}

fn cursor(text: &str) -> Result<Since, Fault> {
    let parsed = text.split_once(':').and_then(|(epoch, seq)| {
        let (epoch, seq) = (epoch.to_owned(), seq.parse().ok()?);
        Some(Since { epoch, seq })
    });
    parsed.ok_or_else(|| Fault::Since(text.to_owned()))
}

/// One stream without messages.
struct Reader {
    door: Door,
    hub: Arc<Hub>,
    feed: Feed,
    /// Boards that have not begun.
    wishes: VecDeque<Wish>,
    ticks: watch::Receiver<()>,
    access: Arc<Access>,
    leaving: BoxFuture<'static, Close>,
    warned: Option<(Instant, Arc<Principal>)>,
    number: u64,
    begun: bool,
    ended: bool,
    /// Dropped with the stream; nothing is ever sent.
    _alive: mpsc::Sender<()>,
}

impl Reader {
    fn new(door: Door, wishes: VecDeque<Wish>, room: Room) -> Self {
        let Room {
            hub,
            desk,
            mut leave,
            alive,
            access,
            who,
            ..
        } = room;
        let held = Arc::new(Held::new(Arc::clone(&who)));
        let leaving = Arc::clone(&who);
        let number = hub.counts().opened.inc();
        hub.counts().connections.inc();
        Self {
            door,
            feed: Feed::new(Arc::clone(&hub), desk as Arc<dyn Desk>, held),
            warned: stay::warning_at(&access, &who).map(|at| (at, who)),
            access: Arc::clone(&access),
            leaving: Box::pin(async move { stay::ended(&access, leaving, &mut leave).await }),
            wishes,
            ticks: hub.ticks(),
            hub,
            number,
            begun: false,
            ended: false,
            _alive: alive,
        }
    }

    /// The next bytes; called when the connection takes some.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.ended {
            return None;
        }
        let out = self.due().await;
        let bytes = self.written(&out);
        let counts = self.hub.counts();
        counts.frames.inc();
        counts.bytes.inc_by(bytes.len() as u64);
        Some((Ok(bytes), self))
    }

    async fn due(&mut self) -> Out {
        loop {
            if let Some(wish) = self.wishes.pop_front() {
                let id = wish.id;
                return self.feed.subscribe(wish).unwrap_or_else(|fault| {
                    self.ended = true;
                    Out::from(&fault.frame(Some(id)))
                });
            }
            if let Some(out) = self.feed.due() {
                return out;
            }
            let quiet = self.feed.quiet_until();
            let warning = self.warned.as_ref().map(|(at, _)| *at);
            let close = tokio::select! {
                _ = self.ticks.changed() => continue,
                () = sleep_until(quiet) => match self.feed.beat(Instant::now()) {
                    Some(out) => return out,
                    None => continue,
                },
                () = at(warning) => match self.warned.take() {
                    Some((_, who)) => return Out::from(&stay::warning(&self.access, &who)),
                    None => continue,
                },
                close = &mut self.leaving => close,
            };
            self.ended = true;
            self.hub.counts().close(close.reason());
            return Out::from(&bye(close.reason(), self.number));
        }
    }

    fn written(&mut self, out: &Out) -> Bytes {
        let text = out.payload.text();
        if self.door == Door::Lines {
            return format!("{text}\n").into();
        }
        let mut event = String::with_capacity(text.len() + 64);
        if !self.begun || self.ended {
            self.begun = true;
            event = format!("retry: {}\n", retry_ms(self.number));
        }
        // A client that resumes must have begun with all of its boards.
        if self.wishes.is_empty() {
            event += &format!("id: {}:{}\n", self.hub.epoch(), self.feed.cursor());
        }
        event += "data: ";
        event += text;
        event += "\n\n";
        event.into()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.hub.counts().connections.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_is_the_first_that_the_client_accepts() {
        let check = |accept: &'static str, door: Option<Door>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Door::of(&headers), door, "{accept}");
        };
        check("text/event-stream", Some(Door::Events));
        check("text/html, application/x-ndjson;q=0.9", Some(Door::Lines));
        check("*/*", None);
        assert_eq!(Door::of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_query_says_boards_and_wishes_or_what_is_wrong_with_it() {
        let asked = |query: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            wishes(&query.iter().map(own).collect::<Vec<_>>(), None)
        };
        let two = asked(&[
            ("board", "care,sales"),
            ("since", "7f:12"),
            ("dim.queue", "all"),
        ]);
        let two: Vec<Wish> = two.ok().unwrap().into();
        assert_eq!((two[1].id, two[1].board.as_str()), (2, "sales"));
        assert_eq!(two[0].since.as_ref().map(|s| s.seq), Some(12));
        assert!(two[0].shape.filter.dims["queue"].contains("all"));
        for (query, code) in [
            (&[][..], "invalid_frame"),
            (&[("bord", "care")], "invalid_frame"),
            (&[("board", "care"), ("fields", "all")], "invalid_frame"),
            (&[("board", "care"), ("cadence", "50")], "unknown_cadence"),
            (&[("board", "care"), ("enc", "binary")], "json_only"),
            (&[("board", "care"), ("since", "12")], "unknown_cursor"),
        ] {
            let fault = asked(query).err().unwrap();
            assert_eq!(fault.code(), code, "{query:?}");
        }
    }
}
