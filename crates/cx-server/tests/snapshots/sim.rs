//! Engine, snapshots, effects and disk in one thread, virtual time, one seed for everything that happens: lives
//! of a process, each ending at its own moment, until one reads the log to its end. What the engine
//! says must be what a single long life says (law 6), whatever the disk lost; and what follows from the
//! log must be written: each decision once, each refused record at least once (law 9). What alerts say must
//! be true or cleared, whatever verdicts a life took with it (law 8).
//!
//! `WATCHFLOOR_SIM_SEEDS` says how many seeds, `WATCHFLOOR_SIM_SEED` where they begin.

use crate::judging::Court;
use crate::model::Model;
use crate::output::{Mark, Output, Place};
use cx_catalog::compiled::Compiled;
use cx_catalog::{Catalog, FOLD_VERSION, load};
use cx_engine::{
    Account, Block, Config, Content, Decision, Delivery, Effect, Engine, Final, Part, Plan, Rollup,
};
use cx_model::control::{Act, Control};
use cx_model::decode::decode;
use cx_model::ids::HashKey;
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_model::value::CellValue;
use cx_server::snapshots::{Folder, Label, Last};
use cx_sim::disk::{End, Plan as Faulty};
use cx_sim::{Company, Faults};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

/// Lives that may end before the log does; the one after them reads it out.
const LIVES: u32 = 6;
const BEGIN: i64 = 1_767_225_600_000;

/// One record of the log.
struct Record {
    at: Timestamp,
    /// A clock record, by its counter; else an event or what is none.
    clock: Option<u64>,
    value: Vec<u8>,
}

/// What can be seen from outside.
#[derive(Debug, PartialEq)]
struct Seen {
    account: Account,
    tables: [(&'static str, usize, usize); 8],
    control: u64,
}

struct World {
    catalog: Catalog,
    set: Arc<Compiled>,
    plan: Arc<Plan>,
}

/// What happened in all seeds together.
#[derive(Debug, Default)]
struct Tally {
    lives: u32,
    saved: u32,
    refused: u32,
    restored: u32,
    aside: usize,
    /// Said again, or for the first time, by a life.
    decisions: usize,
    /// Alerts raised.
    alerts: usize,
}

impl World {
    fn new() -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        let mut catalog = load(&dir).unwrap_or_else(|f| panic!("{}", f[0]));
        // Due so soon, and decided so soon after, that short logs have breaches.
        catalog
            .reply_targets
            .values_mut()
            .for_each(|s| *s = 5.into());
        catalog.limits.lateness_ms = 10 * SECOND;
        let set = Arc::new(catalog.compile(1));
        Self {
            catalog,
            plan: Arc::new(Plan::new(Arc::clone(&set))),
            set,
        }
    }

    fn config() -> Config {
        Config {
            partition: 0,
            partitions: 1,
            start_offset: 0,
            gaps_are_losses: false,
            hash_key: HashKey(7, 9),
        }
    }

    fn fresh(&self) -> Engine {
        Engine::new(Self::config(), Arc::clone(&self.plan))
    }

    fn deliver(&self, engine: &mut Engine, offset: i64, record: &Record) -> Vec<Effect> {
        let decoded;
        let content = if let Some(counter) = record.clock {
            let act = Act::Clock;
            Content::Control(Control { counter, act })
        } else {
            decoded = decode(&record.value, &self.set.slots, &self.set.limits);
            match &decoded {
                Ok(event) => Content::Event(event),
                Err(rejected) => Content::Rejected(rejected.clone()),
            }
        };
        engine.handle_record(&Delivery {
            offset,
            timestamp: record.at,
            timestamp_kind: TimestampKind::LogAppend,
            content,
        });
        std::iter::from_fn(|| engine.next_effect()).collect()
    }

    fn label(&self, log: &[Record], next_offset: i64) -> Label {
        let offset = next_offset - 1;
        let last = log.get(usize::try_from(offset).unwrap_or(usize::MAX));
        Label {
            topic: "cx.interactions".to_owned(),
            partition: 0,
            partitions: 1,
            next_offset,
            fold_version: FOLD_VERSION,
            set_number: self.set.number,
            set_hash: self.set.hash.clone(),
            hash_key: 1,
            cut_at: 0,
            last: last.map(|record| Last {
                offset,
                timestamp: record.at.0,
                hash: HashKey(1, 1)
                    .hash(&[&String::from_utf8_lossy(&record.value)])
                    .0,
            }),
        }
    }
}

fn log(rng: &mut StdRng) -> Vec<Record> {
    let faults = Faults {
        duplicates: 0.05,
        out_of_order: 0.1,
        late: 0.03,
        malformed: 0.03,
        ..Faults::usual()
    };
    let mut company = Company::new(cx_sim::Config {
        seed: rng.random(),
        customers: rng.random_range(3..60),
        rate_per_s: rng.random_range(0.05..4.0),
        start: Timestamp(BEGIN),
        incident_at: Some(Timestamp(BEGIN + MINUTE)),
        diurnal: false,
        faults,
    });
    let mut counter = 0;
    let mut now = Timestamp(BEGIN);
    (0..rng.random_range(20..500))
        .map(|_| {
            if rng.random_bool(0.1) {
                counter += 1;
                now = now.plus(rng.random_range(0..5_000));
                return Record {
                    at: now,
                    clock: Some(counter),
                    value: Vec::new(),
                };
            }
            let emission = company.next_emission();
            now = now.max(emission.at);
            Record {
                at: now,
                clock: None,
                value: emission.value,
            }
        })
        .collect()
}

fn seen(engine: &Engine) -> Seen {
    Seen {
        account: engine.account().clone(),
        tables: engine.tables(),
        control: engine.control_counter(),
    }
}

/// What the single long life said.
#[derive(Default)]
struct Truth {
    parts: BTreeMap<i64, Part>,
    /// By the second at which the minute ended.
    finals: BTreeMap<i64, Final>,
    /// By the record that caused them.
    decisions: BTreeMap<i64, Vec<Decision>>,
    refused: BTreeSet<i64>,
}

impl Truth {
    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Part(part) => drop(self.parts.insert(part.s, part)),
                Effect::Final(one) => drop(self.finals.insert(one.end, one)),
                Effect::Decision(d) => self.decisions.entry(d.offset).or_default().push(d),
                Effect::DeadLetter { offset, .. } => drop(self.refused.insert(offset)),
            }
        }
    }

    /// Values of all seconds.
    fn sealed(&self, set: &Arc<Compiled>) -> BTreeMap<i64, Arc<[CellValue]>> {
        let mut rollup = Rollup::new(Arc::clone(set), 1);
        let parts = self.parts.values().cloned();
        let sealed = parts.filter_map(|part| rollup.handle_part(part));
        sealed.map(|sealed| (sealed.s, sealed.values)).collect()
    }

    /// Places of all decisions, in order.
    fn places(&self) -> Vec<Place> {
        let all = self.decisions.values().flatten();
        all.map(|d| (d.offset, d.index)).collect()
    }

    /// Panics where a life says something else of the record at `offset`; how many decisions it said.
    fn check(&self, offset: i64, effects: Vec<Effect>) -> usize {
        let mut said = Self::default();
        said.note(effects);
        for (s, part) in &said.parts {
            assert_eq!(self.parts.get(s), Some(part), "second {s}");
        }
        for (end, one) in &said.finals {
            assert_eq!(self.finals.get(end), Some(one), "the minute before {end}");
        }
        let decided = said.decisions.remove(&offset);
        assert_eq!(self.decisions.get(&offset), decided.as_ref(), "{offset}");
        assert!(said.decisions.is_empty(), "{offset}");
        decided.map_or(0, |all| all.len())
    }
}

