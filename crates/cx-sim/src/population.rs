//! In: how many people the company knows. Kept: their last bad experience. Out: who acts, on which
//! device, and why they call. Never knows: what they do.

use crate::chance::Chance;
use cx_model::time::{HOUR, Timestamp};
use std::collections::BTreeMap;

/// σ of the logarithm of a person's activity: few are very active.
const ACTIVITY: f64 = 0.9;
/// How long a bad experience is the reason for a contact, ms.
const REMEMBERED: i64 = 6 * HOUR;
/// Most bad experiences remembered.
const MEMORY: usize = 50_000;

/// The customer id of a person.
pub(crate) fn name(customer: usize) -> String {
    format!("customer:{customer}")
}

/// Everybody the company knows; low numbers are the most active.
#[derive(Debug)]
pub(crate) struct Population {
    people: usize,
    troubles: BTreeMap<usize, (&'static str, Timestamp)>,
}

impl Population {
    pub(crate) fn new(people: usize) -> Self {
        Self {
            people: people.max(1),
            troubles: BTreeMap::new(),
        }
    }

    /// Anybody, each as likely.
    pub(crate) fn anyone(&self, chance: &mut Chance) -> usize {
        chance.below(self.people)
    }

    /// Somebody, by how active they are. Activity is lognormal; who acts next is then lognormal
    /// too, with its mean moved up by σ² (so no table of weights is needed).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the people, below their number"
    )]
    pub(crate) fn active(&self, chance: &mut Chance) -> usize {
        let above = 1.0 - normal_below(chance.normal() + ACTIVITY);
        ((above * self.people as f64) as usize).min(self.people - 1)
    }

    /// One of a person's devices; some share one with a neighbour.
    pub(crate) fn device(&self, customer: usize, chance: &mut Chance) -> u64 {
        let own = customer as u64 + u64::from(customer.is_multiple_of(33));
        let others = [0, 0, 1, 0, 2, 1, 0, 3][customer % 8];
        own * 4 + chance.below(others + 1) as u64
    }

    /// A bad experience: it will be the reason for a contact.
    pub(crate) fn troubled(&mut self, customer: usize, topic: &'static str, at: Timestamp) {
        if self.troubles.len() >= MEMORY {
            self.troubles.retain(|_, (_, t)| at.since(*t) < REMEMBERED);
            if self.troubles.len() >= MEMORY {
                self.troubles.pop_first();
            }
        }
        self.troubles.insert(customer, (topic, at));
    }

    /// What a person comes for.
    pub(crate) fn topic(
        &self,
        customer: usize,
        at: Timestamp,
        chance: &mut Chance,
    ) -> &'static str {
        let trouble = self.troubles.get(&customer);
        let recent = trouble.filter(|(_, t)| at.since(*t) < REMEMBERED);
        let any = [
            "delivery", "order", "return", "product", "account", "invoice",
        ];
        recent.map_or_else(|| any[chance.below(any.len())], |(topic, _)| topic)
    }
}

/// Share of a standard normal below `z` (Abramowitz and Stegun 26.2.17, error below 1e-7).
fn normal_below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let series = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    let tail = density * series.iter().fold(0.0, |sum, c| (sum + c) * t);
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_people_do_most_of_it_and_nobody_does_nearly_all() {
        let people = Population::new(10_000);
        let mut chance = Chance::new(1);
        let draws: Vec<usize> = (0..20_000).map(|_| people.active(&mut chance)).collect();
        let below = |n: usize| draws.iter().filter(|c| **c < n).count();
        // Of a lognormal with σ 0.9 the top tenth does Φ(0.9 − 1.28) = 35 %.
        assert!((6_600..7_500).contains(&below(1_000)), "{}", below(1_000));
        assert!(below(1) < 200 && draws.iter().all(|c| *c < 10_000));
    }

    #[test]
    fn people_come_because_of_what_went_wrong_last() {
        let mut people = Population::new(10);
        let mut chance = Chance::new(1);
        people.troubled(3, "payment", Timestamp(0));
        assert_eq!(people.topic(3, Timestamp(HOUR), &mut chance), "payment");
        assert_ne!(people.topic(3, Timestamp(7 * HOUR), &mut chance), "payment");
    }

    #[test]
    fn the_normal_table_is_right() {
        for (z, share) in [
            (0.0, 0.5),
            (1.0, 0.841_345),
            (-1.96, 0.024_998),
            (3.0, 0.998_650),
        ] {
            assert!((normal_below(z) - share).abs() < 1e-5, "{z}");
        }
    }
}
