//! One number everywhere, on the embedded broker.

use crate::four::{self, everything};
use crate::proof::{Log, check};
use crate::run::House;
use cx_kafka::ClientSettings;
use cx_model::vocabulary::TOPIC_INTERACTIONS;

#[test]
fn stream_http_and_recount_say_the_same_at_the_same_sealed_seconds() {
    let demo = House::demo(&["--history", "3", "--rate", "8", "--customers", "60"]);
    let log = Log {
        settings: ClientSettings::embedded(&demo.bootstrap),
        topic: TOPIC_INTERACTIONS,
        partitions: 8,
    };
    check(&demo, &log);
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}

#[test]
fn every_number_of_a_demo_is_the_same_four_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let boards = everything(folder.path());
    let catalog = folder.path().to_str().expect("text");
    let demo = House::demo(&[
        "--catalog",
        catalog,
        "--history",
        "3",
        "--rate",
        "20",
        "--customers",
        "100",
    ]);
    let cells: usize = cx_catalog::load(folder.path())
        .expect("right")
        .compile(1)
        .cells
        .len();
    assert_eq!(four::check(&demo, &boards), cells);
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}
