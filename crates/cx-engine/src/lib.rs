//! The mind: records become state, state becomes KPIs. In: [`Delivery`]. Kept: customers, contacts,
//! sources, panes. Out: [`Effect`]s. Never knows: clocks, threads, I/O, JSON, randomness; it
//! cannot fail.
//!
//! Four verbs and a view: [`Engine::handle_record`] (a record came in), [`Engine::handle_timeout`]
//! (log time passed), [`Engine::poll_timeout`] (the next deadline), [`Engine::next_effect`] (do
//! this), and reads. One engine serves one partition; [`Rollup`] joins them.
//!
//! Order inside one record: log time moves; every second it passes is emitted, before it the deadlines
//! due by then fire and minutes become final; the remaining due deadlines fire; then the record gets
//! the first name that fits: dead-lettered, control, duplicate, late, applied.

mod account;
mod effect;
mod engine;
pub mod judge;
mod kpi;
mod plan;
mod rollup;
mod state;

pub use account::{Account, Counts, Gap};
pub use effect::{Decision, Effect, Final, Part, Ruling};
pub use engine::{Block, Config, Content, Cut, Delivery, Engine, Step, Unfit};
pub use plan::Plan;
pub use rollup::{FinalMinute, Rollup};
pub use state::customers::{Customer, CustomerReader};
