//! When a target is left alone: after a failure for a while, longer with each further one.
//!
//! Pure: time and chance are arguments. It decides nothing about single messages.

use std::time::Duration;

/// The first pause after a failure.
pub const FIRST: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Lets calls through until one fails, then only one after each pause until one succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    open_until_ms: u64,
}

impl Breaker {
    /// How long to wait before the next call; none where it may go now.
    pub fn pause(&self, now_ms: u64) -> Option<Duration> {
        let left = self.open_until_ms.saturating_sub(now_ms);
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// How many calls failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// A call succeeded.
    pub fn success(&mut self) {
        *self = Self::default();
    }

    /// A call failed. The pause doubles with each failure up to [`LONGEST`]; `chance` from 0 to 1 spreads the relays
    /// that saw the same fault over its second half.
    pub fn failure(&mut self, now_ms: u64, chance: f64) {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        let pause = doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        self.failures = self.failures.saturating_add(1);
        self.open_until_ms = now_ms + pause.as_millis() as u64;
    }

    /// The target said how long it wants to be left alone; at most [`LONGEST`].
    pub fn wait_for(&mut self, now_ms: u64, asked: Duration) {
        let asked_until_ms = now_ms + asked.min(LONGEST).as_millis() as u64;
        self.open_until_ms = self.open_until_ms.max(asked_until_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_its_bound_and_ends_with_a_success() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.pause(0), None);
        for (failure, pause_ms) in [500, 1000, 2000, 4000].into_iter().enumerate() {
            breaker.failure(0, 1.0);
            assert_eq!(
                breaker.pause(0),
                Some(Duration::from_millis(pause_ms)),
                "failure {failure}"
            );
        }
        (0..100).for_each(|_| breaker.failure(0, 1.0));
        assert_eq!(breaker.pause(0), Some(LONGEST));
        assert_eq!(breaker.pause(60_000), None);
        breaker.success();
        assert_eq!(breaker.pause(0), None);
    }

    #[test]
    fn chance_spreads_the_second_half_of_a_pause() {
        let mut breaker = Breaker::default();
        breaker.failure(1000, 0.0);
        assert_eq!(breaker.pause(1000), Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_target_that_says_how_long_is_left_alone_for_so_long_and_no_longer_than_the_bound() {
        let mut breaker = Breaker::default();
        breaker.failure(0, 1.0);
        breaker.wait_for(0, Duration::from_millis(100));
        assert_eq!(breaker.pause(0), Some(FIRST));
        breaker.wait_for(0, Duration::from_secs(7));
        assert_eq!(breaker.pause(0), Some(Duration::from_secs(7)));
        breaker.wait_for(0, Duration::from_secs(3600));
        assert_eq!(breaker.pause(0), Some(LONGEST));
    }
}
