//! A house whose access is closed, a few people and keys, and clients that show what they have.

use crate::rig::{Reply, Rig};
use crate::schema;
use cx_gateway::access::sign_on::SignOn;
use cx_gateway::access::token::Tokens;
use cx_gateway::access::{Access, Boards, Key, Pass, Person, Right, Role, Settings};
use cx_model::frame::ServerFrame;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const INTRANET: &str = "https://intranet.example.com";
/// A revocation has to be felt within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
pub(crate) const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

type Kept = Arc<Mutex<Vec<Pass>>>;
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// A closed house with two boards, a few people and keys.
pub(crate) struct Closed {
    pub(crate) rig: Rig,
    pub(crate) access: Arc<Access>,
    pub(crate) people: Vec<Person>,
    pub(crate) keys: Vec<Key>,
    pub(crate) texts: HashMap<&'static str, String>,
    pub(crate) kept: Kept,
}

impl Closed {
    pub(crate) fn start() -> Self {
        Self::with(Duration::from_secs(3_600), Vec::new())
    }

    pub(crate) fn with(session: Duration, passes: Vec<Pass>) -> Self {
        Self::made(session, passes, |access| access)
    }

    /// One that believes an issuer.
    pub(crate) fn with_tokens(tokens: Arc<Tokens>) -> Self {
        let session = Duration::from_secs(3_600);
        Self::made(session, Vec::new(), |access| access.with_tokens(tokens))
    }

    /// One where people may also sign in at an issuer.
    pub(crate) fn with_sign_on(sign_on: SignOn, passes: Vec<Pass>) -> Self {
        let session = Duration::from_secs(3_600);
        Self::made(session, passes, |access| access.with_sign_on(sign_on))
    }

    fn made(session: Duration, passes: Vec<Pass>, more: impl FnOnce(Access) -> Access) -> Self {
        let kept = Kept::default();
        let keep = Arc::clone(&kept);
        let settings = Settings {
            addresses: vec!["https://wall.example.com".to_owned()],
            foreign_origins: vec![INTRANET.to_owned()],
            session,
        };
        let access = Access::closed(
            settings,
            passes,
            Box::new(move |all| {
                *keep.lock().unwrap() = all.to_vec();
                Ok(())
            }),
            || in_ms(0),
        );
        let access = Arc::new(more(access));
        let gateway = Arc::clone(&access);
        let rig = Rig::like(3, |g| g.with_access(gateway));
        rig.seal(100, &[1, 2, 3]);
        let mut closed = Self {
            rig,
            access,
            people: Vec::new(),
            keys: Vec::new(),
            texts: HashMap::new(),
            kept,
        };
        closed.person("ada", Role::Operator, Boards::all());
        closed.person("vic", Role::Viewer, Boards::of(["sales"]));
        for (name, role, boards) in [
            ("engineer", Role::Engineer, Boards::all()),
            ("narrow", Role::Engineer, Boards::of(["care"])),
            ("viewer", Role::Viewer, Boards::all()),
        ] {
            closed.key(name, (role, boards), None, None);
        }
        closed
    }

    pub(crate) fn person(&mut self, name: &str, role: Role, boards: Boards) {
        let person = Person::new(name, role, boards, PASSWORD).unwrap();
        self.people.push(person);
        self.set();
    }

    pub(crate) fn key(
        &mut self,
        name: &'static str,
        as_what: (Role, Boards),
        only: Option<BTreeSet<Right>>,
        until: Option<i64>,
    ) {
        let (key, text) = Key::fresh(name, as_what, only, until);
        self.keys.push(key);
        self.texts.insert(name, text);
        self.set();
    }

    pub(crate) fn set(&self) {
        self.access.set(self.people.clone(), self.keys.clone());
    }

    pub(crate) fn bearer(&self, key: &str) -> String {
        format!("Bearer {}", self.texts[key])
    }

