//! In: displays that sleep, displays that return. Kept: nothing. Out: whether the others notice, and what it costs
//! the server. Never knows: how it is built.

use super::audience::{Audience, Plan};
use super::{Options, Peer, SETTLE};
use crate::clock;
use crate::report::say;
use crate::screen::at_part;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

type Outcome = Result<(bool, Vec<(&'static str, f64)>)>;

pub(super) fn stall(_options: &Options) -> Outcome {
    Ok((false, Vec::new()))
}

pub(super) fn come_back(_options: &Options) -> Outcome {
    Ok((false, Vec::new()))
}
