//! In: nothing. Kept: nothing. Out: the one table of what each role may do and of what each address asks
//! for. Never knows: who asks. What stands in neither table is nobody's.

use super::role::Role;
use super::role::Role::{Admin, Engineer, Marketer, Operator, Viewer};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// One thing that can be done, or one class of what can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Values of boards, their alerts, trends and past; the glossary.
    Read,
    /// Numerators, denominators and numbers of observations.
    Parts,
    /// Lineages, with ids of sample events.
    Why,
    /// Customers: look-up by identifier, and their records.
    Customers,
    /// Sets of definitions, what the files propose, signatures, previews.
    Definitions,
    /// Writing and proposing definitions, taking out of force what one owns.
    Propose,
    /// Signing for the business side.
    SignBusiness,
    /// Signing for the technical side.
    SignTechnical,
    /// Activating and rolling back.
    Activate,
    /// Taking, shelving, resolving; maintenance; acknowledging gaps.
    Act,
    /// Sending events.
    Send,
    /// Having the log counted again.
    Recount,
    /// All numbers of all boards at once, for Prometheus.
    Metrics,
    /// How the house is, in detail.
    Condition,
    /// Gestures of a demo.
    Stage,
    /// One-time tickets.
    Tickets,
    /// Pairing, listing and revoking displays.
    Devices,
}

/// Who may do what.
const ROLES: [(Right, &str, &[Role]); 17] = [
    (Right::Read, "read", &Role::ALL),
    (
        Right::Parts,
        "parts",
        &[Operator, Marketer, Engineer, Admin],
    ),
    (Right::Why, "why", &[Operator, Marketer, Engineer, Admin]),
    (
        Right::Customers,
        "customers",
        &[Operator, Marketer, Engineer, Admin],
    ),
    (
        Right::Definitions,
        "definitions",
        &[Operator, Marketer, Engineer, Admin],
    ),
    (
        Right::Propose,
        "propose",
        &[Operator, Marketer, Engineer, Admin],
    ),
    (
        Right::SignBusiness,
        "sign_business",
        &[Operator, Marketer, Admin],
    ),
    (Right::SignTechnical, "sign_technical", &[Engineer, Admin]),
    (Right::Activate, "activate", &[Engineer, Admin]),
    (Right::Act, "act", &[Operator, Engineer, Admin]),
    (Right::Send, "send", &[Engineer, Admin]),
    (Right::Recount, "recount", &[Operator, Engineer, Admin]),
    (Right::Metrics, "metrics", &[Engineer, Admin]),
    (Right::Condition, "condition", &Role::ALL),
    (Right::Stage, "stage", &[Admin]),
    (
        Right::Tickets,
        "tickets",
        &[Viewer, Operator, Marketer, Engineer, Admin],
    ),
    (Right::Devices, "devices", &[Operator, Admin]),
];

impl Right {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ROLES.iter().map(|(right, ..)| *right)
    }

    fn row(self) -> &'static (Self, &'static str, &'static [Role]) {
        let row = ROLES.iter().find(|(right, ..)| *right == self);
        row.expect("every right stands in the table")
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Which roles have it.
    #[must_use]
    pub fn roles(self) -> &'static [Role] {
        self.row().2
    }

    /// Whether it tells of, or reaches, all boards at once: who may see some of them has it not.
    pub(crate) fn of_all_boards(self) -> bool {
        matches!(
            self,
            Self::Metrics | Self::Recount | Self::Definitions | Self::Propose | Self::Activate
        )
    }
}

impl FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::all().find(|right| right.name() == text);
        found.ok_or_else(|| {
            let all: Vec<&str> = Self::all().map(Self::name).collect();
            format!(
                "there is no right {text:?}; write one of {}",
                all.join(", ")
            )
        })
    }
}

/// What an address asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anybody may; it says nothing that is not public.
    Nothing,
    /// A page: whoever is not signed in is led to the sign-in.
    Page,
    /// A credential of any kind.
    Somebody,
    /// A right.
    Right(Right),
    /// A right, and the board that the address names.
    Board(Right),
}

