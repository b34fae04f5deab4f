//! In: contacts that come, patience that ends, agents that become free. Kept: one queue with its
//! agents. Out: who is answered and after how long. Never knows: events.

use cx_model::time::Timestamp;
use std::collections::VecDeque;

/// A contact in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    pub(crate) customer: String,
    pub(crate) queued_at: Timestamp,
}

/// One skill queue, first come, first served.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: VecDeque<Contact>,
    free: usize,
}

impl Queue {
    pub(crate) fn new(agents: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            free: agents,
        }
    }

    pub(crate) fn come(&mut self, contact: Contact) {
        self.waiting.push_back(contact);
    }

    /// The next contact for a free agent.
    pub(crate) fn serve(&mut self) -> Option<Contact> {
        if self.free == 0 {
            return None;
        }
        let contact = self.waiting.pop_front()?;
        self.free -= 1;
        Some(contact)
    }

    pub(crate) fn agent_free(&mut self) {
        self.free += 1;
    }

    /// Takes out a contact whose patience ended, if it still waits.
    pub(crate) fn leave(&mut self, id: u64) -> Option<Contact> {
        let position = self.waiting.iter().position(|c| c.id == id)?;
        self.waiting.remove(position)
    }
}

/// A whole number of agents, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number of agents"
)]
pub(crate) fn agents(n: f64) -> usize {
    (n.round() as usize).max(1)
}
