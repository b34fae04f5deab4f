//! The ear: the only room that knows Kafka. In: topics. Kept: clients. Out: borrowed records,
//! produced records. Never knows: what an event means, the engine, HTTP.

mod ear;
mod embedded;
mod error;
mod logs;
mod producer;
mod settings;
mod topics;

pub use ear::{Ear, Heard, Run};
pub use embedded::Embedded;
pub use error::Error;
pub use producer::{Full, Mark, Producer};
pub use settings::ClientSettings;
pub use topics::{Fault, Plan, Topics};
