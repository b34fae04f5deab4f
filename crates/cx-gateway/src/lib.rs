//! The mouth: the only room that knows HTTP and sockets. In: sealed seconds, requests. Kept: one
//! view per board, one cursor per subscription. Out: frames, answers, the display.
//! Never knows: Kafka, the engine, what a number means.

pub mod access;
mod actions;
mod alarms;
pub mod alerts;
mod binary;
mod boards;
mod certificates;
mod channel;
mod close;
mod compact;
mod contract;
mod counts;
mod customers;
mod deadline;
mod definitions;
mod demo;
mod desk;
mod display;
mod doorkeeper;
mod entry;
mod events;
mod fault;
mod feed;
mod guard;
mod http;
mod hub;
mod kpis;
mod limits;
mod line;
mod lineage;
mod lines;
mod listener;
mod listing;
mod pace;
mod payload;
mod problem;
mod recount;
mod ring;
mod screen;
mod second;
mod serve;
mod shape;
mod shared;
mod socket;
mod stage;
mod state;
mod subscription;
mod trend;
mod upgrade;
mod usher;
mod view;
mod why;
mod wire;

pub use actions::{Acted, Action, AlertAct, Deed, Scope};
pub use certificates::Certificates;
pub use definitions::{Governed, Governing, Role, Word};
pub use desk::{
    Accepted, DataGap, Desk, Doubt, Finals, Health, Kept, Past, Ready, Recovering, Span, Trend,
};
pub use entry::{Breakdown, Entry, Owners, SaidFormula, Use, UsedTile};
pub use hub::{AlertStates, Hub};
pub use limits::Limits;
pub use lineage::{
    Account, Covers, Freshness, Ingredient, Lineage, Looked, Mark, Partition, Parts, Sample,
    Samples,
};
pub use recount::{NoRecount, Recount, Recounts, Score};
pub use serve::{Config, Gateway, bind};
pub use stage::{Gesture, Scene, SceneEngine, SceneSource, Stage};

/// What can keep the gateway from serving.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Open access at an address that others reach.
    #[error(
        "{address} is not a loopback address, and access is open: whoever reaches it could do everything; set access.mode to closed (WATCHFLOOR_ACCESS_MODE=closed), or listen on 127.0.0.1 or [::1]"
    )]
    OpenToOthers {
        /// What was asked for.
        address: std::net::SocketAddr,
    },
    /// The port is taken.
    #[error("{address} is in use by another program; free is {free}: use --address {free}")]
    PortBusy {
        /// What was asked for.
        address: std::net::SocketAddr,
        /// The next free one.
        free: std::net::SocketAddr,
    },
    /// TLS cannot be spoken.
    #[error("{}: {why}; write a PEM file: certificates, the server's own first, and the private key", file.display())]
    Certificate {
        /// The file that is wrong.
        file: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else about sockets.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What was asked for.
        address: std::net::SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
}
