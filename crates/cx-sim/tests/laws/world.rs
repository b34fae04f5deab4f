//! Random small worlds. In: a seed. Kept: nothing. Out: interactions, and logs of them.
//! Never knows: engines.

use cx_model::control::{Act, Control};
use cx_model::ids::partition_of;
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, MINUTE, SECOND, Timestamp};
use cx_sim::slow::LogRecord;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const DAY: i64 = 24 * HOUR;
const BEGIN: i64 = 1_767_225_600_000;
/// Worlds every law is tried in; a failing seed is printed.
pub(crate) const SEEDS: std::ops::Range<u64> = 0..12;

/// One log per partition.
pub(crate) type Logs = Vec<Vec<LogRecord>>;
/// Interactions in order of the log: (log time, customer, bytes).
pub(crate) type World = Vec<(i64, Option<String>, Vec<u8>)>;

fn event(rng: &mut StdRng, at: i64, n: usize) -> (Option<String>, Vec<u8>) {
    const TYPES: [&str; 13] = [
        "contact.queued",
        "contact.answered",
        "contact.ended",
        "contact.dequeued",
        "commerce.order_placed",
        "commerce.checkout_step",
        "view.page_viewed",
        "conversation.customer_message",
        "conversation.customer_message",
        "conversation.agent_message",
        "conversation.closed",
        "case.opened",
        "case.resolved",
    ];
    const CHANNELS: [&str; 4] = ["web", "chat", "voice_call", "pigeon"];
    const QUEUES: [&str; 3] = ["sales", "service", "vip"];
    const SOURCES: [&str; 4] = ["web-shop", "payments", "contact-centre", "unheard"];
    let customer = rng
        .random_bool(0.95)
        .then(|| format!("c-{}", rng.random_range(0..6)));
    let lag = match rng.random_range(0..10) {
        0 => rng.random_range(0..50 * MINUTE),
        1 => rng.random_range(-10 * MINUTE..10 * MINUTE),
        2 => rng.random_range(-70 * MINUTE..0),
        _ => rng.random_range(0..20 * SECOND),
    };
    let who = customer.as_deref().unwrap_or("nobody");
    let id = if rng.random_bool(0.15) {
        format!("{who}-{}", n / 12)
    } else {
        format!("e{n}")
    };
    let contact = customer
        .clone()
        .map(|c| format!("{c}-{}", rng.random_range(0..3)));
    let mut json = serde_json::json!({
        "specversion": "1.0", "id": id, "source": SOURCES[rng.random_range(0..SOURCES.len())],
        "type": format!("cx.{}.v1", TYPES[rng.random_range(0..TYPES.len())]),
        "time": Timestamp(at - lag).to_rfc3339(), "subject": customer,
        "data": {
            "channel": CHANNELS[rng.random_range(0..4)], "contact_id": contact,
            "queue": QUEUES[rng.random_range(0..QUEUES.len())],
            "conversation_id": customer.as_ref().map(|c| format!("{c}-{}", rng.random_range(0..2))),
            "case_id": customer.as_ref().map(|c| format!("{c}-{}", rng.random_range(0..2))),
            "automated": rng.random_bool(0.2),
            "outcome": (["failed", "abandoned", "handled"][rng.random_range(0..3)]),
            "step": (["payment", "address"][rng.random_range(0..2)]),
            "amount_minor": rng.random_range(-500..50_000), "currency": "EUR",
        },
    });
    json["data"]["score"] = (n % 4).into();
    // With gaps, jumps, steps back, other texts; some say none.
    json["sequence"] = match n % 11 {
        0 => serde_json::Value::Null,
        3 => format!("n-{n}").into(),
        5 => (n + 5_000).to_string().into(),
        8 => format!("{:08}", n - 7).into(),
        _ => n.to_string().into(),
    };
    if rng.random_bool(0.8) {
        json["data"]["wait_ms"] = rng.random_range(0..90_000).into();
    }
    let mut bytes = json.to_string().into_bytes();
    if rng.random_bool(0.03) {
        bytes.truncate(bytes.len() / 2);
    }
    (customer, bytes)
}

/// A world of interactions.
pub(crate) fn world(seed: u64) -> World {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut at = BEGIN + rng.random_range(0..HOUR);
    (0..120)
        .map(|n| {
            at += match rng.random_range(0..20) {
                0 => rng.random_range(0..20 * MINUTE),
                1 => -rng.random_range(0..SECOND),
                _ => rng.random_range(0..20 * SECOND),
            };
            let (customer, bytes) = event(&mut rng, at, n);
            (at, customer, bytes)
        })
        .collect()
}

/// What a clock record says.
pub(crate) fn tick(counter: u64) -> Control {
    Control {
        counter,
        act: Act::Clock,
    }
}

/// The world at some time of the year, with silences of hours and days in it.
pub(crate) fn stretched(mut world: World, rng: &mut StdRng) -> World {
    // Some days before clocks are turned somewhere, or nowhere.
    let mut by = [0, 66, 87, 94, 114, 276, 296, 302, 304][rng.random_range(0..9)] * DAY;
    by -= rng.random_range(0..2) * DAY;
    for (at, _, bytes) in &mut world {
        if rng.random_bool(0.1) {
            by += match rng.random_range(0..4) {
                0 => rng.random_range(0..8) * HOUR,
                1 => rng.random_range(0..8) * DAY,
                // So that something just leaves the windows, or just does not.
                2 => DAY - rng.random_range(0..30) * MINUTE,
                _ => DAY - rng.random_range(0..8) * HOUR,
            };
        }
        *at += by;
        if let Ok(mut event) = serde_json::from_slice::<serde_json::Value>(bytes) {
            let time = event["time"].as_str().map(Timestamp::parse_rfc3339);
            let time = time.expect("a time").expect("RFC 3339").plus(by);
            event["time"] = time.to_rfc3339().into();
            *bytes = event.to_string().into_bytes();
        }
    }
    world
}

/// The world as logs; clock records close every partition at the end, and stand between.
pub(crate) fn logs(
    world: &[(i64, Option<String>, Vec<u8>)],
    partitions: u32,
    clocks: usize,
) -> Logs {
    let mut logs: Logs = (0..partitions).map(|_| Vec::new()).collect();
    let mut counter = 0;
    let mut clock = |log: &mut Vec<LogRecord>, at: i64| {
        counter += 1;
        log.push(LogRecord {
            timestamp: Timestamp(at),
            timestamp_kind: TimestampKind::Create,
            value: Vec::new(),
            control: Some(tick(counter)),
        });
    };
    let begin = world[0].0 - SECOND;
    logs.iter_mut().for_each(|log| clock(log, begin));
    let mut newest = begin;
    for (i, (at, customer, bytes)) in world.iter().enumerate() {
        let p = customer
            .as_deref()
            .map_or(0, |c| partition_of(c, partitions));
        let log = &mut logs[p as usize];
        log.push(LogRecord {
            timestamp: Timestamp(*at),
            timestamp_kind: TimestampKind::Create,
            value: bytes.clone(),
            control: None,
        });
        newest = newest.max(*at);
        if clocks > 0 && i % clocks == 0 {
            logs.iter_mut().for_each(|log| clock(log, newest));
        }
    }
    let end = newest + 3 * SECOND;
    logs.iter_mut().for_each(|log| clock(log, end));
    logs
}
