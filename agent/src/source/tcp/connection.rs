//! One device's connection: bytes in, frames to its dialogue, answers out.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::TcpSettings;
use super::framing::{Frame, Framer};
use super::pace::Pace;
use crate::source::keep::Keep;
use crate::source::session::{Answer, Session};
use crate::source::tally::{Count, Tally};
use crate::station::{Feedback, Tone};

/// How much is read at once.
const READ_BYTES: usize = 4096;
/// A device that does not take its answer within this time is disconnected.
const WRITE_WAIT: Duration = Duration::from_secs(5);

/// Serves the device until it goes, is silent for too long, or is told to end. Says why it ended.
pub async fn serve<K: Keep>(
    mut stream: TcpStream,
    settings: &TcpSettings,
    session: &Mutex<Session<K>>,
    tally: &Tally,
    ended: &CancellationToken,
) -> &'static str {
    let begin = Instant::now();
    let now_ms = || u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut framer = Framer::new(
        settings.framing.clone(),
        settings.scan_bytes_max,
        settings.unfinished,
    );
    let mut pace = Pace::new(settings.scans_per_second, settings.burst, 0);
    let mut buffer = [0; READ_BYTES];
    let mut idle_until = begin + settings.idle;
    loop {
        let framer_wakes = framer.deadline_ms().map(|ms| begin + Duration::from_millis(ms));
        let wake = framer_wakes.map_or(idle_until, |at| at.min(idle_until));
        let (frames, gone) = tokio::select! {
            biased;
            () = ended.cancelled() => return "it was told to end",
            read = stream.read(&mut buffer) => match read {
                Ok(0) => (framer.handle_timeout(u64::MAX).into_iter().collect(), Some("the device closed it")),
                Ok(count) => {
                    idle_until = Instant::now() + settings.idle;
                    (framer.feed(&buffer[..count], now_ms()), None)
                }
                Err(_) => return "it broke",
            },
            () = tokio::time::sleep_until(wake) => {
                if Instant::now() >= idle_until {
                    return "the device was silent for too long";
                }
                (framer.handle_timeout(now_ms()).into_iter().collect(), None)
            }
        };
        for frame in frames {
            if ended.is_cancelled() {
                // Its device has no answer for it, so it was not taken.
                return "it was told to end";
            }
            let wait = pace.wait_ms(now_ms());
            if wait > 0 {
                tally.add(Count::Slowed);
                tokio::select! {
                    () = ended.cancelled() => return "it was told to end",
                    () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                }
            }
            let Some(reply) = handle(frame, settings, session, tally).await else {
                continue;
            };
            match tokio::time::timeout(WRITE_WAIT, stream.write_all(&reply)).await {
                Ok(Ok(())) => {}
                _ if gone.is_some() => {}
                _ => return "the device does not take its answers",
            }
        }
        if let Some(why) = gone {
            return why;
        }
    }
}

/// What the device is to be told about a frame; none for a heartbeat.
async fn handle<K: Keep>(
    frame: Frame,
    settings: &TcpSettings,
    session: &Mutex<Session<K>>,
    tally: &Tally,
) -> Option<Vec<u8>> {
    let is_in = |list: &[String], scan: &[u8]| list.iter().any(|literal| literal.as_bytes() == scan);
    let answer = match frame {
        Frame::Scan(scan) if is_in(&settings.heartbeats, &scan) => {
            tally.add(Count::Heartbeat);
            return None;
        }
        Frame::Scan(scan) if scan.is_empty() || is_in(&settings.no_reads, &scan) => {
            tally.add(Count::NoRead);
            return Some(settings.replies.no_read.fill("no code was read"));
        }
        Frame::Scan(scan) => session.lock().await.scan(&scan).await,
        Frame::TooLong { beginning, bytes } => {
            tally.add(Count::TooLong);
            let most = settings.scan_bytes_max;
            let why = format!("the code has {bytes} bytes, more than {most}: check the scanner's framing");
            refuse(&beginning, why, session).await
        }
        Frame::Unfinished(bytes) => {
            tally.add(Count::Unfinished);
            warn!(
                source = settings.name,
                bytes = bytes.len(),
                "bytes that belong to no scan: check the framing"
            );
            let why = "the code was not complete: scan it again";
            refuse(&bytes, why.to_owned(), session).await
        }
    };
    Some(settings.replies.bytes(&answer))
}

async fn refuse<K: Keep>(raw: &[u8], why: String, session: &Mutex<Session<K>>) -> Answer {
    let feedback = Feedback::new(Tone::Refused, why);
    session.lock().await.journal(raw, feedback).await
}
