//! In: a frame. Kept: nothing. Out: its bytes, with a place for the subscription's id.
//! Never knows: views, sockets.

use crate::compact;
use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use cx_model::frame::{Encoding, ServerFrame};

/// One message as it goes out; cloning shares the bytes.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Payload {
    pub(crate) fn of(frame: &ServerFrame) -> Self {
        let text = serde_json::to_string(frame);
        Self::Text(text.expect("frames are plain JSON").into())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The text; doors without messages speak JSON only.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Binary(_) => "",
        }
    }

    pub(crate) fn message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
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
            Self::Text { head, tail } => Payload::Text(format!("{head}{id}{tail}").into()),
            Self::Binary { head, tail } => {
                let mut bytes = Vec::with_capacity(tail.len() + 7);
                bytes.extend_from_slice(head);
                compact::varint(&mut bytes, u64::from(id));
                bytes.extend_from_slice(tail);
                Payload::Binary(bytes.into())
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
