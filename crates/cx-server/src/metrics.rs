//! In: what the threads of the house note. Kept: nothing. Out: OpenMetrics lines. Never knows: who
//! reads them.

use crate::clock;
use crate::common::Common;
use crate::examples::decimal;
use crate::history::kept::History;
use crate::snapshots::saver::{Journal, Saved};
use cx_engine::Account;
use std::fmt::{Display, Write as _};

/// Lines under one name after the other.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str) {
        self.line(&format!("# TYPE watchfloor_{name} {kind}"));
    }

    fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        self.line(&format!("watchfloor_{name}{labels} {value}"));
    }

    fn gauge(&mut self, name: &str, value: impl Display) {
        self.family(name, "gauge");
        self.value(name, "", value);
    }

    fn counter(&mut self, name: &str, value: impl Display) {
        self.family(name, "counter");
        self.value(&format!("{name}_total"), "", value);
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("writing to a string cannot fail");
    }
}

/// All lines, given the age of the newest sealed second. What was not measured yet is absent, not
/// zero.
pub(crate) fn text(common: &Common, seal_age: Option<i64>) -> String {
    let mut page = Page::default();
    records(&mut page, common);
    if let Some(ms) = common.screen.age(clock::now()) {
        page.gauge("event_to_screen_seconds", decimal(ms, 3));
    }
    if let Some(lag) = common.ledger.lag() {
        page.gauge("consumer_lag_records", lag);
    }
    page.gauge("sealed_age_seconds", seal_age.unwrap_or(-1));
    page.gauge("producer_waiting_records", common.producer.in_flight());
    let (used, most) = common.memory.used();
    page.gauge("memory_bytes", used);
    page.gauge("memory_limit_bytes", most);
    page.counter("consumer_reopens", common.ledger.reopens());
    if let Some(snapshots) = &common.snapshots {
        kept(&mut page, &snapshots.journal);
    }
    history(&mut page, &common.history);
    page.0
}

fn history(page: &mut Page, history: &History) {
    let (extent, noted) = (history.extent(), history.journal.read());
    page.gauge("history_bytes", extent.bytes);
    page.gauge("history_limit_bytes", history.most());
    page.gauge("history_minutes", extent.minutes);
    if let Some(oldest) = extent.oldest {
        page.gauge("history_oldest_timestamp_seconds", oldest);
    }
    page.counter("history_write_failures", noted.failures);
    page.counter("history_differences", noted.differences);
    page.counter("history_minutes_missed", noted.missed);
    page.counter("history_minutes_unread", noted.unread);
}

fn records(page: &mut Page, common: &Common) {
    let noted = common.ledger.read();
    type Pick = fn(&Account) -> i64;
    let rows: [(&str, Pick); 10] = [
        ("records_applied", |a| a.applied),
        ("records_duplicate", |a| a.duplicates),
        ("records_late", |a| a.late),
        ("records_dead_lettered", |a| a.dead_lettered),
        ("records_control", |a| a.control),
        ("records_gap", |a| a.gaps),
        ("records_lost", |a| a.lost),
        ("customers_forgotten", |a| a.forgotten),
        ("replies_breached", |a| a.breached),
        ("replies_met_after_all", |a| a.met),
    ];
    for (name, pick) in rows {
        page.family(name, "counter");
        for (p, n) in &noted {
            let labels = format!("_total{{partition=\"{p}\"}}");
            page.value(name, &labels, pick(&n.account));
        }
    }
}

fn kept(page: &mut Page, journal: &Journal) {
    let (saved, now) = (journal.saved(), clock::now());
    type Pick<'a> = &'a dyn Fn(&Saved) -> String;
    let rows: [(&str, Pick<'_>); 3] = [
        ("snapshot_age_seconds", &|s| decimal(now.since(s.at), 3)),
        ("snapshot_bytes", &|s| s.bytes.to_string()),
        ("snapshot_duration_seconds", &|s| decimal(s.took_ms, 3)),
    ];
    for (name, pick) in rows {
        page.family(name, "gauge");
        for (p, saved) in &saved {
            page.value(name, &format!("{{partition=\"{p}\"}}"), pick(saved));
        }
    }
    page.counter("snapshot_failures", journal.failures());
}
