use super::*;
use crate::chance::Chance;
use crate::stream::Medium;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// 360 calls an hour of 240 s each: 24 Erlangs.
const GAP_MS: f64 = 10_000.0;
const SERVICE_MS: f64 = 240_000.0;
const PATIENCE_MS: f64 = 180_000.0;
const ERLANGS: f64 = 24.0;
/// Answered in time: within 20 s.
const TARGET_MS: i64 = 20_000;

/// What a queue does in steady state; waits are those of all who came, in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    waits: f64,
    abandons: f64,
    mean_wait_s: f64,
    in_time: f64,
}

/// Erlang C by the recursion of Erlang B; nobody leaves.
fn erlang_c(n: u32) -> Figures {
    let mut b = 1.0;
    for k in 1..=n {
        b = ERLANGS * b / (f64::from(k) + ERLANGS * b);
    }
    let waits = b / (1.0 - ERLANGS / f64::from(n) * (1.0 - b));
    let spare_per_s = (f64::from(n) - ERLANGS) / (SERVICE_MS / 1_000.0);
    Figures {
        waits,
        abandons: 0.0,
        mean_wait_s: waits / spare_per_s,
        in_time: 1.0 - waits * (-spare_per_s * 20.0).exp(),
    }
}

/// Erlang A: the birth and death chain of M/M/n + M, summed state by state.
fn erlang_a(n: u32) -> Figures {
    let (mut p, mut sum, mut busy, mut line) = (1.0, 1.0, 0.0, 0.0);
    let ratio = SERVICE_MS / PATIENCE_MS;
    for k in 1..2_000_u32 {
        let beyond = f64::from(k.saturating_sub(n));
        p *= ERLANGS / (f64::from(k.min(n)) + beyond * ratio);
        sum += p;
        if k >= n {
            busy += p;
            line += p * beyond;
        }
    }
    // Little: who waits at a time = arrivals × mean wait; who leaves = waiting ÷ patience.
    let mean_wait_s = line / sum * GAP_MS / 1_000.0;
    Figures {
        waits: busy / sum,
        abandons: mean_wait_s / (PATIENCE_MS / 1_000.0),
        mean_wait_s,
        in_time: 0.0,
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Freed(usize),
    Gone(u64),
    Comes,
}

fn contact(id: u64, at: i64) -> Contact {
    Contact {
        id,
        reach: Reach {
            customer: 0,
            by: Medium::Voice,
            topic: "any",
            tries: 0,
        },
        queued_at: Timestamp(at),
        conversation: 0,
        gone: false,
        transferred: false,
    }
}

/// Runs the company's own queue with exponential gaps, service and (perhaps) patience; one
/// figure per batch of calls, after a warm-up.
fn simulate(n: usize, patient: bool, batches: usize, batch: usize) -> Vec<Figures> {
    let mut chance = Chance::new(n as u64);
    let mut queue = Queue::new(n, 1);
    let mut agenda = BinaryHeap::from([Reverse((0_i64, Next::Comes))]);
    let mut waits: BTreeMap<u64, (i64, bool)> = BTreeMap::new();
    let all = (batches + 1) * batch;
    let mut id = 0;
    while waits.len() < all {
        let Reverse((at, next)) = agenda.pop().expect("somebody always comes");
        match next {
            Next::Comes => {
                id += 1;
                queue.come(contact(id, at));
                agenda.push(Reverse((at + chance.exponential(GAP_MS), Next::Comes)));
                if !patient {
                    let gone = at + chance.exponential(PATIENCE_MS);
                    agenda.push(Reverse((gone, Next::Gone(id))));
                }
            }
            Next::Gone(id) => {
                if let Some(contact) = queue.leave(id) {
                    waits.insert(id, (at - contact.queued_at.0, true));
                }
            }
            Next::Freed(agent) => queue.freed(agent),
        }
        while let Some((contact, agent)) = queue.serve() {
            waits.insert(contact.id, (at - contact.queued_at.0, false));
            let end = at + chance.exponential(SERVICE_MS);
            agenda.push(Reverse((end, Next::Freed(agent))));
        }
    }
    let decided: Vec<(i64, bool)> = waits.into_values().collect();
    decided.chunks_exact(batch).skip(1).map(figures).collect()
}

#[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
fn figures(calls: &[(i64, bool)]) -> Figures {
    let share = |of: &dyn Fn(&&(i64, bool)) -> bool| {
        calls.iter().filter(of).count() as f64 / calls.len() as f64
    };
    Figures {
        waits: share(&|c| c.0 > 0),
        abandons: share(&|c| c.1),
        mean_wait_s: calls.iter().map(|c| c.0 as f64).sum::<f64>() / calls.len() as f64 / 1_000.0,
        in_time: share(&|c| !c.1 && c.0 <= TARGET_MS),
    }
}

/// The mean of the batches must lie within four standard errors of the exact figure. Calls that
/// follow each other wait alike, so the error is taken from the spread between batches of 5,000
/// calls (14 hours each, far beyond the memory of the queue), not from single calls; with 40
/// batches (200,000 calls) one run in some ten thousand would exceed it, and the seed is fixed.
/// The error itself must be small, or the test would not say much.
#[expect(clippy::cast_precision_loss, reason = "forty batches")]
fn check(batches: &[Figures], exact: f64, of: fn(&Figures) -> f64, what: &str) {
    let values: Vec<f64> = batches.iter().map(of).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance / n).sqrt();
    assert!(
        (mean - exact).abs() < 4.0 * error,
        "{what}: {mean:.4} ± {error:.4}, exactly {exact:.4}"
    );
    assert!(error < 0.1 * exact, "{what}: ± {error} says nothing");
}

