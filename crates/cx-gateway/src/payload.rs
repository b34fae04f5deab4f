//! In: a frame. Kept: nothing. Out: its bytes, with a place for the subscription's id.
//! Never knows: views, sockets.

use crate::compact;
use bytes::Bytes;
use cx_model::frame::{Encoding, ServerFrame};

/// The first byte of a whole message, by its kind (RFC 6455, 5.2).
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
/// What stands before a message at most.
const HEAD: usize = 10;

/// One message as it goes out, framed for a WebSocket once for all who get it: a server's frames carry no mask.
/// Cloning shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    framed: Bytes,
    /// So many bytes stand before the message itself.
    head: usize,
}

impl Payload {
    pub(crate) fn of(frame: &ServerFrame) -> Self {
        let text = serde_json::to_string(frame);
        Self::text_of(&[&text.expect("frames are plain JSON")])
    }

    /// A text in parts.
    pub(crate) fn text_of(parts: &[&str]) -> Self {
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self::framed_of(TEXT, &bytes)
    }

    /// Bytes in parts.
    pub(crate) fn binary_of(parts: &[&[u8]]) -> Self {
        Self::framed_of(BINARY, parts)
    }

    fn framed_of(kind: u8, parts: &[&[u8]]) -> Self {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut framed = Vec::with_capacity(HEAD + length);
        framed.push(kind);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < 126 => framed.push(short),
            (_, Ok(middle)) => {
                framed.push(126);
                framed.extend(middle.to_be_bytes());
            }
            (_, Err(_)) => {
                framed.push(127);
                framed.extend((length as u64).to_be_bytes());
            }
        }
        let head = framed.len();
        parts.iter().for_each(|part| framed.extend(*part));
        let framed = framed.into();
        Self { framed, head }
    }

    /// Bytes of the message itself.
    pub(crate) fn len(&self) -> usize {
        self.framed.len() - self.head
    }

    /// The text; doors without messages speak JSON only.
    pub(crate) fn text(&self) -> &str {
        if self.framed[0] != TEXT {
            return "";
        }
        std::str::from_utf8(&self.framed[self.head..]).expect("it was made of texts")
    }

    /// A WebSocket frame.
    pub(crate) fn framed(self) -> Bytes {
        self.framed
    }
}

/// A frame of any subscription: what stands before and after its id.
#[derive(Debug, Clone)]
pub(crate) enum Blank {
    Text { head: &'static str, tail: String },
    Binary { head: [u8; 2], tail: Vec<u8> },
}

impl Blank {
    /// Of a frame that was made for id 0.
    pub(crate) fn of(frame: &ServerFrame, enc: Encoding) -> Self {
        if let (Encoding::Binary, Some((head, tail))) = (enc, compact::encode(frame)) {
            return Self::Binary { head, tail };
        }
        let head = match frame {
            ServerFrame::View { .. } => r#"{"op":"view","id":"#,
            ServerFrame::Hb { .. } => r#"{"op":"hb","id":"#,
            ServerFrame::D { .. }
            | ServerFrame::Lagged { .. }
            | ServerFrame::Note { .. }
            | ServerFrame::End { .. }
            | ServerFrame::Why { .. }
            | ServerFrame::Error { .. }
            | ServerFrame::Bye { .. } => r#"{"op":"d","id":"#,
        };
        let text = serde_json::to_string(frame).expect("frames are plain JSON");
        let tail = text.strip_prefix(head).and_then(|t| t.strip_prefix('0'));
        let tail = tail.expect("op and id 0 are a frame's first fields");
        Self::Text {
            head,
            tail: tail.to_owned(),
        }
    }

    /// The frame for one id.
    pub(crate) fn with(&self, id: u32) -> Payload {
        match self {
            Self::Text { head, tail } => Payload::text_of(&[head, &id.to_string(), tail]),
            Self::Binary { head, tail } => {
                let mut number = Vec::with_capacity(5);
                compact::varint(&mut number, u64::from(id));
                Payload::binary_of(&[head, &number, tail])
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text { tail, .. } => tail.len(),
            Self::Binary { tail, .. } => tail.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

    /// What a client of the library reads of it.
    fn read(payload: Payload) -> Message {
        let mut bytes = std::io::Cursor::new(payload.framed().to_vec());
        WebSocket::from_raw_socket(&mut bytes, Role::Client, None)
            .read()
            .unwrap()
    }

    #[test]
    fn frames_of_every_length_are_read_as_they_were_meant() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
            let text = "x".repeat(length);
            let payload = Payload::text_of(&[&text]);
            assert_eq!((payload.len(), payload.text()), (length, text.as_str()));
            assert_eq!(read(payload), Message::text(text.clone()), "{length}");
            let payload = Payload::binary_of(&[b"", text.as_bytes()]);
            assert_eq!((payload.len(), payload.text()), (length, ""));
            assert_eq!(
                read(payload),
                Message::binary(text.into_bytes()),
                "{length}"
            );
        }
    }
}
