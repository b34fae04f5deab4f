//! In: the catalogues of all sets, in the order of their numbers. Kept: what engines, screens and recounts
//! need of each, and one order of all cells. Out: the same. Never knows: Kafka, who activates a set.
//!
//! Cells are only ever added: a place among them means the same number for as long as the house runs,
//! whichever set is in force. A cell that the set in force does not have is empty.

use crate::glossary;
use crate::recount::count::Meaning;
use cx_catalog::Catalog;
use cx_catalog::compiled::Compiled;
use cx_catalog::definition::Kpi;
use cx_engine::Plan;
use cx_model::time::Timestamp;
use cx_model::value::{Board, CellInfo, CellValue, Sealed};
use serde_json::{Map, Value};
use std::sync::{Arc, RwLock, RwLockReadGuard};

/// One set.
pub(crate) struct Set {
    pub(crate) plan: Arc<Plan>,
    pub(crate) catalog: Arc<Catalog>,
    /// Of each of its cells the place among all.
    places: Vec<usize>,
    /// From when it was to hold; of no meaning for set 1.
    pub(crate) effective_from: Timestamp,
    /// Its boards, as places among all cells.
    pub(crate) boards: Vec<Arc<Board>>,
    pub(crate) kpis: Arc<Map<String, Value>>,
    /// Those counted from the log, then those that processes measure.
    pub(crate) definitions: Vec<Kpi>,
}

struct Kept {
    all: Vec<Arc<Set>>,
    cells: Arc<[CellInfo]>,
    /// Index of the set that screens show.
    shown: usize,
}

/// All sets of an installation.
pub(crate) struct Sets(RwLock<Kept>);

impl Sets {
    /// With set 1.
    pub(crate) fn new(catalog: Catalog) -> Self {
        let kept = Kept {
            all: Vec::new(),
            cells: Arc::new([]),
            shown: 0,
        };
        let sets = Self(RwLock::new(kept));
        sets.add(catalog, Timestamp(0));
        sets
    }

    fn kept(&self) -> RwLockReadGuard<'_, Kept> {
        self.0.read().expect("no holder panics")
    }

    /// The next set.
    pub(crate) fn add(&self, catalog: Catalog, effective_from: Timestamp) -> Arc<Set> {
        let mut kept = self.0.write().expect("no holder panics");
        let number = u32::try_from(kept.all.len() + 1).expect("few sets");
        let plan = match kept.all.last() {
            None => Plan::new(Arc::new(catalog.compile(number))),
            Some(before) => {
                let slots = before.plan.set().slots.clone();
                let set = Arc::new(catalog.compile_after(number, slots));
                Plan::after(&before.plan, set)
            }
        };
        let mut cells = kept.cells.to_vec();
        let known = cells.len();
        let places = plan.set().cells.iter().map(|cell| {
            let found = cells[..known].iter().position(|c| c == cell);
            found.unwrap_or_else(|| {
                cells.push(cell.clone());
                cells.len() - 1
            })
        });
        let places: Vec<usize> = places.collect();
        let moved = |board: &Board| {
            let mut board = board.clone();
            board
                .source_index
                .iter_mut()
                .for_each(|at| *at = places[*at]);
            Arc::new(board)
        };
        let set = Arc::new(Set {
            boards: plan.set().boards.iter().map(moved).collect(),
            kpis: Arc::new(glossary::entries(&catalog, &plan.set().boards)),
            definitions: catalog
                .kpis
                .iter()
                .chain(&catalog.observed)
                .cloned()
                .collect(),
            plan: Arc::new(plan),
            catalog: Arc::new(catalog),
            places,
            effective_from,
        });
        kept.cells = cells.into();
        kept.all.push(Arc::clone(&set));
        set
    }

    /// The plans of all sets.
    pub(crate) fn plans(&self) -> Vec<Arc<Plan>> {
        self.kept()
            .all
            .iter()
            .map(|s| Arc::clone(&s.plan))
            .collect()
    }

    /// All sets.
    pub(crate) fn all(&self) -> Vec<Arc<Set>> {
        self.kept().all.clone()
    }

    /// The set of a number.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Set>> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.kept().all.get(index).cloned()
    }

    /// The last one that was written down, whether it holds by now or not.
    pub(crate) fn last(&self) -> Arc<Set> {
        Arc::clone(self.kept().all.last().expect("made with one"))
    }

    /// All cells of all sets.
    pub(crate) fn cells(&self) -> Arc<[CellInfo]> {
        Arc::clone(&self.kept().cells)
    }

    /// The set that screens show.
    pub(crate) fn shown(&self) -> Arc<Set> {
        let kept = self.kept();
        Arc::clone(&kept.all[kept.shown])
    }

    /// Screens show a later set from now on; `None` where they do already.
    pub(crate) fn show(&self, number: u32) -> Option<Arc<Set>> {
        let mut kept = self.0.write().expect("no holder panics");
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        if index <= kept.shown || index >= kept.all.len() {
            return None;
        }
        kept.shown = index;
        Some(Arc::clone(&kept.all[index]))
    }

    /// Values of a set in the order of all cells.
    pub(crate) fn widen(&self, number: u32, sealed: Sealed) -> Sealed {
        let Some(set) = self.get(number) else {
            return sealed;
        };
        let cells = self.kept().cells.len();
        if set.places.len() == cells {
            return sealed;
        }
        let values: Vec<CellValue> = self.among_all(number, &sealed.values);
        Sealed {
            values: values.into(),
            ..sealed
        }
    }

    /// What stands by cell of a set, in the order of all cells.
    pub(crate) fn among_all<T: Copy + Default>(&self, number: u32, of_set: &[T]) -> Vec<T> {
        let Some(set) = self.get(number) else {
            return of_set.to_vec();
        };
        let mut all = vec![T::default(); self.kept().cells.len()];
        for (at, one) in set.places.iter().zip(of_set) {
            all[*at] = *one;
        }
        all
    }

    /// A place among all cells as the newest set that has it knows it: its own order, and the place there.
    pub(crate) fn narrow(&self, cell: usize, sealed: &Sealed) -> Option<(Arc<Set>, usize, Sealed)> {
        let all = self.all();
        let found = all.into_iter().rev().find_map(|set| {
            let at = set.places.iter().position(|place| *place == cell)?;
            Some((set, at))
        });
        let (set, at) = found?;
        let sealed = set.narrowed(sealed);
        Some((set, at, sealed))
    }

    /// Whether the set that is shown lacks a cell.
    pub(crate) fn retired(&self, cell: usize) -> bool {
        !self.shown().places.contains(&cell)
    }

    /// What a log with all these sets is judged by, at a second under one of them.
    pub(crate) fn meaning(&self, number: u32) -> Meaning {
        let all = self.all();
        let at = usize::try_from(number).unwrap_or(1).clamp(1, all.len()) - 1;
        let catalogs = all.iter().map(|set| &*set.catalog);
        Meaning::among(&catalogs.collect::<Vec<_>>(), at)
    }
}

impl Set {
    pub(crate) fn compiled(&self) -> &Arc<Compiled> {
        self.plan.set()
    }

    /// Values in this set's own order.
    pub(crate) fn narrowed(&self, sealed: &Sealed) -> Sealed {
        let value = |at: &usize| sealed.values.get(*at).copied().unwrap_or_default();
        Sealed {
            values: self.places.iter().map(value).collect(),
            ..sealed.clone()
        }
    }
}