/// What each route of `serve.rs` asks for; a `HEAD` asks for what its `GET` does.
const ROUTES: [(&str, &str, Need); 44] = [
    ("GET", "/", Need::Page),
    ("GET", "/wall/{board}", Need::Page),
    ("GET", "/glossary", Need::Page),
    ("GET", "/sign-in", Need::Nothing),
    ("GET", "/v1/sign-in", Need::Nothing),
    ("GET", "/v1/sign-in/issuer", Need::Nothing),
    ("GET", "/v1/sign-in/issuer/callback", Need::Nothing),
    ("GET", "/healthz", Need::Nothing),
    ("GET", "/readyz", Need::Nothing),
    ("GET", "/metrics", Need::Right(Right::Metrics)),
    ("GET", "/openapi.json", Need::Nothing),
    ("GET", "/asyncapi.yaml", Need::Nothing),
    ("GET", "/client-frame.schema.json", Need::Nothing),
    ("GET", "/server-frame.schema.json", Need::Nothing),
    ("GET", "/v1/boards", Need::Right(Right::Read)),
    ("GET", "/v1/boards/{board}", Need::Board(Right::Read)),
    ("GET", "/v1/boards/{board}/trend", Need::Board(Right::Read)),
    ("GET", "/v1/kpis", Need::Right(Right::Read)),
    ("GET", "/v1/kpis/{kpi}", Need::Right(Right::Read)),
    ("GET", "/v1/kpis/{kpi}/why", Need::Right(Right::Why)),
    ("GET", "/v1/alerts", Need::Right(Right::Read)),
    (
        "POST",
        "/v1/customers/lookup",
        Need::Right(Right::Customers),
    ),
    ("GET", "/v1/customers/{id}", Need::Right(Right::Customers)),
    ("POST", "/v1/events", Need::Right(Right::Send)),
    ("POST", "/v1/actions", Need::Right(Right::Act)),
    ("GET", "/v1/definitions", Need::Right(Right::Definitions)),
    ("POST", "/v1/definitions", Need::Right(Right::Definitions)),
    (
        "GET",
        "/v1/definitions/{definition}",
        Need::Right(Right::Definitions),
    ),
    (
        "GET",
        "/v1/definitions/preview",
        Need::Right(Right::Definitions),
    ),
    ("GET", "/v1/demo", Need::Right(Right::Read)),
    ("POST", "/v1/demo/{gesture}", Need::Right(Right::Stage)),
    ("GET", "/v1/recount", Need::Right(Right::Read)),
    ("POST", "/v1/recount", Need::Right(Right::Recount)),
    ("GET", "/v1/screens", Need::Right(Right::Read)),
    ("GET", "/v1/stream", Need::Right(Right::Read)),
    ("GET", "/v1/session", Need::Somebody),
    ("POST", "/v1/session", Need::Nothing),
    ("DELETE", "/v1/session", Need::Nothing),
    ("POST", "/v1/tickets", Need::Right(Right::Tickets)),
    ("POST", "/v1/pairings", Need::Nothing),
    ("POST", "/v1/pairings/claim", Need::Nothing),
    ("GET", "/v1/devices", Need::Right(Right::Devices)),
    ("POST", "/v1/devices", Need::Right(Right::Devices)),
    ("DELETE", "/v1/devices/{id}", Need::Right(Right::Devices)),
];

/// What a route asks for; `None`: it is nobody's.
pub(crate) fn need(method: &str, route: &str) -> Option<Need> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut all = ROUTES.iter();
    let found = all.find(|(m, r, _)| *m == method && *r == route);
    found.map(|(.., need)| *need)
}

/// Whether there is such a route for other methods.
pub(crate) fn known(route: &str) -> bool {
    ROUTES.iter().any(|(_, r, _)| *r == route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Methods and paths as `serve.rs` routes them; a stream is opened by GET.
    fn routed() -> BTreeSet<(String, String)> {
        let mut all = BTreeSet::new();
        for route in include_str!("../serve.rs").split(".route(").skip(1) {
            let path = route.split('"').nth(1).expect("a path");
            let rest = route.split("\n        .").next().expect("a handler");
            for (word, method) in [
                ("get(", "GET"),
                ("post(", "POST"),
                ("delete(", "DELETE"),
                ("any(", "GET"),
            ] {
                if rest.contains(word) {
                    all.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
        all
    }

    #[test]
    fn the_table_has_every_route_and_no_other() {
        let table = ROUTES
            .iter()
            .map(|(m, p, _)| ((*m).to_owned(), (*p).to_owned()));
        assert_eq!(table.collect::<BTreeSet<_>>(), routed());
    }

    #[test]
    fn every_right_is_read_as_it_is_written_and_an_admin_has_all() {
        for right in Right::all() {
            assert_eq!(right.name().parse(), Ok(right));
            let written = serde_json::to_value(right).expect("a word");
            assert_eq!(written, right.name());
            assert!(right.roles().contains(&Admin), "{right:?}");
        }
        let told = "king".parse::<Right>().expect_err("no right");
        assert!(told.contains("write one of read, parts"), "{told}");
    }
}
