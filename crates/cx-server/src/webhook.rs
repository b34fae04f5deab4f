//! In: who must be told what. Kept: what is on its way, a bounded number of it; how each receiver fares.
//! Out: signed HTTP requests. Never knows: alerts; whoever asks never waits.

mod guard;
mod sender;
mod settings;
mod sign;

pub(crate) use sender::run;
pub(crate) use settings::{Receiver, Settings, opened, stranger};

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Most messages that wait for the sender.
const WAITING: usize = 1_000;

/// One message to one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The same each time it is sent: receivers know a repeat by it.
    pub(crate) id: String,
    /// Name of the receiver.
    pub(crate) to: String,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

/// The door to the sender.
pub(crate) struct Webhooks {
    /// `None`: it has a name and no address.
    receivers: BTreeMap<String, Option<Receiver>>,
    queue: mpsc::Sender<Message>,
    /// Taken by the sender's thread, once.
    outlet: Mutex<Option<mpsc::Receiver<Message>>>,
    dropped: AtomicU64,
    waiting: AtomicUsize,
    fares: Mutex<BTreeMap<String, Fare>>,
}

/// How a receiver fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fare {
    /// Messages that it took.
    pub(crate) taken: u64,
    /// Messages that were given up.
    pub(crate) given_up: u64,
    /// Requests that failed, those that were repeated included.
    pub(crate) failures: u64,
    /// Why the newest message was given up; empty once one is taken again.
    pub(crate) trouble: String,
}

impl Webhooks {
    /// A door to these receivers.
    pub(crate) fn new(receivers: BTreeMap<String, Option<Receiver>>) -> Self {
        let (queue, outlet) = mpsc::channel(WAITING);
        let told = receivers.iter().filter(|(_, receiver)| receiver.is_some());
        let fares = told.map(|(to, _)| (to.clone(), Fare::default()));
        Self {
            fares: Mutex::new(fares.collect()),
            receivers,
            queue,
            outlet: Mutex::new(Some(outlet)),
            dropped: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Whether there is such a receiver.
    pub(crate) fn knows(&self, to: &str) -> bool {
        self.receivers.contains_key(to)
    }

    /// Whether it has an address.
    pub(crate) fn reaches(&self, to: &str) -> bool {
        self.receivers.get(to).is_some_and(Option::is_some)
    }

    /// Receivers that are told nothing, for nobody has said where they are.
    pub(crate) fn silent(&self) -> Vec<&str> {
        let silent = self
            .receivers
            .iter()
            .filter(|(_, receiver)| receiver.is_none());
        silent.map(|(to, _)| to.as_str()).collect()
    }

    /// Queues a message; one beyond what may wait is dropped and counted.
    pub(crate) fn tell(&self, message: Message) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(message).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Messages that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Messages on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How each receiver fares.
    pub(crate) fn fares(&self) -> BTreeMap<String, Fare> {
        self.fares.lock().expect("no holder panics").clone()
    }

    /// What a person must mend, in words.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let fares = self.fares();
        let troubled = fares.iter().filter(|(_, fare)| !fare.trouble.is_empty());
        troubled
            .map(|(to, fare)| format!("the receiver {to} was not told: {}", fare.trouble))
            .collect()
    }

    fn note(&self, to: &str, change: impl FnOnce(&mut Fare)) {
        let mut fares = self.fares.lock().expect("no holder panics");
        change(fares.entry(to.to_owned()).or_default());
    }
}
