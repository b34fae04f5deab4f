//! In: where one event counts its customer. Kept: a number for each different list of that. Out: the number,
//! so that an event which marks what its customer's last one did is known by one comparison. Never knows:
//! customers.

use super::layout::scopes;
use cx_catalog::compiled::CompiledDimension;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Most lists that are remembered; beyond them all begin anew, under new numbers.
const MOST: usize = 4_096;

/// A measure that counts customers, and the combinations (or the channel) in which it counts this one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) measure: usize,
    pub(crate) combos: SmallVec<[usize; 4]>,
}

/// All that one event marks.
pub(crate) type Marks = SmallVec<[Mark; 8]>;

/// Numbers of lists.
pub(crate) struct Lists {
    numbers: HashMap<Box<[Mark]>, u32, FixedState>,
    next: u32,
}

impl Mark {
    pub(crate) fn of(measure: usize, dimensions: &[CompiledDimension], leaf: [u16; 2]) -> Self {
        let (combos, n) = scopes(dimensions, leaf);
        Self {
            measure,
            combos: SmallVec::from_slice(&combos[..n]),
        }
    }
}

impl Lists {
    /// No list has this number.
    pub(crate) const NONE: u32 = 0;

    pub(crate) fn new() -> Self {
        Self {
            numbers: HashMap::with_hasher(FixedState::with_seed(3)),
            next: Self::NONE + 1,
        }
    }

    /// None of whose numbers stands for a list of `old`: under another set a mark means something else.
    pub(crate) fn after(old: &Self) -> Self {
        Self {
            next: old.next,
            ..Self::new()
        }
    }

    /// The number of a list; the same list has the same one as long as nothing began anew.
    pub(crate) fn number(&mut self, marks: &[Mark]) -> u32 {
        if let Some(number) = self.numbers.get(marks) {
            return *number;
        }
        if self.numbers.len() >= MOST {
            self.numbers.clear();
        }
        let number = self.next;
        // Long before a number comes again, whoever has it marks another minute.
        self.next = self.next.wrapping_add(1).max(Self::NONE + 1);
        self.numbers.insert(marks.into(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(measure: usize, combos: &[usize]) -> Mark {
        Mark {
            measure,
            combos: SmallVec::from_slice(combos),
        }
    }

    #[test]
    fn a_number_stands_for_one_list_alone_whatever_was_forgotten() {
        let mut lists = Lists::new();
        let first = lists.number(&[mark(1, &[0, 2])]);
        assert_ne!(first, Lists::NONE);
        assert_eq!(lists.number(&[mark(1, &[0, 2])]), first);
        let others = [
            &[mark(1, &[0, 3])][..],
            &[mark(1, &[0]), mark(2, &[2])],
            &[],
        ];
        let others = others.map(|other| lists.number(other));
        assert!(others.iter().all(|other| *other > first));
        for combo in 0..MOST {
            lists.number(&[mark(9, &[combo])]);
        }
        assert!(
            lists.number(&[mark(1, &[0, 2])]) > first,
            "forgotten: a new one"
        );
        let mut later = Lists::after(&lists);
        assert!(later.number(&[mark(1, &[0, 2])]) >= lists.next);
    }
}
