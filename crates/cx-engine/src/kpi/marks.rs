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

/// The numbers of a list of marks, and of those among them that count over days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) all: u32,
    pub(crate) lasting: u32,
}

impl List {
    /// No marks.
    pub(crate) const NONE: Self = Self {
        all: Lists::NONE,
        lasting: Lists::NONE,
    };
}

/// Numbers of lists.
pub(crate) struct Lists {
    numbers: HashMap<Box<[Mark]>, List, FixedState>,
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

    /// The numbers of a list; the same list has the same ones as long as nothing began anew. `lasting`: whether a
    /// measure counts over days.
    pub(crate) fn number(&mut self, marks: &[Mark], lasting: &dyn Fn(usize) -> bool) -> List {
        if let Some(list) = self.numbers.get(marks) {
            return *list;
        }
        if self.numbers.len() >= MOST {
            self.numbers.clear();
        }
        let long: Vec<Mark> = marks
            .iter()
            .filter(|m| lasting(m.measure))
            .cloned()
            .collect();
        let list = if long.len() == marks.len() {
            let all = self.fresh();
            List { all, lasting: all }
        } else if long.is_empty() {
            let all = self.fresh();
            List {
                all,
                lasting: Self::NONE,
            }
        } else {
            let lasting = self.number(&long, lasting).all;
            List {
                all: self.fresh(),
                lasting,
            }
        };
        self.numbers.insert(marks.into(), list);
        list
    }

    fn fresh(&mut self) -> u32 {
        let number = self.next;
        // Long before a number comes again, whoever has it marks another minute.
        self.next = self.next.wrapping_add(1).max(Self::NONE + 1);
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
        let mut number = |marks: &[Mark]| lists.number(marks, &|_| false).all;
        let first = number(&[mark(1, &[0, 2])]);
        assert_ne!(first, Lists::NONE);
        assert_eq!(number(&[mark(1, &[0, 2])]), first);
        let others = [
            &[mark(1, &[0, 3])][..],
            &[mark(1, &[0]), mark(2, &[2])],
            &[],
        ];
        let others = others.map(&mut number);
        assert!(others.iter().all(|other| *other > first));
        for combo in 0..MOST {
            number(&[mark(9, &[combo])]);
        }
        assert!(number(&[mark(1, &[0, 2])]) > first, "forgotten: a new one");
        let mut later = Lists::after(&lists);
        assert!(later.number(&[mark(1, &[0, 2])], &|_| false).all >= lists.next);
    }

    #[test]
    fn lists_that_mark_the_same_over_days_share_the_number_of_that() {
        let mut lists = Lists::new();
        let mut number = |marks: &[Mark]| lists.number(marks, &|measure| measure > 4);
        let (short, long) = (mark(1, &[0, 2]), mark(5, &[3]));
        let both = number(&[short.clone(), long.clone()]);
        let other = number(&[mark(2, &[0]), long.clone()]);
        let alone = number(&[long]);
        assert_eq!([both, other].map(|l| l.lasting), [alone.all; 2]);
        assert_eq!(alone.all, alone.lasting);
        assert_ne!(both.all, other.all);
        assert_eq!(number(&[short]).lasting, Lists::NONE);
        assert_ne!(number(&[mark(5, &[4])]).lasting, alone.all);
    }
}
