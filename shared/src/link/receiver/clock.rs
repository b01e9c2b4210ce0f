//! How far the peer's clock is off: its reading in the hello against ours, half the round trip taken off.

use super::port::{ClockEstimate, ClockQuality};
use crate::envelope::Moment;
use crate::link::pace;
use crate::store::inbox::Clock;

/// The estimate that counts now.
#[derive(Debug, Default)]
pub struct PeerClock {
    estimate: Option<(ClockEstimate, u64)>,
}

impl PeerClock {
    /// What is known, for arrivals.
    pub fn clock(&self) -> Option<Clock> {
        self.estimate.map(|(estimate, _)| estimate.clock)
    }

    /// Weighs a hello that arrived now. Returns the estimate where it changed.
    pub fn hear(&mut self, peer: Moment, round_trip_ms: Option<u32>, now: Moment) -> Option<ClockEstimate> {
        let new = estimate(peer, round_trip_ms, now);
        if let Some((old, since)) = self.estimate {
            let worse = new.quality < old.quality || new.clock.error_ms > old.clock.error_ms;
            let worse = worse && new.clock.boot == old.clock.boot;
            let fresh = now.monotonic_ms.saturating_sub(since) < pace::CLOCK_KEEP_MS;
            if worse && fresh && agree(old.clock, new.clock) {
                return None;
            }
        }
        self.estimate = Some((new, now.monotonic_ms));
        Some(new)
    }
}

fn estimate(peer: Moment, round_trip_ms: Option<u32>, now: Moment) -> ClockEstimate {
    let way_ms = i64::from(round_trip_ms.unwrap_or(0) / 2);
    let running_ms = i64::try_from(peer.monotonic_ms).unwrap_or(i64::MAX);
    let clock = Clock {
        offset_ms: peer.wall_ms.saturating_sub(now.wall_ms).saturating_add(way_ms),
        error_ms: pace::CLOCK_GUESS_MS,
        boot: peer.boot,
        began_ms: now.wall_ms.saturating_sub(running_ms).saturating_sub(way_ms),
    };
    let Some(round_trip) = round_trip_ms else {
        return ClockEstimate {
            clock,
            quality: ClockQuality::Guessed,
        };
    };
    let clock = Clock {
        error_ms: round_trip.div_ceil(2),
        ..clock
    };
    let quality = if round_trip <= pace::CLOCK_GOOD_MS {
        ClockQuality::Good
    } else {
        ClockQuality::Rough
    };
    ClockEstimate { clock, quality }
}

/// Whether both can be true. If not, one of the clocks was set meanwhile and the new estimate counts.
fn agree(a: Clock, b: Clock) -> bool {
    a.offset_ms.abs_diff(b.offset_ms) <= u64::from(a.error_ms) + u64::from(b.error_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: i64, monotonic_ms: u64) -> Moment {
        Moment {
            wall_ms,
            offset_minutes: 0,
            boot: 1,
            monotonic_ms,
        }
    }

    #[test]
    fn half_the_round_trip_is_taken_off() {
        let mut clock = PeerClock::default();
        let heard = clock.hear(at(5_000, 0), Some(200), at(10_000, 0)).unwrap();
        assert_eq!((heard.clock.offset_ms, heard.clock.error_ms), (-4_900, 100));
        assert_eq!(heard.quality, ClockQuality::Good);
    }

    #[test]
    fn a_worse_estimate_that_agrees_does_not_replace_a_better_one_until_it_is_old() {
        let mut clock = PeerClock::default();
        clock.hear(at(10_000, 0), Some(200), at(10_000, 0));
        assert_eq!(clock.hear(at(10_000, 0), None, at(10_900, 1)), None);
        assert!(
            clock
                .hear(at(10_000, 0), None, at(10_900, pace::CLOCK_KEEP_MS))
                .is_some()
        );
    }

    #[test]
    fn what_was_captured_under_a_clock_that_was_set_since_is_reckoned_by_running_time() {
        let mut clock = PeerClock::default();
        let heard = clock
            .hear(at(1_000_000, 60_000), Some(200), at(1_000_100, 0))
            .unwrap()
            .clock;
        let ten_years_off = at(315_360_000_000, 20_000);
        assert_eq!(heard.ours(ten_years_off), 960_000);
        // Of an earlier run of the machine only its wall clock is known.
        let before = Moment {
            boot: 2,
            ..at(900_000, 500_000)
        };
        assert_eq!(heard.ours(before), 900_000);
    }

    #[test]
    fn a_clock_that_was_set_is_believed_at_once() {
        let mut clock = PeerClock::default();
        clock.hear(at(10_000, 0), Some(200), at(10_000, 0));
        let years = 10 * 365 * 86_400_000;
        let heard = clock.hear(at(10_000 + years, 0), None, at(10_000, 1)).unwrap();
        assert_eq!(heard.quality, ClockQuality::Guessed);
        assert_eq!(heard.clock.offset_ms, years);
    }
}
