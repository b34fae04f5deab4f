//! In: where alerts stand, verdicts that were written later. Kept: both, as plain data. Out: what a judge
//! goes on from. Never knows: how it is stored.

use super::Place;
use serde::{Deserialize, Serialize};

/// Where an alert stands that is not at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Its limit is passed, not yet for long enough.
    Pending {
        /// The first second of those that follow each other.
        since: i64,
        /// The last one.
        seen: i64,
    },
    /// It was raised and not cleared.
    Raised {
        /// The second.
        at: i64,
    },
}

/// One alert that is not at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// What a judge knows: small, for most alerts are at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last second judged.
    pub through: Option<i64>,
    /// Alerts that are not at rest, in the order of their places.
    pub standing: Vec<Saved>,
}

impl State {
    /// What the next life goes on from: nobody judged what lies between the two, so what was pending begins
    /// anew.
    #[must_use]
    pub fn after_an_end(mut self) -> Self {
        self.standing
            .retain(|saved| matches!(saved.standing, Standing::Raised { .. }));
        self
    }

    /// Takes a verdict that was written after this state: that second is judged, and not again.
    pub fn raised(&mut self, place: Place, s: i64) {
        self.cleared(&place, s);
        let standing = Standing::Raised { at: s };
        self.standing.push(Saved { place, standing });
        self.standing.sort_by(|a, b| a.place.cmp(&b.place));
    }

    /// As [`State::raised`], of a verdict that cleared or withdrew.
    pub fn cleared(&mut self, place: &Place, s: i64) {
        self.standing.retain(|saved| saved.place != *place);
        self.through = self.through.max(Some(s));
    }
}
