//! In: contacts that come, patience that ends, agents with a hand free. Kept: one queue with its
//! agents. Out: who is served by whom. Never knows: events, time.

use crate::stream::Reach;
use cx_model::time::Timestamp;
use std::collections::{BTreeSet, VecDeque};

/// A contact in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    pub(crate) reach: Reach,
    pub(crate) queued_at: Timestamp,
    /// The exchange of messages it belongs to, in a chat.
    pub(crate) conversation: u64,
    /// The customer left without a word; the queue does not know.
    pub(crate) gone: bool,
    /// It comes from another queue.
    pub(crate) transferred: bool,
}

/// One skill queue, first come, first served; each agent serves up to a number at once.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: VecDeque<Contact>,
    /// Agents with a hand free, those with the fewest contacts first.
    free: BTreeSet<(u8, usize)>,
    load: Vec<u8>,
    at_once: u8,
}

impl Queue {
    /// `at_once`: how many contacts an agent serves at a time, at least 1.
    pub(crate) fn new(agents: usize, at_once: u8) -> Self {
        Self {
            waiting: VecDeque::new(),
            free: (0..agents).map(|a| (0, a)).collect(),
            load: vec![0; agents],
            at_once,
        }
    }

    pub(crate) fn come(&mut self, contact: Contact) {
        self.waiting.push_back(contact);
    }

    /// The next contact and the agent who takes it, if one has a hand free.
    pub(crate) fn serve(&mut self) -> Option<(Contact, usize)> {
        if self.free.is_empty() {
            return None;
        }
        let contact = self.waiting.pop_front()?;
        let (load, agent) = self.free.pop_first()?;
        self.set(agent, load + 1);
        Some((contact, agent))
    }

    /// An agent is done with one contact.
    pub(crate) fn freed(&mut self, agent: usize) {
        let load = self.load[agent];
        self.free.remove(&(load, agent));
        self.set(agent, load.saturating_sub(1));
    }

    fn set(&mut self, agent: usize, load: u8) {
        self.load[agent] = load;
        if load < self.at_once {
            self.free.insert((load, agent));
        }
    }

    /// How many contacts an agent serves now.
    pub(crate) fn load(&self, agent: usize) -> u8 {
        self.load[agent]
    }

    /// Whether a contact still waits, so that it can be marked.
    pub(crate) fn waits(&mut self, id: u64) -> Option<&mut Contact> {
        self.waiting.iter_mut().find(|c| c.id == id)
    }

    /// Takes out a contact whose patience ended, if it still waits.
    pub(crate) fn leave(&mut self, id: u64) -> Option<Contact> {
        let position = self.waiting.iter().position(|c| c.id == id)?;
        self.waiting.remove(position)
    }
}

/// Agents for this much work at a time (Erlangs): the work itself and a reserve that grows with its
/// root, so that small and large companies answer about equally fast. At least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number of agents"
)]
pub(crate) fn agents(erlangs: f64, reserve: f64, at_once: u8) -> usize {
    let hands = erlangs + reserve * erlangs.sqrt();
    ((hands / f64::from(at_once)).ceil() as usize).max(1)
}

#[cfg(test)]
mod tests;
