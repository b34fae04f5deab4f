//! In: one WebSocket. Kept: a cursor per subscription, at most one frame in flight, no queue.
//! Out: frames. Never knows: other connections.

use crate::close::Close;
use crate::hub::{Hub, Next, View, encode};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use cx_model::frame::{ClientFrame, ServerFrame};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Bytes that may be unacknowledged before a client that acknowledges gets nothing more.
const UNACKED_BYTES: usize = 64 * 1024;
const UNACKED_TIME: Duration = Duration::from_secs(10);
const SUBSCRIPTIONS: usize = 16;
const GARBAGE: u32 = 5;

struct Subscription {
    id: u32,
    view: Arc<View>,
    cursor: u64,
    ack: bool,
    unacked: usize,
    unacked_since: Option<Instant>,
    sent_at: Instant,
    proven: bool,
}

struct Connection {
    hub: Arc<Hub>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    out: SplitSink<WebSocket, Message>,
    in_flight: bool,
    subscriptions: Vec<Subscription>,
    garbage: u32,
}

/// Serves one socket until it closes, or until `drain` says true.
pub(crate) async fn run(
    socket: WebSocket,
    hub: Arc<Hub>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    mut drain: watch::Receiver<bool>,
) {
    hub.counts.connections.fetch_add(1, Relaxed);
    let (out, mut input) = socket.split();
    let mut ticks = hub.ticks();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut connection = Connection {
        hub: Arc::clone(&hub),
        now,
        out,
        in_flight: false,
        subscriptions: Vec::new(),
        garbage: 0,
    };
    loop {
        let in_flight = connection.in_flight;
        let goes_on = tokio::select! {
            message = input.next() => match message {
                Some(Ok(Message::Text(text))) => connection.heard(&text).await,
                Some(Ok(Message::Binary(_))) => connection.heard("").await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => true,
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
            },
            flushed = connection.out.flush(), if in_flight => {
                connection.in_flight = false;
                flushed.is_ok() && connection.catch_up().await
            }
            ticked = ticks.changed(), if !in_flight => ticked.is_ok() && connection.catch_up().await,
            _ = second.tick(), if !in_flight => connection.beat().await,
            () = async { drop(drain.wait_for(|d| *d).await) } => {
                connection.farewell().await;
                false
            }
        };
        if !goes_on {
            break;
        }
    }
    let proven = connection.subscriptions.iter().filter(|s| s.proven).count();
    hub.counts.proven.fetch_sub(proven as u64, Relaxed);
    hub.counts.connections.fetch_sub(1, Relaxed);
}

impl Connection {
    /// Puts one frame on its way; it is flushed by the loop, or at once where it is an answer.
    async fn put(&mut self, text: Utf8Bytes) -> bool {
        self.hub.counts.frames.fetch_add(1, Relaxed);
        self.hub.counts.bytes.fetch_add(text.len() as u64, Relaxed);
        self.in_flight = true;
        self.out.feed(Message::Text(text)).await.is_ok()
    }

    async fn heard(&mut self, text: &str) -> bool {
        match serde_json::from_str::<ClientFrame>(text) {
            Ok(ClientFrame::Sub {
                id,
                board,
                cadence,
                ack,
                since,
            }) => {
                let since = since.filter(|s| s.epoch == self.hub.epoch()).map(|s| s.seq);
                self.subscribe(id, &board, &cadence, ack, since).await
            }
            Ok(ClientFrame::Unsub { id }) => {
                self.forget(id);
                self.put(encode(&ServerFrame::End { id })).await
            }
            Ok(ClientFrame::Ack { id, seq, g }) => {
                self.acknowledged(id, seq, &g);
                self.in_flight || self.catch_up().await
            }
            Err(e) => {
                self.garbage += 1;
                self.hub.counts.refused.fetch_add(1, Relaxed);
                let fix = "send {\"op\":\"sub\",\"id\":1,\"board\":\"care\"}, see schemas/client-frame.schema.json";
                let said = self
                    .error(
                        None,
                        "invalid_frame",
                        format!("not a frame of the protocol: {e}"),
                        fix,
                    )
                    .await;
                if self.garbage < GARBAGE {
                    return said;
                }
                self.close(Close::Garbage).await;
                false
            }
        }
    }

    async fn error(&mut self, id: Option<u32>, code: &str, detail: String, fix: &str) -> bool {
        let (code, fix) = (code.to_owned(), fix.to_owned());
        self.put(encode(&ServerFrame::Error {
            id,
            code,
            detail,
            fix,
        }))
        .await
    }

