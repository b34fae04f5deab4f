//! In: choices. Kept: nothing. Out: [`Config`]. Never knows: what becomes of it.

use crate::faults::Faults;
use cx_model::time::Timestamp;

/// How the company is.
#[derive(Debug, Clone)]
pub struct Config {
    /// Same seed, same company.
    pub seed: u64,
    /// People it knows.
    pub customers: usize,
    /// Mean events per second, all together; heartbeats alone make about half a one.
    pub rate_per_s: f64,
    /// When it opens.
    pub start: Timestamp,
    /// When payments begin to fail, and again every 35 minutes; `None`: only when they are broken.
    pub incident_at: Option<Timestamp>,
    /// Quiet nights, busy evenings and Mondays (by UTC). Off: every hour is like the mean one.
    pub diurnal: bool,
    /// What goes wrong on the way to the log.
    pub faults: Faults,
}
