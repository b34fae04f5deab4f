//! The listener: reads boards from outside. In: frames. Kept: a view. Out: verified values.
//! Never knows: sockets' servers, the engine.

mod view;

pub use view::{Error, View};
