//! In: names of `data` fields. Kept: the registry of declared attributes. Out: slots.
//! Never knows: which KPI uses which attribute.

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
#[rustfmt::skip]
pub const ATTRIBUTES: &[Attribute] = &[
    attribute("channel", Kind::Text, "Channel of the interaction, from deploy/catalog/channels.yaml."),
    attribute("direction", Kind::Text, "inbound, outbound or internal, seen from the company."),
    attribute("actor", Kind::Text, "customer, agent, bot or system."),
    attribute("contact_id", Kind::Text, "One attempt of a customer to reach somebody; same in all its steps."),
    attribute("conversation_id", Kind::Text, "One exchange of messages."),
    attribute("case_id", Kind::Text, "One matter, possibly over several contacts."),
    attribute("session_id", Kind::Text, "One visit of a web site or app."),
    attribute("order_id", Kind::Text, "One order."),
    attribute("campaign_id", Kind::Text, "One campaign."),
    attribute("promise_id", Kind::Text, "One promise to a customer; same in all its steps."),
    attribute("message_id", Kind::Text, "One message; same when it is delivered, opened, clicked."),
    attribute("survey_id", Kind::Text, "One invitation to a survey; same in its answer."),
    attribute("journey_instance_id", Kind::Text, "One run of one customer through a journey."),
    attribute("response_id", Kind::Text, "The response of ours that the customer reacts to."),
    attribute("agent_id", Kind::Text, "Who works on it, as the source names them."),
    attribute("product_id", Kind::Text, "One product."),
    attribute("device_id", Kind::Text, "One device, as the source names it."),
    attribute("queue", Kind::Text, "Name of the queue a contact waits in."),
    attribute("skill", Kind::Text, "What an agent or a voice assistant was asked to do."),
    attribute("outcome", Kind::Text, "How it ended: handled, abandoned, transferred; for steps ok or failed."),
    attribute("step", Kind::Text, "Step of the journey, e.g. address, delivery, payment."),
    attribute("status", Kind::Text, "New status of a case, order or response."),
    attribute("state", Kind::Text, "New state of an agent: available, busy, wrapup, break, offline."),
    attribute("reason", Kind::Text, "Why, in the source's own words, at most one short phrase."),
    attribute("topic", Kind::Text, "What the customer came for."),
    attribute("priority", Kind::Text, "How urgent the source calls it."),
    attribute("page", Kind::Text, "Path of the page or name of the screen."),
    attribute("query", Kind::Text, "What was searched for."),
    attribute("network", Kind::Text, "Social network or message service."),
    attribute("country", Kind::Text, "ISO 3166-1 alpha-2 code of where the customer is."),
    attribute("language", Kind::Text, "BCP 47 tag of what is spoken or written."),
    attribute("purpose", Kind::Text, "What a consent is given for, e.g. marketing."),
    attribute("basis", Kind::Text, "Lawful basis of a consent, e.g. consent, contract."),
    attribute("value", Kind::Text, "Value of a consent or preference: y, n, p (pending), u (unknown)."),
    attribute("attribution", Kind::Text, "How a reaction was linked to its cause: echoed or inferred."),
    attribute("currency", Kind::Text, "ISO 4217 code of `amount_minor`."),
    attribute("survey", Kind::Text, "csat, nps or ces."),
    attribute("label", Kind::Text, "Sentiment in a word: positive, neutral, negative."),
    attribute("model", Kind::Text, "Name and version of the model that scored it."),
    attribute("service", Kind::Text, "System that an operational event speaks of."),
    attribute("ended_by", Kind::Text, "customer, agent or system."),
    attribute("due", Kind::Text, "RFC 3339 time until which something was promised."),
    attribute("automated", Kind::Bool, "True where no person wrote the message."),
    attribute("resolved", Kind::Bool, "True where the matter was settled."),
    attribute("escalated", Kind::Bool, "True where a person had to take over."),
    attribute("wait_ms", Kind::Int, "Time in queue until answered or left, in milliseconds, >= 0."),
    attribute("talk_ms", Kind::Int, "Time in conversation, in milliseconds, >= 0."),
    attribute("hold_ms", Kind::Int, "Time on hold, in milliseconds, >= 0."),
    attribute("wrapup_ms", Kind::Int, "After-contact work, in milliseconds, >= 0."),
    attribute("duration_ms", Kind::Int, "Duration of the thing reported, in milliseconds, >= 0."),
    attribute("response_ms", Kind::Int, "Time until a request was answered, in milliseconds, >= 0."),
    attribute("delay_ms", Kind::Int, "Actual less promised time, in milliseconds; early is negative."),
    attribute("lcp_ms", Kind::Int, "Largest contentful paint of a page, in milliseconds, >= 0."),
    attribute("inp_ms", Kind::Int, "Interaction to next paint of a page, in milliseconds, >= 0."),
    attribute("ttfb_ms", Kind::Int, "Time to first byte of a page, in milliseconds, >= 0."),
    attribute("cls_milli", Kind::Int, "Cumulative layout shift of a page, in thousandths, >= 0."),
    attribute("amount_minor", Kind::Int, "Money in minor units of `currency`; refunds are negative."),
    attribute("quantity", Kind::Int, "Number of items, >= 0."),
    attribute("requests", Kind::Int, "Requests in the period reported, >= 0."),
    attribute("errors", Kind::Int, "Failed requests in the period reported, >= 0."),
    attribute("score", Kind::Int, "Answer to a survey on its own scale."),
    attribute("scale", Kind::Int, "Highest answer of the survey's scale: 5, 7 or 10."),
    attribute("sentiment", Kind::Double, "-1 (negative) to 1 (positive)."),
];

