//! Reads the machine's clocks. Only the daemons and commands do so; machines and rooms are handed the reading.

use std::fs;

use jiff::{Span, SpanRelativeTo, Timestamp, tz::TimeZone};
use rustix::time::{ClockId, clock_gettime};

use crate::envelope::Moment;
use crate::ident::Digest;

/// The clocks of this machine, read in a plant's time zone.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    boot: u64,
}

/// Why the clocks cannot be read. Permanent until a person mends it.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The zone is not in the time zone database.
    #[error("`{0}` is no time zone: write an IANA name such as Europe/Berlin, or UTC")]
    Zone(String),
}

impl Clock {
    /// The clocks, with wall time told in this IANA zone.
    pub fn in_zone(zone: &str) -> Result<Self, ClockError> {
        let zone = TimeZone::get(zone).map_err(|_| ClockError::Zone(zone.to_owned()))?;
        Ok(Self { zone, boot: boot() })
    }

    /// All clocks now.
    pub fn moment(&self) -> Moment {
        let now = Timestamp::now();
        let offset_minutes = (self.zone.to_offset(now).seconds() / 60) as i16;
        let wall_ms = now.as_millisecond();
        Moment {
            wall_ms,
            offset_minutes,
            boot: self.boot,
            monotonic_ms: monotonic_ms(),
        }
    }
}

/// When this program was built. No clock that is right says less.
pub fn built() -> Timestamp {
    let seconds = env!("MILLRACE_BUILT").parse().ok();
    seconds
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Milliseconds since this machine was started, its sleep included; never set back, whoever sets the wall clock.
pub fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000
}

/// Wall time in milliseconds, as a person writes it: a time with its offset from UTC, or a length of time ago.
pub fn wall_ms(text: &str) -> Result<i64, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let ago = text.parse::<Span>().ok();
    let ago = ago.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago.abs()).ok())
        .map(|at| at.as_millisecond())
        .ok_or_else(|| {
            "write a time with its offset from UTC, such as 2026-03-01T06:00:00+01:00, or a length such as 8h"
                .to_owned()
        })
}

/// A number for this run of the machine, so that monotonic readings of two runs are never compared.
/// Source: random(4), /proc/sys/kernel/random/boot_id.
fn boot() -> u64 {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    u64::from_le_bytes(Digest::of(&id).short())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_with_its_offset_or_a_length_of_time_ago() {
        assert_eq!(wall_ms("1970-01-01T01:00:00.5+01:00"), Ok(500));
        let day = wall_ms("1d").unwrap() - wall_ms("48h").unwrap();
        assert!((86_399_000..86_401_000).contains(&day), "{day}");
        for wrong in ["yesterday", "2026-03-01T06:00:00", ""] {
            assert!(wall_ms(wrong).unwrap_err().contains("such as"), "{wrong}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused_with_an_example() {
        assert!(
            Clock::in_zone("Mars/Olympus")
                .unwrap_err()
                .to_string()
                .contains("Europe/Berlin")
        );
    }

    #[test]
    fn the_program_was_built_before_it_runs_and_not_in_the_last_century() {
        assert!(built() <= Timestamp::now());
        assert!(built() > "2025-01-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn two_readings_share_their_boot_and_do_not_run_backwards() {
        let clock = Clock::in_zone("UTC").unwrap();
        let (a, b) = (clock.moment(), clock.moment());
        assert_eq!(a.boot, b.boot);
        assert!(a.monotonic_ms <= b.monotonic_ms);
    }
}
