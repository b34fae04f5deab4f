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
        self.0.random_bool(p.clamp(0.0, 1.0))
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
        let (a, b): (f64, f64) = (self.0.random_range(f64::EPSILON..1.0), self.0.random());
        let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        whole((mean_ms.ln() - sigma * sigma / 2.0 + sigma * normal).exp())
    }

    /// An index with Zipf-like skew: low ones are far more frequent.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a draw below n"
    )]
    pub(crate) fn skewed(&mut self, n: usize) -> usize {
        let u: f64 = self.0.random();
        ((n as f64 * u * u) as usize).min(n.saturating_sub(1))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates; durations are small"
)]
fn whole(ms: f64) -> i64 {
    (ms.min(1e12) as i64).max(1)
}
