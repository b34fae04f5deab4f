//! The house over a real Apache Kafka, as its user meets it. `WATCHFLOOR_TEST_KAFKA` names the
//! cluster; `cargo xtask test` starts one and runs these.

#[path = "../it/four.rs"]
mod four_ways;
#[path = "../it/openmetrics.rs"]
mod openmetrics;
#[path = "../it/proof.rs"]
mod proof;
#[path = "../it/run.rs"]
mod run;

mod alerts;
mod bad;
mod bounce;
mod chaos;
mod cluster;
mod four;
mod governing;
mod history;
mod living;
mod nemesis;
mod recount;
mod reload;
mod restart;
mod round_trip;
mod screen;
mod secure;
mod store;
mod tls;