/// What goes wrong in one life.
fn faults(rng: &mut StdRng, used: usize) -> Faulty {
    let one_in = |rng: &mut StdRng, n: u32| rng.random_ratio(1, n);
    Faulty {
        crash_at: one_in(rng, 2).then(|| rng.random_range(0..60)),
        sync_fails_at: one_in(rng, 4).then(|| rng.random_range(0..60)),
        room: one_in(rng, 6).then(|| used + rng.random_range(0..200_000)),
    }
}

/// One life from the newest snapshot on; whether it read the log to its end.
struct Life<'w> {
    world: &'w World,
    log: &'w [Record],
    truth: &'w Truth,
    output: &'w mut Output,
    court: &'w mut Court,
    tally: &'w mut Tally,
}

impl Life<'_> {
    fn start(&mut self, folder: &Folder<Model>) -> Option<Engine> {
        let plan = &self.world.plan;
        let found = folder.newest(0, 1, |label, blocks| {
            let blocks = blocks.map_while(|b| postcard::from_bytes::<Block>(&b).ok());
            let engine = Engine::restore(World::config(), std::slice::from_ref(plan), blocks);
            engine.map_err(|e| e.to_string()).inspect(|engine| {
                assert_eq!(engine.account().next, label.next_offset);
                assert_eq!(*label, self.world.label(self.log, label.next_offset));
            })
        });
        let found = found.ok()?;
        self.tally.aside += found.aside.len();
        self.tally.restored += u32::from(found.loaded.is_some());
        let engine = found.loaded.map(|loaded| loaded.made);
        Some(engine.unwrap_or_else(|| self.world.fresh()))
    }

    /// Reads on until the log ends (then the engine) or the life does.
    fn live(&mut self, model: &Model, rng: &mut StdRng, until: usize) -> Option<Engine> {
        let folder = Folder::open(model.clone(), 3).ok()?;
        let mut engine = self.start(&folder)?;
        let from = usize::try_from(engine.account().next).expect("not negative");
        let every = rng.random_range(5..120);
        let mut saving: Option<(i64, Mark, _, Vec<Vec<u8>>)> = None;
        for (i, record) in self.log.iter().enumerate().skip(from) {
            if i >= until {
                return None;
            }
            let offset = i64::try_from(i).expect("few");
            let said = self.world.deliver(&mut engine, offset, record);
            let minute = engine.log_time().map_or(0, Timestamp::minute);
            self.output.hand_over(offset, &said, minute);
            self.output.pass(rng);
            self.court.pass(rng);
            for effect in &said {
                if let Effect::Part(part) = effect {
                    self.court.hear(part);
                }
            }
            self.tally.decisions += self.truth.check(offset, said);
            // A saver that is slower than the engine: the cut is old when it is written.
            match &mut saving {
                None if i % every == 0 => {
                    let cut = engine.cut();
                    let mark = self.output.mark();
                    saving = Some((cut.next_offset(), mark, cut.blocks(), Vec::new()));
                }
                None => {}
                // Not before all that it holds is handed over.
                Some((_, mark, ..)) if !self.output.taken(*mark) => {}
                Some((next, _, blocks, bytes)) => {
                    let some = blocks.by_ref().take(rng.random_range(1..60));
                    let before = bytes.len();
                    bytes.extend(some.map(|b| postcard::to_stdvec(&b).expect("plain data")));
                    if bytes.len() == before {
                        let label = self.world.label(self.log, *next);
                        let uid = rng.random();
                        match folder.save(&label, uid, std::mem::take(bytes)) {
                            Ok(_) => self.tally.saved += 1,
                            Err(_) => self.tally.refused += 1,
                        }
                        saving = None;
                    }
                }
            }
        }
        Some(engine)
    }
}

