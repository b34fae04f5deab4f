//! In: names of `data` fields. Kept: the registry of declared attributes. Out: slots.
//! Never knows: which KPI uses which attribute.

use std::collections::BTreeMap;

/// The type of a declared attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON true or false.
    Bool,
    /// JSON integer within 64 bits; the only kind that can be summed.
    Int,
    /// JSON number.
    Double,
    /// JSON string.
    Text,
}

impl Kind {
    /// The CEL name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Text => "string",
        }
    }
}

/// One declared field of an event's `data`.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Field name inside `data`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Meaning, with unit and bounds.
    pub meaning: &'static str,
}

const fn attribute(name: &'static str, kind: Kind, meaning: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        meaning,
    }
}

/// Every attribute that definitions may name; an event may carry others, which nobody looks at.
pub const ATTRIBUTES: &[Attribute] = &[
    attribute(
        "channel",
        Kind::Text,
        "Channel of the interaction, from deploy/catalog/channels.yaml.",
    ),
    attribute(
        "direction",
        Kind::Text,
        "inbound, outbound or internal, seen from the company.",
    ),
    attribute("actor", Kind::Text, "customer, agent, bot or system."),
    attribute(
        "contact_id",
        Kind::Text,
        "One attempt of a customer to reach somebody; same in all its steps.",
    ),
    attribute("conversation_id", Kind::Text, "One exchange of messages."),
    attribute(
        "case_id",
        Kind::Text,
        "One matter, possibly over several contacts.",
    ),
    attribute("session_id", Kind::Text, "One visit of a web site or app."),
    attribute("order_id", Kind::Text, "One order."),
    attribute("campaign_id", Kind::Text, "One campaign."),
    attribute("queue", Kind::Text, "Name of the queue a contact waits in."),
    attribute(
        "outcome",
        Kind::Text,
        "How it ended: handled, abandoned, transferred; for steps ok or failed.",
    ),
    attribute(
        "step",
        Kind::Text,
        "Step of the journey, e.g. address, delivery, payment.",
    ),
    attribute(
        "reason",
        Kind::Text,
        "Why, in the source's own words, at most one short phrase.",
    ),
    attribute("topic", Kind::Text, "What the customer came for."),
    attribute(
        "wait_ms",
        Kind::Int,
        "Time in queue until answered or left, in milliseconds, >= 0.",
    ),
    attribute(
        "talk_ms",
        Kind::Int,
        "Time in conversation, in milliseconds, >= 0.",
    ),
    attribute(
        "wrapup_ms",
        Kind::Int,
        "After-contact work, in milliseconds, >= 0.",
    ),
    attribute(
        "duration_ms",
        Kind::Int,
        "Duration of the thing reported, in milliseconds, >= 0.",
    ),
    attribute(
        "amount_minor",
        Kind::Int,
        "Money in minor units of `currency`; refunds are negative.",
    ),
    attribute("currency", Kind::Text, "ISO 4217 code of `amount_minor`."),
    attribute("quantity", Kind::Int, "Number of items, >= 0."),
    attribute("product_id", Kind::Text, "One product."),
    attribute(
        "page",
        Kind::Text,
        "Path of the page or name of the screen.",
    ),
    attribute("score", Kind::Int, "Answer to a survey on its own scale."),
    attribute("survey", Kind::Text, "csat, nps or ces."),
    attribute(
        "automated",
        Kind::Bool,
        "True where no person wrote the message.",
    ),
    attribute("ended_by", Kind::Text, "customer, agent or system."),
    attribute("sentiment", Kind::Double, "-1 (negative) to 1 (positive)."),
];

/// Attributes the engine itself reads; they always have these slots, in this order.
pub const BUILT_IN: [&str; 4] = ["channel", "contact_id", "queue", "outcome"];
/// Slot of `data.channel`.
pub const SLOT_CHANNEL: usize = 0;
/// Slot of `data.contact_id`.
pub const SLOT_CONTACT: usize = 1;

/// Most attributes one set of definitions may use.
pub const MAX_SLOTS: usize = 32;

/// Looks up a declared attribute by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|a| a.name == name)
}

/// Which attributes a decoder keeps, and where: `data` field name to slot.
#[derive(Debug, Clone)]
pub struct SlotTable {
    slots: BTreeMap<&'static str, usize>,
    kinds: Vec<Kind>,
}

impl Default for SlotTable {
    fn default() -> Self {
        let mut table = Self {
            slots: BTreeMap::new(),
            kinds: Vec::new(),
        };
        for name in BUILT_IN {
            table.add(name).expect("built-in attributes are declared");
        }
        table
    }
}

impl SlotTable {
    /// Gives the attribute a slot (the one it has, if it has one).
    ///
    /// # Errors
    /// `None` when the attribute is not declared or all [`MAX_SLOTS`] slots are taken.
    pub fn add(&mut self, name: &str) -> Option<usize> {
        let attribute = find(name)?;
        if let Some(slot) = self.slots.get(attribute.name) {
            return Some(*slot);
        }
        if self.kinds.len() == MAX_SLOTS {
            return None;
        }
        let slot = self.kinds.len();
        self.kinds.push(attribute.kind);
        self.slots.insert(attribute.name, slot);
        Some(slot)
    }

    /// The slot of a field name, if any definition uses it.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// The declared type of a slot.
    #[must_use]
    pub fn kind(&self, slot: usize) -> Option<Kind> {
        self.kinds.get(slot).copied()
    }
}
