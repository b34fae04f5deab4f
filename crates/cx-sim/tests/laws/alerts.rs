//! Law 8: every raised alert is true or cleared, over random sealed histories, whichever seconds were
//! sealed, through restarts that remember all and restarts that remember little.

use crate::fold::catalog;
use cx_catalog::Catalog;
use cx_catalog::compiled::Compiled;
use cx_engine::judge::{Judge, Place, Ruling, State, Verdict};
use cx_model::value::{CellValue, DATA_GAP, Sealed};
use cx_sim::slow::alerts::{Episode, episodes, says};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

const SEEDS: std::ops::Range<u64> = 0..8;
const BEGIN: i64 = 1_767_225_600;
const SEALS: usize = 250;

/// Seconds as they happened to be sealed: one after the other, whole minutes, holes.
fn seconds(rng: &mut StdRng) -> Vec<i64> {
    let mut s = BEGIN;
    let mut minutes = false;
    let step = |_| {
        minutes ^= rng.random_bool(0.05);
        s += match rng.random_range(0..40) {
            0 => rng.random_range(1..600),
            1..6 => rng.random_range(1..10),
            _ if minutes => 60 - s.rem_euclid(60),
            _ => 1,
        };
        s
    };
    (0..SEALS).map(step).collect()
}

/// A number that wanders about the limits of its alerts, and is not there now and then.
fn wander(rng: &mut StdRng, around: i64) -> Vec<CellValue> {
    let mut at = rng.random_range(0..around * 2 + 2);
    let step = around / 12 + 1;
    let one = |_| {
        at = (at + rng.random_range(-step..=step)).clamp(0, around * 2 + 1);
        let n = rng.random_range(10..60);
        CellValue {
            value: rng.random_bool(0.97).then_some(at),
            state: if rng.random_bool(0.1) { DATA_GAP } else { 0 },
            n,
            numerator: at,
            denominator: Some(n * 12),
            ..CellValue::default()
        }
    };
    (0..SEALS).map(one).collect()
}

/// A scaled number near the limits of a shipped KPI's alerts.
fn around(kpi: &str) -> i64 {
    match kpi {
        "source_age" => 120,
        "service_level_voice" | "service_level_chat" => 760,
        "oldest_waiting" => 180,
        "abandonment_rate" => 85,
        "checkout_errors" => 160,
        "error_rate" => 350,
        "error_budget_burn" => 120,
        "replies_overdue" => 32,
        "dead_letters" => 120,
        "integration_completeness" => 960,
        other => panic!("{other} has alerts: say where its limits are"),
    }
}

struct World {
    catalog: &'static Catalog,
    set: Arc<Compiled>,
    seals: Vec<Sealed>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        static SHIPPED: LazyLock<(Catalog, Arc<Compiled>)> = LazyLock::new(|| {
            let catalog = catalog();
            let set = Arc::new(catalog.compile(1));
            (catalog, set)
        });
        let (catalog, set) = &*SHIPPED;
        let set = Arc::clone(set);
        let seconds = seconds(&mut rng);
        let judged: BTreeMap<usize, i64> = set
            .alerts
            .iter()
            .flat_map(|a| a.cells.iter().map(|c| (c.cell, around(&a.kpi))))
            .collect();
        let mut values = vec![vec![CellValue::default(); set.cells.len()]; SEALS];
        for (cell, around) in judged {
            for (i, value) in wander(&mut rng, around).into_iter().enumerate() {
                values[i][cell] = value;
            }
        }
        let seal = |(s, values): (i64, Vec<CellValue>)| Sealed {
            s,
            sealed: true,
            offsets: Arc::from([0]),
            values: values.into(),
            final_through: s,
            waiting_for: Vec::new(),
        };
        Self {
            seals: seconds.into_iter().zip(values).map(seal).collect(),
            catalog,
            set,
        }
    }

    fn judge(&self, state: State) -> Judge {
        Judge::new(Arc::clone(&self.set), state)
    }

    /// What the slow model says, by place; only those that were raised at all.
    fn slow(&self) -> BTreeMap<Place, Vec<Episode>> {
        let mut all = BTreeMap::new();
        for alert in &self.set.alerts {
            let kpi = self.catalog.kpis.iter().find(|k| *k.kpi == *alert.kpi);
            let kpi = kpi.expect("compiled from it");
            for cell in &alert.cells {
                let history = self.seals.iter().map(|s| (s.s, s.values[cell.cell]));
                let history: Vec<(i64, CellValue)> = history.collect();
                let found = episodes(kpi, alert.index, cell.freshness, &history);
                let place = Place {
                    kpi: kpi.kpi.clone(),
                    definition: kpi.hash.clone(),
                    window: alert.alert.window.name().to_owned(),
                    dims: self.set.cells[cell.cell].key.dims.clone(),
                    alert: alert.index,
                };
                if !found.is_empty() {
                    all.insert(place, found);
                }
            }
        }
        all
    }
}

