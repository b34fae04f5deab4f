//! In: nothing. Kept: nothing. Out: how a step of a contact or conversation changed its waiting.
//! Never knows: which steps there are; KPIs, whose marks it carries unseen.

use cx_model::time::Timestamp;
use std::sync::Arc;

/// Per measure of such objects the leaf combination that the object counts in, or `None` where
/// it does not match. Shared: a step copies it several times.
pub(crate) type Marks = Arc<[Option<[u16; 2]>]>;

/// By measure of such objects under a new set, which one it was under the set before.
pub(crate) type Moves = Vec<Option<usize>>;

/// The same marks, in the order of a new set.
pub(crate) fn moved(marks: &Marks, moves: &Moves) -> Marks {
    let mark = |from: &Option<usize>| from.and_then(|i| marks.get(i).copied()).flatten();
    moves.iter().map(mark).collect()
}

/// Somebody waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) start: Timestamp,
    /// For longer than was promised.
    pub(crate) overdue: bool,
    pub(crate) marks: Marks,
}

/// What a step did to an object's waiting.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) before: Option<Waiting>,
    pub(crate) after: Option<Waiting>,
}

/// How long after its last step an object is kept, ms of log time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lives {
    pub(crate) open_ms: i64,
    pub(crate) closed_ms: i64,
}
