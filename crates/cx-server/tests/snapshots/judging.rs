//! Law 8 in lives that end: a judge per life, and a topic of alerts that takes verdicts some time after
//! they were handed over, in order, and never what a life that ended had still queued.

use cx_catalog::Catalog;
use cx_catalog::alert::CompiledAlert;
use cx_catalog::compiled::Compiled;
use cx_engine::judge::{Judge, Place, Ruling, Standing, State, Verdict};
use cx_engine::{Part, Rollup};
use cx_model::value::CellValue;
use cx_sim::slow::alerts::says;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

#[derive(Clone)]
enum Entry {
    Verdict(Verdict),
    State(State),
}

/// One life's roll-up and judge, and the topic that outlives them.
pub(crate) struct Court {
    set: Arc<Compiled>,
    rollup: Rollup,
    judge: Judge,
    topic: Vec<Entry>,
    queued: VecDeque<Entry>,
    /// What the newest life judged.
    judged: Vec<(i64, Arc<[CellValue]>)>,
    minute: i64,
}

impl Court {
    pub(crate) fn new(set: &Arc<Compiled>) -> Self {
        Self {
            rollup: Rollup::new(Arc::clone(set), 1),
            judge: Judge::new(Arc::clone(set), State::default()),
            set: Arc::clone(set),
            topic: Vec::new(),
            queued: VecDeque::new(),
            judged: Vec::new(),
            minute: 0,
        }
    }

    /// A life ended: what was queued is lost. The next one goes on from the topic.
    pub(crate) fn next_life(&mut self) {
        self.queued.clear();
        self.judged.clear();
        self.rollup = Rollup::new(Arc::clone(&self.set), 1);
        self.judge = Judge::new(Arc::clone(&self.set), self.remembered());
    }

    /// The newest state in the topic, and the verdicts after it.
    fn remembered(&self) -> State {
        let mut state = State::default();
        for entry in &self.topic {
            match entry.clone() {
                Entry::State(newer) => state = newer,
                Entry::Verdict(v) if v.ruling == Ruling::Raised => state.raised(v.place, v.s),
                Entry::Verdict(v) => state.cleared(&v.place, v.s),
            }
        }
        state.after_an_end()
    }

    pub(crate) fn hear(&mut self, part: &Part) {
        let Some(sealed) = self.rollup.handle_part(part.clone()) else {
            return;
        };
        if self
            .judge
            .through()
            .is_none_or(|through| sealed.s > through)
        {
            self.judged.push((sealed.s, Arc::clone(&sealed.values)));
        }
        let verdicts = self.judge.handle_seal(&sealed);
        self.queued.extend(verdicts.into_iter().map(Entry::Verdict));
        if self.minute != sealed.s.div_euclid(60) {
            self.minute = sealed.s.div_euclid(60);
            self.queued.push_back(Entry::State(self.judge.state()));
        }
    }

    /// The broker takes some of what is queued.
    pub(crate) fn pass(&mut self, rng: &mut StdRng) {
        if rng.random_ratio(1, 4) {
            let some = rng.random_range(0..=self.queued.len());
            self.topic.extend(self.queued.drain(..some));
        }
    }

    /// The log is read to its end and everything has landed: law 8. `sealed` says what the single long
    /// life sealed. How many alerts were raised.
    pub(crate) fn check(
        mut self,
        catalog: &Catalog,
        sealed: &BTreeMap<i64, Arc<[CellValue]>>,
    ) -> usize {
        self.topic.extend(self.queued.drain(..));
        let mut open: BTreeMap<Place, i64> = BTreeMap::new();
        let mut raised = BTreeSet::new();
        for entry in &self.topic {
            let Entry::Verdict(v) = entry else {
                continue;
            };
            assert_eq!(v.id, v.place.alert_id(v.raised), "{v:?}");
            if v.ruling == Ruling::Raised {
                assert!(raised.insert(v.id.clone()), "twice: {v:?}");
                assert_eq!(
                    open.insert(v.place.clone(), v.raised),
                    None,
                    "another id: {v:?}"
                );
                let (when, _) = self.says(catalog, &v.place, &sealed[&v.s]);
                assert!(when, "raised untrue: {v:?}");
            } else {
                assert_eq!(open.remove(&v.place), Some(v.raised), "{v:?}");
                let (_, clear) = self.says(catalog, &v.place, &sealed[&v.s]);
                assert!(clear, "cleared untrue: {v:?}");
            }
        }
        let standing = self.judge.state().standing.into_iter();
        let known = standing.filter_map(|saved| match saved.standing {
            Standing::Raised { at } => Some((saved.place, at)),
            Standing::Pending { .. } => None,
        });
        assert_eq!(
            known.collect::<BTreeMap<_, _>>(),
            open,
            "a verdict was lost"
        );
        for (place, at) in &open {
            let hold = i64::from(self.alert(place).alert.hold_s);
            let since = self.judged.iter().filter(|(s, _)| s - at >= hold && s > at);
            for (s, values) in since {
                let (_, clear) = self.says(catalog, place, values);
                assert!(!clear, "neither true nor cleared at {s}: {place:?}");
            }
        }
        raised.len()
    }

    fn alert(&self, place: &Place) -> &CompiledAlert {
        let of = |a: &&CompiledAlert| *a.kpi == *place.kpi && a.index == place.alert;
        self.set.alerts.iter().find(of).expect("of the set")
    }

    fn says(&self, catalog: &Catalog, place: &Place, values: &[CellValue]) -> (bool, bool) {
        let cells = self.alert(place).cells.iter();
        let mut cells = cells.filter(|c| self.set.cells[c.cell].key.dims == place.dims);
        let cell = cells.next().expect("of the set");
        let kpi = catalog.kpis.iter().find(|k| k.kpi == place.kpi);
        let kpi = kpi.expect("of the catalogue");
        says(kpi, place.alert, cell.freshness, &values[cell.cell])
    }
}
