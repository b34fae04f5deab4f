//! In: sealed seconds, the verdicts of a life before. Kept: which alerts are pending or raised, since when.
//! Out: verdicts. Never knows: clocks; who is told, what people do.
//!
//! Which seconds get sealed may differ between runs, so the judge takes any of them, in order. Time is log
//! time between seals; two seals far apart prove nothing of what lies between them.

mod place;
mod state;

pub use place::Place;
pub use state::{Saved, Standing, State};

use cx_catalog::alert::{CompiledAlert, JudgedCell};
use cx_catalog::compiled::Compiled;
use cx_catalog::threshold::Shown;
use cx_model::value::{CellValue, DATA_GAP, Sealed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far apart two seals may be that follow each other: whoever catches up seals whole minutes.
const APART_S: i64 = 60;

/// What became of an alert at a sealed second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Of the alert: the same when it is raised and when it is cleared.
    pub id: String,
    /// What.
    pub ruling: Ruling,
    /// The sealed second.
    pub s: i64,
    /// When it was raised.
    pub raised: i64,
    /// Which limit of which number.
    pub place: Place,
    /// The number then, with its parts; nothing where the definition is gone.
    pub shown: Option<CellValue>,
}

/// What a verdict says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Its limit was passed for long enough.
    Raised,
    /// What clears it holds.
    Cleared,
    /// The active set has no such alert any more.
    Withdrawn,
}

/// Judges the alerts of one set.
pub struct Judge {
    set: Arc<Compiled>,
    /// By alert and cell, in the set's order: what is judged, and its key among the standings.
    judged: Vec<(usize, JudgedCell, Place)>,
    /// Those that are neither are not here.
    standing: BTreeMap<Place, Standing>,
    /// Of these, those that the set does not know: withdrawn with the next second.
    gone: Vec<Place>,
    through: Option<i64>,
}

impl Judge {
    /// A judge who goes on from a state; alerts that the set has no more are withdrawn with the next second.
    #[must_use]
    pub fn new(set: Arc<Compiled>, state: State) -> Self {
        let judged = set.alerts.iter().enumerate().flat_map(|(i, alert)| {
            let cells = alert.cells.iter();
            cells.map(move |cell| (i, *cell, alert))
        });
        let judged: Vec<(usize, JudgedCell, Place)> = judged
            .map(|(i, cell, alert)| (i, cell, Place::of(alert, &set.cells[cell.cell].key)))
            .collect();
        let known: BTreeSet<&Place> = judged.iter().map(|(_, _, place)| place).collect();
        let saved = state.standing.into_iter();
        let standing: BTreeMap<Place, Standing> =
            saved.map(|saved| (saved.place, saved.standing)).collect();
        let gone = standing.keys().filter(|place| !known.contains(place));
        Self {
            gone: gone.cloned().collect(),
            judged,
            standing,
            through: state.through,
            set,
        }
    }

    /// What it knows, to go on from.
    #[must_use]
    pub fn state(&self) -> State {
        let saved = self.standing.iter().map(|(place, standing)| Saved {
            place: place.clone(),
            standing: *standing,
        });
        State {
            through: self.through,
            standing: saved.collect(),
        }
    }

    /// The last second judged.
    #[must_use]
    pub fn through(&self) -> Option<i64> {
        self.through
    }

    /// Judges a sealed second; one that is not sealed, or not newer than the last, says nothing.
    pub fn handle_seal(&mut self, sealed: &Sealed) -> Vec<Verdict> {
        let old = self.through.is_some_and(|through| sealed.s <= through);
        if !sealed.sealed || old {
            return Vec::new();
        }
        let mut verdicts = self.withdrawn(sealed.s);
        self.through = Some(sealed.s);
        for i in 0..self.judged.len() {
            verdicts.extend(self.cell(i, sealed));
        }
        verdicts
    }

    fn cell(&mut self, i: usize, sealed: &Sealed) -> Option<Verdict> {
        let (alert, cell, place) = &self.judged[i];
        let alert = &self.set.alerts[*alert];
        let value = *sealed.values.get(cell.cell)?;
        let said = said(alert, *cell, &value);
        let before = self.standing.get(place).copied();
        let after = next(alert, before, said, sealed.s);
        if after == before {
            return None;
        }
        let place = place.clone();
        match after {
            Some(standing) => drop(self.standing.insert(place.clone(), standing)),
            None => drop(self.standing.remove(&place)),
        }
        let (ruling, raised) = match (before, after) {
            (_, Some(Standing::Raised { at })) => (Ruling::Raised, at),
            (Some(Standing::Raised { at }), None) => (Ruling::Cleared, at),
            (_, Some(Standing::Pending { .. }) | None) => return None,
        };
        Some(Verdict {
            id: place.alert_id(raised),
            ruling,
            s: sealed.s,
            raised,
            place,
            shown: Some(value),
        })
    }

    /// Raised alerts that the set does not know.
    fn withdrawn(&mut self, s: i64) -> Vec<Verdict> {
        let gone = std::mem::take(&mut self.gone);
        let mut verdicts = Vec::new();
        for place in gone {
            if let Some(Standing::Raised { at }) = self.standing.remove(&place) {
                verdicts.push(Verdict {
                    id: place.alert_id(at),
                    ruling: Ruling::Withdrawn,
                    s,
                    raised: at,
                    place,
                    shown: None,
                });
            }
        }
        verdicts
    }
}

/// Whether `when` and `clear` hold; an error is neither.
fn said(alert: &CompiledAlert, cell: JudgedCell, value: &CellValue) -> (bool, bool) {
    let shown = Shown {
        value: value.value,
        n: value.n,
        numerator: value.numerator,
        denominator: value.denominator,
        freshness: cell.freshness,
        data_gap: value.state & DATA_GAP != 0,
    };
    let when = alert.when.holds(&shown) == Some(true);
    (when, !when && alert.clear.holds(&shown) == Some(true))
}

/// Where an alert stands after a second.
fn next(
    alert: &CompiledAlert,
    before: Option<Standing>,
    (when, clear): (bool, bool),
    s: i64,
) -> Option<Standing> {
    let since = match before {
        Some(Standing::Raised { at }) => {
            let held = s - at >= i64::from(alert.alert.hold_s);
            return before.filter(|_| !(clear && held));
        }
        Some(Standing::Pending { since, seen }) if s - seen <= APART_S => since,
        Some(Standing::Pending { .. }) | None => s,
    };
    if !when {
        return None;
    }
    if s - since >= i64::from(alert.alert.for_s) {
        Some(Standing::Raised { at: s })
    } else {
        Some(Standing::Pending { since, seen: s })
    }
}
