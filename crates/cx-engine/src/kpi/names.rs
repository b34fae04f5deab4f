//! In: a compiled set. Kept: the names of types, channels and sources, each with what it means
//! here. Out: dense numbers, by one look-up per name. Never knows: events' contents.

use super::numbers::Numbers;
use cx_catalog::compiled::{Compiled, CompiledAgg};
use cx_catalog::fact::{AGENT_MESSAGE, CONVERSATION_CLOSED, CUSTOMER_MESSAGE};
use cx_model::vocabulary::{
    CONTACT_ANSWERED, CONTACT_DEQUEUED, CONTACT_ENDED, CONTACT_QUEUED, EVENT_TYPES,
};

/// A step of a contact or conversation that the engine keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Contact(ContactStep),
    Conversation(ConversationStep),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactStep {
    Queued,
    Answered,
    Dequeued,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConversationStep {
    CustomerMessage,
    AgentMessage,
    Closed,
}

/// What an event type means here.
#[derive(Debug, Default)]
pub(crate) struct Kind {
    pub(crate) registered: bool,
    pub(crate) step: Option<Step>,
    /// Measures whose condition it can make true, ascending.
    pub(crate) measures: Vec<usize>,
}

/// All names of one set.
pub(crate) struct Names {
    /// The first stands for every type nobody named.
    kinds: Vec<Kind>,
    by_name: Numbers,
    channels: Numbers,
    sources: Numbers,
}

impl Names {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut names = Self {
            kinds: vec![Kind::default()],
            by_name: Numbers::default(),
            channels: Numbers::of(&set.channels),
            sources: Numbers::of(&set.sources),
        };
        for name in EVENT_TYPES {
            let kind = names.enter(name);
            kind.registered = true;
            kind.step = step(name);
        }
        for name in set
            .measures
            .iter()
            .filter_map(|m| m.types.as_ref())
            .flatten()
        {
            names.enter(name);
        }
        for (i, measure) in set.measures.iter().enumerate() {
            let by_event = !matches!(
                measure.agg,
                CompiledAgg::CountRecords | CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_)
            );
            match &measure.types {
                _ if !by_event => {}
                None => names.kinds.iter_mut().for_each(|k| k.measures.push(i)),
                Some(types) => types.iter().for_each(|t| names.enter(t).measures.push(i)),
            }
        }
        names
    }

    fn enter(&mut self, name: &str) -> &mut Kind {
        let next = self.kinds.len();
        let index = self.by_name.enter(name, next);
        if index == next {
            self.kinds.push(Kind::default());
        }
        &mut self.kinds[index]
    }

    /// The number of an event type's meaning.
    pub(crate) fn kind(&self, name: &str) -> usize {
        self.by_name.get(name).unwrap_or(0)
    }

    pub(crate) fn channel(&self, name: &str) -> Option<usize> {
        self.channels.get(name)
    }

    pub(crate) fn source(&self, name: &str) -> Option<usize> {
        self.sources.get(name)
    }
}

impl std::ops::Index<usize> for Names {
    type Output = Kind;

    fn index(&self, kind: usize) -> &Kind {
        &self.kinds[kind]
    }
}

fn step(name: &str) -> Option<Step> {
    match name {
        CONTACT_QUEUED => Some(Step::Contact(ContactStep::Queued)),
        CONTACT_ANSWERED => Some(Step::Contact(ContactStep::Answered)),
        CONTACT_DEQUEUED => Some(Step::Contact(ContactStep::Dequeued)),
        CONTACT_ENDED => Some(Step::Contact(ContactStep::Ended)),
        CUSTOMER_MESSAGE => Some(Step::Conversation(ConversationStep::CustomerMessage)),
        AGENT_MESSAGE => Some(Step::Conversation(ConversationStep::AgentMessage)),
        CONVERSATION_CLOSED => Some(Step::Conversation(ConversationStep::Closed)),
        _ => None,
    }
}
