//! In: nothing. Kept: nothing. Out: the people of the open mode. Never knows: what they do; nobody checks
//! that they are they.

use cx_gateway::Role;

/// One of the people.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    /// What they answer for.
    pub(crate) owns: &'static str,
    /// For which side they sign.
    pub(crate) side: Role,
}

/// Two for either side, in turn.
pub(crate) const CAST: [Person; 4] = [
    Person {
        name: "Ada Nowak",
        owns: "care.operations",
        side: Role::Business,
    },
    Person {
        name: "Ben Ito",
        owns: "web.platform",
        side: Role::Technical,
    },
    Person {
        name: "Cleo Martin",
        owns: "commerce.lead",
        side: Role::Business,
    },
    Person {
        name: "Dev Patel",
        owns: "data.platform",
        side: Role::Technical,
    },
];
