//! The words: what can happen, what can be said. In: bytes and text. Kept: nothing.
//! Out: events, control records, values, frames. Never knows: tokio, Kafka, HTTP, KPI rules.
//!
//! Glossary: an *event* is one interaction (a CloudEvent); a *record* is Kafka's envelope around
//! it; a *control record* steers engines; a *cell* is one number on a board; a *part* is what a
//! number is made of; *log time* is a partition's only now.

pub mod attribute;
pub mod control;
pub mod decode;
pub mod event;
pub mod frame;
pub mod ids;
pub mod limits;
pub mod record;
pub mod reject;
pub mod time;
pub mod value;
pub mod vocabulary;
pub mod window;
