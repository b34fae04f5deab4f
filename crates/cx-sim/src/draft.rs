//! In: what is to be said. Kept: it, until it is written. Out: the bytes of a structured
//! CloudEvent. Never knows: when, and what becomes of them on the way.

use crate::population;
use cx_model::time::Timestamp;
use serde_json::Value;

/// Who speaks, in which direction.
#[derive(Debug, Clone, Copy)]
struct Voice {
    direction: &'static str,
    actor: &'static str,
}

/// An event that is going to be said.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) source: &'static str,
    /// Family and name, e.g. `contact.queued`.
    kind: &'static str,
    channel: &'static str,
    voice: Voice,
    customer: Option<usize>,
    device: Option<u64>,
    key: Option<String>,
    /// How far the clock of whoever stamps it is off, ms.
    pub(crate) clock_off: i64,
    /// Whether it is said aside, see [`Company::aside`](crate::Company).
    pub(crate) aside: bool,
    data: Vec<(&'static str, Value)>,
}

impl Draft {
    /// What a customer does.
    pub(crate) fn of(
        customer: usize,
        source: &'static str,
        channel: &'static str,
        kind: &'static str,
    ) -> Self {
        Self {
            source,
            kind,
            channel,
            voice: Voice {
                direction: "inbound",
                actor: "customer",
            },
            customer: Some(customer),
            device: None,
            key: None,
            clock_off: 0,
            aside: false,
            data: Vec::with_capacity(6),
        }
    }

    /// What a system says that concerns no customer; `key` decides where it is kept.
    pub(crate) fn system(source: &'static str, kind: &'static str, key: String) -> Self {
        Self {
            customer: None,
            key: Some(key),
            ..Self::of(0, source, "system", kind)
        }
        .internal("system")
    }

    /// Said to the customer, by an agent, a bot or the system.
    pub(crate) fn outbound(mut self, actor: &'static str) -> Self {
        self.voice = Voice {
            direction: "outbound",
            actor,
        };
        self
    }

    /// Said inside the company.
    pub(crate) fn internal(mut self, actor: &'static str) -> Self {
        self.voice = Voice {
            direction: "internal",
            actor,
        };
        self
    }

    /// With a field; one that is there already is replaced.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.data.retain(|(n, _)| *n != name);
        self.data.push((name, value.into()));
        self
    }

    pub(crate) fn on_device(mut self, device: u64, clock_off: i64) -> Self {
        self.device = Some(device);
        self.clock_off = clock_off;
        self
    }

    /// A view of a page, of which two can be mistaken for one.
    pub(crate) fn is_a_page(&self) -> bool {
        self.kind == "view.page_viewed"
    }

    /// Where it is kept: with its customer.
    pub(crate) fn key(&self) -> String {
        let customer = self.customer.map(population::name);
        customer.or_else(|| self.key.clone()).unwrap_or_default()
    }

    /// The event under an id and its source's number; only values need escaping, the names are ours.
    pub(crate) fn bytes(&self, id: u64, sequence: u64, time: Timestamp) -> Vec<u8> {
        let mut out = String::with_capacity(512);
        let mut put = |parts: &[&str]| parts.iter().for_each(|p| out.push_str(p));
        put(&[r#"{"specversion":"1.0","id":"e-"#, &id.to_string()]);
        put(&[r#"","source":""#, self.source, r#"","type":"cx."#]);
        put(&[self.kind, r#".v1","time":""#, &time.to_rfc3339()]);
        put(&[r#"","sequence":""#, &sequence.to_string()]);
        let name = self.customer.map(population::name);
        if let Some(name) = &name {
            put(&[r#"","subject":""#, name]);
        }
        put(&[r#"","datacontenttype":"application/json","data":{"channel":""#]);
        put(&[self.channel, r#"","direction":""#, self.voice.direction]);
        put(&[r#"","actor":""#, self.voice.actor, r#"""#]);
        for (name, value) in &self.data {
            put(&[r#",""#, name, r#"":"#, &value.to_string()]);
        }
        if let Some(name) = &name {
            put(&[r#","identities":[{"ns":"customer_id","value":""#, name]);
            put(&[r#"","state":"authenticated"}"#]);
            if let Some(device) = self.device {
                put(&[r#",{"ns":"device_id","value":"d-"#, &device.to_string()]);
                put(&[r#"","state":"asserted"}"#]);
            }
            put(&["]"]);
        }
        put(&["}}"]);
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_draft_becomes_a_structured_event() {
        let draft = Draft::of(7, "crm", "crm_backoffice", "case.opened")
            .internal("agent")
            .with("topic", "a \"quoted\" one")
            .with("wait_ms", 5)
            .on_device(9, 0);
        let event: Value = serde_json::from_slice(&draft.bytes(3, 12, Timestamp(0))).expect("JSON");
        let expected = json!({
            "specversion": "1.0", "id": "e-3", "source": "crm", "type": "cx.case.opened.v1",
            "time": "1970-01-01T00:00:00.000Z", "sequence": "12", "subject": "customer:7",
            "datacontenttype": "application/json",
            "data": {
                "channel": "crm_backoffice", "direction": "internal", "actor": "agent",
                "topic": "a \"quoted\" one", "wait_ms": 5, "identities": [
                    {"ns": "customer_id", "value": "customer:7", "state": "authenticated"},
                    {"ns": "device_id", "value": "d-9", "state": "asserted"},
                ],
            },
        });
        assert_eq!((event, draft.key()), (expected, "customer:7".to_owned()));
    }

    #[test]
    fn what_concerns_no_customer_has_no_subject() {
        let draft = Draft::system("crm", "ops.integration_heartbeat", "crm".to_owned());
        let event: Value = serde_json::from_slice(&draft.bytes(1, 1, Timestamp(0))).expect("JSON");
        assert_eq!(
            (&event["subject"], draft.key()),
            (&Value::Null, "crm".to_owned())
        );
        assert_eq!(event["data"]["channel"], "system");
    }
}
