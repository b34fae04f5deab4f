//! In: somebody's boards. Kept: the numbers that stand on them. Out: whether they may be told one. Never
//! knows: values.
//!
//! Boards are the unit of access: who may see some of them hears of no number that stands elsewhere.

use super::principal::Principal;
use super::refused::Refused;
use super::role::Boards;
use crate::desk::Desk;
use std::collections::BTreeSet;

/// The numbers that somebody may be told.
pub(crate) struct Seen {
    boards: Boards,
    /// `None`: all.
    some: Option<(BTreeSet<usize>, BTreeSet<String>)>,
}

impl Seen {
    pub(crate) fn by(desk: &dyn Desk, who: &Principal) -> Self {
        let boards = who.boards.clone();
        if boards.are_all() {
            return Self { boards, some: None };
        }
        let (mut cells, mut kpis) = (BTreeSet::new(), BTreeSet::new());
        let all = desk.boards();
        for board in all.iter().filter(|board| boards.have(&board.name)) {
            cells.extend(&board.source_index);
            kpis.extend(board.cells.iter().map(|cell| cell.key.kpi.to_string()));
        }
        let some = Some((cells, kpis));
        Self { boards, some }
    }

    /// Whether a cell, by its place among [`Desk::cells`].
    pub(crate) fn has(&self, cell: usize) -> bool {
        self.some
            .as_ref()
            .is_none_or(|(cells, _)| cells.contains(&cell))
    }

    /// Whether anything of a KPI.
    pub(crate) fn has_kpi(&self, kpi: &str) -> bool {
        self.some
            .as_ref()
            .is_none_or(|(_, kpis)| kpis.contains(kpi))
    }

    /// # Errors
    /// It stands on none of their boards.
    pub(crate) fn check_kpi(&self, kpi: &str) -> Result<(), Refused> {
        if self.has_kpi(kpi) {
            return Ok(());
        }
        Err(Refused::Cell(self.boards.clone()))
    }
}
