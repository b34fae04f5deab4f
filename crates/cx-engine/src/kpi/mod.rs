//! What the engine measures. In: events with their names and times. Kept: panes, maps, gauges.
//! Out: components per passed second; cells from joined components.
//! Never knows: customers' records, other partitions.

pub(crate) mod aged;
pub(crate) mod cells;
pub(crate) mod dims;
pub(crate) mod distinct;
pub(crate) mod extremes;
pub(crate) mod finals;
pub(crate) mod grain;
pub(crate) mod journeys;
pub(crate) mod lasting;
pub(crate) mod layout;
pub(crate) mod marks;
pub(crate) mod meter;
pub(crate) mod names;
mod numbered;
mod numbers;
pub(crate) mod objects;
pub(crate) mod outcomes;
pub(crate) mod panes;
pub(crate) mod profiles;
pub(crate) mod reach;
pub(crate) mod spans;
pub(crate) mod spots;
pub(crate) mod sums;
pub(crate) mod tallies;
pub(crate) mod tally;