/// Verdicts as episodes; panics where one is raised twice, cleared unraised, or its ids differ.
fn told(verdicts: &[Verdict]) -> BTreeMap<Place, Vec<Episode>> {
    let mut all: BTreeMap<Place, Vec<Episode>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for v in verdicts {
        assert_eq!(v.id, v.place.alert_id(v.raised), "{v:?}");
        assert!(
            ids.insert((v.id.clone(), v.ruling == Ruling::Raised)),
            "twice: {v:?}"
        );
        let episodes = all.entry(v.place.clone()).or_default();
        match (v.ruling, episodes.last_mut()) {
            (Ruling::Raised, None | Some((_, Some(_)))) => {
                assert_eq!(v.raised, v.s);
                episodes.push((v.s, None));
            }
            (Ruling::Cleared | Ruling::Withdrawn, Some((raised, cleared @ None))) => {
                assert_eq!(v.raised, *raised);
                *cleared = Some(v.s);
            }
            (ruling, last) => panic!("{ruling:?} after {last:?}: {v:?}"),
        }
    }
    all
}

#[test]
fn law_8_the_judge_says_what_the_whole_history_says() {
    let mut raised = 0;
    for seed in SEEDS {
        let world = World::new(seed);
        let mut judge = world.judge(State::default());
        let verdicts = world.seals.iter().flat_map(|s| judge.handle_seal(s));
        let verdicts: Vec<Verdict> = verdicts.collect();
        let told = told(&verdicts);
        assert_eq!(told, world.slow(), "seed {seed}");
        raised += told.values().map(Vec::len).sum::<usize>();
    }
    assert!(raised > 200, "the worlds do too little: {raised}");
}

