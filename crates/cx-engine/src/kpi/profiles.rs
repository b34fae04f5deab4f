//! In: events. Kept: of those that are alike in all that their type's measures look at, where they count. Out: that,
//! so that no condition is asked and no breakdown looked up twice. Never knows: panes, customers, times.
//!
//! What a measure asks of a number, of a fact or of whoever the event is about may differ with each event: it is asked
//! every time. What a profile says follows from the plan alone, so all partitions share it.

use super::layout::scopes;
use super::marks::{List, Mark};
use super::names::{Kind, Names};
use super::sums::Sums;
use crate::plan::Plan;
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledMeasure, View};
use cx_catalog::fact::Facts;
use cx_model::attribute::{Kind as Type, SLOT_CHANNEL};
use cx_model::event::{Event, Slot};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// Most profiles that are remembered.
const MOST: usize = 2_048;
/// After so many events that found no room, all begin anew: the events of today may not be those of yesterday.
const REFUSED: usize = 16_384;
/// For fewer measures no profile is looked for.
const FEWEST: usize = 3;
const HASH: FixedState = FixedState::with_seed(4);

/// What the measures of one type look at in an event.
struct Look {
    slots: Vec<usize>,
    source: bool,
    /// Measures that say the same of all events that are alike in these.
    told: Vec<usize>,
    /// Measures that are asked of each event, ascending.
    asked: Vec<usize>,
}

/// The looks of all types, and the profiles that some partition has met.
pub(crate) struct Looks {
    by_kind: Vec<Look>,
    met: Mutex<HashTable<(u64, Arc<Profile>)>>,
}

/// What events say that are alike.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    kind: usize,
    source: Option<Box<str>>,
    said: Box<[Said]>,
}

/// What an event says in one slot.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Mistyped,
    Bool(bool),
    Text(Box<str>),
}

/// Where events count that are alike.
pub(crate) struct Profile {
    key: Key,
    /// Components that rise by one: grain and place in a row.
    pub(crate) risen: Box<[(u8, u32)]>,
    /// Measures that take a value of the event, with the combination.
    pub(crate) valued: Box<[(usize, [u16; 2])]>,
    /// All other measures, with the place of the combination.
    pub(crate) others: Box<[(usize, usize)]>,
    pub(crate) marks: Box<[Mark]>,
    pub(crate) cel_errors: i64,
}

/// A profile that one partition has met, with the numbers of its list of marks there.
pub(crate) struct Known {
    hash: u64,
    pub(crate) profile: Arc<Profile>,
    pub(crate) list: List,
}

/// The profiles that one partition has met.
#[derive(Default)]
pub(crate) struct Profiles {
    table: HashTable<Known>,
    refused: usize,
}

impl Looks {
    pub(crate) fn new(set: &Compiled, names: &Names) -> Self {
        Self {
            by_kind: names.kinds().map(|kind| Look::of(set, kind)).collect(),
            met: Mutex::default(),
        }
    }

    /// Measures that a profile of an event of this type does not speak of.
    pub(crate) fn asked(&self, kind: usize) -> &[usize] {
        &self.by_kind[kind].asked
    }

    /// The profile of such events; made where nobody met one.
    fn profile(&self, hash: u64, key: Key, make: impl FnOnce(Key) -> Profile) -> Arc<Profile> {
        // What was half done by whoever panicked is a whole profile or none.
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = met.find(hash, |(_, p)| p.key == key) {
            return Arc::clone(known);
        }
        if met.len() >= MOST {
            met.clear();
        }
        let fresh = Arc::new(make(key));
        met.insert_unique(hash, (hash, Arc::clone(&fresh)), |(hash, _)| *hash);
        fresh
    }
}

impl Look {
    fn of(set: &Compiled, kind: &Kind) -> Self {
        let alike = |m: &CompiledMeasure| {
            let slots = looked_at(m).iter().all(|slot| {
                let plain = [Type::Text, Type::Bool].map(Some);
                plain.contains(&set.slots.kind(*slot))
            });
            slots && !m.reads.facts && !m.reads.identity
        };
        let (told, asked): (Vec<usize>, Vec<usize>) = kind
            .measures
            .iter()
            .partition(|i| alike(&set.measures[**i]));
        // Under the number of a type that nobody named there are many.
        if !kind.named || told.len() < FEWEST {
            return Self {
                slots: Vec::new(),
                source: false,
                told: Vec::new(),
                asked: kind.measures.clone(),
            };
        }
        let measures = || told.iter().map(|i| &set.measures[*i]);
        let mut slots: Vec<usize> = measures().flat_map(looked_at).collect();
        slots.sort_unstable();
        slots.dedup();
        Self {
            slots,
            source: measures().any(|m| m.reads.source),
            told,
            asked,
        }
    }

    fn hash(&self, kind: usize, event: &Event<'_>) -> u64 {
        let mut hasher = HASH.build_hasher();
        hasher.write_usize(kind);
        if self.source {
            hasher.write(event.source.as_bytes());
        }
        for slot in &self.slots {
            match event.slot(*slot) {
                Slot::Missing => hasher.write_u8(0),
                Slot::Mistyped | Slot::Int(_) | Slot::Double(_) => hasher.write_u8(1),
                Slot::Bool(said) => hasher.write_u8(2 + u8::from(*said)),
                Slot::Text(text) => hasher.write(text.as_bytes()),
            }
        }
        hasher.finish()
    }

