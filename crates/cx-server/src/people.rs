//! In: opaque ids. Kept: a reader of every partition's customers. Out: what is kept of one.
//! Never knows: names; whoever holds one hashes it first.

use cx_engine::{Customer, CustomerReader};
use cx_model::ids::Key128;
use serde_json::{Value, json};
use std::sync::RwLock;

/// All customers of the house, for readers.
#[derive(Default)]
pub(crate) struct Directory(RwLock<Vec<(u32, CustomerReader)>>);

impl Directory {
    pub(crate) fn enter(&self, partition: u32, reader: CustomerReader) {
        let mut readers = self.0.write().expect("no holder panics");
        readers.push((partition, reader));
    }

    /// The record of a customer, as JSON; `None` for an id that is malformed or unknown.
    pub(crate) fn show(&self, id: &str, channels: &[String]) -> Option<Value> {
        let key = parse(id)?;
        let readers = self.0.read().expect("no holder panics");
        let found = readers.iter().find_map(|(p, r)| Some((*p, r.get(key)?)));
        found.map(|(partition, customer)| shown(id, partition, &customer, channels))
    }
}

/// The opaque id that stands for a customer: 32 hex digits.
pub(crate) fn opaque(key: Key128) -> String {
    format!("{:032x}", key.0)
}

fn parse(id: &str) -> Option<Key128> {
    let plain = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(id, 16).ok().map(Key128))?
}

fn shown(id: &str, partition: u32, customer: &Customer, channels: &[String]) -> Value {
    let used = channels.iter().enumerate();
    let used: Vec<&String> = used
        .filter(|(i, _)| customer.used_channel(*i))
        .map(|(_, name)| name)
        .collect();
    let last = customer.last_channel().and_then(|i| channels.get(i));
    json!({
        "customer": id, "partition": partition,
        "first_seen": customer.first_seen.to_rfc3339(), "last_seen": customer.last_seen.to_rfc3339(),
        "events": customer.events, "contacts": customer.contacts,
        "channels": used, "last_channel": last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_as_we_write_it_is_an_id() {
        let key = Key128(0xabc);
        assert_eq!(parse(&opaque(key)), Some(key));
        for bad in [
            "",
            "abc",
            "+0000000000000000000000000000abc",
            "0000000000000000000000000000ABCD",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
