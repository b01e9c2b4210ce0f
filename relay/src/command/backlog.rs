//! `backlog`: how each plant's lanes stand, how fast they move, and when they will be empty.

use std::time::Duration;

use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Listed, Style, listing};
use millrace_shared::rate::{Drain, Mark, Rates, Window, drain};
use millrace_shared::store::inbox::{InboxView, LaneBacklog};
use millrace_shared::store::sqlite::inbox::{Pace, SECONDS, SqliteInboxReader};
use serde::Serialize;

use super::entry::time;
use super::{CommandError, open_store};
use crate::config::Config;

/// Prints how the lanes stand: once, or again `every` so often until interrupted.
pub fn backlog(config: &Config, style: Style, watch: bool, every: Duration) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let take = || Reading::take(&reader);
    print::watch(style, watch, every, take, |reading| {
        let lanes = listing(Style::Table, &reading.lanes, "nothing has arrived yet");
        format!("{}\n{lanes}", reading.at)
    })?;
    Ok(Exit::Done)
}

/// How everything stood at a moment.
#[derive(Debug, Serialize)]
struct Reading {
    at: String,
    lanes: Vec<Row>,
}

/// How a lane of a plant stands.
#[derive(Debug, Serialize)]
struct Row {
    plant: String,
    lane: &'static str,
    waiting: u64,
    ready: u64,
    sent: u64,
    held: u64,
    dead: u64,
    settled: u64,
    bytes: u64,
    oldest_seconds: Option<u64>,
    #[serde(flatten)]
    rates: Option<Rates>,
    drain: Option<&'static str>,
    drain_seconds: Option<u64>,
}

impl Reading {
    fn take(reader: &SqliteInboxReader) -> Result<Self, CommandError> {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let mut paces = reader.paces(now_ms)?;
        let rows = reader.backlog()?.into_iter().map(|lane| {
            let pace = paces.remove(&(lane.agent.clone(), lane.lane));
            Row::of(&lane, &pace.unwrap_or_default(), now_ms)
        });
        Ok(Self {
            lanes: rows.collect(),
            at: time(now_ms),
        })
    }
}

impl Row {
    fn of(lane: &LaneBacklog, pace: &Pace, now_ms: i64) -> Self {
        let moving = lane.waiting + lane.sent;
        let rates = rates(lane, pace);
        let drain = rates.map(|rates| drain(moving, rates));
        Self {
            plant: lane.agent.to_string(),
            lane: lane.lane.name(),
            waiting: lane.waiting,
            ready: lane.ready,
            sent: lane.sent,
            held: lane.held,
            dead: lane.dead,
            settled: lane.settled,
            bytes: lane.bytes,
            oldest_seconds: age_seconds(lane.oldest_received_ms, now_ms),
            rates,
            drain: drain.map(Drain::word),
            drain_seconds: drain.and_then(Drain::seconds),
        }
    }
}

/// How fast the lane moves: what its counts were at each of the last seconds, from what happened since.
fn rates(lane: &LaneBacklog, pace: &Pace) -> Option<Rates> {
    let accepted = lane.waiting + lane.sent + lane.held + lane.dead + lane.settled;
    let mut window = Window::default();
    for ago in (0..=SECONDS).rev() {
        let since = |counts: &[u64; SECONDS]| counts[..ago].iter().sum();
        window.add(Mark {
            at_ms: (SECONDS - ago) as u64 * 1000,
            accepted: accepted.saturating_sub(since(&pace.arrived)),
            settled: lane.settled.saturating_sub(since(&pace.settled)),
        });
    }
    window.rates()
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &[
        "PLANT", "LANE", "WAITING", "READY", "SENT", "HELD", "DEAD", "SETTLED", "BYTES", "OLDEST", "IN/s",
        "OUT/s", "EMPTY IN",
    ];

    fn cells(&self) -> Vec<String> {
        let rate = |of: fn(&Rates) -> f64| {
            self.rates
                .as_ref()
                .map_or("-".to_owned(), |rates| format!("{:.1}", of(rates)))
        };
        let counts = [
            self.waiting,
            self.ready,
            self.sent,
            self.held,
            self.dead,
            self.settled,
        ];
        let mut cells = vec![self.plant.clone(), self.lane.to_owned()];
        cells.extend(counts.iter().map(u64::to_string));
        cells.extend([
            print::bytes(self.bytes),
            self.oldest_seconds.map_or("-".to_owned(), print::span),
            rate(|rates| rates.in_per_second),
            rate(|rates| rates.out_per_second),
            match (self.drain_seconds, self.drain) {
                (Some(seconds), _) => print::span(seconds),
                (None, word) => word.unwrap_or("-").to_owned(),
            },
        ]);
        cells
    }
}

/// How long ago that was.
pub(super) fn age_seconds(since_ms: Option<i64>, now_ms: i64) -> Option<u64> {
    since_ms.map(|since_ms| u64::try_from((now_ms - since_ms) / 1000).unwrap_or(0))
}
