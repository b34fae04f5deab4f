//! In: what the threads of the house note. Kept: nothing. Out: OpenMetrics lines. Never knows: who
//! reads them.

use crate::alerts::Alerts;
use crate::clock;
use crate::common::Common;
use crate::examples::decimal;
use crate::gauges;
use crate::history::kept::History;
use crate::snapshots::saver::{Journal, Saved};
use crate::webhook::{Fare, Webhooks};
use cx_engine::Account;
use cx_model::value::Sealed;
use std::fmt::{Display, Write as _};

/// Lines under one name after the other.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    /// The head of all values of one name.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(&format!("# HELP watchfloor_{name} {help}"));
        self.line(&format!("# TYPE watchfloor_{name} {kind}"));
    }

    pub(crate) fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        self.line(&format!("watchfloor_{name}{labels} {value}"));
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.value(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.value(&format!("{name}_total"), "", value);
    }

    pub(crate) fn text(self) -> String {
        self.0
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("writing to a string cannot fail");
    }
}

/// All lines, given the newest sealed second. What was not measured yet is absent, not zero.
pub(crate) fn text(common: &Common, newest: Option<&Sealed>) -> String {
    let mut page = Page::default();
    records(&mut page, common);
    let now = clock::now();
    if let Some(ms) = common.screen.age(now) {
        let help =
            "K-79: age of the oldest event that a frame showed first, greatest of the last minute.";
        page.gauge("event_to_screen_seconds", help, decimal(ms, 3));
    }
    if let Some(lag) = common.ledger.lag() {
        let help = "K-80: records of the log that no engine has taken yet.";
        page.gauge("consumer_lag_records", help, lag);
    }
    let age = newest.map_or(-1, |sealed| now.second() - sealed.s);
    let help = "Age of the newest sealed second; -1 before the first.";
    page.gauge("sealed_age_seconds", help, age);
    let waiting = common.effects.in_flight() + common.producer.in_flight();
    let help = "Records that Kafka has not acknowledged yet.";
    page.gauge("producer_waiting_records", help, waiting);
    let (used, most) = common.memory.used();
    page.gauge("memory_bytes", "Memory that the process uses.", used);
    let help = "Memory that the process may use.";
    page.gauge("memory_limit_bytes", help, most);
    let help = "Readers that stood still and were replaced.";
    page.counter("consumer_reopens", help, common.ledger.reopens());
    if let Some(snapshots) = &common.snapshots {
        kept(&mut page, &snapshots.journal);
    }
    history(&mut page, &common.history);
    alerts(&mut page, &common.alerts);
    webhooks(&mut page, &common.webhooks);
    if let Some(sealed) = newest {
        let set = common.sets.shown();
        gauges::put(&mut page, &set.compiled().cells, &set.narrowed(sealed));
    }
    page.text()
}

fn alerts(page: &mut Page, alerts: &Alerts) {
    let help = "Alerts that are shown, by priority and what was done.";
    page.family("alerts", "gauge", help);
    for ((priority, state), count) in alerts.counts() {
        let labels = format!("{{priority=\"{priority}\",state=\"{state}\"}}");
        page.value("alerts", &labels, count);
    }
    let help = "Sealed seconds that were not judged, for Kafka took no verdicts.";
    page.counter("alerts_seconds_skipped", help, alerts.skipped());
}

fn webhooks(page: &mut Page, webhooks: &Webhooks) {
    let help = "Messages to receivers that are on their way.";
    page.gauge("webhooks_waiting", help, webhooks.waiting());
    let help = "Messages that were dropped, for too many waited.";
    page.counter("webhooks_dropped", help, webhooks.dropped());
    let fares = webhooks.fares();
    type Pick = fn(&Fare) -> u64;
    let rows: [(&str, &str, Pick); 3] = [
        ("webhooks_taken", "Messages that a receiver took.", |f| {
            f.taken
        }),
        ("webhooks_failures", "Requests that failed.", |f| f.failures),
        ("webhooks_given_up", "Messages that were given up.", |f| {
            f.given_up
        }),
    ];
    for (name, help, pick) in rows {
        page.family(name, "counter", help);
        for (to, fare) in &fares {
            let labels = format!("_total{{receiver=\"{to}\"}}");
            page.value(name, &labels, pick(fare));
        }
    }
}

fn history(page: &mut Page, history: &History) {
    let (extent, noted) = (history.extent(), history.journal.read());
    page.gauge("history_bytes", "Bytes of sealed history.", extent.bytes);
    let help = "Bytes that sealed history may have.";
    page.gauge("history_limit_bytes", help, history.most());
    page.gauge(
        "history_minutes",
        "Sealed minutes that are kept.",
        extent.minutes,
    );
    if let Some(oldest) = extent.oldest {
        let help = "The oldest sealed minute that is kept.";
        page.gauge("history_oldest_timestamp_seconds", help, oldest);
    }
    let help = "Minutes whose writing failed and was tried again.";
    page.counter("history_write_failures", help, noted.failures);
    let help = "Minutes that were sealed again with other values; the first stay.";
    page.counter("history_differences", help, noted.differences);
    let help = "Sealed minutes that history does not have.";
    page.counter("history_minutes_missed", help, noted.missed);
    let help = "Minutes that history has and could not read.";
    page.counter("history_minutes_unread", help, noted.unread);
}

fn records(page: &mut Page, common: &Common) {
    let noted = common.ledger.read();
    type Pick = fn(&Account) -> i64;
    let rows: [(&str, &str, Pick); 10] = [
        ("records_applied", "Records that counted.", |a| a.applied),
        ("records_duplicate", "Records that had been seen.", |a| {
            a.duplicates
        }),
        ("records_late", "Events older than the horizon.", |a| a.late),
        ("records_dead_lettered", "Records that were refused.", |a| {
            a.dead_lettered
        }),
        ("records_control", "Control records.", |a| a.control),
        ("records_gap", "Offsets that hold no record.", |a| a.gaps),
        (
            "records_lost",
            "Records that were gone before they were read.",
            |a| a.lost,
        ),
        (
            "customers_forgotten",
            "Customers that gave way to others.",
            |a| a.forgotten,
        ),
        (
            "replies_breached",
            "Replies that did not come in time.",
            |a| a.breached,
        ),
        (
            "replies_met_after_all",
            "Replies called breached that turned out to be in time.",
            |a| a.met,
        ),
    ];
    for (name, help, pick) in rows {
        page.family(name, "counter", help);
        for (p, n) in &noted {
            let labels = format!("_total{{partition=\"{p}\"}}");
            page.value(name, &labels, pick(&n.account));
        }
    }
}

fn kept(page: &mut Page, journal: &Journal) {
    let (saved, now) = (journal.saved(), clock::now());
    type Pick<'a> = &'a dyn Fn(&Saved) -> String;
    let rows: [(&str, &str, Pick<'_>); 3] = [
        (
            "snapshot_age_seconds",
            "Age of the newest snapshot.",
            &|s| decimal(now.since(s.at), 3),
        ),
        ("snapshot_bytes", "Size of the newest snapshot.", &|s| {
            s.bytes.to_string()
        }),
        (
            "snapshot_duration_seconds",
            "How long the newest snapshot took.",
            &|s| decimal(s.took_ms, 3),
        ),
    ];
    for (name, help, pick) in rows {
        page.family(name, "gauge", help);
        for (p, saved) in &saved {
            page.value(name, &format!("{{partition=\"{p}\"}}"), pick(saved));
        }
    }
    let help = "Snapshots that could not be written.";
    page.counter("snapshot_failures", help, journal.failures());
}
