//! In: segments and the frames in them. Kept: which minute lies where. Out: where to look for one, what
//! may go. Never knows: bytes, folders.

use super::cells::Columns;
use super::format::{Entry, Place};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One minute, seconds.
pub(crate) const MINUTE: i64 = 60;
/// One quarter of an hour, seconds.
pub(crate) const QUARTER: i64 = 900;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// How long every minute is kept, s.
pub(crate) const MINUTES_FOR: i64 = 26 * HOUR;
/// How long quarters of an hour are kept, s.
pub(crate) const QUARTERS_FOR: i64 = 35 * DAY;

/// How dense the minutes of a segment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    Minutes,
    Quarters,
    /// Final parts of minutes, by the second at which they began.
    Finals,
    /// Those of quarters of an hour.
    FinalQuarters,
}

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sealed,
    Final,
    FinalQuarter,
}

impl Tier {
    /// How long one of its segments is, s.
    pub(crate) fn length(self) -> i64 {
        match self {
            Self::Minutes | Self::Finals => HOUR,
            Self::Quarters | Self::FinalQuarters => DAY,
        }
    }

    fn kept_for(self) -> i64 {
        match self {
            Self::Minutes | Self::Finals => MINUTES_FOR,
            Self::Quarters | Self::FinalQuarters => QUARTERS_FOR,
        }
    }

    /// The first letter of its files.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Minutes => 'm',
            Self::Quarters => 'q',
            // Releases that know no final parts leave these files alone.
            Self::Finals => 'f',
            Self::FinalQuarters => 'g',
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Minutes | Self::Quarters => Kind::Sealed,
            Self::Finals => Kind::Final,
            Self::FinalQuarters => Kind::FinalQuarter,
        }
    }

    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        let all = [
            Self::Minutes,
            Self::Quarters,
            Self::Finals,
            Self::FinalQuarters,
        ];
        all.into_iter().find(|tier| tier.letter() == letter)
    }

    /// Where a minute is kept while `newest` is the newest one; `None` where it is kept no more.
    pub(crate) fn of(s: i64, newest: i64) -> Option<(Self, i64)> {
        let tier = if s > newest - MINUTES_FOR {
            Self::Minutes
        } else {
            Self::Quarters
        };
        let whole = if tier == Self::Minutes {
            MINUTE
        } else {
            QUARTER
        };
        let kept = s >= 0 && s % whole == 0 && s > newest - tier.kept_for();
        kept.then(|| (tier, tier.begin(s)))
    }

    /// Where final parts of a minute are kept that began at `begin`; `None` where it is older than minutes
    /// are kept.
    pub(crate) fn of_final(begin: i64, newest: i64) -> Option<(Self, i64)> {
        let tier = Self::Finals;
        let kept = begin >= 0 && begin % MINUTE == 0 && begin > newest - MINUTES_FOR;
        kept.then(|| (tier, tier.begin(begin)))
    }

    /// Where the time of the segment begins that a second lies in.
    pub(crate) fn begin(self, s: i64) -> i64 {
        s.div_euclid(self.length()) * self.length()
    }
}

/// Minutes that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: i64,
    /// The last second.
    pub to: i64,
    /// Only multiples of it, s.
    pub step: i64,
}

impl Span {
    pub(crate) fn holds(&self, s: i64) -> bool {
        (self.from..=self.to).contains(&s) && s % self.step.max(1) == 0
    }
}

/// A file of history.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    /// Where its time begins.
    pub(crate) begin: i64,
    pub(crate) columns: Arc<Columns>,
    pub(crate) bytes: u64,
}

impl Segment {
    /// Whether all of its minutes are older than its tier keeps them.
    fn is_old(&self, newest: i64) -> bool {
        self.begin + self.tier.length() + self.tier.kept_for() <= newest
    }
}

/// Where a minute lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) segment: u64,
    pub(crate) place: Place,
    pub(crate) entry: Entry,
}

/// What there is, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) bytes: u64,
    pub(crate) minutes: usize,
    pub(crate) oldest: Option<i64>,
    /// From here on every minute is kept.
    pub(crate) dense_from: Option<i64>,
    pub(crate) newest: Option<i64>,
}

