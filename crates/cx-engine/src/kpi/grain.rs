//! In: windows. Kept: nothing. Out: the panes that they add up. Never knows: what lies in a pane.

use cx_catalog::calendar::QUARTER;
use cx_model::window::Window;

/// Panes of one width, and the windows made of them.
pub(crate) struct Grain {
    /// Seconds.
    pub(crate) width: i64,
    /// Lengths of its windows, in panes.
    pub(crate) lengths: &'static [i64],
    /// Panes that stamps up to the clamp ahead of log time reach, and one more.
    pub(crate) ahead: i64,
}

/// How many widths there are.
pub(crate) const GRAINS: usize = 6;
/// The one by which customers are counted over an hour and less.
pub(crate) const MINUTES: usize = 1;
/// The one whose windows are business days, which begin where a calendar says.
pub(crate) const DAYS: usize = 5;

/// All of them, finest first.
pub(crate) const ALL: [Grain; GRAINS] = [
    Grain {
        width: 5,
        lengths: &[12, 60],
        ahead: 62,
    },
    Grain {
        width: 60,
        lengths: &super::distinct::LENGTHS,
        ahead: 7,
    },
    Grain {
        width: 900,
        lengths: &[96],
        ahead: 2,
    },
    Grain {
        width: 3_600,
        lengths: &[168],
        ahead: 2,
    },
    Grain {
        width: 86_400,
        lengths: &[28],
        ahead: 2,
    },
    Grain {
        width: QUARTER,
        lengths: &[],
        ahead: 2,
    },
];

/// Which panes a window adds up, and which of their lengths it is; `None` for `now`. Distinct customers
/// are counted by minutes. `day`: which of the set's business days is meant.
pub(crate) fn of(distinct: bool, window: Window, day: usize) -> Option<(usize, usize)> {
    if window == Window::Day {
        return Some((DAYS, day));
    }
    let minutes = distinct && window == Window::M5;
    let width = if minutes { 60 } else { window.pane_seconds() };
    let grain = ALL.iter().position(|g| g.width == width)?;
    let lengths = ALL[grain].lengths.iter();
    let index = lengths
        .clone()
        .position(|l| l * width == window.seconds())?;
    Some((grain, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_but_now_has_panes() {
        for window in Window::ALL {
            assert_eq!(
                of(false, window, 0).is_none(),
                window == Window::Now,
                "{window:?}"
            );
        }
        assert_eq!(of(true, Window::M5, 0), Some((1, 0)));
        assert_eq!(of(false, Window::M5, 0), Some((0, 1)));
    }
}
