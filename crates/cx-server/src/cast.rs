//! In: nothing. Kept: nothing. Out: the people of the open mode and their roles. Never knows: what they do;
//! nobody checks that they are they.

use cx_gateway::Role;

/// One of the people.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    /// Their roles, as `team.role`: what they answer for; the first is what they are called by.
    pub(crate) roles: &'static [&'static str],
    /// For which side they sign.
    pub(crate) side: Role,
}

/// Two for either side, in turn; together they have every role that a shipped definition names as an owner.
pub(crate) const CAST: [Person; 4] = [
    Person {
        name: "Ada Nowak",
        roles: &["care.operations", "cx.office", "service.owner"],
        side: Role::Business,
    },
    Person {
        name: "Ben Ito",
        roles: &["web.platform", "platform.reliability"],
        side: Role::Technical,
    },
    Person {
        name: "Cleo Martin",
        roles: &["commerce.lead", "insight.lead", "marketing.lead"],
        side: Role::Business,
    },
    Person {
        name: "Dev Patel",
        roles: &["data.platform"],
        side: Role::Technical,
    },
];

/// The roles of somebody of the cast; of anybody else none.
pub(crate) fn roles(name: &str) -> &'static [&'static str] {
    let found = CAST.iter().find(|person| person.name == name);
    found.map_or(&[], |person| person.roles)
}

/// Who of the cast has a role.
pub(crate) fn holders(role: &str) -> Vec<&'static str> {
    let held = CAST.iter().filter(|person| person.roles.contains(&role));
    held.map(|person| person.name).collect()
}