/// Attributes the engine itself reads; they always have these slots, in this order.
#[rustfmt::skip]
pub const BUILT_IN: [&str; 6] = ["channel", "contact_id", "queue", "outcome", "conversation_id", "automated"];
/// Slot of `data.channel`.
pub const SLOT_CHANNEL: usize = 0;
/// Slot of `data.contact_id`.
pub const SLOT_CONTACT: usize = 1;
/// Slot of `data.conversation_id`.
pub const SLOT_CONVERSATION: usize = 4;
/// Slot of `data.automated`.
pub const SLOT_AUTOMATED: usize = 5;

/// Most attributes one set of definitions may use: all of them.
pub const MAX_SLOTS: usize = 64;

/// Looks up a declared attribute by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|a| a.name == name)
}

/// Names longer than this are no attribute's.
const LONGEST: usize = 31;

/// Which attributes a decoder keeps, and where: `data` field name to slot. By length, then name.
#[derive(Debug, Clone)]
pub struct SlotTable {
    by_length: [Vec<(&'static str, usize)>; LONGEST + 1],
    kinds: Vec<Kind>,
}

impl Default for SlotTable {
    fn default() -> Self {
        let mut table = Self {
            by_length: Default::default(),
            kinds: Vec::new(),
        };
        for name in BUILT_IN {
            table.add(name).expect("built-in attributes are declared");
        }
        table
    }
}

impl SlotTable {
    /// Gives the attribute a slot, or the one it has; `None`: not declared, or [`MAX_SLOTS`] are taken.
    pub fn add(&mut self, name: &str) -> Option<usize> {
        let attribute = find(name)?;
        if let Some(slot) = self.slot(name) {
            return Some(slot);
        }
        let slot = self.kinds.len();
        if slot == MAX_SLOTS {
            return None;
        }
        self.kinds.push(attribute.kind);
        self.by_length[attribute.name.len()].push((attribute.name, slot));
        Some(slot)
    }

    /// The slot of a field name, if any definition uses it.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        let same = self.by_length.get(name.len())?;
        let found = same.iter().find(|(known, _)| *known == name);
        found.map(|(_, slot)| *slot)
    }

    /// How many slots there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Never: some attributes are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The declared type of a slot.
    #[must_use]
    pub fn kind(&self, slot: usize) -> Option<Kind> {
        self.kinds.get(slot).copied()
    }
}
