//! Whether the wall clock can be right. Captured times and certificates depend on it; nothing is ordered by it.

use jiff::{SignedDuration, Timestamp};
use millrace_shared::clock;
use millrace_shared::doctor::Finding;
use millrace_shared::store::sqlite::spool::Content;

use super::Case;

const PROBE: &str = "clock";

/// A program is not run for longer than this after it was built: ten years.
const USE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// A clock may be set back a little, by hand or by NTP.
const SLACK: SignedDuration = SignedDuration::from_mins(2);
/// More than NTP ever leaves.
const OFF: SignedDuration = SignedDuration::from_secs(5);
/// More than a certificate's beginning or a posting's date forgives.
const FAR_OFF: SignedDuration = SignedDuration::from_mins(5);

/// What can be held against the clock.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    /// The clock.
    now: Timestamp,
    /// When this program was built.
    built: Timestamp,
    /// When the newest message was captured.
    captured: Option<Timestamp>,
    /// How far the relay's clock is ahead.
    relay_ahead: Option<SignedDuration>,
}

pub(super) fn probe(case: &Case<'_>) -> Vec<Finding> {
    let time = |wall_ms| Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::MAX);
    let captured = case.newest.as_ref().and_then(|entry| match &entry.content {
        Content::Whole(envelope) => Some(time(envelope.capture.moment.wall_ms)),
        Content::Gone(_) | Content::Damaged(_) => None,
    });
    let ahead_ms = case.alive().and_then(|pulse| pulse.link.relay_ahead_ms);
    vec![judge(Evidence {
        now: time(case.now.wall_ms),
        built: clock::built(),
        captured,
        relay_ahead: ahead_ms.map(SignedDuration::from_millis),
    })]
}

fn judge(evidence: Evidence) -> Finding {
    let Evidence {
        now,
        built,
        captured,
        relay_ahead,
    } = evidence;
    let next = "set the clock (timedatectl set-time …) and keep it right: timedatectl set-ntp true, or the plant's own NTP server";
    let (says, made) = (short(now), short(built));
    if now < built - SLACK {
        return Finding::failed(
            PROBE,
            format!("it says {says}, but this program was built later, at {made}"),
            next,
        );
    }
    if now.duration_since(built) > USE {
        let found = format!("it says {says}, ten years after this program was built ({made})");
        return Finding::failed(PROBE, found, next);
    }
    if let Some(ahead) = relay_ahead.filter(|ahead| ahead.abs() > OFF) {
        let side = if ahead.is_negative() { "ahead of" } else { "behind" };
        let found = format!(
            "it says {says} and is {} s {side} the relay's clock",
            ahead.abs().as_secs()
        );
        return match ahead.abs() > FAR_OFF {
            true => Finding::failed(PROBE, found, next),
            false => Finding::warning(PROBE, found, next),
        };
    }
    if let Some(captured) = captured.filter(|captured| *captured > now + SLACK) {
        let found = format!(
            "it says {says}, but the newest message was captured at {}",
            short(captured)
        );
        return Finding::failed(
            PROBE,
            format!("{found}: it was set back, or was wrong then"),
            next,
        );
    }
    match relay_ahead {
        Some(ahead) => Finding::ok(
            PROBE,
            format!("within {} ms of the relay's", ahead.abs().as_millis()),
        ),
        None => Finding::ok(
            PROBE,
            format!("it says {says}; nothing speaks against it, and no relay was heard to compare with"),
        ),
    }
}

fn short(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use millrace_shared::doctor::Verdict;

    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            now: "2026-09-01T12:00:00Z".parse().unwrap(),
            built: "2026-08-01T12:00:00Z".parse().unwrap(),
            captured: None,
            relay_ahead: None,
        }
    }

    fn years(count: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * 365 * count)
    }

    #[test]
    fn a_clock_ten_years_off_is_failed_whichever_way_and_without_a_relay() {
        assert_eq!(judge(evidence()).verdict, Verdict::Ok);
        for off in [years(10), years(-10)] {
            let now = evidence().now + off;
            assert_eq!(
                judge(Evidence { now, ..evidence() }).verdict,
                Verdict::Failed,
                "{now}"
            );
        }
        let in_use = evidence().now + years(8);
        assert_eq!(
            judge(Evidence {
                now: in_use,
                ..evidence()
            })
            .verdict,
            Verdict::Ok
        );
    }

    #[test]
    fn the_relay_s_clock_tells_a_little_from_a_lot() {
        let with = |seconds| {
            let relay_ahead = Some(SignedDuration::from_secs(seconds));
            judge(Evidence {
                relay_ahead,
                ..evidence()
            })
        };
        assert_eq!(with(1).verdict, Verdict::Ok);
        assert_eq!(with(-30).verdict, Verdict::Warning);
        assert_eq!(with(400).verdict, Verdict::Failed);
        assert!(with(400).found.contains("400 s behind the relay's"));
        assert!(with(-30).found.contains("30 s ahead of the relay's"));
    }

    #[test]
    fn a_clock_behind_the_newest_message_was_set_back() {
        let captured = Some(evidence().now + SignedDuration::from_hours(1));
        assert_eq!(
            judge(Evidence {
                captured,
                ..evidence()
            })
            .verdict,
            Verdict::Failed
        );
    }
}
