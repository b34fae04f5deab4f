//! In: what happened. Kept: the gateway's own counters. Out: OpenMetrics text.
//! Never knows: the house's counters.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What the gateway counts. Reasons are a fixed list of words, so the labels are bounded.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) connections: Gauge,
    pub(crate) opened: Counter,
    pub(crate) proven: Gauge,
    pub(crate) disproven: Counter,
    pub(crate) frames: Counter,
    pub(crate) bytes: Counter,
    pub(crate) encoded: Counter,
    pub(crate) conflated: Counter,
    refused: Family<Refusal, Counter>,
    closed: Family<Refusal, Counter>,
    registry: Registry,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    reason: &'static str,
}

impl Counts {
    pub(crate) fn new() -> Self {
        let mut counts = Self {
            connections: Gauge::default(),
            opened: Counter::default(),
            proven: Gauge::default(),
            disproven: Counter::default(),
            frames: Counter::default(),
            bytes: Counter::default(),
            encoded: Counter::default(),
            conflated: Counter::default(),
            refused: Family::default(),
            closed: Family::default(),
            registry: Registry::default(),
        };
        let mut registry = Registry::with_prefix("watchfloor");
        counts.register(&mut registry);
        counts.registry = registry;
        counts
    }

    fn register(&self, registry: &mut Registry) {
        let gauges = [
            ("connections", "Open streams", &self.connections),
            (
                "screens_proven",
                "Subscriptions whose digest is the server's",
                &self.proven,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let counters = [
            ("connections_opened", "Streams opened", &self.opened),
            (
                "digests_disproven",
                "Digests that were not the server's",
                &self.disproven,
            ),
            ("frames_sent", "Frames sent", &self.frames),
            ("bytes_sent", "Bytes of frames sent", &self.bytes),
            ("frames_encoded", "Frames encoded", &self.encoded),
            (
                "updates_conflated",
                "Sequence numbers merged into a later frame",
                &self.conflated,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "refusals",
            "Frames, requests and events refused",
            self.refused.clone(),
        );
        registry.register(
            "streams_closed",
            "Streams that the server closed",
            self.closed.clone(),
        );
    }

    pub(crate) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&Refusal { reason }).inc();
    }

    pub(crate) fn close(&self, reason: &'static str) {
        self.closed.get_or_create(&Refusal { reason }).inc();
    }

    /// The gateway's own lines, then the house's, then the end mark.
    pub(crate) fn text(&self, house: &str) -> String {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry).expect("writing to a string cannot fail");
        text.push_str(house);
        encode_eof(&mut text).expect("writing to a string cannot fail");
        text
    }
}
