//! A raw stream: says frames as text, hears frames, checks each against the schema and verifies
//! the digest after each.

use crate::rig::Rig;
use crate::schema;
use cx_client::View;
use cx_model::frame::ServerFrame;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};

const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Wire {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) views: BTreeMap<u32, View>,
    /// Length of the last message.
    pub(crate) bytes: usize,
}

impl Wire {
    pub(crate) async fn open(rig: &Rig) -> Self {
        Self::with_receive_buffer(rig, 64 * 1024).await
    }

    pub(crate) async fn with_receive_buffer(rig: &Rig, bytes: u32) -> Self {
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(bytes).unwrap();
        let tcp = tcp.connect(rig.address).await.unwrap();
        let url = format!("ws://{}/v1/stream", rig.address);
        let (socket, _) = client_async(url, tcp).await.unwrap();
        let views = BTreeMap::new();
        Self {
            socket,
            views,
            bytes: 0,
        }
    }

    /// Opens a stream, subscribes and hears the first frame.
    pub(crate) async fn watching(rig: &Rig, sub: &str) -> Self {
        let mut wire = Self::open(rig).await;
        wire.say(sub).await;
        let first = wire.hear().await;
        assert!(matches!(first, ServerFrame::View { .. }), "{first:?}");
        wire
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame, applied to the view of its subscription.
    pub(crate) async fn hear(&mut self) -> ServerFrame {
        let message = timeout(PATIENCE, self.socket.next()).await;
        let message = message.expect("a frame within 5 s").unwrap().unwrap();
        self.bytes = message.len();
        let text = if let Message::Binary(bytes) = &message {
            let frame = cx_client::decode(bytes).expect("a frame");
            serde_json::to_string(&frame).unwrap()
        } else {
            message.into_text().unwrap().to_string()
        };
        schema::check_server(&text);
        let frame = serde_json::from_str(&text).unwrap();
        if let ServerFrame::View { id, .. }
        | ServerFrame::D { id, .. }
        | ServerFrame::Hb { id, .. } = &frame
        {
            let view = self.views.entry(*id).or_default();
            view.apply(&frame)
                .unwrap_or_else(|e| panic!("{e} after {text}"));
        }
        frame
    }

    /// The next frame that is no heartbeat.
    pub(crate) async fn hear_values(&mut self) -> ServerFrame {
        for _ in 0..20 {
            let frame = self.hear().await;
            if !matches!(frame, ServerFrame::Hb { .. }) {
                return frame;
            }
        }
        panic!("nothing but heartbeats");
    }

    pub(crate) fn held(&self) -> &View {
        &self.views[&1]
    }

    /// True where nothing comes for so long.
    pub(crate) async fn silent_for(&mut self, ms: u64) -> bool {
        let next = timeout(Duration::from_millis(ms), self.socket.next());
        next.await.is_err()
    }

    /// Reads on to the close frame.
    pub(crate) async fn closing(&mut self) -> CloseFrame {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await;
            let message = message.expect("a close within 5 s").expect("a close");
            if let Message::Close(frame) = message.unwrap() {
                return frame.expect("a code");
            }
        }
    }
}
