//! In: a seed. Kept: one generator. Out: draws from the distributions that the company needs.
//! Never knows: what they decide.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// All randomness of one company.
#[derive(Debug, Clone)]
pub(crate) struct Chance(StdRng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub(crate) fn yes(&mut self, p: f64) -> bool {
        p > 0.0 && self.0.random_bool(p.min(1.0))
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n.max(1))
    }

    /// Exponential with this mean, ms, at least 1.
    pub(crate) fn exponential(&mut self, mean_ms: f64) -> i64 {
        let u: f64 = self.0.random_range(f64::EPSILON..1.0);
        whole(-u.ln() * mean_ms)
    }

    /// Lognormal with this mean and σ of its logarithm, ms, at least 1.
    pub(crate) fn lognormal(&mut self, mean_ms: f64, sigma: f64) -> i64 {
        let normal = self.normal();
        whole((mean_ms.ln() - sigma * sigma / 2.0 + sigma * normal).exp())
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        let (a, b): (f64, f64) = (self.0.random_range(f64::EPSILON..1.0), self.0.random());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Evenly between two bounds, ms.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..to.max(from + 1))
    }

    /// One of these, each as likely as its weight says.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[(T, f64)]) -> T {
        let all: f64 = choices.iter().map(|c| c.1).sum();
        let mut left = self.0.random::<f64>() * all;
        for (choice, weight) in choices {
            left -= weight;
            if left < 0.0 {
                return *choice;
            }
        }
        choices[choices.len() - 1].0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates; durations are small"
)]
fn whole(ms: f64) -> i64 {
    (ms.min(1e12) as i64).max(1)
}
