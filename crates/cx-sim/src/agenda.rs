//! In: nothing. Kept: nothing. Out: what can happen in the company, and where.
//! Never knows: when.

use crate::emission::Emission;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Voice,
    Chat,
}

impl Channel {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice_call",
            Self::Chat => "chat",
        }
    }

    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Voice => "contact-centre",
            Self::Chat => "chat-platform",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Session,
    Step {
        customer: usize,
        session: u64,
        step: u8,
    },
    Contact {
        customer: usize,
        channel: Channel,
        topic: &'static str,
    },
    Patience {
        lane: (Channel, usize),
        contact: u64,
    },
    Done {
        lane: (Channel, usize),
        contact: u64,
        customer: String,
        wait: i64,
        talk: i64,
    },
    AgentFree {
        lane: (Channel, usize),
    },
    Arrival(Channel),
    Emit(Box<Emission>),
    Outage,
    Worry,
}