fn near(found: f64, published: f64, unit: f64) {
    assert!(
        (found - published).abs() <= 0.51 * unit,
        "{found} is not {published}"
    );
}

#[test]
fn the_formulas_give_the_published_figures() {
    for (n, waits, in_time, asa) in [
        (28, 0.3331, 0.7613, 19.99),
        (29, 0.2423, 0.8403, 11.63),
        (30, 0.1729, 0.8952, 6.91),
    ] {
        let exact = erlang_c(n);
        near(exact.waits, waits, 1e-4);
        near(exact.in_time, in_time, 1e-4);
        near(exact.mean_wait_s, asa, 1e-2);
    }
    for (n, waits, abandons, wait) in [
        (22, 0.6443, 0.1345, 24.20),
        (24, 0.4935, 0.0869, 15.65),
        (26, 0.3454, 0.0519, 9.34),
        (28, 0.2193, 0.0284, 5.12),
    ] {
        let exact = erlang_a(n);
        near(exact.waits, waits, 1e-4);
        near(exact.abandons, abandons, 1e-4);
        near(exact.mean_wait_s, wait, 1e-2);
    }
}

#[test]
fn the_companys_queue_lands_on_erlang_c_where_nobody_leaves() {
    for n in [28, 29, 30] {
        let exact = erlang_c(n);
        let batches = simulate(n as usize, true, 40, 5_000);
        check(&batches, exact.waits, |f| f.waits, "P(wait)");
        check(&batches, exact.in_time, |f| f.in_time, "answered in 20 s");
        check(
            &batches,
            exact.mean_wait_s,
            |f| f.mean_wait_s,
            "speed of answer",
        );
    }
}

#[test]
fn the_companys_queue_lands_on_erlang_a_where_patience_ends() {
    for n in [22, 24, 26, 28] {
        let exact = erlang_a(n);
        let batches = simulate(n as usize, false, 40, 5_000);
        check(&batches, exact.waits, |f| f.waits, "P(wait)");
        check(&batches, exact.abandons, |f| f.abandons, "P(abandon)");
        check(&batches, exact.mean_wait_s, |f| f.mean_wait_s, "E[wait]");
    }
}

#[test]
fn an_agent_serves_as_many_at_once_as_told_and_the_least_busy_comes_first() {
    let mut queue = Queue::new(2, 3);
    (0..7).for_each(|id| queue.come(contact(id, 0)));
    let served: Vec<usize> = std::iter::from_fn(|| queue.serve().map(|s| s.1)).collect();
    assert_eq!(served, [0, 1, 0, 1, 0, 1]);
    assert!(queue.waits(6).is_some() && queue.leave(6).is_some());
    queue.freed(1);
    assert_eq!((queue.load(0), queue.load(1)), (3, 2));
    assert!(queue.serve().is_none(), "nobody waits");
}

#[test]
fn small_companies_need_a_larger_reserve() {
    assert_eq!((agents(100.0, 0.8, 1), agents(4.0, 0.8, 1)), (108, 6));
    assert_eq!((agents(9.0, 0.8, 3), agents(0.001, 0.8, 1)), (4, 1));
}
