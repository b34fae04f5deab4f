//! In: displays that sleep, displays that return. Kept: nothing. Out: whether the others notice, and what it costs
//! the server. Never knows: how it is built.

use super::audience::{Audience, Log, Plan};
use super::{Options, Peer, SETTLE};
use crate::clock;
use crate::house::Running;
use crate::report::say;
use crate::screen::at_part;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// Whether the goals were reached, and figures.
type Outcome = (bool, Vec<(&'static str, f64)>);

/// Until when the server must have seen that each sleeper sleeps.
const NOTICED: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(200);
/// So many looks in a row: somebody who is awake may wait for an instant, too.
const LOOKS: u32 = 5;
/// What may be on its way to one sleeper: the send buffer (8 KiB, which the kernel doubles), the narrow receive
/// buffer, a frame in flight, one that the display had begun to read; or what may be unacknowledged.
const KERNEL: u64 = 16 * 1_024 + 4_096 + 2_048 + 512;
const UNACKED: u64 = 64 * 1_024 + 512;
/// Others are unchanged within this, and memory within that: an allocator's own movements.
const UNCHANGED: f64 = 1.2;
const FLAT: f64 = 1_024.0;

/// A tenth of the displays stop reading; once the server has noticed each of them they sleep on.
///
/// # Errors
/// A server that does not notice: the run is void. A sleeper that is wrong when it wakes.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
pub(super) fn stall(options: &Options) -> Result<Outcome> {
    let (server, address) = Peer::Watchfloor.start(options, "")?;
    let sleepers = usize::from(options.displays) / 10;
    let mut all = Audience::open(Plan {
        address,
        count: usize::from(options.displays),
        sleepers,
        cadence: options.cadence()?,
    })?;
    std::thread::sleep(SETTLE);
    let stall = Duration::from_secs(options.stall_s);
    let before = p99(&all.note(Duration::from_secs(options.seconds.max(10)))?);
    all.sleep();
    let after_s = noticed(address, sleepers)?;
    let (during, held) = std::thread::scope(|scope| {
        let watched = scope.spawn(|| watched(&server, address, options.stall_s));
        let during = all.note(stall);
        (during, watched.join())
    });
    let during = p99(&during?);
    let [rss, queues] = held.map_err(|_| anyhow::anyhow!("the watch panicked"))??;
    let woken = all.wake()?;
    all.end()?;
    let grown = |kib: &[f64]| {
        let most = kib.iter().copied().fold(f64::MIN, f64::max);
        most - kib.first().copied().unwrap_or_default()
    };
    let (rss_grown, queues_grown) = (grown(&rss), grown(&queues));
    let ratio = during / before;
    let [plain, owing] = woken.stale;
    say(&format!(
        "{sleepers} of {} displays stopped reading; the server had noticed each after {after_s:.1} s. Others' p99 {before:.2} ms before, {during:.2} in {} s: {ratio:.2}",
        options.displays, options.stall_s
    ));
    say(&format!(
        "meanwhile the server's memory grew by {rss_grown:.0} KiB at most, its socket queues from {:.0} KiB by {queues_grown:.0}; {} woke, right by digest with the first new frame; before it one read {plain} old bytes at most, one that acknowledges {owing}",
        queues.first().copied().unwrap_or_default(),
        woken.woken
    ));
    let ok = ratio <= UNCHANGED
        && rss_grown <= FLAT
        && queues_grown <= FLAT
        && plain <= KERNEL
        && owing <= UNACKED;
    Ok((
        ok,
        vec![
            ("stalled", sleepers as f64),
            ("stalled_right", woken.woken as f64),
            ("others_p99_over_before", ratio),
            ("stall_rss_grown_kib", rss_grown),
            ("stall_queues_grown_kib", queues_grown),
            ("stale_bytes_most", plain as f64),
            ("stale_bytes_most_acknowledging", owing as f64),
        ],
    ))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a minute")]
fn p99(log: &Log) -> f64 {
    let mut ages: Vec<f64> = log.ages.iter().map(|us| *us as f64 / 1e3).collect();
    at_part(&mut ages, 0.99)
}

/// Waits until the server counts each sleeper: the kernel takes no more, or it owes acknowledgements.
fn noticed(address: SocketAddr, sleepers: usize) -> Result<f64> {
    let begun = clock::instant();
    let (owing, mut looks) = (sleepers / 2, 0);
    while looks < LOOKS {
        let blocked = metric(address, "watchfloor_streams_would_block")?;
        let owe = metric(address, "watchfloor_subscriptions_unacknowledged")?;
        let all = blocked >= (sleepers - owing) as u64 && owe >= owing as u64;
        looks = if all { looks + 1 } else { 0 };
        ensure!(
            begun.elapsed() < NOTICED,
            "the run is void: of {sleepers} that do not read the server saw {blocked} blocked and {owe} owing"
        );
        std::thread::sleep(LOOK);
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Once a second: the server's memory, and what lies in the send queues of its sockets, KiB.
#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn watched(server: &Running, address: SocketAddr, seconds: u64) -> Result<[Vec<f64>; 2]> {
    let (mut rss, mut queues) = (Vec::new(), Vec::new());
    for _ in 0..seconds {
        rss.push(server.cost()?.rss as f64 / 1_024.0);
        queues.push(
            send_queues(&fs::read_to_string("/proc/net/tcp")?, address.port()) as f64 / 1_024.0,
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok([rss, queues])
}

/// Bytes not yet acknowledged by the other end's kernel, over all sockets of a local port.
fn send_queues(table: &str, port: u16) -> u64 {
    let own = format!(":{port:04X}");
    let queue = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next()?;
        let queue = fields.nth(2)?.split(':').next()?;
        local
            .ends_with(&own)
            .then(|| u64::from_str_radix(queue, 16).ok())?
    };
    // A listening socket has its waiting line there, in the other column.
    table.lines().filter_map(queue).sum()
}

/// All displays drop and return.
///
/// # Errors
/// One that does not come back, or is wrong when it does.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
pub(super) fn come_back(options: &Options) -> Result<Outcome> {
    let (_server, address) = Peer::Watchfloor.start(options, "")?;
    let count = usize::from(options.returning);
    let mut all = Audience::open(Plan {
        address,
        count,
        sleepers: 0,
        cadence: "sealed",
    })?;
    std::thread::sleep(SETTLE);
    let encoded = || metric(address, "watchfloor_frames_encoded_total");
    let before = encoded()?;
    let back = all.come_back()?;
    let made = encoded()? - before;
    let last = back.iter().max().context("somebody returns")?.as_secs_f64();
    // Two more seconds reach everybody, or somebody was lost.
    let heard = all.note(Duration::from_millis(2_500))?.ages.len();
    all.end()?;
    let lost = (2 * count).saturating_sub(heard).div_ceil(2);
    // Of each second sealed meanwhile one snapshot and one difference, however many ask.
    let most = 2.0 * (last.ceil() + 2.0);
    say(&format!(
        "{count} displays dropped and returned: the last was right by digest after {last:.2} s, {lost} were lost, {made} frames were encoded for them all"
    ));
    let ok = lost == 0 && (made as f64) <= most;
    Ok((
        ok,
        vec![
            ("returned", count as f64),
            ("return_seconds", last),
            ("lost", lost as f64),
            ("return_frames_encoded", made as f64),
        ],
    ))
}

fn metric(address: SocketAddr, name: &str) -> Result<u64> {
    let text = ureq::get(format!("http://{address}/metrics"))
        .call()?
        .body_mut()
        .read_to_string()?;
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    let found = text.lines().find_map(of);
    found.with_context(|| format!("/metrics has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn send_queues_of_one_port_are_added_up() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr\n   \
            0: 0100007F:1E14 0100007F:D431 01 00000010:00000000 00:00000000\n   \
            1: 0100007F:1E14 0100007F:D432 01 00000100:00000007 00:00000000\n   \
            2: 0100007F:D431 0100007F:1E14 01 00001000:00000000 00:00000000\n";
        assert_eq!(send_queues(table, 0x1e14), 0x110);
    }
}
