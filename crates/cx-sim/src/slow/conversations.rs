//! In: records with their names. Kept: nothing. Out: since when each conversation waits for an
//! answer, whether it is overdue, how long each reply took, and what is decided of deadlines.
//! Never knows: how an engine keeps conversations.

use super::attempts::Change;
use super::clock;
use super::decisions::{Deadlines, Decision};
use super::meaning::{Named, Outcome};
use cx_catalog::calendar::ReplyTarget;
use cx_catalog::journey::Replies;
use cx_model::limits::Limits;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;

/// Most unanswered messages of one conversation; of more, the newest but one goes.
const UNANSWERED: usize = 8;

#[derive(Default)]
struct Conversation<'r> {
    /// Every message of the customer seen, by time.
    asked: Vec<Timestamp>,
    first_reply_told: bool,
    /// Every reply and every end seen.
    answers: Vec<Timestamp>,
    closed: bool,
    /// Messages later than every answer, oldest first.
    unanswered: Vec<(Timestamp, &'r Named)>,
    deadlines: Deadlines<'r>,
    forgotten: Option<Timestamp>,
}

/// A conversation that waits.
pub(super) struct Waiting<'r> {
    pub(super) since: Timestamp,
    /// The message that began it.
    pub(super) by: &'r Named,
    pub(super) overdue: bool,
}

/// Until when a message of a customer should be answered.
pub(super) fn due(of: &Named, targets: &BTreeMap<String, ReplyTarget>) -> Option<Timestamp> {
    if of.event["type"] != "cx.conversation.customer_message.v1" {
        return None;
    }
    let channel = of.event["data"]["channel"].as_str()?;
    clock::due(targets.get(channel)?, of.time)
}

/// Adds what a reply took of business time.
pub(super) fn business(r: &mut Named, targets: &BTreeMap<String, ReplyTarget>) {
    let channel = r.event["data"]["channel"].as_str();
    let calendar = channel.and_then(|c| targets.get(c)?.calendar.as_ref());
    for (name, all) in [
        ("first_reply_business_ms", "first_reply_ms"),
        ("reply_business_ms", "reply_ms"),
    ] {
        if let Some(ms) = r.facts.get(all).copied() {
            let from = r.time.plus(-ms);
            let ms = calendar.map_or(ms, |c| clock::business(c, from, r.time));
            r.facts.insert(name, ms);
        }
    }
}

/// Facts of one event by name.
pub(super) type Facts = BTreeMap<&'static str, i64>;

impl<'r> Conversation<'r> {
    fn step(&mut self, r: &'r Named) -> Facts {
        let mut facts = Facts::new();
        match r.event["type"].as_str().unwrap_or_default() {
            "cx.conversation.customer_message.v1" => {
                self.asked.push(r.time);
                if self.answers.iter().all(|a| *a < r.time) {
                    self.unanswered.push((r.time, r));
                    self.unanswered.sort_by_key(|(t, _)| *t);
                    if self.unanswered.len() > UNANSWERED {
                        let newest = self.unanswered.pop();
                        self.unanswered.pop();
                        self.unanswered.extend(newest);
                    }
                }
                return facts;
            }
            "cx.conversation.agent_message.v1" => {
                let first = self.asked.iter().min().copied();
                if let Some(first) = first.filter(|t| *t <= r.time && !self.first_reply_told) {
                    self.first_reply_told = true;
                    facts.insert("first_reply_ms", r.time.since(first));
                }
                let oldest = self.unanswered.first().map(|(t, _)| *t);
                if let Some(oldest) = oldest.filter(|t| *t <= r.time) {
                    facts.insert("reply_ms", r.time.since(oldest));
                }
            }
            _ => self.closed = true,
        }
        self.answers.push(r.time);
        self.unanswered.retain(|(t, _)| *t > r.time);
        facts
    }
}

