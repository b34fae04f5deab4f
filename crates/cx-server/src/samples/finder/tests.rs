//! The finder against the engine: over a log that is read whole, what counts here is what counted there.

use super::Finder;
use cx_catalog::compiled::{Compiled, CompiledAgg, combos};
use cx_engine::{Config, Content, Counts, Delivery, Effect, Engine, Plan, Rollup};
use cx_gateway::{Doubt, Sample};
use cx_model::decode::of_record;
use cx_model::ids::{HashKey, partition_of};
use cx_model::record::{Record, TimestampKind};
use cx_model::time::{MINUTE, Timestamp};
use cx_model::value::{CellValue, Sealed};
use cx_sim::{Company, Faults};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const PARTITIONS: u32 = 3;
const KEY: HashKey = HashKey(7, 9);
/// A whole hour: 2026-01-01T00:00Z.
const BEGIN: i64 = 1_767_225_600;

/// A written log, by partition, and what the engine sealed of it last.
struct World {
    set: Arc<Compiled>,
    logs: Vec<Vec<(Timestamp, Vec<u8>)>>,
    sealed: Sealed,
    counts: Arc<[Counts]>,
}

fn record(partition: u32, offset: usize, (at, value): &(Timestamp, Vec<u8>)) -> Record<'_> {
    Record {
        partition,
        offset: i64::try_from(offset).expect("a short log"),
        timestamp: *at,
        timestamp_kind: TimestampKind::Create,
        key: None,
        value: Some(value),
        control: None,
        content_type: None,
        attributes: &[],
    }
}

impl World {
    fn new(minutes: i64) -> Self {
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        let catalog = cx_catalog::load(&catalog).expect("the shipped catalogue");
        let set = Arc::new(catalog.compile(1));
        let begin = Timestamp::from_second(BEGIN);
        let mut company = Company::new(cx_sim::Config {
            seed: 5,
            customers: 300,
            rate_per_s: 3.0,
            start: begin,
            incident_at: None,
            diurnal: false,
            faults: Faults {
                duplicates: 0.05,
                late: 0.05,
                malformed: 0.01,
                ..Faults::usual()
            },
        });
        let mut logs = vec![Vec::new(); PARTITIONS as usize];
        while company.peek_at() < begin.plus(minutes * MINUTE) {
            let emission = company.next_emission();
            let partition = partition_of(&emission.key, PARTITIONS) as usize;
            logs[partition].push((emission.at, emission.value));
        }
        let mut rollup = Rollup::new(Arc::clone(&set), PARTITIONS);
        for (partition, log) in (0..).zip(&logs) {
            fold(&set, partition, log, &mut rollup);
        }
        let sealed = rollup.newest().expect("a sealed second").clone();
        let counts = rollup.counts_at(sealed.s).expect("as new");
        Self {
            set,
            logs,
            sealed,
            counts,
        }
    }

    /// All that counts in a cell, its numerator and its denominator, among the records from `first` on.
    fn found(&self, cell: usize, first: usize) -> (Vec<Sample>, Option<Vec<Sample>>) {
        let doubt = Doubt {
            cell,
            sealed: self.sealed.clone(),
        };
        let mut finder = Finder::of(&self.set, &doubt, (KEY, PARTITIONS)).expect("a cell");
        finder.few = usize::MAX;
        for (partition, log) in (0..).zip(&self.logs) {
            let end = usize::try_from(self.sealed.offsets[partition as usize]).expect("an offset");
            for (offset, line) in log.iter().enumerate().take(end).skip(first) {
                finder.record(&record(partition, offset, line), None);
            }
        }
        let found = finder.found(Vec::new(), 0, true);
        (found.numerator, found.denominator)
    }

    fn cannot(&self, cell: usize) -> bool {
        let doubt = Doubt {
            cell,
            sealed: self.sealed.clone(),
        };
        let finder = Finder::of(&self.set, &doubt, (KEY, PARTITIONS));
        finder.expect("a cell").cannot().is_some()
    }
}

fn fold(set: &Arc<Compiled>, partition: u32, log: &[(Timestamp, Vec<u8>)], rollup: &mut Rollup) {
    let config = Config {
        partition,
        partitions: PARTITIONS,
        start_offset: 0,
        gaps_are_losses: false,
        hash_key: KEY,
    };
    let mut engine = Engine::new(config, Arc::new(Plan::new(Arc::clone(set))));
    for (offset, line) in log.iter().enumerate() {
        let record = record(partition, offset, line);
        let decoded = of_record(&record, &set.slots, &set.limits);
        let content = match &decoded {
            Ok(event) => Content::Event(event),
            Err(rejected) => Content::Rejected(rejected.clone()),
        };
        engine.handle_record(&Delivery {
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_kind: record.timestamp_kind,
            content,
        });
        while let Some(effect) = engine.next_effect() {
            if let Effect::Part(part) = effect {
                drop(rollup.handle_part(part));
            }
        }
    }
}