    async fn subscribe(
        &mut self,
        id: u32,
        board: &str,
        cadence: &str,
        ack: bool,
        since: Option<u64>,
    ) -> bool {
        if cadence != "sealed" {
            let detail = format!("cadence {cadence:?} is not served yet");
            return self
                .error(
                    Some(id),
                    "unknown_cadence",
                    detail,
                    "leave cadence out or write \"sealed\"",
                )
                .await;
        }
        let Some(view) = self.hub.view(board) else {
            let fix = format!("boards are: {}", self.hub.names().join(", "));
            return self
                .error(
                    Some(id),
                    "unknown_board",
                    format!("there is no board {board:?}"),
                    &fix,
                )
                .await;
        };
        self.forget(id);
        if self.subscriptions.len() >= SUBSCRIPTIONS {
            let detail = format!("{SUBSCRIPTIONS} subscriptions are open");
            return self
                .error(
                    Some(id),
                    "too_many_subscriptions",
                    detail,
                    "send unsub for one of them",
                )
                .await;
        }
        let Next { seq, text } = view.first(id, self.hub.epoch(), since);
        let mut subscription = Subscription {
            id,
            view,
            cursor: seq,
            ack,
            unacked: 0,
            unacked_since: None,
            sent_at: Instant::now(),
            proven: false,
        };
        subscription.sent(text.len());
        self.subscriptions.push(subscription);
        self.put(text).await
    }

    fn forget(&mut self, id: u32) {
        if let Some(i) = self.subscriptions.iter().position(|s| s.id == id) {
            let gone = self.subscriptions.remove(i);
            self.hub
                .counts
                .proven
                .fetch_sub(u64::from(gone.proven), Relaxed);
        }
    }

    fn acknowledged(&mut self, id: Option<u32>, seq: u64, digest: &str) {
        let one = self.subscriptions.len() == 1;
        let counts = &self.hub.counts;
        let of = |s: &&mut Subscription| id.map_or(one, |id| s.id == id);
        let Some(subscription) = self.subscriptions.iter_mut().find(of) else {
            return;
        };
        subscription.unacked = 0;
        subscription.unacked_since = None;
        let Some(proves) = subscription.view.proves(seq, digest) else {
            return;
        };
        if !proves {
            counts.disproven.fetch_add(1, Relaxed);
        }
        match (std::mem::replace(&mut subscription.proven, proves), proves) {
            (false, true) => drop(counts.proven.fetch_add(1, Relaxed)),
            (true, false) => drop(counts.proven.fetch_sub(1, Relaxed)),
            (true, true) | (false, false) => {}
        }
    }

    /// Brings the first subscription that is behind to now; the flush brings the next one.
    async fn catch_up(&mut self) -> bool {
        for i in 0..self.subscriptions.len() {
            let subscription = &mut self.subscriptions[i];
            if subscription.blocked() {
                continue;
            }
            let Some((next, encoded)) =
                subscription.view.next(subscription.id, subscription.cursor)
            else {
                continue;
            };
            let counts = &self.hub.counts;
            counts.encoded.fetch_add(u64::from(encoded), Relaxed);
            counts
                .conflated
                .fetch_add(next.seq - subscription.cursor - 1, Relaxed);
            subscription.cursor = next.seq;
            subscription.sent(next.text.len());
            return self.put(next.text).await;
        }
        true
    }

    /// A heartbeat where nothing else went for a second.
    async fn beat(&mut self) -> bool {
        let now = (self.now)();
        let quiet = |s: &&mut Subscription| {
            !s.blocked() && s.sent_at.elapsed() >= Duration::from_millis(995)
        };
        let Some(subscription) = self.subscriptions.iter_mut().find(quiet) else {
            return true;
        };
        if subscription.view.seq() > subscription.cursor {
            return self.catch_up().await;
        }
        let text = subscription.view.heartbeat(subscription.id, now);
        subscription.sent(text.len());
        self.put(text).await
    }

    async fn farewell(&mut self) {
        let retry_ms = 500 + (self.hub.counts.frames.load(Relaxed) * 7_919) % 4_500;
        let bye = ServerFrame::Bye {
            reason: "draining".to_owned(),
            retry_ms,
        };
        if self.put(encode(&bye)).await {
            self.close(Close::Draining).await;
        }
    }

    async fn close(&mut self, why: Close) {
        let frame = CloseFrame {
            code: why.code(),
            reason: why.reason().into(),
        };
        let closing = self.out.send(Message::Close(Some(frame)));
        // A client that does not read must not keep the door.
        drop(tokio::time::timeout(Duration::from_secs(1), closing).await);
    }
}

impl Subscription {
    fn sent(&mut self, bytes: usize) {
        self.sent_at = Instant::now();
        if self.ack {
            self.unacked += bytes;
            self.unacked_since.get_or_insert(self.sent_at);
        }
    }

    fn blocked(&self) -> bool {
        let late = self
            .unacked_since
            .is_some_and(|since| since.elapsed() > UNACKED_TIME);
        self.ack && (self.unacked > UNACKED_BYTES || late)
    }
}
