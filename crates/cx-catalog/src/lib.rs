//! The meanings: KPI, source, channel and board definitions. In: YAML files. Kept: nothing.
//! Out: checked definitions and a compiled set. Never knows: Kafka, sockets, engine state.

pub mod compiled;
pub mod definition;
