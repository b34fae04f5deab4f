//! The binary's short commands, and a demo's doors.

use crate::run::{House, watchfloor};
use std::process::Output;

/// Runs it to its end.
pub(crate) fn done(arguments: &[&str]) -> Output {
    watchfloor(arguments).output().expect("it runs")
}

impl House {
    pub(crate) fn demo(more: &[&str]) -> Self {
        let arguments = ["demo", "--address", "127.0.0.1:0", "--json"];
        Self::start(watchfloor(&arguments).args(more))
    }
}
