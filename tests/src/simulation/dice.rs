//! All randomness of a simulation, from one seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The dice of one simulation. The same seed throws the same numbers.
#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    /// Dice of this seed.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True in this many of a thousand throws.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.0.random_range(0..1000) < per_mille
    }

    /// A number of this range, both ends included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most.max(least))
    }

    /// An index below this length, which must not be 0.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.random_range(0..length)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.random()
    }
}
