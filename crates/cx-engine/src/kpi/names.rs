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
    Case(CaseStep),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaseStep {
    Opened,
    Settled,
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
    /// It stands for one type, not for all that nobody named.
    pub(crate) named: bool,
    pub(crate) registered: bool,
    pub(crate) step: Option<Step>,
    /// Measures whose condition it can make true, ascending.
    pub(crate) measures: Vec<usize>,
    /// Journeys that it can begin or convert, ascending.
    pub(crate) stages: Vec<Stage>,
}

/// What an event of a type can do in a journey.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stage {
    pub(crate) journey: usize,
    pub(crate) begins: bool,
    pub(crate) converts: bool,
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
        let stages = set.journeys.iter();
        let stages = stages.flat_map(|j| [&j.base_types, &j.conversion_types]);
        for name in stages.flatten().flatten() {
            names.enter(name);
        }
        for (i, measure) in set.measures.iter().enumerate() {
            let by_event = !matches!(
                measure.agg,
                CompiledAgg::CountRecords
                    | CompiledAgg::Replies(_)
                    | CompiledAgg::Numbered(_)
                    | CompiledAgg::Attempts(..)
                    | CompiledAgg::Gauge(_)
                    | CompiledAgg::Oldest(_)
            );
            match &measure.types {
                _ if !by_event => {}
                None => names.kinds.iter_mut().for_each(|k| k.measures.push(i)),
                Some(types) => types.iter().for_each(|t| names.enter(t).measures.push(i)),
            }
        }
        for (i, journey) in set.journeys.iter().enumerate() {
            names.stage(i, &journey.base_types, |stage| stage.begins = true);
            names.stage(i, &journey.conversion_types, |stage| stage.converts = true);
        }
        names
    }

    /// Events of these types can be a stage of a journey; `None`: all.
    fn stage(&mut self, journey: usize, types: &Option<Vec<String>>, mark: impl Fn(&mut Stage)) {
        let kinds: Vec<usize> = match types {
            None => (0..self.kinds.len()).collect(),
            Some(types) => types.iter().map(|t| self.kind(t)).collect(),
        };
        for kind in kinds {
            let stages = &mut self.kinds[kind].stages;
            if stages.last().is_none_or(|s| s.journey != journey) {
                stages.push(Stage {
                    journey,
                    ..Stage::default()
                });
            }
            stages.last_mut().into_iter().for_each(&mark);
        }
    }

    fn enter(&mut self, name: &str) -> &mut Kind {
        let next = self.kinds.len();
        let index = self.by_name.enter(name, next);
        if index == next {
            self.kinds.push(Kind {
                named: true,
                ..Kind::default()
            });
        }
        &mut self.kinds[index]
    }

    /// What each type means, by number.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
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
        "cx.case.opened.v1" | "cx.case.reopened.v1" => Some(Step::Case(CaseStep::Opened)),
        "cx.case.resolved.v1" | "cx.case.merged.v1" => Some(Step::Case(CaseStep::Settled)),
        _ => None,
    }
}
