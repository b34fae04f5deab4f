//! In: nothing. Kept: nothing. Out: what is counted of customers across channels.
//! Never knows: who was seen where.

use serde::Serialize;

/// What is counted of the channels in which customers were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Across {
    /// Different channels of each customer, added up over all customers.
    #[serde(rename = "customer.channels")]
    Channels,
    /// Customers seen in two channels or more.
    #[serde(rename = "customer.cross_channel")]
    Several,
}

impl Across {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Channels, Self::Several];

    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Channels => "customer.channels",
            Self::Several => "customer.cross_channel",
        }
    }

    /// What they are, in the plural, of customers with some event.
    pub(crate) fn words(self, event: &str) -> String {
        match self {
            Self::Channels => {
                format!("different channels of each customer with {event}, added up over customers")
            }
            Self::Several => {
                format!("different customers with {event} in each of two channels or more")
            }
        }
    }
}
