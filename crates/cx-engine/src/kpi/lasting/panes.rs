//! In: panes in which a customer was seen in one cell. Kept: the newest of them, and a bit for each of those
//! before it; of all cells of a customer as few words as they need. Out: neighbours of a pane newly set.
//! Never knows: what a cell is, how wide its panes are.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Panes that are told apart: a week of hours, what is stamped ahead and what comes late.
const BITS: usize = 192;
const WORDS: usize = BITS / 64;
/// Words that the bits before the newest pane take at most, in [`Packed`].
const MOST: usize = BITS / 32;

/// The newest pane of one cell in which a customer was seen, and a bit for it and each of those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Panes {
    pub(super) cell: u32,
    pub(super) newest: i32,
    bits: [u64; WORDS],
}

/// All cells of one customer. Most were seen in one pane alone: two words each.
///
/// A cell is its number times eight and how many words of bits follow, the newest pane, and those words: a bit
/// for each pane before it, the lowest first. Words of zeros at the end are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed(Box<[u32]>);

/// The cells of the customer at hand.
pub(super) type Cells = SmallVec<[Panes; 16]>;

impl Packed {
    pub(crate) fn of(cells: &[Panes]) -> Self {
        let mut words: SmallVec<[u32; 64]> = SmallVec::new();
        for panes in cells {
            let older = shifted_down(panes.bits);
            let halves = older.iter().flat_map(|word| [low(*word), low(word >> 32)]);
            let halves: SmallVec<[u32; MOST]> = halves.collect();
            let used = halves.iter().rposition(|half| *half != 0);
            let used = used.map_or(0, |last| last + 1);
            words.push(panes.cell << 3 | u32::try_from(used).expect("six at most"));
            words.push(panes.newest.cast_unsigned());
            words.extend_from_slice(&halves[..used]);
        }
        Self(words.as_slice().into())
    }

    pub(crate) fn cells(&self) -> Cells {
        let mut cells = Cells::new();
        let mut rest = &*self.0;
        while let [head, newest, after @ ..] = rest {
            let (halves, after) = after.split_at((head & 7) as usize);
            let mut older = [0; WORDS];
            for (k, half) in halves.iter().enumerate() {
                older[k / 2] |= u64::from(*half) << (k % 2 * 32);
            }
            let mut bits = shifted_up(older, 1);
            bits[0] |= 1;
            cells.push(Panes {
                cell: head >> 3,
                newest: newest.cast_signed(),
                bits,
            });
            rest = after;
        }
        cells
    }

    /// Cell and newest pane of each.
    pub(super) fn newest(&self) -> impl Iterator<Item = (u32, i32)> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let [head, newest, after @ ..] = rest else {
                return None;
            };
            rest = &after[(head & 7) as usize..];
            Some((head >> 3, newest.cast_signed()))
        })
    }
}

impl Panes {
    /// Of a cell that was never seen, about to be [set](Self::set) at this pane.
    pub(super) fn fresh(cell: u32, pane: i64) -> Self {
        Self {
            cell,
            newest: i32::try_from(pane).unwrap_or(i32::MAX),
            bits: [0; WORDS],
        }
    }

    /// The same panes in another cell.
    pub(super) fn of(&self, cell: u32) -> Self {
        Self {
            cell,
            ..self.clone()
        }
    }

    fn has(&self, k: usize) -> bool {
        self.bits[k / 64] & (1 << (k % 64)) != 0
    }

    /// Whether the customer was seen in a pane.
    pub(super) fn seen(&self, pane: i64) -> bool {
        let k = usize::try_from(i64::from(self.newest) - pane);
        k.is_ok_and(|k| k < BITS && self.has(k))
    }

    fn at(&self, k: usize) -> i64 {
        i64::from(self.newest) - i64::try_from(k).expect("few bits")
    }

    /// The newest pane before this one in which the customer was seen.
    pub(super) fn before(&self, pane: i64) -> Option<i64> {
        let least = usize::try_from(i64::from(self.newest) + 1 - pane).unwrap_or(0);
        first(self.bits, least).map(|k| self.at(k))
    }

