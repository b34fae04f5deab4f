//! The doors without messages: server-sent events and lines of JSON carry the frames of the hub.

use crate::rig::Rig;
use crate::schema;
use cx_client::View;
use cx_model::frame::ServerFrame;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// A client that takes an answer apart as it comes: chunks, then lines.
struct Tap {
    from: BufReader<TcpStream>,
    text: String,
    views: BTreeMap<u32, View>,
    /// The newest `id:` and `retry:` of an event.
    last: String,
    retry: u64,
}

impl Tap {
    async fn open(rig: &Rig, accept: &str, query: &str, last: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(rig.address).await.unwrap();
        let mut head = format!(
            "GET /v1/stream?{query} HTTP/1.1\r\nhost: {}\r\n",
            rig.address
        );
        head += &format!("accept: {accept}\r\n");
        if !last.is_empty() {
            head += &format!("last-event-id: {last}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).await.unwrap();
        let mut from = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            from.read_line(&mut head).await.unwrap();
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains(&format!("content-type: {accept}")), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        Self {
            from,
            text: String::new(),
            views: BTreeMap::new(),
            last: String::new(),
            retry: 0,
        }
    }

    /// The next line; `None` at the end of the answer.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = line.to_owned();
                self.text = rest.to_owned();
                return Some(line);
            }
            let mut length = String::new();
            self.from.read_line(&mut length).await.unwrap();
            let length = usize::from_str_radix(length.trim(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            self.from.read_exact(&mut chunk).await.unwrap();
            if length == 0 {
                return None;
            }
            self.text += std::str::from_utf8(&chunk[..length]).unwrap();
        }
    }

    async fn hear(&mut self) -> ServerFrame {
        let text = timeout(Duration::from_secs(5), async {
            loop {
                let line = self.line().await.expect("a frame");
                if let Some(id) = line.strip_prefix("id: ") {
                    id.clone_into(&mut self.last);
                } else if let Some(ms) = line.strip_prefix("retry: ") {
                    self.retry = ms.parse().unwrap();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    return data.to_owned();
                } else if line.starts_with('{') {
                    return line;
                }
            }
        });
        let text = text.await.expect("a frame within 5 s");
        schema::check_server(&text);
        let frame = serde_json::from_str(&text).unwrap();
        if let ServerFrame::View { id, .. }
        | ServerFrame::D { id, .. }
        | ServerFrame::Hb { id, .. } = &frame
        {
            let view = self.views.entry(*id).or_default();
            view.apply(&frame).unwrap();
        }
        frame
    }

    async fn hear_values(&mut self) -> ServerFrame {
        for _ in 0..20 {
            let frame = self.hear().await;
            if !matches!(frame, ServerFrame::Hb { .. }) {
                return frame;
            }
        }
        panic!("nothing but heartbeats");
    }
}

#[tokio::test]
async fn both_doors_tell_the_frames_of_the_hub() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    for accept in [EVENTS, LINES] {
        let begun = rig.house.seconds();
        let mut tap = Tap::open(&rig, accept, "board=care", "").await;
        let frame = tap.hear().await;
        assert!(matches!(&frame, ServerFrame::View { mode, .. } if mode == "snapshot"));
        for s in begun + 1..begun + 6 {
            rig.seal(s, &[s, 2, 3]);
            let frame = tap.hear_values().await;
            let ServerFrame::D { s: told, v, .. } = frame else {
                panic!("{frame:?}");
            };
            assert_eq!((told, v), (Some(s), vec![(1, Some(s), 0)]));
        }
        assert!(matches!(tap.hear().await, ServerFrame::Hb { .. }));
    }
}

