//! First replies as the engine finds them, against the company's own books.

use cx_catalog::compiled::Compiled;
use cx_catalog::load;
use cx_engine::{Config as Partition, Content, Delivery, Effect, Engine, Plan, Rollup, Step};
use cx_model::decode::decode;
use cx_model::event::Event;
use cx_model::ids::HashKey;
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, Timestamp};
use cx_model::value::Sealed;
use cx_model::window::Window;
use cx_sim::{Company, Config, Faults, Replies, Truth};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const T: Timestamp = Timestamp(1_800_000_000_000);
/// The window ends so long after the company opened.
const MINUTES: i64 = 100;

/// The company's events until the window ends, in order of event time, as a history has them.
fn history() -> (Vec<(Timestamp, Vec<u8>)>, Truth) {
    let mut company = Company::new(Config {
        seed: 21,
        customers: 20_000,
        rate_per_s: 40.0,
        start: T,
        incident_at: Some(T.plus(30 * MINUTE)),
        diurnal: false,
        faults: Faults::calm(),
    });
    let mut history = Vec::new();
    while company.peek_at() < T.plus((MINUTES + 10) * MINUTE) {
        let emission = company.next_emission();
        let event: serde_json::Value = serde_json::from_slice(&emission.value).expect("calm");
        let time = event["time"].as_str().expect("every event has a time");
        let time = Timestamp::parse_rfc3339(time).expect("RFC 3339");
        if time < T.plus(MINUTES * MINUTE) {
            history.push((time, emission.value.clone()));
        }
    }
    history.sort_by_key(|(time, _)| *time);
    (history, company.truth().clone())
}

/// The shipped set.
fn set() -> Arc<Compiled> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let catalog = load(&dir).unwrap_or_else(|f| panic!("{}", f[0]));
    Arc::new(catalog.compile(1))
}

/// The only partition.
fn engine(set: &Arc<Compiled>) -> Engine {
    let partition = Partition {
        partition: 0,
        partitions: 1,
        start_offset: 0,
        gaps_are_losses: false,
        hash_key: HashKey(7, 9),
    };
    Engine::new(partition, Arc::new(Plan::new(Arc::clone(set))))
}

fn hand_in(engine: &mut Engine, set: &Compiled, offset: i64, (at, value): (Timestamp, &[u8])) {
    let event: Event<'_> = decode(value, &set.slots, &set.limits).expect("valid");
    engine.handle_record(&Delivery {
        offset,
        timestamp: at,
        timestamp_kind: TimestampKind::Create,
        content: Content::Event(&event),
    });
}

/// The set folded over the history, at the second the window ends.
fn folded(set: &Arc<Compiled>, history: &[(Timestamp, Vec<u8>)]) -> Arc<Sealed> {
    let mut engine = engine(set);
    engine.set_step(Step::Minute);
    let mut rollup = Rollup::new(Arc::clone(set), 1);
    let mut sealed = BTreeMap::new();
    let mut drain = |engine: &mut Engine| {
        while let Some(effect) = engine.next_effect() {
            match effect {
                Effect::Part(part) => {
                    sealed.extend(rollup.handle_part(part).map(|s| (s.s, Arc::new(s))));
                }
                Effect::Decision(_) | Effect::Final(_) => {}
                Effect::DeadLetter { rejected, .. } => panic!("{rejected}"),
            }
        }
    };
    for (offset, (timestamp, value)) in (0_i64..).zip(history) {
        hand_in(&mut engine, set, offset, (*timestamp, value));
        drain(&mut engine);
    }
    let end = T.plus(MINUTES * MINUTE);
    engine.handle_timeout(end);
    drain(&mut engine);
    Arc::clone(&sealed[&end.second()])
}

#[test]
fn the_engines_first_replies_are_the_ledgers() {
    let set = set();
    let (history, truth) = history();
    let sealed = folded(&set, &history);
    let mut expected: BTreeMap<&str, Replies> = BTreeMap::new();
    let end = T.minute() + MINUTES;
    for (_, minute) in truth.minutes.range(end - 60..end) {
        for (channel, replies) in &minute.first_replies {
            let shown = ["chat", "messaging", "email", "social_dm"].contains(channel);
            for scope in ["all", if shown { channel } else { "other" }] {
                let sum = expected.entry(scope).or_default();
                sum.count += replies.count;
                sum.ms += replies.ms;
            }
        }
    }
    let mut compared = 0;
    for (cell, value) in set.cells.iter().zip(sealed.values.iter()) {
        if &*cell.key.kpi == "first_response_time" && cell.key.window == Window::H1 {
            let channel = cell.key.dims["channel"].as_str();
            let found = Replies {
                count: value.n,
                ms: value.numerator,
            };
            assert_eq!(
                found,
                expected.remove(channel).unwrap_or_default(),
                "{channel}"
            );
            compared += i64::from(value.n > 0);
        }
    }
    assert!(expected.is_empty(), "{expected:?}");
    assert!(compared >= 5, "only {compared} channels had replies");
}

#[test]
fn a_reply_becomes_overdue_at_its_second_though_nothing_more_comes() {
    let set = set();
    let mut engine = engine(&set);
    let json = format!(
        r#"{{"specversion":"1.0","id":"1","source":"s","subject":"c-1","time":"{}",
            "type":"cx.conversation.customer_message.v1",
            "data":{{"channel":"chat","conversation_id":"a"}}}}"#,
        T.to_rfc3339()
    );
    hand_in(&mut engine, &set, 0, (T, json.as_bytes()));
    let due = T.plus(MINUTE);
    assert_eq!(engine.poll_timeout(), Some(due), "chat answers in a minute");
    engine.handle_timeout(due.plus(3_500));
    let mut rollup = Rollup::new(Arc::clone(&set), 1);
    let overdue = |sealed: &Sealed| {
        let wanted = set.cells.iter().position(|c| {
            &*c.key.kpi == "replies_overdue" && c.key.dims.values().all(|v| v == "all")
        });
        sealed.values[wanted.expect("shipped")].value
    };
    let mut seen = BTreeMap::new();
    while let Some(effect) = engine.next_effect() {
        let part = match effect {
            Effect::Part(part) => part,
            Effect::Final(_) => continue,
            Effect::Decision(_) | Effect::DeadLetter { .. } => panic!("too early for {effect:?}"),
        };
        seen.extend(rollup.handle_part(part).map(|s| (s.s, overdue(&s))));
    }
    for (s, value) in &seen {
        let expected = i64::from(*s >= due.second());
        assert_eq!(*value, Some(expected), "{} s later", s - T.second());
    }
    assert_eq!(seen.keys().next_back(), Some(&(due.second() + 3)));
    assert!(engine.poll_timeout() > Some(due), "fired once");
}