    /// Sets a pane; its neighbours if it was newly set, `None` if it was set already or is too old.
    pub(super) fn set(&mut self, pane: i64) -> Option<(Option<i64>, Option<i64>)> {
        let newest = i64::from(self.newest).max(pane);
        let by = usize::try_from(newest - i64::from(self.newest)).unwrap_or(BITS);
        if by > 0 {
            self.bits = shifted_up(self.bits, by);
            self.newest = i32::try_from(newest).unwrap_or(i32::MAX);
        }
        let k = usize::try_from(newest - pane).ok().filter(|k| *k < BITS)?;
        if self.has(k) {
            return None;
        }
        self.bits[k / 64] |= 1 << (k % 64);
        let before = first(self.bits, k + 1).map(|k| self.at(k));
        let after = last(self.bits, k).map(|k| self.at(k));
        Some((before, after))
    }
}

/// Every bit `by` places higher; those that leave are lost.
fn shifted_up(bits: [u64; WORDS], by: usize) -> [u64; WORDS] {
    let (words, rest) = (by / 64, by % 64);
    std::array::from_fn(|i| {
        let word = |back: usize| i.checked_sub(back).map_or(0, |i| bits[i]);
        let carried = if rest == 0 {
            0
        } else {
            word(words + 1) >> (64 - rest)
        };
        word(words) << rest | carried
    })
}

/// Every bit one place lower.
fn shifted_down(bits: [u64; WORDS]) -> [u64; WORDS] {
    std::array::from_fn(|i| bits[i] >> 1 | bits.get(i + 1).map_or(0, |next| next << 63))
}

/// The lowest bit at `from` or above.
fn first(bits: [u64; WORDS], from: usize) -> Option<usize> {
    let mut mask = u64::MAX << (from % 64);
    for (i, word) in bits.iter().enumerate().skip(from / 64) {
        let found = word & mask;
        if found != 0 {
            return Some(i * 64 + found.trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

/// The highest bit below `to`.
fn last(bits: [u64; WORDS], to: usize) -> Option<usize> {
    let mut mask = (1 << (to % 64)) - 1;
    for (i, word) in bits.iter().enumerate().take(to / 64 + 1).rev() {
        let found = word & mask;
        if found != 0 {
            return Some(i * 64 + 63 - found.leading_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers from 0 to below `most`, in no order.
    fn numbers(seed: u64, most: u64) -> impl Iterator<Item = i64> {
        let mut state = seed;
        std::iter::from_fn(move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(seed | 1);
            i64::try_from((state >> 33) % most).ok()
        })
    }

    #[test]
    fn neighbours_are_those_of_a_set_of_panes_and_survive_being_packed() {
        for (seed, most) in [(1, 8), (2, 190), (3, 400), (4, 5_000), (5, 64)] {
            let mut panes = Panes::fresh(3, 0);
            let mut all: BTreeSet<i64> = BTreeSet::new();
            for pane in numbers(seed, most).take(400) {
                let newest = all.last().copied().unwrap_or(0).max(pane);
                all.retain(|p| newest - p < 192);
                let expected = (newest - pane < 192 && all.insert(pane)).then(|| {
                    let before = all.range(..pane).next_back().copied();
                    (before, all.range(pane + 1..).next().copied())
                });
                assert_eq!(panes.set(pane), expected, "seed {seed}, pane {pane}");
                assert!((0..most).all(|p| {
                    let p = i64::try_from(p).expect("small");
                    panes.seen(p) == all.contains(&p)
                        && panes.before(p) == all.range(..p).next_back().copied()
                }));
                let other = Panes {
                    cell: 70_000,
                    ..Panes::fresh(0, -5)
                };
                let mut other = other;
                other.set(-5);
                let cells = [other, panes.clone()];
                let packed = Packed::of(&cells);
                assert_eq!(&packed.cells()[..], &cells);
                let newest = i32::try_from(newest).expect("small");
                assert!(packed.newest().eq([(70_000, -5), (3, newest)]));
            }
        }
    }

    #[test]
    fn who_was_seen_once_takes_two_words_a_cell() {
        let cells: Vec<Panes> = (0..11)
            .map(|cell| {
                let mut panes = Panes::fresh(cell, 490_000);
                panes.set(490_000);
                panes
            })
            .collect();
        assert_eq!(Packed::of(&cells).0.len(), 22);
    }
}
