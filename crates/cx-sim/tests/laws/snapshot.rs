//! Law 6: a snapshot and the records after it equal a replay of all records.

use crate::fold::{catalog, deliver, engine, lean};
use crate::talks::talks;
use crate::world::{SEEDS, logs, world};
use cx_catalog::compiled::Compiled;
use cx_engine::{Account, Block, Config, Customer, Effect, Engine, Plan, Unfit};
use cx_model::ids::HashKey;
use cx_model::limits::Limits;
use cx_model::time::{HOUR, Timestamp};
use cx_model::window::Window;
use cx_sim::slow::LogRecord;
use proptest::prelude::*;
use std::sync::Arc;

/// What can be seen of an engine: effects since it was watched, its account, tables and customers.
type Seen = (
    Vec<Effect>,
    Account,
    [(&'static str, usize, usize); 8],
    Vec<Option<Customer>>,
);

fn config(partition: u32) -> Config {
    Config {
        partition,
        partitions: 1,
        start_offset: 0,
        gaps_are_losses: false,
        hash_key: HashKey(7, 9),
    }
}

fn restored(set: &Arc<Compiled>, bytes: &[Vec<u8>]) -> Result<Engine, Unfit> {
    let blocks = bytes
        .iter()
        .map(|b| postcard::from_bytes(b).expect("our own bytes"));
    Engine::restore(config(0), &[Arc::new(Plan::new(Arc::clone(set)))], blocks)
}

fn bytes(block: &Block) -> Vec<u8> {
    postcard::to_stdvec(block).expect("plain data")
}

fn drain(engine: &mut Engine) -> Vec<Effect> {
    std::iter::from_fn(|| engine.next_effect()).collect()
}

/// Records from an offset on, then two hours in which everything falls due.
fn tail(engine: &mut Engine, set: &Compiled, log: &[LogRecord], from: usize) -> Seen {
    let mut effects = Vec::new();
    for (i, record) in log.iter().enumerate().skip(from) {
        deliver(engine, set, i64::try_from(i).expect("few"), record);
        effects.extend(drain(engine));
    }
    let last = engine.log_time().unwrap_or_default();
    for minutes in [1, 7, 50, 120, 26 * 60] {
        engine.handle_timeout(Timestamp(last.0 + minutes * HOUR / 60));
        effects.extend(drain(engine));
    }
    let reader = engine.customers();
    let key = |c: i32| HashKey(7, 9).hash(&[format!("c-{c}").as_str()]);
    let customers = (0..6).map(|c| reader.get(key(c))).collect();
    (
        effects,
        engine.account().clone(),
        engine.tables(),
        customers,
    )
}

/// Where and how a cut is made.
#[derive(Debug, Clone)]
pub(crate) struct Cutting {
    /// After this share of the log.
    pub(crate) at: f64,
    /// Blocks saved while the engine takes one record.
    pub(crate) pace: usize,
    /// The log time of the record after the cut is announced before it, where it moves there.
    pub(crate) announced: bool,
}

fn cuttings() -> impl Strategy<Value = Cutting> {
    (0.0..1.0_f64, 1_usize..40, any::<bool>()).prop_map(|(at, pace, announced)| Cutting {
        at,
        pace,
        announced,
    })
}

/// Law 6 for one cut of one log; how many decisions the tail has.
pub(crate) fn check(
    set: &Arc<Compiled>,
    log: &[LogRecord],
    cutting: &Cutting,
) -> Result<usize, TestCaseError> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a small log"
    )]
    let at = (cutting.at * log.len() as f64) as usize;
    let mut whole = engine(set, 0, 1);
    for (offset, record) in (0..).zip(&log[..at]) {
        deliver(&mut whole, set, offset, record);
        drain(&mut whole);
    }
    let next = log[at].timestamp;
    // No jump: the record moves log time there.
    let moves = |t| t <= next && next.since(t) <= HOUR;
    if cutting.announced && whole.log_time().is_none_or(moves) {
        whole.handle_timeout(next);
        drain(&mut whole);
    }
    // The saver takes its time while the engine goes on.
    let cut = whole.cut();
    prop_assert_eq!(cut.next_offset(), i64::try_from(at).expect("few"));
    let (mut blocks, mut saved) = (cut.blocks(), Vec::new());
    let mut expected = Vec::new();
    for (i, record) in log.iter().enumerate().skip(at) {
        saved.extend(blocks.by_ref().take(cutting.pace).map(|b| bytes(&b)));
        deliver(&mut whole, set, i64::try_from(i).expect("few"), record);
        expected.extend(drain(&mut whole));
    }
    saved.extend(blocks.map(|b| bytes(&b)));
    let mut again = restored(set, &saved).expect("a whole snapshot");
    // What the engine did meanwhile comes before what both do now.
    let mut seen = tail(&mut whole, set, &[], 0);
    expected.append(&mut seen.0);
    seen.0 = expected;
    let got = tail(&mut again, set, log, at);
    prop_assert_eq!(&got.1, &seen.1);
    prop_assert_eq!(&got.2, &seen.2);
    prop_assert_eq!(&got.3, &seen.3);
    prop_assert_eq!(got.0.len(), seen.0.len());
    for (got, seen) in got.0.iter().zip(&seen.0) {
        prop_assert!(got == seen, "{got:?} is not {seen:?}");
    }
    // A record below the next offset is refused.
    let before = again.account().clone();
    deliver(&mut again, set, 0, &log[0]);
    prop_assert_eq!(again.account().stale, before.stale + 1);
    prop_assert_eq!(again.account().next, before.next);
    let decisions = got.0.iter().filter(|e| matches!(e, Effect::Decision(_)));
    Ok(decisions.count())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_6_a_snapshot_and_its_tail_equal_a_full_replay(seed in SEEDS, cutting in cuttings()) {
        let log = logs(&world(seed), 1, 4).remove(0);
        let set = Arc::new(catalog().compile(1));
        check(&set, &log, &cutting)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_6_a_snapshot_and_its_tail_decide_what_a_full_replay_decides(
        seed in any::<u64>(),
        cutting in cuttings(),
    ) {
        let log = logs(&talks(seed), 1, 2).remove(0);
        check(&lean(&catalog(), Limits::default()), &log, &cutting)?;
    }
}

