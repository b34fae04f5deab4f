//! In: customer, combination, minute. Kept: per customer and combination a 128-bit map of minutes;
//! per window end the count. Out: exact distinct counts. Never knows: who the customer is.
//!
//! When minute *m* is newly set between neighbours *p* < *m* < *n*, the count of window length *L*
//! rises by one for every window end from max(*m*, *p* + *L*) to min(*m* + *L* − 1, *n* − 1).

use crate::state::shards::Shards;
use cx_model::ids::Key128;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Window lengths in minutes: 5m, 15m, 1h.
pub(crate) const LENGTHS: [i64; 3] = [5, 15, 60];
/// No event is older than horizon (30) + pane, none younger than clamp (5): beyond this a map
/// can no longer change a count.
const FORGET_AFTER: i64 = 100;
const RING: i64 = 192;

/// The newest minute, and a bit for it and each of the 127 before it. In halves: a `u128` would make
/// every entry a quarter larger.
#[derive(Clone, Copy)]
struct Minutes {
    newest: i64,
    bits: [u64; 2],
}

/// What is known of one customer: few combinations, found by one look-up.
#[derive(Default)]
struct Seen(SmallVec<[(u32, Minutes); 2]>);

impl Seen {
    fn newest(&self) -> i64 {
        let all = self.0.iter().map(|(_, minutes)| minutes.newest);
        all.max().unwrap_or(i64::MIN)
    }

    fn of(&mut self, combo: u32, minute: i64) -> &mut Minutes {
        let known = self.0.iter().position(|(c, _)| *c == combo);
        let at = known.unwrap_or_else(|| {
            let fresh = Minutes {
                newest: minute,
                bits: [0; 2],
            };
            self.0.push((combo, fresh));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// Counts per window end, kept as differences; `now` is the count at the head.
#[derive(Clone)]
struct Ends {
    now: i64,
    differences: Vec<i64>,
}

/// One distinct measure.
pub(crate) struct Distinct {
    maps: Shards<Seen>,
    forget: BTreeMap<i64, Vec<Key128>>,
    ends: Vec<[Ends; 3]>,
    head: i64,
    most: usize,
}

impl Distinct {
    pub(crate) fn new(combos: usize, most: usize) -> Self {
        let fresh = || Ends {
            now: 0,
            differences: vec![0; slot(RING - 1) + 1],
        };
        Self {
            maps: Shards::new(4),
            forget: BTreeMap::new(),
            ends: (0..combos).map(|_| [fresh(), fresh(), fresh()]).collect(),
            head: i64::MIN,
            most,
        }
    }

    /// Moves the window end to `head` (a minute).
    pub(crate) fn advance(&mut self, head: i64) {
        let jump = self.head == i64::MIN || head - self.head >= RING;
        for ends in self.ends.iter_mut().flatten() {
            if jump {
                ends.now = 0;
                ends.differences.fill(0);
                continue;
            }
            for minute in self.head + 1..=head {
                ends.now += std::mem::take(&mut ends.differences[slot(minute)]);
            }
        }
        self.head = self.head.max(head);
        while let Some(entry) = self.forget.first_entry() {
            if *entry.key() > head {
                break;
            }
            let keys = entry.remove();
            self.forget_idle(keys, head);
        }
    }

    fn forget_idle(&mut self, keys: Vec<Key128>, head: i64) {
        for key in keys {
            let newest = self.maps.get(key).map(Seen::newest);
            match newest {
                Some(newest) if newest + FORGET_AFTER > head => {
                    self.forget
                        .entry(newest + FORGET_AFTER)
                        .or_default()
                        .push(key);
                }
                Some(_) => {
                    self.maps.remove(key);
                }
                None => {}
            }
        }
    }

    /// Marks the customer as seen in `minute` in all of these combinations; false where the limit
    /// refused a new customer.
    pub(crate) fn mark(&mut self, customer: Key128, combos: &[usize], minute: i64) -> bool {
        let room = self.maps.len() < self.most;
        let Some((seen, fresh)) = self.maps.enter(customer, room, Seen::default) else {
            return false;
        };
        if fresh {
            let due = minute.max(self.head) + FORGET_AFTER;
            self.forget.entry(due).or_default().push(customer);
        }
        for combo in combos {
            let number = u32::try_from(*combo).expect("few combinations");
            let Some((before, after)) = seen.of(number, minute).set(minute) else {
                continue;
            };
            for (i, length) in LENGTHS.into_iter().enumerate() {
                let from = before.map_or(minute, |p| minute.max(p + length));
                let to = after.map_or(minute + length - 1, |n| (minute + length - 1).min(n - 1));
                self.ends[*combo][i].add(self.head, from, to);
            }
        }
        true
    }

    /// Customers kept.
    pub(crate) fn len(&self) -> usize {
        self.maps.len()
    }

    /// Distinct customers in the window of `LENGTHS[index]` minutes that ends with the head.
    pub(crate) fn count(&self, combo: usize, index: usize) -> i64 {
        self.ends[combo][index].now
    }
}

fn slot(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(RING)).expect("not negative")
}

impl Ends {
    /// Adds one to every window end in `from..=to`; ends before the head are history.
    fn add(&mut self, head: i64, from: i64, to: i64) {
        if to < from.max(head) {
            return;
        }
        if from <= head {
            self.now += 1;
        } else {
            self.differences[slot(from)] += 1;
        }
        self.differences[slot(to + 1)] -= 1;
    }
}

impl Minutes {
    /// Sets a minute; its neighbours if it was newly set, `None` if it was set already or is too
    /// old to matter.
    fn set(&mut self, minute: i64) -> Option<(Option<i64>, Option<i64>)> {
        let mut bits = u128::from(self.bits[0]) | u128::from(self.bits[1]) << 64;
        if minute > self.newest {
            let by = u32::try_from(minute - self.newest).unwrap_or(u32::MAX);
            bits = bits.checked_shl(by).unwrap_or(0);
            self.newest = minute;
        }
        let k = u32::try_from(self.newest - minute)
            .ok()
            .filter(|k| *k < 128)?;
        if bits & (1 << k) != 0 {
            return None;
        }
        bits |= 1 << k;
        self.bits = [low(bits), low(bits >> 64)];
        let older = bits.checked_shr(k + 1).unwrap_or(0);
        let before = (older != 0).then(|| minute - 1 - i64::from(older.trailing_zeros()));
        let newer = bits & ((1_u128 << k) - 1);
        let after = (newer != 0).then(|| self.newest - i64::from(127 - newer.leading_zeros()));
        Some((before, after))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low(bits: u128) -> u64 {
    bits as u64
}
