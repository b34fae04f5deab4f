//! In: the numbers that sources gave their events, log time. Kept: per source and pane how many came, the least and
//! the highest; panes of two windows, for what is expected begins where the window before ended.
//! Out: components. Never knows: what an event says; other partitions.

use super::grain;
use super::layout::ABSENT_MAX;
use super::numbers::Numbers;
use cx_catalog::compiled::{Compiled, CompiledAgg};
use cx_catalog::numbered::Numbered as Of;
use cx_model::event::Event;
use cx_model::time::Timestamp;
use cx_model::window::Window;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most digits of a number: it and its differences fit into 64 bits.
const DIGITS: usize = 18;

/// What came of one source in one pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pane {
    pane: i64,
    came: i64,
    least: i64,
    highest: i64,
}

const EMPTY: Pane = Pane {
    pane: i64::MIN,
    came: 0,
    least: i64::MAX,
    highest: i64::MIN,
};

/// The panes of one grain, source after source; each knows which it is, so that old ones need no clearing.
struct Ring {
    grain: usize,
    size: usize,
    panes: Vec<Pane>,
    /// The second that something was noted at last, its pane, and where that lies in a source's panes.
    lately: (i64, i64, usize),
}

/// One measure.
struct Own {
    measure: usize,
    of: Of,
    windows: Vec<Window>,
    sources: usize,
    /// Which of the lists of sources is its own.
    list: usize,
    rings: Vec<Ring>,
}

/// All measures of numbers of one partition.
pub(crate) struct Numbered {
    lists: Vec<(Arc<[String]>, Numbers)>,
    all: Vec<Own>,
    second: i64,
}

/// What a cut says of them: the second, and by measure and grain the panes.
pub(crate) type Cut = (i64, Vec<Vec<Vec<Pane>>>);

/// The number that an event's `sequence` is: 1 to 18 digits and nothing else.
fn number(event: &Event<'_>) -> Option<i64> {
    let text = event.sequence.as_deref()?;
    let digits = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl Numbered {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut numbered = Self {
            lists: Vec::new(),
            all: Vec::new(),
            second: i64::MIN,
        };
        for (measure, m) in set.measures.iter().enumerate() {
            let CompiledAgg::Numbered(of) = m.agg else {
                continue;
            };
            let lists = &mut numbered.lists;
            let known = lists.iter().position(|(list, _)| *list == m.names);
            let list = known.unwrap_or_else(|| {
                let numbers = Numbers::of(&m.names);
                lists.push((Arc::clone(&m.names), numbers));
                lists.len() - 1
            });
            numbered.all.push(Own {
                measure,
                of,
                windows: m.windows.clone(),
                sources: m.names.len(),
                list,
                rings: rings(&m.windows, m.names.len()),
            });
        }
        numbered
    }

    /// Whether anybody counts them.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// An event that was seen for the first time.
    pub(crate) fn note(
        &mut self,
        event: &Event<'_>,
        log_time: Timestamp,
        holds: impl Fn(usize) -> bool,
    ) {
        let Some(number) = number(event) else {
            return;
        };
        let lists = &self.lists;
        for own in self.all.iter_mut().filter(|own| holds(own.measure)) {
            let Some(source) = lists[own.list].1.get(&event.source) else {
                continue;
            };
            for ring in &mut own.rings {
                ring.note(source, log_time.second(), number);
            }
        }
    }

    /// Sets every window to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        self.second = self.second.max(s);
    }

    /// Writes a measure's components: of what came its number by source, of what is expected by source the
    /// highest of the window, that of the window before, and the least of the window, turned around.
    pub(crate) fn write(&self, measure: usize, out: &mut Vec<i64>) {
        let Some(own) = self.all.iter().find(|own| own.measure == measure) else {
            return;
        };
        for window in &own.windows {
            let Some((grain, length)) = panes(*window) else {
                continue;
            };
            let ring = own.rings.iter().find(|ring| ring.grain == grain);
            let head = (self.second - 1).div_euclid(grain::ALL[grain].width);
            for (source, ring) in (0..own.sources).filter_map(|source| Some((source, ring?))) {
                let now = ring.sum(source, head, length);
                if own.of == Of::Received {
                    out.push(now.came);
                    continue;
                }
                let before = ring.sum(source, head - length, length);
                let least = if now.came > 0 { -now.least } else { ABSENT_MAX };
                out.extend([now.highest, before.highest, least]);
            }
        }
    }

    /// Goes on where `old` stops: `same` names by measure the one there that counted the same.
    pub(crate) fn carry(&mut self, old: &Self, same: &[Option<usize>]) {
        self.second = old.second;
        for own in &mut self.all {
            let wanted = same[own.measure];
            let Some(theirs) = old.all.iter().find(|o| Some(o.measure) == wanted) else {
                continue;
            };
            for ring in &mut own.rings {
                let grain = ring.grain;
                let theirs = theirs.rings.iter().find(|r| r.grain == grain);
                theirs.into_iter().for_each(|theirs| ring.take(theirs));
            }
        }
    }

    /// As they are now.
    pub(crate) fn cut(&self) -> Cut {
        let panes = |own: &Own| own.rings.iter().map(|r| r.panes.clone()).collect();
        (self.second, self.all.iter().map(panes).collect())
    }

    /// Takes those of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, (second, all): Cut) -> bool {
        self.second = second;
        let own = self.all.iter_mut();
        let fits = own.len() == all.len();
        fits && own.zip(all).all(|(own, rings)| {
            let fits = own.rings.len() == rings.len();
            fits && own.rings.iter_mut().zip(rings).all(|(ring, panes)| {
                let fits = ring.panes.len() == panes.len();
                ring.panes = panes;
                fits
            })
        })
    }
}

