//! `backlog`: how each lane stands, how fast it moves, and when it will be empty.

use std::thread::sleep;
use std::time::Duration;

use millrace_shared::envelope::Moment;
use millrace_shared::exit::Exit;
use millrace_shared::ident::Lane;
use millrace_shared::print::{self, Listed, Style, listing};
use millrace_shared::rate::{Drain, Mark, Rates, Window, drain};
use millrace_shared::store::spool::{SpoolReader, Tally};
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;
use serde::Serialize;

use super::{CommandError, open_store};
use crate::config::Config;
use crate::health::{LinkState, Pulse, age_seconds};

/// Prints how the lanes stand: once, or again `every` so often until interrupted.
pub fn backlog(config: &Config, style: Style, watch: bool, every: Duration) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let mut windows: [Window; 4] = Default::default();
    let now = config.agent.clock.moment();
    if let Some(pulse) = Pulse::read(&config.agent.data).filter(|pulse| pulse.is_alive(now)) {
        pulse.recall(&mut windows);
    }
    Reading::take(config, &reader, &mut windows)?;
    sleep(every);
    let take = || Reading::take(config, &reader, &mut windows);
    print::watch(style, watch, every, take, Reading::text)?;
    Ok(Exit::Done)
}

/// How everything stood at a moment.
#[derive(Debug, Serialize)]
struct Reading {
    at: String,
    running: bool,
    link: Option<LinkState>,
    /// Each lane, and then all of them together.
    lanes: Vec<Row>,
}

/// How a lane stands.
#[derive(Debug, Serialize)]
struct Row {
    lane: &'static str,
    waiting: u64,
    in_flight: Option<u64>,
    stored: u64,
    dead: u64,
    held: u64,
    held_is_at_least: bool,
    bytes: u64,
    oldest_seconds: Option<u64>,
    #[serde(flatten)]
    rates: Option<Rates>,
    drain: Option<&'static str>,
    drain_seconds: Option<u64>,
}

impl Reading {
    fn take(
        config: &Config,
        reader: &SqliteSpoolReader,
        windows: &mut [Window; 4],
    ) -> Result<Self, CommandError> {
        let mut tallies = Vec::with_capacity(Lane::ALL.len());
        for lane in Lane::ALL {
            tallies.push((lane, reader.tally(lane)?));
        }
        let held = reader.held()?;
        let now = config.agent.clock.moment();
        let pulse = Pulse::read(&config.agent.data).filter(|pulse| pulse.is_alive(now));
        let link = pulse.map(|pulse| pulse.link);
        let in_flight = |lane| link.as_ref().map(|link| link.in_flight(lane));
        let mut lanes = Vec::with_capacity(4);
        for ((lane, tally), window) in tallies.iter().zip(windows.iter_mut()) {
            let here = Counts {
                held: held.of(*lane),
                in_flight: in_flight(*lane),
                held_is_at_least: held.at_least,
            };
            lanes.push(Row::of(lane.name(), tally, &here, window, now));
        }
        let all = Counts {
            held: held.lanes.iter().sum(),
            in_flight: link.as_ref().map(|link| link.in_flight.iter().sum()),
            held_is_at_least: held.at_least,
        };
        let sum = sum(tallies.into_iter().map(|(_, tally)| tally));
        lanes.push(Row::of("all", &sum, &all, &mut windows[3], now));
        Ok(Self {
            at: print::time(now),
            running: link.is_some(),
            link,
            lanes,
        })
    }

    fn text(&self) -> String {
        let service = match &self.link {
            None => "the service does not run".to_owned(),
            Some(link) if link.up => "the link is up".to_owned(),
            Some(link) => match &link.fault {
                Some((_, text)) => format!("the link is down: {text}"),
                None => "the link was not up yet".to_owned(),
            },
        };
        format!(
            "{}  {service}\n{}",
            self.at,
            listing(Style::Table, &self.lanes, "")
        )
    }
}

/// What is not in a tally.
struct Counts {
    held: u64,
    held_is_at_least: bool,
    in_flight: Option<u64>,
}

impl Row {
    fn of(lane: &'static str, tally: &Tally, more: &Counts, window: &mut Window, now: Moment) -> Self {
        window.add(Mark {
            at_ms: now.monotonic_ms,
            accepted: tally.accepted,
            settled: tally.settled,
        });
        let stored = tally.stored.saturating_sub(more.held);
        let rates = window.rates();
        let drain = rates.map(|rates| drain(tally.waiting + stored, rates));
        Self {
            lane,
            waiting: tally.waiting,
            in_flight: more.in_flight,
            stored,
            dead: tally.dead,
            held: more.held,
            held_is_at_least: more.held_is_at_least,
            bytes: tally.unsettled_bytes,
            oldest_seconds: tally.oldest.map(|oldest| age_seconds(oldest, now)),
            rates,
            drain: drain.map(Drain::word),
            drain_seconds: drain.and_then(Drain::seconds),
        }
    }
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |sum, one| Tally {
        accepted: sum.accepted + one.accepted,
        waiting: sum.waiting + one.waiting,
        stored: sum.stored + one.stored,
        dead: sum.dead + one.dead,
        settled: sum.settled + one.settled,
        waiting_bytes: sum.waiting_bytes + one.waiting_bytes,
        unsettled_bytes: sum.unsettled_bytes + one.unsettled_bytes,
        oldest: sum
            .oldest
            .into_iter()
            .chain(one.oldest)
            .min_by_key(|moment| moment.wall_ms),
    })
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &[
        "LANE",
        "WAITING",
        "IN FLIGHT",
        "STORED",
        "DEAD",
        "HELD",
        "BYTES",
        "OLDEST",
        "IN/S",
        "OUT/S",
        "EMPTY IN",
    ];

    fn cells(&self) -> Vec<String> {
        let dash = || "-".to_owned();
        let figure = |rate: fn(&Rates) -> f64| {
            self.rates
                .as_ref()
                .map_or_else(dash, |rates| format!("{:.1}", rate(rates)))
        };
        let held = if self.held_is_at_least {
            format!(">{}", self.held)
        } else {
            self.held.to_string()
        };
        vec![
            self.lane.to_owned(),
            self.waiting.to_string(),
            self.in_flight.map_or_else(dash, |count| count.to_string()),
            self.stored.to_string(),
            self.dead.to_string(),
            held,
            print::bytes(self.bytes),
            self.oldest_seconds.map_or_else(dash, print::span),
            figure(|rates| rates.in_per_second),
            figure(|rates| rates.out_per_second),
            match (self.drain, self.drain_seconds) {
                (Some("standing"), _) => "never: nothing goes out".to_owned(),
                (Some("growing"), _) => "never: more comes in".to_owned(),
                (_, None | Some(0)) => dash(),
                (_, Some(seconds)) => print::span(seconds),
            },
        ]
    }
}
