//! In: `cx.alerts` and `cx.actions`, from what is remembered of their beginning on. Kept: how far they were
//! read. Out: the book, and what changed of it to the screens. Never knows: what the records mean.

use super::acts::{self, Deeds};
use super::book::Actor;
use super::record::{self, Record};
use super::telling::Telling;
use crate::actions::Envelope;
use crate::clock;
use crate::cloud::Event;
use crate::common::Common;
use crate::whole;
use cx_engine::judge::{Ruling, State};
use cx_gateway::Hub;
use cx_kafka::{Ear, Heard};
use cx_model::time::Timestamp;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many of the newest records of a topic a start reads; a year has half a million minutes.
const NEWEST: i64 = 600_000;
/// How long one topic is listened to before the other.
const TURN: Duration = Duration::from_millis(20);

/// What the judge goes on from: the newest state and the verdicts after it.
///
/// # Errors
/// A broker that does not answer, a topic that is missing.
pub(crate) fn remember(common: &Common) -> anyhow::Result<()> {
    let mut state = State::default();
    whole::tails(
        &common.settings,
        &common.topics.alerts,
        &[0],
        NEWEST,
        &mut |record| {
            match record::read(record.value.unwrap_or_default()) {
                Some(Record::State(newer)) if newer.through >= state.through => state = newer,
                Some(Record::Verdict(Ruling::Raised, told)) => state.raised(told.place, told.s),
                Some(Record::Verdict(_, told)) => state.cleared(&told.place, told.s),
                Some(Record::State(_)) | None => {}
            }
            Ok(())
        },
    )?;
    let begin = state.after_an_end();
    *common.alerts.begin.lock().expect("no holder panics") = begin;
    Ok(())
}

/// Reads both topics until the house stops; alerts first, for acts are about them.
///
/// # Errors
/// A topic that cannot be read any more.
pub(crate) fn run(common: &Common, hub: &Hub) -> anyhow::Result<()> {
    let mut alerts = open(common, &common.topics.alerts)?;
    let mut actions = open(common, &common.topics.actions)?;
    let mut ended = false;
    while !ended && !common.stop.load(Ordering::Relaxed) {
        alerts.poll(TURN * 10, &mut |heard| match heard {
            Heard::Record(record) => verdict(common, record.value.unwrap_or_default()),
            Heard::End { .. } => ended = true,
        })?;
    }
    let (mut told, mut telling) = ((0, 0), Telling::default());
    while !common.stop.load(Ordering::Relaxed) {
        alerts.poll(TURN, &mut |heard| {
            if let Heard::Record(record) = heard {
                verdict(common, record.value.unwrap_or_default());
            }
        })?;
        actions.poll(TURN, &mut |heard| {
            if let Heard::Record(record) = heard {
                act(common, record.value.unwrap_or_default());
            }
        })?;
        tell(common, hub, (&mut told, &mut telling));
    }
    Ok(())
}

fn open(common: &Common, topic: &str) -> anyhow::Result<Ear> {
    let mut ear = Ear::connect(&common.settings, topic, &[0])?;
    let (low, high) = ear.bounds(0)?;
    ear.start(&[(0, low.max(high - NEWEST))])?;
    Ok(ear)
}

fn verdict(common: &Common, value: &[u8]) {
    if let Some(Record::Verdict(ruling, told)) = record::read(value) {
        common.alerts.book().verdict(ruling, *told);
    }
}

fn act(common: &Common, value: &[u8]) {
    // Acts of other kinds, and of later releases, are somebody else's.
    let Ok(event) = serde_json::from_slice::<Event<Envelope<Deeds>>>(value) else {
        return;
    };
    let Envelope {
        by,
        role,
        why,
        what,
    } = event.data;
    if event.kind != acts::kind(&what) {
        return;
    }
    let actor = Actor {
        at: Timestamp::parse_rfc3339(&event.time).map_or(0, Timestamp::second),
        id: event.id,
        by,
        role,
        why,
    };
    let outcome = common.alerts.book().act(&what, &actor);
    common.alerts.came_back(&actor.id, outcome);
}

/// Tells screens and receivers where something changed, a shelf that ends included.
fn tell(common: &Common, hub: &Hub, (told, telling): (&mut (u64, i64), &mut Telling)) {
    let s = common.alerts.second();
    let book = common.alerts.book();
    if *told != (book.version, s) {
        *told = (book.version, s);
        let states = book.states(s);
        telling.tell(&book, (s, clock::now().second()), &common.webhooks);
        drop(book);
        hub.publish_alerts(&states);
    }
}
