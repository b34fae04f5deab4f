//! In: the newest pane of a window. Kept: how far the window reaches back. Out: its first pane.
//! Never knows: what lies in a pane.

use super::grain::DAYS;
use cx_catalog::calendar::{Calendar, LONGEST_DAY, QUARTER, day_start};
use cx_catalog::compiled::CompiledMeasure;
use cx_model::window::Window;
use std::sync::Arc;

/// How far one window of a ring reaches back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// So many panes, the newest one included.
    Panes(i64),
    /// To the beginning of the business day that the newest pane lies in; without a calendar UTC's.
    Day(Option<Arc<Calendar>>),
}

impl Reach {
    /// The first pane of the window whose newest one is `head`.
    pub(crate) fn first(&self, head: i64) -> i64 {
        let second = head.saturating_mul(QUARTER);
        match self {
            Self::Panes(length) => head - length + 1,
            Self::Day(Some(calendar)) => calendar.day_start(second).div_euclid(QUARTER),
            Self::Day(None) => day_start(&[], second).div_euclid(QUARTER),
        }
    }

    /// The most panes that it can cover.
    pub(crate) fn most(&self) -> i64 {
        match self {
            Self::Panes(length) => *length,
            Self::Day(_) => LONGEST_DAY,
        }
    }
}

/// The most panes that any of them can cover.
pub(crate) fn longest(reaches: &[Reach]) -> i64 {
    reaches.iter().map(Reach::most).max().unwrap_or(0)
}

/// Windows of each length.
pub(crate) fn of_lengths(lengths: &[i64]) -> Vec<Reach> {
    lengths.iter().copied().map(Reach::Panes).collect()
}

/// The different business days that measures are counted in, at most eight.
pub(crate) fn days<'m>(measures: impl Iterator<Item = &'m CompiledMeasure>) -> Vec<Reach> {
    let mut all = Vec::new();
    for measure in measures.filter(|m| m.windows.contains(&Window::Day)) {
        let day = Reach::Day(measure.calendar.clone());
        if !all.contains(&day) {
            all.push(day);
        }
    }
    all
}

/// Where the windows of a grain reach back to; those of days are the set's own.
pub(crate) fn of_grain(grain: usize, lengths: &[i64], days: &[Reach]) -> Vec<Reach> {
    if grain == DAYS {
        days.to_vec()
    } else {
        of_lengths(lengths)
    }
}
