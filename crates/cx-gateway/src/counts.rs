//! In: what happened. Kept: the gateway's own counters. Out: OpenMetrics text.
//! Never knows: the house's counters.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

/// Counted in a gauge for as long as it lives.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn in_gauge(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// When values were published, and how old the newest of their events was then, ms: known of sealed seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Age {
    pub(crate) published: Instant,
    pub(crate) age_ms: Option<i64>,
}

impl Age {
    /// Just now.
    pub(crate) fn now(age_ms: Option<i64>) -> Self {
        let published = Instant::now();
        Self { published, age_ms }
    }
}

/// What the gateway counts. Reasons are a fixed list of words, so the labels are bounded.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) connections: Gauge,
    pub(crate) opened: Counter,
    pub(crate) proven: Gauge,
    pub(crate) screens: Gauge,
    pub(crate) would_block: Gauge,
    pub(crate) unacknowledged: Gauge,
    pub(crate) disproven: Counter,
    pub(crate) frames: Counter,
    pub(crate) bytes: Counter,
    pub(crate) encoded: Counter,
    pub(crate) conflated: Counter,
    pub(crate) lagged: Counter,
    lag: Histogram,
    written: Histogram,
    event_written: Histogram,
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
            screens: Gauge::default(),
            would_block: Gauge::default(),
            unacknowledged: Gauge::default(),
            disproven: Counter::default(),
            frames: Counter::default(),
            bytes: Counter::default(),
            encoded: Counter::default(),
            conflated: Counter::default(),
            lagged: Counter::default(),
            lag: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            written: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            event_written: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            refused: Family::default(),
            closed: Family::default(),
            registry: Registry::default(),
        };
        let mut registry = Registry::with_prefix("watchfloor");
        counts.register(&mut registry);
        counts.registry = registry;
        counts
    }

    /// Each gauge with its name and what it counts.
    fn gauges(&self) -> [(&'static str, &'static str, &Gauge); 5] {
        [
            ("connections", "Open streams", &self.connections),
            (
                "screens_proven",
                "Subscriptions whose digest is the server's",
                &self.proven,
            ),
            (
                "screens",
                "Subscriptions that say what they show, proven or not",
                &self.screens,
            ),
            (
                "streams_would_block",
                "Streams whose frame the kernel did not take at once, until it does",
                &self.would_block,
            ),
            (
                "subscriptions_unacknowledged",
                "Subscriptions that get nothing until they acknowledge",
                &self.unacknowledged,
            ),
        ]
    }

    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in self.gauges() {
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
            (
                "readers_lagged",
                "Readers of every number that lost some",
                &self.lagged,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "cursor_lag",
            "Sequence numbers that a cursor was behind when its frame was made",
            self.lag.clone(),
        );
        registry.register(
            "publish_to_write_seconds",
            "From the publication of values until the kernel had their frame",
            self.written.clone(),
        );
        registry.register(
            "event_to_write_seconds",
            "From the end of a sealed second, the newest that its events can be, until the kernel had their frame",
            self.event_written.clone(),
        );
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

    /// A cursor was so many numbers behind.
    pub(crate) fn lag(&self, numbers: u64) {
        let most = u32::try_from(numbers).unwrap_or(u32::MAX);
        self.lag.observe(f64::from(most));
    }

    /// The kernel has a frame of those values.
    #[expect(clippy::cast_precision_loss, reason = "ms of a life")]
    pub(crate) fn written(&self, age: Age) {
        let since = age.published.elapsed().as_secs_f64();
        self.written.observe(since);
        if let Some(ms) = age.age_ms {
            self.event_written.observe(ms as f64 / 1e3 + since);
        }
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
