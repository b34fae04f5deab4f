//! One number everywhere, on the embedded broker.

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
