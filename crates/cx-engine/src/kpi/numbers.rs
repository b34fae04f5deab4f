//! In: names. Kept: a number for each. Out: the number of a name, which every event asks for several
//! times. Never knows: what they name.
//!
//! A sparse table, so that nearly every name stands where it is looked for first; found there by its
//! length, its first and its last eight bytes, whose mixing costs less than a hash of the whole.

/// Odd, its bits well mixed (2^64 divided by the golden ratio).
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// Places per name, at least.
const SPARSE: usize = 4;

/// Names and their numbers.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Empty, or a power of two of places.
    places: Vec<Option<(Box<str>, usize)>>,
    names: usize,
}

impl Numbers {
    /// Names numbered from 0.
    pub(crate) fn of(names: &[String]) -> Self {
        let mut numbers = Self::default();
        for (number, name) in names.iter().enumerate() {
            numbers.enter(name, number);
        }
        numbers
    }

    /// The number of a name.
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        let last = self.places.len().checked_sub(1)?;
        let mut at = mixed(name) & last;
        loop {
            let (known, number) = self.places[at].as_ref()?;
            if **known == *name {
                return Some(*number);
            }
            at = (at + 1) & last;
        }
    }

    /// The number of a name, which is `fresh` where it had none.
    pub(crate) fn enter(&mut self, name: &str, fresh: usize) -> usize {
        if let Some(number) = self.get(name) {
            return number;
        }
        self.names += 1;
        let size = (self.names * SPARSE).next_power_of_two();
        let old = std::mem::replace(&mut self.places, vec![None; size]);
        for (name, number) in old.into_iter().flatten().chain([(name.into(), fresh)]) {
            let mut at = mixed(&name) & (size - 1);
            while self.places[at].is_some() {
                at = (at + 1) & (size - 1);
            }
            self.places[at] = Some((name, number));
        }
        fresh
    }
}

fn mixed(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (head, tail) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (bytes.iter().fold(0, |word, b| word << 8 | u64::from(*b)), 0),
    };
    let mixed = (head ^ tail.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(MIX);
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_number_also_those_that_differ_in_the_middle_only() {
        let middle = |i| format!("cx.contact.{i:03}_ended.v1");
        let short = ["", "a", "web", "chat", "voice_call"].map(str::to_owned);
        let names: Vec<String> = (0..40).map(middle).chain(short).collect();
        let numbers = Numbers::of(&names);
        for (number, name) in names.iter().enumerate() {
            assert_eq!(numbers.get(name), Some(number), "{name}");
        }
        assert_eq!(numbers.get("cx.contact.040_ended.v1"), None);
        assert_eq!(Numbers::default().get("web"), None);
    }

    #[test]
    fn a_name_keeps_its_first_number() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.enter("web", 3), 3);
        assert_eq!(numbers.enter("web", 9), 3);
    }
}