/// All segments and minutes.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    segments: BTreeMap<u64, Segment>,
    next: u64,
    /// Several where a minute was sealed under several sets, or lies in two tiers.
    minutes: BTreeMap<i64, Vec<Spot>>,
    /// Final parts of minutes, by the second at which they began.
    finals: BTreeMap<i64, Vec<Spot>>,
    /// Those of quarters of an hour.
    final_quarters: BTreeMap<i64, Vec<Spot>>,
    /// Files that cannot be used, and their bytes.
    aside: BTreeMap<String, u64>,
}

impl Shelf {
    fn of(&self, kind: Kind) -> &BTreeMap<i64, Vec<Spot>> {
        match kind {
            Kind::Sealed => &self.minutes,
            Kind::Final => &self.finals,
            Kind::FinalQuarter => &self.final_quarters,
        }
    }

    pub(crate) fn add(&mut self, segment: Segment) -> u64 {
        self.next += 1;
        self.segments.insert(self.next, segment);
        self.next
    }

    /// Adds a frame's minutes; those that say something else than the first of their set are left
    /// out and returned.
    pub(crate) fn fill(&mut self, segment: u64, place: Place, entries: &[Entry]) -> Vec<i64> {
        let set = self.set(segment).map(str::to_owned);
        let kind = self.segments.get(&segment).map(|s| s.tier.kind());
        let kind = kind.unwrap_or(Kind::Sealed);
        let mut others = Vec::new();
        for entry in entries {
            let first = set
                .as_deref()
                .and_then(|set| self.known(kind, entry.s, set));
            if first.is_some_and(|first| first.entry.sum != entry.sum) {
                others.push(entry.s);
                continue;
            }
            let all = match kind {
                Kind::Sealed => &mut self.minutes,
                Kind::Final => &mut self.finals,
                Kind::FinalQuarter => &mut self.final_quarters,
            };
            all.entry(entry.s).or_default().push(Spot {
                segment,
                place,
                entry: *entry,
            });
        }
        others
    }

