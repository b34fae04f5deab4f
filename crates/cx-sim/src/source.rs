//! In: emissions on their way, and who was told to stop. Kept: what is held back meanwhile.
//! Out: emissions that pass; on a start, what was held back. Never knows: what they say.

use crate::emission::Emission;
use cx_model::time::{MINUTE, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// The systems of the company, each a source of its own.
pub(crate) mod name {
    pub(crate) const SHOP: &str = "web-shop";
    pub(crate) const APP: &str = "mobile-app";
    pub(crate) const PAYMENTS: &str = "payments";
    pub(crate) const CONTACT_CENTRE: &str = "contact-centre";
    pub(crate) const CHAT: &str = "chat-platform";
    pub(crate) const BOT: &str = "chatbot";
    pub(crate) const MAIL: &str = "mail-desk";
    pub(crate) const MESSAGING: &str = "messaging-gateway";
    pub(crate) const SOCIAL: &str = "social-hub";
    pub(crate) const SURVEYS: &str = "survey-tool";
    pub(crate) const CRM: &str = "crm";
    pub(crate) const OPS: &str = "ops-monitor";
}

/// All of them.
pub(crate) const SOURCES: &[&str] = &[
    name::SHOP,
    name::APP,
    name::PAYMENTS,
    name::CONTACT_CENTRE,
    name::CHAT,
    name::BOT,
    name::MAIL,
    name::MESSAGING,
    name::SOCIAL,
    name::SURVEYS,
    name::CRM,
    name::OPS,
];

/// How old what a stopped source still holds may be, ms.
const HELD_MS: i64 = 10 * MINUTE;
/// How many records a stopped source holds.
const HELD: usize = 2_000;

/// What a stopped source keeps, as a real system's outbox would.
#[derive(Debug, Default)]
struct Outbox {
    held: VecDeque<Emission>,
}

/// The doors between the company's systems and the log.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    shut: BTreeMap<&'static str, Outbox>,
    /// Records that an outbox had no room or no time for; they never reach the log.
    pub(crate) lost: i64,
}

impl Doors {
    /// Shuts a source's door. False: no such source, or the last one open, without which the
    /// company would have nothing more to say.
    pub(crate) fn shut(&mut self, source: &str) -> bool {
        let Some(known) = SOURCES.iter().find(|s| **s == source) else {
            return false;
        };
        if self.shut.contains_key(known) {
            return true;
        }
        if self.shut.len() + 1 == SOURCES.len() {
            return false;
        }
        self.shut.insert(known, Outbox::default());
        true
    }

    /// Opens it again; what was held back comes out, oldest first. `None`: no such source.
    pub(crate) fn open(&mut self, source: &str, now: Timestamp) -> Option<VecDeque<Emission>> {
        let known = SOURCES.iter().find(|s| **s == source)?;
        let mut held = self.shut.remove(known).unwrap_or_default().held;
        self.lost += forget(&mut held, now);
        Some(held)
    }

    /// The emission, unless its source's door is shut: then it is held back.
    pub(crate) fn pass(&mut self, emission: Emission) -> Option<Emission> {
        let Some(outbox) = self.shut.get_mut(emission.source) else {
            return Some(emission);
        };
        let now = emission.at;
        outbox.held.push_back(emission);
        self.lost += forget(&mut outbox.held, now);
        None
    }

    /// Sources whose doors are shut.
    pub(crate) fn stopped(&self) -> Vec<&'static str> {
        self.shut.keys().copied().collect()
    }
}

/// Drops what is too old or too much; how many.
fn forget(held: &mut VecDeque<Emission>, now: Timestamp) -> i64 {
    let mut lost = 0;
    while held.len() > HELD || held.front().is_some_and(|e| now.since(e.at) > HELD_MS) {
        held.pop_front();
        lost += 1;
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emission(at: i64) -> Emission {
        Emission {
            at: Timestamp(at),
            source: name::PAYMENTS,
            key: String::new(),
            value: Vec::new(),
        }
    }

    #[test]
    fn a_shut_door_holds_ten_minutes_and_two_thousand_records() {
        let mut doors = Doors::default();
        assert!(doors.pass(emission(0)).is_some());
        assert!(doors.shut(name::PAYMENTS));
        assert_eq!(doors.stopped(), [name::PAYMENTS]);
        for at in 0..2_500 {
            assert!(doors.pass(emission(at)).is_none());
        }
        assert_eq!(doors.lost, 500);
        let late = Timestamp(HELD_MS + 1_000);
        let out = doors.open(name::PAYMENTS, late).expect("a source");
        assert_eq!((out.len(), doors.lost), (1_500, 1_000));
        assert!(doors.stopped().is_empty());
        assert!(doors.pass(emission(0)).is_some());
    }

    #[test]
    fn an_unknown_source_and_the_last_open_one_are_refused() {
        let mut doors = Doors::default();
        assert!(!doors.shut("fax"));
        assert!(doors.open("fax", Timestamp(0)).is_none());
        let (last, others) = SOURCES.split_last().expect("some");
        assert!(others.iter().all(|s| doors.shut(s) && doors.shut(s)));
        assert!(!doors.shut(last));
    }
}
