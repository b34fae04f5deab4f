//! The meanings: KPI, source, channel and board definitions. In: YAML files. Kept: nothing.
//! Out: checked definitions and a compiled set. Never knows: Kafka, sockets, engine state.

pub mod across;
pub mod alert;
mod board;
pub mod calendar;
mod catalog;
pub mod cel;
mod check;
mod compile;
pub mod compiled;
pub mod definition;
mod derived;
mod diagnostic;
pub mod expr;
pub mod fact;
mod form;
pub mod journey;
mod limits;
pub mod numbered;
mod raw;
pub mod said;
mod schema;
pub mod threshold;

pub use catalog::{Catalog, FOLD_VERSION, load, load_texts};
pub use check::{Declared, parse_kpi};
pub use diagnostic::{Diagnostic, Severity, did_you_mean};
pub use raw::Source;
pub use schema::kpi_schema;
