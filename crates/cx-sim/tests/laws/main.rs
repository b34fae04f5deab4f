//! The engine's laws on random small worlds, against the slow model. A failing seed is printed.

mod alerts;
mod bounded;
mod changing;
mod crowd;
mod decisions;
mod definitions;
mod equal;
mod finals;
mod fold;
mod kinds;
mod levels;
mod living;
mod replay;
mod same;
mod snapshot;
mod talks;
mod world;
