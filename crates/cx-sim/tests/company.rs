//! The company as a whole: its books against what it said, its seeds, its size, its story.

use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_sim::{Answers, Company, Config, Emission, Faults, Minute, Replies, SourceOutage, Truth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const T: Timestamp = Timestamp(1_800_000_000_000);

fn config(seed: u64) -> Config {
    Config {
        seed,
        customers: 20_000,
        rate_per_s: 40.0,
        start: T,
        incident_at: None,
        diurnal: false,
        faults: Faults::calm(),
    }
}

/// All that is appended before this time.
fn until(company: &mut Company, end: Timestamp) -> Vec<Emission> {
    let mut emissions = Vec::new();
    while company.peek_at() < end {
        emissions.push(company.next_emission());
    }
    emissions
}

/// One event as a reader without our own code would see it.
struct Seen {
    at: Timestamp,
    time: Timestamp,
    event: Value,
}

fn read(emission: &Emission) -> Option<Seen> {
    let event: Value = serde_json::from_slice(&emission.value).ok()?;
    let time = Timestamp::parse_rfc3339(event["time"].as_str()?).ok()?;
    let at = emission.at;
    Some(Seen { at, time, event })
}

impl Seen {
    fn id(&self) -> (String, String) {
        (self.text("source"), self.text("id"))
    }

    fn text(&self, name: &str) -> String {
        self.event[name].as_str().unwrap_or_default().to_owned()
    }

    fn is(&self, kind: &str) -> bool {
        self.event["type"] == format!("cx.{kind}.v1")
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.event["data"][name] == value
    }

    fn number(&self, name: &str) -> i64 {
        self.event["data"][name].as_i64().unwrap_or_default()
    }
}

/// Names as the ledger writes them.
fn known(name: &Value) -> &'static str {
    let names = [
        "voice_call",
        "chat",
        "email",
        "messaging",
        "social_dm",
        "social_public",
        "csat",
        "ces",
        "nps",
    ];
    let found = names.into_iter().find(|n| name == n);
    found.unwrap_or_else(|| panic!("{name} is no name of the ledger"))
}

/// Counts what was said, with nothing of the company's own code.
#[derive(Default)]
struct Fold {
    minutes: BTreeMap<i64, Minute>,
    ids: BTreeSet<(String, String)>,
    asked: BTreeMap<String, Timestamp>,
    replied: BTreeSet<String>,
}

impl Fold {
    /// Events in order of event time (a later one may be appended first).
    fn of(emissions: &[Emission]) -> Self {
        let mut fold = Self::default();
        let mut seen: Vec<Seen> = emissions.iter().filter_map(read).collect();
        seen.retain(|s| fold.ids.insert(s.id()));
        seen.sort_by_key(|s| s.time);
        seen.iter().for_each(|s| fold.take(s));
        fold
    }

    fn take(&mut self, s: &Seen) {
        let minute = self.minutes.entry(s.time.minute()).or_default();
        let of = i64::from;
        minute.events += 1;
        minute.sessions += of(s.is("session.started"));
        minute.orders += of(s.is("commerce.order_placed"));
        minute.cases_opened += of(s.is("case.opened"));
        if s.is("commerce.order_placed") {
            minute.revenue_minor += s.number("amount_minor");
        }
        if s.is("commerce.refunded") {
            minute.refunded_minor -= s.number("amount_minor");
        }
        if s.is("commerce.checkout_step") && s.has("step", "payment") {
            minute.payments += 1;
            minute.payments_failed += of(s.has("outcome", "failed"));
        }
        for (slot, kind) in ["made", "kept", "broken"].iter().enumerate() {
            minute.promises[slot] += of(s.is(&format!("promise.{kind}")));
        }
        if s.is("feedback.survey_answered") {
            let kind = known(&s.event["data"]["survey"]);
            let answers: &mut Answers = minute.surveys.entry(kind).or_default();
            answers.count += 1;
            answers.score += s.number("score");
        }
        self.queues(s);
        self.replies(s);
    }

