//! What chaos needs to strike at more than the house: brokers that may be killed, a disk that can be full.

use crate::run::now;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Size of the small disk: some dozen snapshots of a small house.
const SIZE: &str = "size=8m";

/// `cargo xtask kafka …`, by the one that runs this test, or the one built beside it.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let named = std::env::var_os("WATCHFLOOR_XTASK").map(PathBuf::from);
    let built = named.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("this test has a path");
        test.ancestors().nth(2).expect("…/deps/test").join("xtask")
    });
    let mut command = Command::new(built);
    command.arg("kafka").args(arguments);
    command
}

/// Runs `cargo xtask kafka …`, which must succeed.
pub(crate) fn kafka(arguments: &[&str]) {
    let status = xtask(arguments).status().expect("cargo xtask was built");
    assert!(status.success(), "cargo xtask kafka {arguments:?}");
}

/// Brokers that are nobody else's.
pub(crate) struct Brokers {
    port: String,
    pub(crate) count: u32,
}

impl Brokers {
    /// Those that the environment names; `None`: others use them too.
    pub(crate) fn ours() -> Option<Self> {
        let port = std::env::var("WATCHFLOOR_CHAOS_PORT").ok()?;
        let count = std::env::var("WATCHFLOOR_CHAOS_BROKERS").ok()?;
        Some(Self {
            port,
            count: count.parse().expect("a number"),
        })
    }

    pub(crate) fn kill(&self, broker: u32) {
        let broker = broker.to_string();
        kafka(&["kill", "--port", &self.port, "--broker", &broker]);
    }

    /// Waits until all answer again.
    pub(crate) fn up(&self) {
        let count = self.count.to_string();
        kafka(&["up", "--port", &self.port, "--brokers", &count]);
    }
}

/// A folder with little room.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one; `None` where this user may not.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder);
        let done = mount.output().is_ok_and(|done| done.status.success());
        done.then(|| Self(folder.to_owned()))
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) {
        let mut file = fs::File::create(self.filler()).expect("made");
        while file.write_all(&[0; 4_096]).is_ok() {}
    }

    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).expect("there");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Somebody may still be letting go of a file.
        let begun = now();
        while begun.elapsed() < Duration::from_secs(5) {
            let done = Command::new("umount").arg(&self.0).output();
            if done.is_ok_and(|done| done.status.success()) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}
