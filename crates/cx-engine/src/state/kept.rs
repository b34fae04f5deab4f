//! In: a piece of state. Kept: it, alone or shared with a cut. Out: it, copied before its first change
//! after a cut. Never knows: what it holds.

use std::sync::Arc;

/// A piece that a cut can share without copying it.
pub(crate) enum Kept<T> {
    Own(T),
    Shared(Arc<T>),
}

impl<T: Clone + Default> Kept<T> {
    pub(crate) fn get(&self) -> &T {
        match self {
            Self::Own(piece) => piece,
            Self::Shared(piece) => piece,
        }
    }

    /// To be changed: from now on the cut has its own copy, if it still needs one.
    pub(crate) fn own(&mut self) -> &mut T {
        if let Self::Shared(shared) = self {
            *self = Self::Own(Arc::unwrap_or_clone(std::mem::take(shared)));
        }
        match self {
            Self::Own(piece) => piece,
            // Was made its own just now; this only satisfies the compiler.
            Self::Shared(shared) => Arc::make_mut(shared),
        }
    }

    /// As it is now, whatever happens to it later.
    pub(crate) fn share(&mut self) -> Arc<T> {
        let shared = match self {
            Self::Own(piece) => Arc::new(std::mem::take(piece)),
            Self::Shared(shared) => return Arc::clone(shared),
        };
        *self = Self::Shared(Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_piece_is_copied_before_it_changes_and_only_while_somebody_holds_it() {
        let mut kept = Kept::Own(vec![1]);
        let cut = kept.share();
        kept.own().push(2);
        assert_eq!((&*cut, kept.get()), (&vec![1], &vec![1, 2]));
        let before = kept.get().as_ptr();
        drop(kept.share());
        kept.own();
        assert_eq!(kept.get().as_ptr(), before, "nobody held it: not copied");
    }
}