fn run(world: &World, seed: u64, tally: &mut Tally) {
    let mut rng = StdRng::seed_from_u64(seed);
    let log = log(&mut rng);
    let mut whole = world.fresh();
    let mut truth = Truth::default();
    for (offset, record) in (0..).zip(&log) {
        truth.note(world.deliver(&mut whole, offset, record));
    }
    let (model, mut output) = (Model::default(), Output::default());
    let mut court = Court::new(&world.set);
    for life in 0..=LIVES {
        let last = life == LIVES;
        let (plan, until) = if last {
            (Faulty::default(), log.len())
        } else {
            let used = model.read_all();
            (faults(&mut rng, used), rng.random_range(0..=log.len()))
        };
        model.0.borrow_mut().plan(plan);
        tally.lives += 1;
        court.next_life();
        output.next_life(*[1, 10, 1_000].choose(&mut rng).expect("some"));
        let mut one = Life {
            world,
            log: &log,
            truth: &truth,
            output: &mut output,
            court: &mut court,
            tally,
        };
        if let Some(engine) = one.live(&model, &mut rng, until) {
            assert_eq!(seen(&engine), seen(&whole));
        } else {
            assert!(!last, "the last life has no faults and reads all");
        }
        let end = if rng.random() {
            End::Killed
        } else {
            End::PowerCut
        };
        model.0.borrow_mut().end(end, rng.random());
        if rng.random_ratio(1, 3) {
            model.0.borrow_mut().rot(rng.random());
        }
    }
    output.drain();
    output.check(&truth.places(), &truth.refused);
    tally.alerts += court.check(&world.catalog, &truth.sealed(&world.set));
}

#[test]
fn laws_6_8_and_9_many_lives_on_a_faulty_disk_say_and_write_what_one_long_life_says() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seeds = number("WATCHFLOOR_SIM_SEEDS").unwrap_or(25);
    let first = number("WATCHFLOOR_SIM_SEED").unwrap_or(1);
    let world = World::new();
    let mut tally = Tally::default();
    for seed in first..first + seeds {
        let one = AssertUnwindSafe(|| run(&world, seed, &mut tally));
        if let Err(panic) = catch_unwind(one) {
            println!("again: cargo xtask sim --seed {seed} --seeds 1");
            resume_unwind(panic);
        }
    }
    println!("{seeds} seeds from {first} on: {tally:?}, 0 differences");
    let [restored, refused] = [tally.restored, tally.refused];
    let enough = seeds < 20
        || (restored > 0
            && refused > 0
            && tally.aside > 0
            && tally.decisions > 0
            && tally.alerts > 0);
    assert!(enough, "the seeds do too little: {tally:?}");
}