/// The grain of a window, and how many of its panes it has.
fn panes(window: Window) -> Option<(usize, i64)> {
    let (grain, index) = grain::of(false, window, 0)?;
    let length = grain::ALL[grain].lengths.get(index)?;
    Some((grain, *length))
}

/// Of each grain so many panes as two of its longest windows have, and one that log time has begun.
fn rings(windows: &[Window], sources: usize) -> Vec<Ring> {
    let mut rings: Vec<Ring> = Vec::new();
    for (grain, length) in windows.iter().filter_map(|w| panes(*w)) {
        let size = usize::try_from(2 * length + 1).expect("windows have few panes");
        let known = rings.iter_mut().find(|ring| ring.grain == grain);
        if let Some(known) = known {
            known.size = known.size.max(size);
        } else {
            rings.push(Ring {
                grain,
                size,
                panes: Vec::new(),
                lately: (0, 0, 0),
            });
        }
    }
    for ring in &mut rings {
        ring.panes = vec![EMPTY; ring.size * sources];
    }
    rings
}

impl Pane {
    fn join(&mut self, other: &Self) {
        self.came += other.came;
        self.least = self.least.min(other.least);
        self.highest = self.highest.max(other.highest);
    }
}

impl Ring {
    fn at(&self, source: usize, pane: i64) -> usize {
        let size = i64::try_from(self.size).expect("few panes");
        source * self.size + usize::try_from(pane.rem_euclid(size)).expect("not negative")
    }

    fn note(&mut self, source: usize, second: i64, number: i64) {
        if self.lately.0 != second {
            let pane = second.div_euclid(grain::ALL[self.grain].width);
            self.lately = (second, pane, self.at(0, pane));
        }
        let (_, pane, at) = self.lately;
        let kept = &mut self.panes[source * self.size + at];
        if kept.pane != pane {
            *kept = Pane { pane, ..EMPTY };
        }
        kept.join(&Pane {
            pane,
            came: 1,
            least: number,
            highest: number,
        });
    }

    /// So many panes up to `head` together.
    fn sum(&self, source: usize, head: i64, length: i64) -> Pane {
        let first = head - length + 1;
        let own = &self.panes[source * self.size..][..self.size];
        let (before, from) = own.split_at(self.at(0, first));
        let mut all = EMPTY;
        for (pane, kept) in (first..=head).zip(from.iter().chain(before)) {
            if kept.pane == pane {
                all.join(kept);
            }
        }
        all
    }

    /// The panes of another ring of this grain, as far as there is room.
    fn take(&mut self, other: &Self) {
        for (i, theirs) in other.panes.iter().enumerate() {
            let at = self.at(i / other.size, theirs.pane);
            if theirs.pane > self.panes[at].pane {
                self.panes[at] = *theirs;
            }
        }
    }
}
