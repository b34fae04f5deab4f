//! Small adversarial worlds: logs in which everything goes wrong that may go wrong. They shrink.
//!
//! A world is a list of happenings in the order of appending. Times stay within a few hours and
//! cluster around every boundary that the design names: whole seconds, panes, lateness, horizon,
//! repeat minutes, the clamp, the future, the contacts' ends.

use cx_model::control::{Act, Control};
use cx_model::ids::partition_of;
use cx_model::record::TimestampKind;
use cx_model::reject::{Reason, Rejected};
use cx_model::time::{HOUR, MINUTE, SECOND, Timestamp};
use cx_sim::slow::LogRecord;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// When worlds begin: a whole hour.
pub(crate) const BEGIN: i64 = 1_800_000_000_000;

/// One log of some partitions.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// How many partitions, 1 to 4.
    pub(crate) partitions: u32,
    /// Records in the order of appending; within a partition offsets rise by one from 0.
    pub(crate) records: Vec<LogRecord>,
}

/// What is appended next.
#[derive(Debug, Clone)]
enum Deed {
    Event(Box<Spec>),
    /// The same bytes as the n-th record before.
    Again(usize),
    Broken(u8),
    Clock(bool),
    Replayed,
    Activate(u32),
    Forged,
}

#[derive(Debug, Clone)]
struct Spec {
    id: u16,
    source: usize,
    kind: usize,
    customer: Option<u8>,
    contact: Option<u8>,
    /// Stated time minus the record's timestamp; `None`: no time.
    ahead: Option<i64>,
    channel: usize,
    number: i64,
    misplaced: bool,
}

#[derive(Debug, Clone)]
struct Happening {
    partition: u32,
    step: i64,
    what: Deed,
}

const SOURCES: [&str; 5] = [
    "web-shop",
    "payments",
    "contact-centre",
    "chat-platform",
    "?",
];
const CHANNELS: [&str; 5] = ["web", "chat", "voice_call", "fax", ""];
const KINDS: [&str; 10] = [
    "cx.contact.queued.v1",
    "cx.contact.queued.v1",
    "cx.contact.answered.v1",
    "cx.contact.dequeued.v1",
    "cx.contact.ended.v1",
    "cx.view.page_viewed.v1",
    "cx.commerce.checkout_step.v1",
    "cx.commerce.order_placed.v1",
    "cx.commerce.refunded.v1",
    "x.unheard.v1",
];

/// Worlds in which the brokers' or (`kind`) the producers' stamps are kept.
pub(crate) fn world(kind: TimestampKind) -> impl Strategy<Value = World> {
    (1_u32..=4, prop::collection::vec(happening(), 1..80))
        .prop_map(move |(partitions, happenings)| build(partitions, kind, &happenings))
}

/// Any world.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    prop_oneof![
        world(TimestampKind::LogAppend),
        world(TimestampKind::Create)
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let what = prop_oneof![
        24 => spec().prop_map(|s| Deed::Event(Box::new(s))),
        4 => (1_usize..20).prop_map(Deed::Again),
        2 => (0_u8..5).prop_map(Deed::Broken),
        3 => any::<bool>().prop_map(Deed::Clock),
        1 => Just(Deed::Replayed),
        1 => (0_u32..4).prop_map(Deed::Activate),
        1 => Just(Deed::Forged),
    ];
    (0_u32..4, steps(), what).prop_map(|(partition, step, what)| Happening {
        partition,
        step,
        what,
    })
}

/// How far the record's timestamp is from the newest of the whole log.
fn steps() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => 0_i64..3_000,
        6 => (0_i64..40).prop_map(|s| s * SECOND),
        4 => (0_i64..30).prop_map(|m| m * MINUTE),
        2 => around(&[35 * MINUTE, HOUR]),
        1 => around(&[24 * HOUR]),
        3 => -5_000_i64..0,
        1 => -90 * MINUTE..0,
    ]
}

fn around(marks: &'static [i64]) -> impl Strategy<Value = i64> {
    let near = prop_oneof![Just(0_i64), Just(1), Just(-1), Just(SECOND), Just(-SECOND)];
    (prop::sample::select(marks), near).prop_map(|(mark, near)| mark + near)
}

fn spec() -> impl Strategy<Value = Spec> {
    let ahead = prop_oneof![
        10 => (-30 * SECOND..5 * SECOND).prop_map(Some),
        4 => (-40 * MINUTE..6 * MINUTE).prop_map(Some),
        3 => around(&[-2 * MINUTE, -30 * MINUTE, -31 * MINUTE, 5 * MINUTE, 55 * MINUTE, HOUR])
            .prop_map(Some),
        1 => Just(None),
    ];
    let place = (0_usize..5, 0_usize..KINDS.len(), 0_usize..5);
    let who = (
        prop::option::weighted(0.9, 0_u8..6),
        prop::option::weighted(0.8, 0_u8..5),
        prop::bool::weighted(0.03),
    );
    let number = prop_oneof![
        Just(20_000_i64),
        Just(20_001),
        Just(60_000),
        Just(60_001),
        -2_000_i64..90_000
    ];
    (0_u16..400, ahead, place, who, number).prop_map(
        |(id, ahead, (source, kind, channel), (customer, contact, misplaced), number)| Spec {
            id,
            source,
            kind,
            customer,
            contact,
            ahead,
            channel,
            number,
            misplaced,
        },
    )
}