#[test]
fn a_judge_who_remembers_his_state_goes_on_as_if_nothing_had_been() {
    for seed in SEEDS {
        let world = World::new(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut judge = world.judge(State::default());
        let mut verdicts = Vec::new();
        for seal in &world.seals {
            verdicts.extend(judge.handle_seal(seal));
            if rng.random_bool(0.1) {
                let bytes = serde_json::to_vec(&judge.state()).expect("plain data");
                let state = serde_json::from_slice(&bytes).expect("our own");
                judge = world.judge(state);
                assert!(judge.handle_seal(seal).is_empty(), "judged already");
            }
        }
        assert_eq!(told(&verdicts), world.slow(), "seed {seed}");
    }
}

/// A life ends at any moment: of its verdicts those before some point are in the log, and a state from
/// before them; the next life hears other seconds, some of them again.
#[test]
fn law_8_through_lives_that_end_no_verdict_is_doubled_and_each_is_true_or_cleared() {
    let mut lost = 0;
    for seed in SEEDS {
        let world = World::new(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut log: Vec<Verdict> = Vec::new();
        let mut state = State::default();
        let mut from = 0;
        // Seconds that the judges took, for the look back at the end.
        let mut judged: Vec<&Sealed> = Vec::new();
        while from < world.seals.len() {
            let mut judge = world.judge(state.clone().after_an_end());
            let end = (from + rng.random_range(1..80)).min(world.seals.len());
            let (mut fresh, mut kept) = (Vec::new(), (state, 0));
            for seal in &world.seals[from..end] {
                if judge.through().is_none_or(|t| seal.s > t) {
                    judged.push(seal);
                }
                fresh.extend(judge.handle_seal(seal));
                if rng.random_bool(0.1) {
                    kept = (judge.state(), fresh.len());
                }
            }
            let last = end == world.seals.len();
            let landed = if last {
                fresh.len()
            } else {
                rng.random_range(kept.1..=fresh.len())
            };
            lost += fresh.len() - landed;
            fresh.truncate(landed);
            state = kept.0;
            for v in &fresh[kept.1..] {
                match v.ruling {
                    Ruling::Raised => state.raised(v.place.clone(), v.s),
                    Ruling::Cleared | Ruling::Withdrawn => state.cleared(&v.place, v.s),
                }
            }
            log.extend(fresh);
            // From a snapshot of before, or one of later: seconds again, or left out.
            from = if last {
                end
            } else {
                end - rng.random_range(0..(end - from).min(30))
            };
            judged.retain(|seal| state.through.is_some_and(|t| seal.s <= t) || last);
        }
        for (place, episodes) in told(&log) {
            true_or_cleared(&world, &judged, &place, &episodes);
        }
    }
    assert!(lost > 0, "every verdict landed: the lives end too late");
}

#[test]
fn a_delay_that_ran_when_a_life_ended_begins_anew_and_what_was_raised_stays_raised() {
    let world = World::new(1);
    let mut verdicts = Vec::new();
    let mut delayed = |judge: &mut Judge, s: i64, value: i64| {
        let mut seal = Sealed {
            s,
            ..world.seals[0].clone()
        };
        let bad = CellValue {
            value: Some(value),
            n: 50,
            numerator: 50,
            denominator: Some(50),
            ..CellValue::default()
        };
        seal.values = vec![bad; world.set.cells.len()].into();
        let said = judge.handle_seal(&seal);
        let own = said
            .into_iter()
            .filter(|v| v.place.kpi == "checkout_errors");
        verdicts.extend(own.map(|v| (v.s, v.ruling)));
    };
    let mut judge = world.judge(State::default());
    for s in 0..5 {
        delayed(&mut judge, s, 1_000);
    }
    let mut judge = world.judge(judge.state().after_an_end());
    for s in 9..14 {
        delayed(&mut judge, s, 1_000);
    }
    delayed(&mut judge, 14, 1_000);
    let mut judge = world.judge(judge.state().after_an_end());
    delayed(&mut judge, 15, 1_000);
    delayed(&mut judge, 60, 0);
    let cells = verdicts.len() / 2;
    assert!(cells > 0, "five seconds, begun at 9");
    assert!(
        verdicts[..cells].iter().all(|v| *v == (14, Ruling::Raised)),
        "{verdicts:?}"
    );
    assert!(
        verdicts[cells..]
            .iter()
            .all(|v| *v == (60, Ruling::Cleared)),
        "{verdicts:?}"
    );
}

/// What was raised was true then; what stands was not cleared by any second that was judged since.
fn true_or_cleared(world: &World, judged: &[&Sealed], place: &Place, told: &[Episode]) {
    let alert = world.set.alerts.iter().find(|a| {
        (&*a.kpi, a.index, a.alert.window.name()) == (&*place.kpi, place.alert, &*place.window)
    });
    let alert = alert.expect("of the set");
    let cell = alert.cells.iter();
    let cell = cell
        .copied()
        .find(|c| world.set.cells[c.cell].key.dims == place.dims);
    let cell = cell.expect("of the set");
    let kpi = world.catalog.kpis.iter().find(|k| k.kpi == place.kpi);
    let kpi = kpi.expect("of the catalogue");
    let holds_at = |s: i64| {
        let seal = world.seals.iter().find(|seal| seal.s == s).expect("sealed");
        says(kpi, place.alert, cell.freshness, &seal.values[cell.cell]).0
    };
    for (raised, cleared) in told {
        assert!(holds_at(*raised), "raised untrue at {raised}: {place:?}");
        if cleared.is_some() {
            continue;
        }
        let since = judged.iter().filter(|seal| seal.s >= *raised);
        let since: Vec<(i64, CellValue)> =
            since.map(|seal| (seal.s, seal.values[cell.cell])).collect();
        let mut at_once = kpi.clone();
        at_once.alerts[place.alert].for_s = 0;
        let standing = episodes(&at_once, place.alert, cell.freshness, &since);
        assert_eq!(standing, [(*raised, None)], "{place:?}");
    }
}

#[test]
fn an_alert_whose_definition_is_gone_is_withdrawn_once() {
    let world = World::new(1);
    let mut judge = world.judge(State::default());
    let verdicts = world.seals.iter().flat_map(|s| judge.handle_seal(s));
    let open = told(&verdicts.collect::<Vec<_>>());
    let open = open
        .values()
        .filter(|e| e.last().is_some_and(|e| e.1.is_none()));
    let open = open.count();
    assert!(open > 0);
    let mut bare = world.catalog.compile(2);
    bare.alerts.clear();
    let mut judge = Judge::new(Arc::new(bare), judge.state());
    let mut later = world.seals.last().expect("sealed").clone();
    later.s += 1;
    let gone = judge.handle_seal(&later);
    assert_eq!(gone.len(), open);
    assert!(
        gone.iter()
            .all(|v| v.ruling == Ruling::Withdrawn && v.shown.is_none())
    );
    later.s += 1;
    assert!(judge.handle_seal(&later).is_empty() && judge.state().standing.is_empty());
}
