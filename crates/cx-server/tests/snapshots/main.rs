//! Snapshots on a disk that crashes, tears, fills up and fails to sync.

mod folder;
mod judging;
mod model;
mod output;
mod sim;