    pub(crate) fn grown(&mut self, segment: u64, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.bytes = bytes;
        }
    }

    pub(crate) fn segment(&self, id: u64) -> Option<&Segment> {
        self.segments.get(&id)
    }

    fn set(&self, id: u64) -> Option<&str> {
        self.segments.get(&id).map(|s| s.columns.cells.set.as_str())
    }

    /// Where a minute lies that was sealed under this set.
    pub(crate) fn known(&self, kind: Kind, s: i64, set: &str) -> Option<Spot> {
        let mut spots = self.of(kind).get(&s)?.iter();
        spots
            .find(|spot| self.set(spot.segment) == Some(set))
            .copied()
    }

    /// Where a minute lies: under the set that is active now before older ones.
    pub(crate) fn spots(&self, kind: Kind, s: i64) -> Vec<Spot> {
        let mut spots = self.of(kind).get(&s).cloned().unwrap_or_default();
        let foreign = |spot: &Spot| {
            let segment = self.segments.get(&spot.segment);
            segment.is_none_or(|s| !s.columns.are_ours())
        };
        spots.sort_by_key(|spot| (foreign(spot), spot.segment));
        spots
    }

    /// Minutes that are kept of those asked for.
    pub(crate) fn listed(&self, span: Span) -> Vec<i64> {
        if span.from > span.to {
            return Vec::new();
        }
        let all = self.minutes.range(span.from..=span.to);
        all.map(|(s, _)| *s).filter(|s| span.holds(*s)).collect()
    }

    /// The kept minute that is nearest to a second; of two the later one.
    pub(crate) fn nearest(&self, s: i64) -> Option<i64> {
        let before = self.minutes.range(..=s).next_back().map(|(s, _)| *s);
        let after = self.minutes.range(s..).next().map(|(s, _)| *s);
        let both = [after, before].into_iter().flatten();
        both.min_by_key(|found| found.abs_diff(s))
    }

    pub(crate) fn newest(&self) -> Option<i64> {
        self.minutes.last_key_value().map(|(s, _)| *s)
    }

    /// The newest second of which anything is kept.
    pub(crate) fn latest(&self) -> Option<i64> {
        let last = self.finals.last_key_value().map(|(s, _)| *s + MINUTE);
        self.newest().max(last)
    }

    pub(crate) fn extent(&self) -> Extent {
        let dense = |spots: &Vec<Spot>| {
            let tiers = spots.iter().filter_map(|s| self.segments.get(&s.segment));
            tiers.into_iter().any(|s| s.tier == Tier::Minutes)
        };
        // Asked for with every trend: not a walk over all minutes.
        let of_minutes = self.segments.values().filter(|s| s.tier == Tier::Minutes);
        let begin = of_minutes.map(|s| s.begin).min().unwrap_or(i64::MAX);
        let mut from_there = self.minutes.range(begin..);
        let first = from_there.find(|(_, spots)| dense(spots));
        Extent {
            bytes: self.bytes(),
            minutes: self.minutes.len(),
            oldest: self.minutes.first_key_value().map(|(s, _)| *s),
            dense_from: first.map(|(s, _)| *s),
            newest: self.newest(),
        }
    }

    /// Bytes of all files, those set aside too.
    pub(crate) fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.values().map(|s| s.bytes).sum();
        segments + self.aside.values().sum::<u64>()
    }

    pub(crate) fn set_aside(&mut self, name: String, bytes: u64) {
        self.aside.insert(name, bytes);
    }

    /// The first of the files that cannot be used.
    pub(crate) fn useless(&self) -> Option<String> {
        self.aside.keys().next().cloned()
    }

    pub(crate) fn forget_aside(&mut self, name: &str) {
        self.aside.remove(name);
    }

    /// The oldest segment; of one age the sparse ones first.
    pub(crate) fn oldest(&self, but: &[Option<u64>]) -> Option<u64> {
        let free = self
            .segments
            .iter()
            .filter(|(id, _)| !but.contains(&Some(**id)));
        let oldest = free.min_by_key(|(id, s)| (s.begin + s.tier.length(), **id));
        oldest.map(|(id, _)| *id)
    }

    /// Segments of a tier that are older than it keeps them, oldest first.
    pub(crate) fn old(&self, tier: Tier) -> Vec<u64> {
        let Some(newest) = self.latest() else {
            return Vec::new();
        };
        let of_tier = self.segments.iter().filter(|(_, s)| s.tier == tier);
        let old = of_tier.filter(|(_, s)| s.is_old(newest));
        let mut old: Vec<(i64, u64)> = old.map(|(id, s)| (s.begin, *id)).collect();
        old.sort_unstable();
        old.into_iter().map(|(_, id)| id).collect()
    }

    /// The quarters of an hour in a segment that no sparse segment of the same set holds yet.
    pub(crate) fn only_here(&self, id: u64) -> Vec<Spot> {
        let set = self.set(id);
        let sparse = |spot: &Spot| {
            let segment = self.segments.get(&spot.segment);
            segment.is_some_and(|s| s.tier == Tier::Quarters) && self.set(spot.segment) == set
        };
        let quarters = self.minutes.iter().filter(|(s, _)| **s % QUARTER == 0);
        quarters
            .filter(|(_, spots)| !spots.iter().any(sparse))
            .filter_map(|(_, spots)| spots.iter().find(|spot| spot.segment == id).copied())
            .collect()
    }

    /// The quarters of an hour of whose minutes a segment may hold some and whose sum no segment of the same
    /// set holds yet.
    pub(crate) fn unsummed(&self, segment: &Segment) -> Vec<i64> {
        let set = &segment.columns.cells.set;
        let quarters = (segment.begin..segment.begin + segment.tier.length()).step_by(900);
        let lacks = |begin: &i64| self.known(Kind::FinalQuarter, *begin, set).is_none();
        quarters.filter(lacks).collect()
    }

    /// Forgets a segment and what only it held.
    pub(crate) fn remove(&mut self, id: u64) {
        self.segments.remove(&id);
        for all in [
            &mut self.minutes,
            &mut self.finals,
            &mut self.final_quarters,
        ] {
            all.retain(|_, spots| {
                spots.retain(|spot| spot.segment != id);
                !spots.is_empty()
            });
        }
    }
}
