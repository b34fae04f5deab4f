//! Sealed history at rest: whole minutes as they were sealed. In: sealed seconds. Kept: every minute for
//! 26 hours, quarters of an hour for 35 days, within a limit of bytes. Out: minutes and lines of the
//! past. Never knows: how a number is counted; no KPI reads it.
//!
//! Files are only ever added to and taken away whole. What was said to be kept is read back as it was
//! sealed, or not at all.

mod cells;
mod finals;
mod format;
mod journal;
pub(crate) mod kept;
mod minute;
mod recent;
mod shelf;
mod store;
mod volatile;
pub(crate) mod writer;

pub use cells::Cells;
pub use finals::Final;
pub use format::Fault;
pub use minute::Minute;
pub use shelf::Span;
pub use store::{Bounds, Difference, Error, Found, Line, Opened, Pen, Store, Taken};