    fn key(&self, kind: usize, event: &Event<'_>) -> Key {
        Key {
            kind,
            source: self.source.then(|| (&*event.source).into()),
            said: self
                .slots
                .iter()
                .map(|s| Said::of(event.slot(*s)))
                .collect(),
        }
    }

    fn is(&self, key: &Key, kind: usize, event: &Event<'_>) -> bool {
        let source = |known: &str| *known == *event.source;
        key.kind == kind
            && key.source.as_deref().is_none_or(source)
            && (self.slots.iter().zip(&key.said)).all(|(slot, said)| said.is(event.slot(*slot)))
    }
}

/// The slots that a measure looks at to say whether and where an event counts.
fn looked_at(measure: &CompiledMeasure) -> Vec<usize> {
    let channels = matches!(measure.agg, CompiledAgg::Channels(_));
    let slots = measure.reads.slots | if channels { 1 << SLOT_CHANNEL } else { 0 };
    (0..64).filter(|slot| slots & (1 << slot) != 0).collect()
}

impl Said {
    fn of(slot: &Slot<'_>) -> Self {
        match slot {
            Slot::Missing => Self::Nothing,
            // No slot of a look holds a number.
            Slot::Mistyped | Slot::Int(_) | Slot::Double(_) => Self::Mistyped,
            Slot::Bool(said) => Self::Bool(*said),
            Slot::Text(text) => Self::Text((&**text).into()),
        }
    }

    fn is(&self, slot: &Slot<'_>) -> bool {
        match (self, slot) {
            (Self::Text(known), Slot::Text(text)) => **known == **text,
            (Self::Bool(known), Slot::Bool(said)) => known == said,
            (Self::Nothing, Slot::Missing)
            | (Self::Mistyped, Slot::Mistyped | Slot::Int(_) | Slot::Double(_)) => true,
            (Self::Nothing | Self::Mistyped | Self::Bool(_) | Self::Text(_), _) => false,
        }
    }
}

impl Profiles {
    /// Where an event of this type counts, but for the measures that are [asked](Looks::asked) anyway; `None` where
    /// all must be.
    pub(crate) fn find(
        &mut self,
        plan: &Plan,
        (kind, event): (usize, &Event<'_>),
        sums: &mut Sums,
    ) -> Option<&Known> {
        let look = &plan.looks.by_kind[kind];
        if look.told.is_empty() {
            return None;
        }
        if self.refused >= REFUSED {
            *self = Self::default();
        }
        let hash = look.hash(kind, event);
        let full = self.table.len() >= MOST;
        let alike = |known: &Known| look.is(&known.profile.key, kind, event);
        match self.table.entry(hash, alike, |known| known.hash) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(_) if full => {
                self.refused += 1;
                None
            }
            Entry::Vacant(fresh) => {
                let make = |key| Profile::of((plan, look), key, event, sums);
                let profile = plan.looks.profile(hash, look.key(kind, event), make);
                let list = sums.list(&profile.marks);
                let known = Known {
                    hash,
                    profile,
                    list,
                };
                Some(fresh.insert(known).into_mut())
            }
        }
    }
}

impl Profile {
    fn of((plan, look): (&Plan, &Look), key: Key, event: &Event<'_>, sums: &Sums) -> Self {
        let view = View {
            event: Some(event),
            outcome: "applied",
            reason: "",
            facts: &Facts::NONE,
        };
        let (mut risen, mut valued, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let (mut marks, mut cel_errors) = (Vec::new(), 0);
        let mut leaves = plan.dims.leaves();
        for i in &look.told {
            let measure = &plan.set.measures[*i];
            match (measure.condition)(view) {
                Some(true) => {}
                Some(false) => continue,
                None => {
                    cel_errors += 1;
                    continue;
                }
            }
            let leaf = plan.dims.leaf(&mut leaves, *i, (view, None));
            marks.extend(sums.mark((measure, *i), event, leaf));
            if takes_value(measure.agg) {
                valued.push((*i, leaf));
                continue;
            }
            let (combos, n) = scopes(&measure.dimensions, leaf);
            others.push((*i, combos[n - 1]));
            if measure.agg == CompiledAgg::Count {
                let place = &plan.layout.places[*i];
                let at = |row: usize| row + combos[n - 1] * place.row_width;
                risen.extend(place.rows().iter().map(|(grain, row)| (*grain, at(*row))));
            }
        }
        risen.sort_unstable();
        let few = |(grain, at): (usize, usize)| {
            let grain = u8::try_from(grain).expect("few grains");
            (
                grain,
                u32::try_from(at).expect("a row is shorter than 2^32"),
            )
        };
        Self {
            key,
            risen: risen.into_iter().map(few).collect(),
            valued: valued.into(),
            others: others.into(),
            marks: marks.into(),
            cel_errors,
        }
    }
}

/// Whether a measure of events adds more than one for each.
fn takes_value(agg: CompiledAgg) -> bool {
    match agg {
        CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Min { .. }
        | CompiledAgg::Max { .. }
        | CompiledAgg::Percentile { .. } => true,
        CompiledAgg::Count
        | CompiledAgg::CountDistinct
        | CompiledAgg::Channels(_)
        | CompiledAgg::CountRecords
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Attempts(..)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => false,
    }
}
