//! Snapshots at rest: one immutable file per partition and offset. In: a label and the blocks of a cut.
//! Kept: the newest few files of each partition. Out: the blocks of the newest valid one.
//! Never knows: what a block holds.
//!
//! A file is temporary until it was written, synced, renamed, its folder synced, and read back; only
//! then do older ones go. What cannot be read whole is set aside by name, and the older one is taken.

mod bucket;
mod disk;
mod folder;
mod format;
pub(crate) mod kept;
mod s3;
pub(crate) mod saver;

pub use bucket::{Access, Bucket, Keys};
pub use disk::{Disk, DiskFile, Local};
pub use folder::{Error, Folder, Found, Kept, Loaded};
pub use format::{Fault, LONGEST_BLOCK, Label, Last, Reader, Writer};