fn is_step(r: &Named) -> bool {
    let automated = r.event["data"]["automated"].as_bool() == Some(true);
    let kind = match r.event["type"].as_str().unwrap_or_default() {
        "cx.conversation.customer_message.v1" | "cx.conversation.closed.v1" => true,
        "cx.conversation.agent_message.v1" => !automated,
        _ => false,
    };
    kind && matches!(r.outcome, Outcome::Applied | Outcome::Late)
}

/// What one log says.
struct Walked<'r> {
    /// The conversations by id, each in its last life.
    all: BTreeMap<&'r str, Conversation<'r>>,
    /// Lives that are over.
    over: Vec<(&'r str, Conversation<'r>)>,
    /// Of the records, by position.
    facts: Vec<(usize, Facts)>,
}

fn walk<'r>(log: &'r [Named], limits: &Limits) -> Walked<'r> {
    let mut all: BTreeMap<&str, Conversation<'_>> = BTreeMap::new();
    let (mut over, mut facts) = (Vec::new(), Vec::new());
    for (i, r) in log.iter().enumerate().filter(|(_, r)| is_step(r)) {
        let Some(id) = r.event["data"]["conversation_id"].as_str() else {
            continue;
        };
        let one = all.entry(id).or_default();
        if one.forgotten.is_some_and(|t| t <= r.log_time) {
            over.push((id, std::mem::take(one)));
        }
        facts.push((i, one.step(r)));
        let oldest = one.unanswered.first().map(|(_, m)| *m);
        if r.event["type"] != "cx.conversation.customer_message.v1" {
            one.deadlines.answered(i, r);
        }
        if let Some((by, due)) = oldest.and_then(|m| Some((m, m.due?))) {
            one.deadlines.oldest((i, r.log_time), (by, due), limits);
        }
        let quiet = if one.closed && oldest.is_none() {
            r.log_time.plus(limits.contact_closed_ms)
        } else {
            let due = oldest.and_then(|m| m.due);
            let from = due.map_or(r.log_time, |d| d.max(r.log_time));
            from.plus(limits.contact_open_ms)
        };
        one.forgotten = one.deadlines.settled(r.log_time, limits).max(Some(quiet));
    }
    Walked { all, over, facts }
}

/// What one log decides of the deadlines of its conversations, and how many found no room.
pub(super) fn decisions(log: &[Named], limits: &Limits) -> (Vec<Decision>, usize) {
    let Walked { all, over, .. } = walk(log, limits);
    let (mut decisions, mut unkept) = (Vec::new(), 0);
    for (id, one) in over.into_iter().chain(all) {
        decisions.extend(one.deadlines.decisions(id, log, limits));
        unkept += one.deadlines.unkept();
    }
    (decisions, unkept)
}

/// What is counted of promised replies of one log at second `s`.
pub(super) fn replies<'r>(
    log: &'r [Named],
    s: i64,
    of: Replies,
    limits: &Limits,
) -> Vec<Change<'r>> {
    let Walked { all, over, .. } = walk(log, limits);
    let lives = over.into_iter().chain(all);
    let changes = lives.flat_map(|(_, one)| one.deadlines.changes(s, of, limits));
    changes.collect()
}

/// The facts of the records of one log, by position.
pub(super) fn facts(log: &[Named], limits: &Limits) -> Vec<(usize, Facts)> {
    walk(log, limits).facts
}

/// The conversations that wait at second `s`.
pub(super) fn waiting<'r>(before: &[&'r [Named]], s: i64, limits: &Limits) -> Vec<Waiting<'r>> {
    let now = Timestamp::from_second(s);
    let mut waiting = Vec::new();
    for log in before {
        let Walked { all, .. } = walk(log, limits);
        let kept = all
            .values()
            .filter(|c| c.forgotten.is_some_and(|t| t > now));
        waiting.extend(kept.filter_map(|c| {
            let (since, by) = *c.unanswered.first()?;
            Some(Waiting {
                since,
                by,
                overdue: by.due.is_some_and(|d| d <= now),
            })
        }));
    }
    waiting
}