#[test]
fn law_6_a_cut_before_any_record_of_a_talk_leaves_its_tail_the_same_decisions() {
    let set = lean(&catalog(), Limits::default());
    for (seed, announced) in [(4, false), (4, true), (8, true), (11, true)] {
        let log = logs(&talks(seed), 1, 2).remove(0);
        let mut before = usize::MAX;
        let all = i32::try_from(log.len()).expect("few");
        for i in 0..all {
            let cutting = Cutting {
                at: (f64::from(i) + 0.5) / f64::from(all),
                pace: 1,
                announced,
            };
            let decisions = check(&set, &log, &cutting);
            let decisions = decisions.unwrap_or_else(|e| panic!("{seed}, record {i}: {e}"));
            assert!(i > 0 || decisions > 5, "the tail holds only {decisions}");
            assert!(decisions <= before, "{seed}, record {i}");
            before = decisions;
        }
    }
}

#[test]
fn blocks_that_are_missing_or_of_another_partition_or_set_make_no_engine() {
    let log = logs(&world(3), 1, 4).remove(0);
    let set = Arc::new(catalog().compile(1));
    let mut whole = engine(&set, 0, 1);
    for (offset, record) in (0..).zip(&log) {
        deliver(&mut whole, &set, offset, record);
        drain(&mut whole);
    }
    let all: Vec<Vec<u8>> = whole.cut().blocks().map(|b| bytes(&b)).collect();
    assert!(restored(&set, &all).is_ok());
    for missing in 0..all.len() {
        let mut some = all.clone();
        some.remove(missing);
        assert!(restored(&set, &some).is_err(), "block {missing} is missed");
    }
    let mut other = catalog();
    let offered = other.kpis.iter_mut().find(|k| k.kpi == "offered");
    offered.expect("shipped").windows = vec![Window::M1];
    let other = Arc::new(other.compile(1));
    let why = restored(&other, &all).err().map(|e| e.to_string());
    assert_eq!(why.as_deref(), Some("block 1: panes of another set"));
    let blocks = all.iter().map(|b| postcard::from_bytes(b).expect("bytes"));
    let elsewhere = Engine::restore(config(1), &[Arc::new(Plan::new(set))], blocks);
    let why = elsewhere.err().map(|e| e.to_string());
    assert_eq!(
        why.as_deref(),
        Some("block 0: the head of another partition")
    );
}