#[tokio::test]
async fn wishes_stand_in_the_query_and_mistakes_are_told_before_the_stream_begins() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let query = "board=care&cadence=live50&fields=parts&dim.queue=q1,q2&kpi=waiting";
    let mut tap = Tap::open(&rig, LINES, query, "").await;
    tap.hear().await;
    let held: Vec<u32> = tap.views[&1].values().keys().copied().collect();
    assert_eq!((held, tap.views[&1].sealed), (vec![2, 3], false));
    for (query, status, field) in [
        ("board=nope", 404, "unknown_board"),
        ("board=care&kpi=weather", 400, "empty_filter"),
        ("board=care&cadence=7", 400, "unknown_cadence"),
        ("board=care&since=x", 400, "unknown_cursor"),
        ("", 400, "invalid_frame"),
        ("board=care&board=sales", 400, "query"),
    ] {
        let path = format!("/v1/stream?{query}");
        let reply = rig.ask("GET", &path, &[("accept", LINES)], b"").await;
        assert_eq!(
            reply.problem(status)["errors"][0]["field"],
            field,
            "{query}"
        );
    }
}

#[tokio::test]
async fn events_resume_all_boards_from_one_cursor() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut tap = Tap::open(&rig, EVENTS, "board=care,sales", "").await;
    tap.hear().await;
    assert_eq!(tap.last, "", "nobody resumes before all boards have begun");
    assert!((500..5_000).contains(&tap.retry), "{}", tap.retry);
    tap.hear().await;
    rig.seal(101, &[5, 2, 3]);
    // One of the two boards has told the second; the cursor does not run ahead of the other.
    tap.hear_values().await;
    let (last, views) = (tap.last.clone(), tap.views.clone());
    drop(tap);
    rig.seal(102, &[5, 7, 3]);
    let mut again = Tap::open(&rig, EVENTS, "board=care,sales", &last).await;
    again.views = views;
    for _ in 0..2 {
        let frame = again.hear().await;
        assert!(
            matches!(&frame, ServerFrame::View { mode, .. } if mode == "diff"),
            "{frame:?}"
        );
    }
    assert_eq!(again.views[&1].value(2), Some((Some(7), 0)));
    assert_eq!(again.views[&2].value(1), Some((Some(5), 0)));
}

#[tokio::test]
async fn a_client_that_does_not_read_lines_gets_one_diff_when_it_wakes() {
    const CELLS: usize = 400;
    let rig = Rig::start(CELLS);
    let mut slow = Tap::open(&rig, LINES, "board=care", "").await;
    let mut fast = Tap::open(&rig, LINES, "board=care", "").await;
    fast.hear().await;
    for s in 1..=300 {
        rig.seal(s, &[s; CELLS]);
        fast.hear_values().await;
    }
    let mut frames = 0;
    while slow.views.get(&1).and_then(|v| v.s) != Some(300) {
        slow.hear_values().await;
        frames += 1;
        assert!(frames < 60, "frames were queued for a reader that slept");
    }
    assert_eq!(slow.views[&1].values(), fast.views[&1].values());
}

#[tokio::test]
async fn both_doors_say_bye_with_a_delay_of_their_own() {
    let mut rig = Rig::start(1);
    rig.seal(100, &[1]);
    let mut taps = Vec::new();
    for accept in [EVENTS, LINES, EVENTS] {
        let mut tap = Tap::open(&rig, accept, "board=care", "").await;
        tap.hear().await;
        taps.push(tap);
    }
    assert_eq!(rig.hub.connections(), 3);
    rig.stop.take().unwrap().send(()).unwrap();
    let mut delays = Vec::new();
    for tap in &mut taps {
        let frame = tap.hear_values().await;
        let ServerFrame::Bye { reason, retry_ms } = frame else {
            panic!("{frame:?}");
        };
        assert_eq!(reason, "draining");
        delays.push(retry_ms);
        while let Some(line) = tap.line().await {
            assert!(line.is_empty(), "{line}");
        }
    }
    assert_eq!(taps[2].retry, delays[2], "the browser waits as long");
    delays.sort_unstable();
    delays.dedup();
    assert_eq!(delays.len(), 3);
    rig.served.await.unwrap();
    assert_eq!(rig.hub.connections(), 0);
}