/// How many of these records the part of a value says there are.
fn expected(set: &Compiled, measure: usize, part: i64, value: &CellValue) -> i64 {
    match set.measures[measure].agg {
        CompiledAgg::Count | CompiledAgg::CountRecords | CompiledAgg::CountDistinct => part,
        CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Min { .. }
        | CompiledAgg::Max { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::Channels(_)
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Attempts(..)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => value.n,
    }
}

fn counted(set: &Compiled, measure: usize, found: &[Sample]) -> i64 {
    let distinct = set.measures[measure].agg == CompiledAgg::CountDistinct;
    let customers: BTreeSet<&String> = found.iter().filter_map(|s| s.customer.as_ref()).collect();
    let all = if distinct {
        customers.len()
    } else {
        found.len()
    };
    i64::try_from(all).expect("a short log")
}

/// KPIs of every kind, each in its longest window: the total, and one value of its breakdown.
fn cells(set: &Compiled) -> Vec<usize> {
    let kpis = [
        "service_level_voice",
        "conversion_rate",
        "revenue",
        "longest_wait",
        "speed_of_answer_p90",
        "average_order_value",
        "dead_letters",
        "duplicate_rate",
        "late_records",
        "offered",
        "active_customers",
        "checkout_errors",
        "abandonment_rate",
    ];
    let all = kpis.iter().flat_map(|name| {
        let kpi = set.kpis.iter().find(|k| *k.kpi == **name).expect("a KPI");
        let combos = combos(&kpi.dimensions);
        let longest = kpi.first_cell + (kpi.windows.len() - 1) * combos;
        [longest, longest + combos / 2]
    });
    let all: BTreeSet<usize> = all.collect();
    all.into_iter().collect()
}

#[test]
fn over_a_whole_log_exactly_the_records_are_found_that_the_engine_counted() {
    let world = World::new(40);
    let set = &world.set;
    let mut filled = 0;
    for cell in cells(set) {
        let key = &set.cells[cell].key;
        let kpi = set.kpis.iter().find(|k| k.kpi == key.kpi).expect("its KPI");
        let measures = kpi.formula.measures();
        let value = world.sealed.values[cell];
        let (top, bottom) = world.found(cell, 0);
        let says = expected(set, measures[0], value.numerator, &value);
        assert_eq!(
            counted(set, measures[0], &top),
            says,
            "above the line of {key:?}"
        );
        if let (Some(m), Some(bottom)) = (measures.get(1).copied(), bottom) {
            let says = expected(set, m, value.denominator.unwrap_or(0), &value);
            assert_eq!(counted(set, m, &bottom), says, "below the line of {key:?}");
        }
        filled += i64::from(value.n > 0);
    }
    assert!(filled >= 15, "{filled} cells are not empty");
    let sum = |of: fn(&Counts) -> i64| world.counts.iter().map(of).sum::<i64>();
    assert!(sum(|c| c.duplicates) > 0 && sum(|c| c.late) > 0 && sum(|c| c.dead_lettered) > 0);
    assert!(world.counts.iter().all(Counts::holds));
    let offsets: Vec<i64> = world.counts.iter().map(|c| c.next).collect();
    assert_eq!(offsets, world.sealed.offsets.to_vec());
}

#[test]
fn what_is_found_in_the_newest_records_alone_counted_too() {
    let world = World::new(15);
    let set = &world.set;
    let name = |s: &Sample| (s.source.clone(), s.id.clone());
    for cell in cells(set) {
        let key = &set.cells[cell].key;
        let kpi = set.kpis.iter().find(|k| k.kpi == key.kpi).expect("its KPI");
        let above = kpi.formula.measures()[0];
        // Repeats of what was not read are not known as such.
        if set.measures[above].agg == CompiledAgg::CountRecords {
            continue;
        }
        let all: BTreeSet<_> = world.found(cell, 0).0.iter().map(name).collect();
        let newest = world.found(cell, 300).0;
        let strange = newest.iter().find(|s| !all.contains(&name(s)));
        assert_eq!(strange, None, "{key:?}");
    }
}

#[test]
fn facts_and_open_objects_name_no_record() {
    let world = World::new(2);
    let check = |kpi: &str, expected: bool| {
        let cells = world.set.cells.iter();
        let cell = cells.enumerate().find(|(_, c)| *c.key.kpi == *kpi);
        assert_eq!(world.cannot(cell.expect("a cell").0), expected, "{kpi}");
    };
    check("first_response_time", true);
    check("first_response_in_60s", true);
    check("waiting_now", true);
    check("source_age", true);
    check("nps", true);
    check("first_response_p90", true);
    check("service_level_voice", false);
    check("dead_letters", false);
}
