//! Random worlds of few conversations. In: a seed. Kept: nothing. Out: messages, replies stamped around
//! what is due, many of which come late, ends, repeats. Never knows: engines.

use crate::world::World;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const BEGIN: i64 = 1_767_225_600_000;
/// Channels, and how soon they answer in the laws' catalogue.
const CHANNELS: [(&str, i64); 4] = [
    ("chat", 7 * SECOND),
    ("web", 40 * SECOND),
    ("voice_call", 2_000 * SECOND),
    ("pigeon", 0),
];

/// A message that replies may be stamped around.
struct Asked {
    at: i64,
    due: i64,
    who: (String, String),
}

/// How long after its stamp an event comes, ms: mostly soon, now and then around lateness or horizon,
/// seldom never in time.
fn lag(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..12) {
        0 => rng.random_range(0..40 * MINUTE),
        1 => rng.random_range(25 * MINUTE..32 * MINUTE),
        2 | 3 => rng.random_range(0..4 * MINUTE),
        4 => -rng.random_range(0..7 * MINUTE),
        _ => rng.random_range(0..3 * SECOND),
    }
}

/// A stamp in, at the edges of, or after the time that a message leaves for its answer.
fn stamp(rng: &mut StdRng, asked: &Asked) -> i64 {
    match rng.random_range(0..8) {
        0 => asked.at,
        1 => asked.due,
        2 => asked.due + 1,
        3 => asked.at - 1,
        4 => asked.due + rng.random_range(1..30 * SECOND),
        _ => rng.random_range(asked.at..=asked.due),
    }
}

fn json(
    n: usize,
    kind: &str,
    time: i64,
    (customer, conversation): &(String, String),
) -> serde_json::Value {
    serde_json::json!({
        "specversion": "1.0", "id": format!("t{n}"), "source": "contact-centre",
        "type": format!("cx.conversation.{kind}.v1"),
        "time": Timestamp(time).to_rfc3339(), "subject": customer,
        "data": {"channel": "chat", "conversation_id": conversation},
    })
}

/// A world of talks.
pub(crate) fn talks(seed: u64) -> World {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut at = BEGIN + rng.random_range(0..MINUTE);
    let (customers, burst) = (rng.random_range(1..4), rng.random_range(1..12) * SECOND);
    let mut asked: Vec<Asked> = Vec::new();
    let mut world: World = Vec::new();
    // Positions of those that are no repeats.
    let mut first: Vec<usize> = Vec::new();
    for n in 0..90 {
        at += match rng.random_range(0..24) {
            0 => rng.random_range(0..35 * MINUTE),
            1 => -rng.random_range(0..SECOND),
            2 | 3 => rng.random_range(0..3 * MINUTE),
            4 => 0,
            _ => rng.random_range(0..=burst),
        };
        if rng.random_ratio(1, 12) && n > 0 {
            // A repeat, inside the repeat window: the same message would be decided of again.
            let recent = first.iter().filter(|i| world[**i].0 > at - 30 * MINUTE);
            let recent: Vec<usize> = recent.copied().collect();
            if !recent.is_empty() {
                let (_, customer, bytes) = world[recent[rng.random_range(0..recent.len())]].clone();
                world.push((at, customer, bytes));
                continue;
            }
        }
        let newest = asked.len().saturating_sub(12);
        let old = (newest < asked.len()).then(|| &asked[rng.random_range(newest..asked.len())]);
        let event = match old {
            Some(old) if rng.random_bool(0.5) => {
                // Stamped as the message says, or by its own coming.
                let time = if rng.random_bool(0.6) {
                    stamp(&mut rng, old)
                } else {
                    at - lag(&mut rng)
                };
                if rng.random_ratio(1, 16) {
                    // As old as a restatement may be, or by a breath older.
                    let horizon = [1, 10, 30][rng.random_range(0..3)] * MINUTE;
                    let then = time + horizon + rng.random_range(0..2);
                    // Silence for an hour would be a jump.
                    if then - at < 20 * MINUTE {
                        at = at.max(then);
                    }
                }
                let kind = ["agent_message", "agent_message", "agent_message", "closed"];
                let mut event = json(n, kind[rng.random_range(0..4)], time, &old.who);
                event["data"]["automated"] = rng.random_bool(0.1).into();
                event
            }
            _ => {
                let (channel, target) = CHANNELS[[0, 0, 1, 1, 2, 3][rng.random_range(0..6)]];
                let customer = format!("c-{}", rng.random_range(0..customers));
                let conversation = format!("{customer}-{}", rng.random_range(0..2));
                let time = at - lag(&mut rng);
                let who = (customer, conversation);
                let mut event = json(n, "customer_message", time, &who);
                event["data"]["channel"] = channel.into();
                let due = time + target;
                asked.push(Asked { at: time, due, who });
                event
            }
        };
        first.push(n);
        let customer = event["subject"].as_str().map(str::to_owned);
        world.push((at, customer, event.to_string().into_bytes()));
    }
    world
}

/// A conversation whose messages come in the reverse order of their stamps, so that each becomes the
/// oldest unanswered one; then replies to some of them.
pub(crate) fn backwards(seed: u64) -> World {
    let mut rng = StdRng::seed_from_u64(seed);
    let begin = BEGIN + 20 * MINUTE;
    let who = ("c-1".to_owned(), "c-1-1".to_owned());
    let gap = rng.random_range(1..40 * SECOND);
    let mut at = begin;
    let mut world = World::new();
    for n in 0..30 {
        at += rng.random_range(0..=gap);
        if rng.random_ratio(1, 12) {
            at += 31 * MINUTE;
        }
        let step = i64::try_from(n).expect("few");
        let mut event = json(n, "customer_message", begin - step * SECOND, &who);
        event["data"]["channel"] = CHANNELS[rng.random_range(0..3)].0.into();
        world.push((at, Some(who.0.clone()), event.to_string().into_bytes()));
    }
    for n in 30..40 {
        at += rng.random_range(0..4 * MINUTE);
        let time = begin - rng.random_range(-10..40) * SECOND;
        let event = json(n, "agent_message", time, &who);
        world.push((at, Some(who.0.clone()), event.to_string().into_bytes()));
    }
    world
}
