//! In: somebody who was let in to a stream. Kept: nothing. Out: when they have to leave, and why. Never
//! knows: sockets.

use super::Access;
use super::principal::Principal;
use crate::close::Close;
use cx_model::frame::ServerFrame;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Somebody is told so long before their credential ends, ms.
const WARNING_MS: i64 = 60_000;

/// Who hears a stream: another credential may take the place of the one it began with.
pub(crate) type Held = Mutex<Arc<Principal>>;

pub(crate) fn held(by: &Held) -> Arc<Principal> {
    Arc::clone(&by.lock().expect("no holder panics"))
}

/// True once the gateway drains; told also when anybody may have ceased to be who they are.
pub(crate) type Leave = watch::Receiver<bool>;

/// Waits until somebody may stay no longer, or nobody.
pub(crate) async fn ended(access: &Access, who: Arc<Principal>, leave: &mut Leave) -> Close {
    loop {
        if *leave.borrow_and_update() {
            return Close::Draining;
        }
        if let Err(close) = access.stands(&who) {
            return close;
        }
        let over = who.until.map(|until| Instant::now() + left(access, until));
        tokio::select! {
            () = at(over) => {}
            changed = leave.changed() => if changed.is_err() {
                return Close::Draining;
            },
        }
    }
}

/// When somebody has to be told that their credential ends; `None`: never.
pub(crate) fn warning_at(access: &Access, who: &Principal) -> Option<Instant> {
    let until = who.until?;
    Some(Instant::now() + left(access, until - WARNING_MS))
}

/// A moment, or never.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        // Boxed: most wait for no moment at all.
        Some(moment) => Box::pin(tokio::time::sleep_until(moment)).await,
        None => std::future::pending().await,
    }
}

/// What they are told then.
pub(crate) fn warning(access: &Access, who: &Principal) -> ServerFrame {
    let seconds = who.until.map_or(0, |until| left(access, until).as_secs());
    ServerFrame::Note {
        id: None,
        kind: "access_expires".to_owned(),
        on: true,
        detail: format!("in {seconds} s; send auth with another key or token, or sign in again"),
    }
}

/// What they hear when a new credential holds.
pub(crate) fn renewed(access: &Access, who: &Principal) -> ServerFrame {
    let seconds = who.until.map(|until| left(access, until).as_secs());
    let until = seconds.map_or_else(
        || "until it is revoked".to_owned(),
        |s| format!("for {s} s"),
    );
    ServerFrame::Note {
        id: None,
        kind: "access_expires".to_owned(),
        on: false,
        detail: format!("the new credential holds {until}"),
    }
}

fn left(access: &Access, until: i64) -> Duration {
    let ms = u64::try_from(until.saturating_sub(access.now_ms())).unwrap_or_default();
    // A timer of centuries is not one.
    Duration::from_millis(ms.min(30 * 24 * 3_600 * 1_000))
}
