//! In: addresses of accepted sockets. Kept: how many are open, of each address too. Out: a place, or
//! none. Never knows: sockets.

use crate::hub::Hub;
use crate::limits::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Counts who is inside.
#[derive(Clone)]
pub(crate) struct Doorkeeper(Arc<Lodge>);

/// What all places share.
struct Lodge {
    limits: Limits,
    hub: Arc<Hub>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// One open socket; dropped, its place is free again.
pub(crate) struct Place {
    keeper: Doorkeeper,
    address: IpAddr,
}

impl Doorkeeper {
    pub(crate) fn new(limits: Limits, hub: Arc<Hub>) -> Self {
        Self(Arc::new(Lodge {
            limits,
            hub,
            inside: Mutex::default(),
        }))
    }

    /// A place for a socket of that address; `None` where it or the house has as many as it may have.
    pub(crate) fn place(&self, address: IpAddr) -> Option<Place> {
        let mut inside = self.0.inside.lock().expect("no holder panics");
        let of = inside.of.get(&address).copied().unwrap_or_default();
        if inside.all >= self.0.limits.connections {
            self.refuse("too_many_connections");
            return None;
        }
        if of >= self.0.limits.per_address {
            self.refuse("too_many_of_an_address");
            return None;
        }
        inside.all += 1;
        inside.of.insert(address, of + 1);
        let keeper = self.clone();
        Some(Place { keeper, address })
    }

    pub(crate) fn refuse(&self, reason: &'static str) {
        self.0.hub.counts().refuse(reason);
    }
}

impl Place {
    pub(crate) fn limits(&self) -> Limits {
        self.keeper.0.limits
    }

    pub(crate) fn refuse(&self, reason: &'static str) {
        self.keeper.refuse(reason);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.keeper.0.inside.lock().expect("no holder panics");
        inside.all -= 1;
        let of = inside.of.entry(self.address).or_default();
        *of = of.saturating_sub(1);
        if *of == 0 {
            inside.of.remove(&self.address);
        }
    }
}
