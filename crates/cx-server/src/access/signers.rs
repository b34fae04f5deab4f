//! In: who may do what here. Kept: the same. Out: who owns definitions: people of the users file, or the cast
//! of the open mode. Never knows: definitions.

use crate::cast::{self, CAST, Person};
use cx_gateway::access::Access;
use std::sync::Arc;

/// Who can speak for definitions here.
#[derive(Clone)]
pub(crate) struct Signers(Arc<Access>);

impl Signers {
    pub(crate) fn of(access: &Arc<Access>) -> Self {
        Self(Arc::clone(access))
    }

    /// The people that anybody may act as; nobody where access is closed.
    pub(crate) fn cast(&self) -> &'static [Person] {
        if self.proved() { &[] } else { &CAST }
    }

    /// Whether whoever speaks has proved who they are.
    pub(crate) fn proved(&self) -> bool {
        self.0.is_closed()
    }

    /// What one of the cast answers for.
    pub(crate) fn roles(&self, name: &str) -> Vec<String> {
        let known = if self.proved() {
            &[]
        } else {
            cast::roles(name)
        };
        known.iter().map(|role| (*role).to_owned()).collect()
    }

    /// Who answers for a role.
    pub(crate) fn holders(&self, role: &str) -> Vec<String> {
        if self.proved() {
            return self.0.holders(role);
        }
        let cast = cast::holders(role).into_iter();
        cast.map(str::to_owned).collect()
    }
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signers({})", self.proved())
    }
}
