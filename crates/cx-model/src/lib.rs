//! The words: events, ids, time, KPI values and frames.
