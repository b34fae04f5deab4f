//! The listener: reads boards from outside. In: an address and a board's name. Kept: one view, one
//! socket. Out: verified values. Never knows: how a gateway works, the engine.

mod compact;
mod error;
mod stream;
mod view;

pub use compact::decode;
pub use error::Error;
pub use stream::{BoardStream, Update, Wish};
pub use view::View;