    fn queues(&mut self, s: &Seen) {
        let abandoned = s.is("contact.ended") && s.has("outcome", "abandoned");
        let (queued, answered) = (s.is("contact.queued"), s.is("contact.answered"));
        let called_back = s.is("contact.dequeued");
        if !(queued || answered || abandoned || called_back) {
            return;
        }
        let minute = self.minutes.entry(s.time.minute()).or_default();
        let channel = known(&s.event["data"]["channel"]);
        let queue = minute.queues.entry(channel).or_default();
        queue.queued += i64::from(queued);
        queue.abandoned += i64::from(abandoned);
        queue.called_back += i64::from(called_back);
        if answered {
            let wait = s.number("wait_ms");
            queue.answered += 1;
            queue.wait_ms += wait;
            queue.answered_in_20_s += i64::from(wait <= 20 * SECOND);
        }
    }

    fn replies(&mut self, s: &Seen) {
        let Some(id) = s.event["data"]["conversation_id"].as_str() else {
            return;
        };
        if s.is("conversation.customer_message") {
            self.asked.entry(id.to_owned()).or_insert(s.time);
        }
        let person = s.is("conversation.agent_message") && s.event["data"]["automated"] == false;
        if !person || !self.replied.insert(id.to_owned()) {
            return;
        }
        let minute = self.minutes.entry(s.time.minute()).or_default();
        let channel = known(&s.event["data"]["channel"]);
        let replies: &mut Replies = minute.first_replies.entry(channel).or_default();
        replies.count += 1;
        replies.ms += s.time.since(self.asked[id]);
    }
}

#[test]
fn a_fold_of_what_was_said_finds_the_ledgers_numbers() {
    let mut config = config(11);
    config.incident_at = Some(T.plus(40 * MINUTE));
    config.faults = Faults {
        clocks_off: 0.0,
        ..Faults::usual()
    };
    let mut company = Company::new(config);
    let emissions = until(&mut company, T.plus(150 * MINUTE));
    let fold = Fold::of(&emissions);
    // Events are late by 52 minutes at most: older minutes are whole.
    let whole = T.minute()..T.minute() + 97;
    let mut events = 0;
    for minute in whole {
        let (said, truth) = (&fold.minutes[&minute], &company.truth().minutes[&minute]);
        assert_eq!(said, truth, "minute {}", minute - T.minute());
        events += truth.events;
    }
    assert!(events > 200_000, "{events}");
    let channels: BTreeSet<_> = fold
        .minutes
        .values()
        .flat_map(|m| m.first_replies.keys())
        .collect();
    assert_eq!(channels.len(), 5, "{channels:?}");
}

#[test]
fn the_ledger_counts_every_fault_exactly() {
    let mut config = config(12);
    config.faults = Faults {
        collisions: 0.002,
        malformed: 0.002,
        clocks_off: 0.0,
        ..Faults::usual()
    };
    let mut company = Company::new(config);
    let mut emissions = until(&mut company, T.plus(30 * MINUTE));
    let (seen_until, truth): (Timestamp, Truth) = (company.peek_at(), company.truth().clone());
    emissions.extend(until(&mut company, T.plus(90 * MINUTE)));
    let broken = emissions.iter().filter(|e| read(e).is_none());
    let broken = broken.filter(|e| e.at <= seen_until.plus(1)).count();
    let mut first: BTreeMap<(String, String), Value> = BTreeMap::new();
    let [mut events, mut copies, mut collisions, mut late] = [0; 4];
    for s in emissions
        .iter()
        .filter_map(read)
        .filter(|s| s.time <= seen_until)
    {
        match first.get(&s.id()) {
            Some(event) if *event == s.event => copies += 1,
            Some(_) => collisions += 1,
            None => {
                events += 1;
                late += i64::from(s.at.since(s.time) > 30 * MINUTE);
                first.insert(s.id(), s.event);
            }
        }
    }
    let found = [
        events,
        copies,
        collisions,
        late,
        i64::try_from(broken).unwrap(),
    ];
    let expected = [
        truth.events,
        truth.duplicates,
        truth.collisions,
        truth.late,
        truth.malformed,
    ];
    assert_eq!(found, expected, "events, copies, collisions, late, broken");
    assert!(expected.iter().all(|n| *n > 0), "{expected:?}");
}

