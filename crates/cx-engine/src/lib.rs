//! The mind: records to state to KPIs; no clock, no I/O, cannot fail.