    /// One request with a key.
    pub(crate) async fn ask(&self, key: &str, method: &str, path: &str) -> Reply {
        let bearer = self.bearer(key);
        let headers = [("authorization", bearer.as_str())];
        self.rig.ask(method, path, &headers, b"").await
    }

    /// One request from a page of this house.
    pub(crate) async fn page(&self, cookie: &str, method: &str, path: &str, body: &Value) -> Reply {
        let origin = format!("http://{}", self.rig.address);
        let headers = [
            ("cookie", cookie),
            ("origin", origin.as_str()),
            ("content-type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.rig.ask(method, path, &headers, body.as_bytes()).await
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Reply {
        let body = json!({"name": name, "password": password});
        self.page("", "POST", "/v1/session", &body).await
    }

    /// The cookie of somebody who signed in.
    pub(crate) async fn cookie(&self, name: &str) -> String {
        let reply = self.sign_in(name, PASSWORD).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        cookie(&reply)
    }

    /// Lets a screen in to the board `care`; its cookie.
    pub(crate) async fn screen(&self, by: &str) -> String {
        let pairing = self.page("", "POST", "/v1/pairings", &Value::Null).await;
        let pairing = pairing.json();
        let confirm = json!({"code": pairing["code"], "name": "north wall", "board": "care"});
        let confirmed = self.page(by, "POST", "/v1/devices", &confirm).await;
        assert_eq!(confirmed.status, 201, "{confirmed:?}");
        let claim = json!({"claim": pairing["claim"]});
        cookie(&self.page("", "POST", "/v1/pairings/claim", &claim).await)
    }

    pub(crate) async fn stream(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Socket, Error> {
        let url = format!("ws://{}{path}", self.rig.address);
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::try_from(*value).unwrap());
        }
        let tcp = TcpStream::connect(self.rig.address).await.unwrap();
        client_async(request, tcp).await.map(|(socket, _)| socket)
    }

    pub(crate) async fn stream_as(&self, key: &str) -> Socket {
        let bearer = self.bearer(key);
        self.stream("/v1/stream", &[("authorization", &bearer)])
            .await
            .unwrap()
    }
}

/// What a browser would send back.
pub(crate) fn cookie(reply: &Reply) -> String {
    let set = reply
        .head
        .lines()
        .find(|line| line.starts_with("set-cookie: "));
    let set = set.unwrap_or_else(|| panic!("no cookie: {}", reply.head));
    for part in [
        "__host-watchfloor=",
        "; path=/;",
        "; httponly",
        "; secure",
        "; samesite=strict",
    ] {
        assert!(set.contains(part), "{part} in {set}");
    }
    let (_, secret) = reply.raw.split_once("__Host-watchfloor=").unwrap();
    format!("__Host-watchfloor={}", secret.split(';').next().unwrap())
}

pub(crate) async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// The next frame that is no heartbeat.
pub(crate) async fn hear(socket: &mut Socket) -> ServerFrame {
    loop {
        let next = timeout(PATIENCE, socket.next()).await;
        let text = next
            .expect("a frame")
            .unwrap()
            .unwrap()
            .into_text()
            .unwrap();
        schema::check_server(&text);
        let frame: ServerFrame = serde_json::from_str(&text).unwrap();
        if !matches!(frame, ServerFrame::Hb { .. }) {
            return frame;
        }
    }
}

/// Reads on to the close frame's code.
pub(crate) async fn closed(socket: &mut Socket) -> u16 {
    loop {
        let next = timeout(PATIENCE, socket.next()).await;
        if let Message::Close(frame) = next.expect("shown out within 5 s").unwrap().unwrap() {
            return frame.unwrap().code.into();
        }
    }
}

pub(crate) fn refused(frame: &ServerFrame) -> (&str, &str) {
    let ServerFrame::Error { code, fix, .. } = frame else {
        panic!("{frame:?}");
    };
    (code, fix)
}

#[expect(
    clippy::disallowed_methods,
    reason = "credentials end by the machine's clock"
)]
pub(crate) fn in_ms(ms: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + ms
}
