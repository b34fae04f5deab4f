//! The same number four ways, over a real Apache Kafka: what was sent, what was refused, and a log that
//! goes on by clock records alone.

use crate::cluster::{Installation, sent};
use crate::four_ways::{check, everything};
use crate::recount::until_ready;
use crate::round_trip::events;

#[test]
fn every_number_of_a_house_over_kafka_is_the_same_four_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let boards = everything(folder.path());
    let mut at = Installation::new(3);
    let catalog = folder.path().to_str().expect("text").to_owned();
    at.more.push(("WATCHFLOOR_CATALOG", catalog));
    let house = at.serve();
    sent(&at, &events(6).0);
    until_ready(&house);
    let numbers = check(&house, &boards);
    let line = ["recount", "--from", &at.bootstrap, "--against", &house.url];
    let said = at.good(&line);
    assert!(
        said.contains(&format!("{numbers} of {numbers} numbers are equal")),
        "{said}"
    );
}
