//! The house from outside: the real binary over the embedded broker, real clients, the recount.

mod access;
mod catalog;
mod deeds;
mod demo;
mod doors;
mod examples;
mod four;
mod hostile;
mod live;
mod numbers;
mod openmetrics;
mod proof;
mod recount;
mod run;
mod serve;
mod sign_on;
mod tokens;
mod why;
