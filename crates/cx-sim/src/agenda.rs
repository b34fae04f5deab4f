//! In: what is going to happen, and when. Kept: it, in order of time. Out: what happens next.
//! Never knows: what it means.

use crate::draft::Draft;
use crate::emission::Emission;
use crate::floor::{Lane, Served};
use crate::queue::Contact;
use crate::stream::{Reach, Stream};
use crate::visit::Visit;
use cx_model::time::Timestamp;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// What can happen in the company.
#[derive(Debug)]
pub(crate) enum What {
    /// The next one of a stream comes.
    Arrive(Stream),
    /// A visit takes its next step.
    Visit(Box<Visit>),
    /// A customer follows a campaign's link.
    FollowsLink(usize, u64),
    /// A customer reaches for the company.
    Contact(Reach),
    /// A contact enters its queue.
    Queue(Box<Contact>),
    /// The patience of a waiting contact ends.
    Patience { lane: Lane, contact: u64 },
    /// The conversation of an answered contact ends.
    Done(Box<Served>),
    /// An agent has a hand free again.
    Free { lane: Lane, agent: usize },
    /// Something is said at its time.
    Say(Box<Draft>),
    /// A delayed record is appended.
    Append(Box<Emission>),
    /// A scheduled outage of payments begins.
    Outage,
    /// One more worried customer, perhaps.
    Worry,
    /// A source's heartbeat and what else it reports by the clock.
    Beat(usize),
    /// Somebody looks whether an incident is over.
    IncidentWatch(String),
    /// A source falls silent.
    SourceStops(&'static str),
    /// It is back.
    SourceStarts(&'static str),
}

#[derive(Debug)]
struct Entry {
    at: Timestamp,
    order: u64,
    what: What,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// The book of what will happen; of two at one instant the one entered first.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: Timestamp, what: What) {
        self.order += 1;
        let order = self.order;
        self.entries.push(Reverse(Entry { at, order, what }));
    }

    pub(crate) fn next(&mut self) -> Option<(Timestamp, What)> {
        let Reverse(entry) = self.entries.pop()?;
        Some((entry.at, entry.what))
    }
}
