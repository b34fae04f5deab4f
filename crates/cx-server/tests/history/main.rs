//! Sealed history on a disk that crashes, tears, fills up and fails to sync.

#[path = "../snapshots/model.rs"]
mod model;

mod crash;
mod finals;
mod store;
mod world;