/// What must be remembered while a log is written.
struct Writer {
    partitions: u32,
    kind: TimestampKind,
    newest: i64,
    counters: BTreeMap<u32, u64>,
    records: Vec<LogRecord>,
}

fn build(partitions: u32, kind: TimestampKind, happenings: &[Happening]) -> World {
    let mut writer = Writer {
        partitions,
        kind,
        newest: BEGIN,
        counters: BTreeMap::new(),
        records: Vec::new(),
    };
    for partition in 0..partitions {
        writer.put(partition, BEGIN, Vec::new(), None);
    }
    for happening in happenings {
        writer.happen(happening);
    }
    let end = Timestamp(writer.newest + 3 * MINUTE);
    for partition in 0..partitions {
        let control = writer.control(partition, Act::Clock);
        writer.put(partition, end.0, Vec::new(), Some(Ok(control)));
    }
    World {
        partitions,
        records: writer.records,
    }
}

impl Writer {
    fn happen(&mut self, happening: &Happening) {
        let partition = happening.partition % self.partitions;
        let at = self.newest + happening.step;
        self.newest = self.newest.max(at.min(self.newest + HOUR));
        match &happening.what {
            Deed::Event(spec) => {
                let (partition, event) = self.event(partition, at, spec);
                self.put(partition, at, event.to_string().into_bytes(), None);
            }
            Deed::Again(back) => {
                let n = self.records.len().saturating_sub(*back);
                let before = self.records.get(n).cloned();
                if let Some(before) = before.filter(|r| r.control.is_none()) {
                    self.put(before.partition, at, before.value, None);
                }
            }
            Deed::Broken(how) => self.put(partition, at, broken(*how), None),
            Deed::Clock(far) => {
                let control = self.control(partition, Act::Clock);
                let at = if *far { at + 2 * HOUR } else { at };
                self.newest = self.newest.max(at);
                self.put(partition, at, Vec::new(), Some(Ok(control)));
            }
            Deed::Replayed => {
                let counter = self.counters.get(&partition).copied().unwrap_or(1);
                let act = Act::Clock;
                self.put(
                    partition,
                    at,
                    Vec::new(),
                    Some(Ok(Control { counter, act })),
                );
            }
            Deed::Activate(number) => {
                let control = self.control(
                    partition,
                    Act::Activate {
                        number: *number,
                        hash: "ab".to_owned(),
                    },
                );
                self.put(partition, at, Vec::new(), Some(Ok(control)));
            }
            Deed::Forged => {
                let forged = Rejected::new(Reason::ControlForged, "header cx-control", "forged");
                self.put(partition, at, Vec::new(), Some(Err(forged)));
            }
        }
    }

    fn put(
        &mut self,
        partition: u32,
        at: i64,
        value: Vec<u8>,
        control: Option<Result<Control, Rejected>>,
    ) {
        let of_partition = self.records.iter().filter(|r| r.partition == partition);
        self.records.push(LogRecord {
            partition,
            offset: i64::try_from(of_partition.count()).expect("small"),
            timestamp: Timestamp(at),
            timestamp_kind: self.kind,
            value,
            control,
        });
    }

    fn control(&mut self, partition: u32, act: Act) -> Control {
        let counter = self.counters.entry(partition).or_default();
        *counter += 1;
        Control {
            counter: *counter,
            act,
        }
    }

    /// The event and the partition it goes to: its customer's, unless misplaced.
    fn event(&self, partition: u32, at: i64, spec: &Spec) -> (u32, Value) {
        let third = usize::from(spec.id % 3);
        let (queue, step) = (
            ["service", "sales", "elsewhere"],
            ["payment", "address", "wrap"],
        );
        let outcome = ["abandoned", "handled", "failed"];
        let mut data = json!({
            "wait_ms": spec.number, "amount_minor": spec.number, "currency": "EUR",
            "queue": (queue[third]),
            "outcome": (outcome[third]),
            "step": (step[usize::from(spec.id / 3 % 3)]),
        });
        match CHANNELS[spec.channel] {
            "" => data["channel"] = json!(7),
            channel => data["channel"] = json!(channel),
        }
        if spec.id % 7 == 0 {
            data["wait_ms"] = json!("soon");
            data["amount_minor"] = Value::Null;
        }
        if let Some(contact) = spec.contact {
            data["contact_id"] = json!(format!("contact-{contact}"));
        }
        let mut event = json!({
            "specversion": "1.0", "id": format!("e-{}", spec.id), "type": KINDS[spec.kind],
            "source": SOURCES[spec.source], "data": data,
        });
        if let Some(ahead) = spec.ahead {
            event["time"] = json!(Timestamp(at + ahead).to_rfc3339());
        }
        let Some(customer) = spec.customer else {
            return (partition, event);
        };
        let customer = format!("customer:{customer}");
        let home = partition_of(&customer, self.partitions);
        event["subject"] = json!(customer);
        let away = u32::from(spec.misplaced);
        ((home + away) % self.partitions, event)
    }
}

fn broken(how: u8) -> Vec<u8> {
    let text = match how {
        0 => "",
        1 => "{",
        2 => r#"{"specversion":"1.0","id":"1","source":"web-shop"}"#,
        3 => r#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"tomorrow"}"#,
        _ => {
            r#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"9999-01-01T00:00:00Z"}"#
        }
    };
    text.as_bytes().to_vec()
}
