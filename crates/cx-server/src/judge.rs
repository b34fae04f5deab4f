//! In: parts of all partitions. Kept: the roll-up. Out: sealed seconds to the hub, at most one a
//! frame interval; live values once a second where none could be sealed for 3 s.
//! Never knows: Kafka, sockets.

use crate::clock;
use crate::observed::Screen;
use cx_engine::{Part, Rollup};
use cx_gateway::Hub;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How old the first sealed second is that is no history any more, s.
const LIVE_S: i64 = 1;
/// How long without a seal until live values go out, ms.
const NOT_SEALED_MS: i64 = 3_000;

/// Runs until all workers are gone.
pub(crate) fn run(parts: &Receiver<Part>, rollup: &Mutex<Rollup>, hub: &Arc<Hub>, screen: &Screen) {
    let mut sealed_at = clock::now();
    let mut live_at = clock::now();
    let mut caught_up = false;
    loop {
        let mut newest = None;
        match parts.recv_timeout(Duration::from_millis(200)) {
            Ok(part) => {
                let mut rollup = rollup.lock().expect("no holder panics");
                newest = rollup.handle_part(part).or(newest);
                while let Ok(part) = parts.try_recv() {
                    newest = rollup.handle_part(part).or(newest);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock::now();
        // A seal of long ago is history being folded: screens get only the newest.
        if let Some(sealed) = newest {
            sealed_at = now;
            hub.publish(&sealed, now.0);
            // Until the log is caught up with, frames show history, not what has just happened.
            caught_up |= now.second() - sealed.s <= LIVE_S;
            if caught_up {
                screen.shown(sealed.s, clock::now());
            }
        } else if now.since(sealed_at) > NOT_SEALED_MS && now.since(live_at) >= 1_000 {
            live_at = now;
            let live = rollup.lock().expect("no holder panics").live();
            if let Some(live) = live {
                hub.publish(&live, now.0);
            }
        }
    }
}
