//! How long to wait between two attempts to connect: exponential, bounded, with full jitter, so that forty plants
//! do not knock at the same instant when the centre returns. Pure: the randomness is an argument.

use std::time::Duration;

/// The least wait, so that a broker which refuses at once is not hammered.
const FLOOR: Duration = Duration::from_millis(100);
/// The upper bound of the first wait. It doubles with each failure.
const FIRST: Duration = Duration::from_millis(500);
/// The upper bound of every wait.
const CEILING: Duration = Duration::from_secs(30);
/// Doublings after which [`CEILING`] is reached in any case.
const STEPS: u32 = 6;

/// Counts failures in a row and turns them into a waiting time.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. `dice` is uniform in `0.0..1.0`.
    pub(super) fn next(&mut self, dice: f64) -> Duration {
        let bound = (FIRST * 2_u32.pow(self.failures.min(STEPS))).min(CEILING);
        self.failures = self.failures.saturating_add(1);
        FLOOR + (bound - FLOOR).mul_f64(dice.clamp(0.0, 1.0))
    }

    /// Forgets the failures, after a session that lasted.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_wait_lies_between_floor_and_ceiling(dice in proptest::collection::vec(0.0..1.0_f64, 1..100)) {
            let mut backoff = Backoff::default();
            for dice in dice {
                let wait = backoff.next(dice);
                prop_assert!((FLOOR..=CEILING).contains(&wait), "{wait:?}");
            }
        }
    }

    #[test]
    fn the_longest_wait_doubles_until_the_ceiling() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }

    #[test]
    fn a_session_that_lasted_starts_the_waits_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.next(1.0);
        }
        backoff.reset();
        assert_eq!(backoff.next(1.0), FIRST);
    }
}
