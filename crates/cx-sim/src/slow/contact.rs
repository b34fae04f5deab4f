//! In: one partition's facts. Kept: nothing. Out: contacts that wait at a second.
//! Never knows: measures, dimensions.

use super::fact::{Fact, Said};
use cx_model::limits::Limits;
use cx_model::time::Timestamp;
use cx_model::vocabulary::{CONTACT_ANSWERED, CONTACT_DEQUEUED, CONTACT_ENDED, CONTACT_QUEUED};
use std::collections::BTreeMap;

/// A contact that waits: since when, and the event that put it into its queue.
pub(super) struct Waiting<'f> {
    pub(super) since: Timestamp,
    pub(super) fact: &'f Fact,
}

/// One life of a contact, from its first step to the step before it was forgotten.
#[derive(Default)]
struct Life<'f> {
    queued: Option<&'f Fact>,
    left_at: Option<Timestamp>,
    ended: bool,
    due: Timestamp,
}

/// The contacts waiting at second `s`, from the partition's facts before it.
pub(super) fn waiting<'f>(facts: &'f [Fact], limits: &Limits, s: i64) -> Vec<Waiting<'f>> {
    let mut steps: BTreeMap<&str, Vec<(&Said, &Fact)>> = BTreeMap::new();
    for fact in facts.iter().filter(|f| f.taken()) {
        let Some(event) = &fact.event else { continue };
        let Some(contact) = event.text("contact_id") else {
            continue;
        };
        if is_step(&event.kind) {
            steps.entry(contact).or_default().push((event, fact));
        }
    }
    let lives = steps.values().map(|steps| last_life(steps, limits));
    lives
        .filter(|life| life.due.0 > s * 1_000)
        .filter_map(|life| life.waiting())
        .collect()
}

fn is_step(kind: &str) -> bool {
    [
        CONTACT_QUEUED,
        CONTACT_DEQUEUED,
        CONTACT_ANSWERED,
        CONTACT_ENDED,
    ]
    .contains(&kind)
}

/// A step at or after the contact's due time finds it forgotten and begins it anew.
fn last_life<'f>(steps: &[(&Said, &'f Fact)], limits: &Limits) -> Life<'f> {
    let mut life = Life {
        due: Timestamp(i64::MAX),
        ..Life::default()
    };
    for (event, fact) in steps {
        if life.due <= fact.log_time {
            life = Life::default();
        }
        life.step(&event.kind, fact);
        let kept = if life.ended {
            limits.contact_closed_ms
        } else {
            limits.contact_open_ms
        };
        life.due = fact.log_time.plus(kept);
    }
    life
}

impl<'f> Life<'f> {
    fn step(&mut self, kind: &str, fact: &'f Fact) {
        match kind {
            CONTACT_QUEUED => {
                if self.queued.is_none_or(|newest| fact.time >= newest.time) {
                    self.queued = Some(fact);
                }
            }
            CONTACT_ENDED => self.ended = true,
            _ => {
                if self.left_at.is_none_or(|newest| fact.time > newest) {
                    self.left_at = Some(fact.time);
                }
            }
        }
    }

    fn waiting(&self) -> Option<Waiting<'f>> {
        let fact = self.queued?;
        let back = self.left_at.is_none_or(|left| fact.time > left);
        (!self.ended && back).then_some(Waiting {
            since: fact.time,
            fact,
        })
    }
}
