//! In: the name of a moment, and `WATCHFLOOR_FAILPOINT=NAME:N`. Kept: how often it came. Out: the
//! process dies at the Nth time, as `kill -9` would end it. Never knows: what the moment means.
//!
//! For `cargo xtask chaos` only: without the variable a moment costs one load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Moments at which a process can be made to die.
pub(crate) const APPLY: &str = "before-apply";
pub(crate) const APPLIED: &str = "after-apply";
pub(crate) const PRODUCE: &str = "before-produce";
pub(crate) const PRODUCED: &str = "after-produce";
pub(crate) const ACKNOWLEDGED: &str = "after-acknowledgement";
pub(crate) const WRITE: &str = "snapshot-write";
pub(crate) const SYNC: &str = "snapshot-sync";
pub(crate) const RENAME: &str = "snapshot-rename";
pub(crate) const SYNC_FOLDER: &str = "snapshot-folder-sync";
pub(crate) const KEPT: &str = "snapshot-kept";

struct Armed {
    name: String,
    left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Dies here if this is the moment.
pub(crate) fn reach(name: &str) {
    let armed = ARMED.get_or_init(|| read(&std::env::var("WATCHFLOOR_FAILPOINT").ok()?));
    let Some(armed) = armed.as_ref().filter(|armed| armed.name == name) else {
        return;
    };
    if armed.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        die();
    }
}

/// Not an abort: writing its memory to a disk takes a process longer than chaos waits.
fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let killed = kill_process(getpid(), Signal::KILL);
    unreachable!("a process may end itself: {killed:?}")
}

fn read(text: &str) -> Option<Armed> {
    let (name, times) = text.split_once(':')?;
    let times: u64 = times.parse().ok().filter(|times| *times > 0)?;
    Some(Armed {
        name: name.to_owned(),
        left: AtomicU64::new(times),
    })
}