#[test]
fn clocks_are_off_by_hours_for_whole_visits_and_only_for_what_devices_stamp() {
    let mut config = config(13);
    config.faults = Faults {
        clocks_off: 0.02,
        ..Faults::calm()
    };
    let mut company = Company::new(config);
    let emissions = until(&mut company, T.plus(20 * MINUTE));
    let off: Vec<Seen> = emissions
        .iter()
        .filter_map(read)
        .filter(|s| s.at.since(s.time).abs() > 0)
        .collect();
    let counted = company.truth().clocks_off;
    assert!(
        counted - i64::try_from(off.len()).unwrap() <= 1 && off.len() > 200,
        "{counted}"
    );
    assert!(off.iter().all(|s| s.at.since(s.time).abs() > 55 * MINUTE));
    let devices = ["view.", "commerce.product_viewed"];
    assert!(
        off.iter()
            .all(|s| devices.iter().any(|d| s.text("type").contains(d)))
    );
    assert!(off.iter().any(|s| s.time > s.at), "some run ahead");
}

#[test]
fn a_source_that_was_out_catches_up_in_a_burst() {
    let mut config = config(14);
    config.faults.outage = Some(SourceOutage {
        source: "contact-centre",
        at: T.plus(20 * MINUTE),
        lasts_ms: 20 * MINUTE,
    });
    let mut company = Company::new(config);
    let emissions = until(&mut company, T.plus(45 * MINUTE));
    let theirs: Vec<Seen> = emissions
        .iter()
        .filter(|e| e.source == "contact-centre")
        .filter_map(read)
        .collect();
    let between = |from, to| move |s: &&Seen| s.at >= T.plus(from) && s.at < T.plus(to);
    let silent = theirs
        .iter()
        .filter(between(20 * MINUTE, 40 * MINUTE))
        .count();
    let burst = theirs
        .iter()
        .filter(between(40 * MINUTE, 40 * MINUTE + 10 * SECOND));
    let old = burst.filter(|s| s.at.since(s.time) > MINUTE).count();
    assert_eq!(silent, 0);
    assert!(old > 300 && old <= 2_000, "{old}");
    assert!(company.truth().lost > 300, "the first ten minutes are gone");
}

#[test]
fn the_same_seed_says_the_same_bytes_and_another_one_does_not() {
    let bytes = |seed: u64| {
        let mut config = config(seed);
        config.incident_at = Some(T.plus(5 * MINUTE));
        config.faults = Faults::usual();
        config.diurnal = true;
        until(&mut Company::new(config), T.plus(20 * MINUTE))
    };
    let first = bytes(3);
    assert!(first.len() > 10_000 && first == bytes(3));
    assert!(first != bytes(4));
    assert!(first.is_sorted_by_key(|e| e.at));
}

#[test]
fn the_rate_is_the_mean_of_all_events() {
    for (rate, minutes) in [(5.0, 120), (40.0, 120), (400.0, 120)] {
        let mut company = Company::new(Config {
            rate_per_s: rate,
            ..config(5)
        });
        let mut count = 0;
        while company.peek_at() < T.plus(minutes * MINUTE) {
            company.next_emission();
            count += 1;
        }
        let found = f64::from(count) / f64::from(i32::try_from(minutes * 60).unwrap());
        assert!(
            (found / rate - 1.0).abs() < 0.1,
            "{found} instead of {rate}"
        );
    }
}

#[test]
fn every_source_speaks_often_enough_to_be_fresh() {
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/catalog");
    let catalog = cx_catalog::load(catalog.as_ref()).unwrap_or_else(|f| panic!("{}", f[0]));
    let mut company = Company::new(Config {
        rate_per_s: 1.0,
        ..config(6)
    });
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut longest: BTreeMap<&str, i64> = BTreeMap::new();
    for emission in until(&mut company, T.plus(60 * MINUTE)) {
        let before = last.insert(emission.source, emission.at).unwrap_or(T);
        let gap = longest.entry(emission.source).or_default();
        *gap = (*gap).max(emission.at.since(before));
    }
    let declared: Vec<&str> = catalog.sources.iter().map(|s| &*s.source).collect();
    assert_eq!(longest.keys().copied().collect::<Vec<_>>(), declared);
    for source in &catalog.sources {
        let gap = longest[&*source.source];
        assert!(
            gap < i64::from(source.freshness_s) * SECOND,
            "{}: {gap} ms",
            source.source
        );
    }
}
