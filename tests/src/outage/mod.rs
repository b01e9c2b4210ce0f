//! The backlog run: an outage of the target, a backlog that the agent takes and shows, and its drain while a scanner goes
//! on. What `backlog` says of the time that is left is compared with the time that it took.

mod drain;
mod live;
mod odoo;
mod shadow;

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::load::Mes;
use crate::world::World;

pub use odoo::run as into_odoo;
pub use shadow::run as into_shadow;

/// How far the shown time may be from the real one, as a share of the real one.
const MAY_BE_OFF: f64 = 0.2;
/// A shorter rest is not judged: seconds are shown.
const JUDGED_FROM_SECONDS: f64 = 20.0;
/// Messages in one request of the MES.
const REQUEST: usize = 1000;

/// What `millrace-agent backlog` said, and what then happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The share of the backlog that was settled when it was asked.
    pub drained: f64,
    /// The seconds that it said would be left; none where it gave no number.
    pub shown_seconds: Option<u64>,
    /// The seconds that were left when it answered.
    pub real_seconds: f64,
}

impl Estimate {
    /// How far it was off, as a share of the real time.
    pub fn off(&self) -> Option<f64> {
        let shown = self.shown_seconds? as f64;
        Some((shown - self.real_seconds).abs() / self.real_seconds.max(1.0))
    }
}

/// What a run found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What the messages were taken for.
    pub target: &'static str,
    /// Messages that were answered OK while the target was down.
    pub messages: u64,
    /// So many a second.
    pub taken_per_second: f64,
    /// What `backlog` showed then, all lanes together.
    pub shown: Value,
    /// Seconds from the target's return until the backlog was settled.
    pub drain_seconds: f64,
    /// What was shown at some points of the drain. The first is after a tenth.
    pub estimates: Vec<Estimate>,
    /// Messages that were scanned meanwhile.
    pub live: usize,
    /// Their latency from capture to settled, milliseconds: median, 99th of a hundred, longest.
    pub live_ms: [u128; 3],
    /// Everything that is not as it must be. Empty is good.
    pub wrong: Vec<String>,
}

/// Has the agent take these lines over HTTP, and shows what `backlog` says of them.
fn take(world: &World, lines: &mut dyn Iterator<Item = String>, report: &mut Report) {
    let start = Instant::now();
    let mut mes = Mes::at(world.http).expect("a connection");
    loop {
        let request: Vec<String> = lines.take(REQUEST).collect();
        if request.is_empty() {
            break;
        }
        mes.post(&request.concat()).expect("it is taken");
        report.messages += request.len() as u64;
    }
    report.taken_per_second = report.messages as f64 / start.elapsed().as_secs_f64();
    report.shown = shown(world, Duration::from_secs(1));
    let figure = |name: &str| report.shown[name].as_u64().unwrap_or(0);
    let seen = figure("waiting") + figure("stored");
    if seen != report.messages {
        let messages = report.messages;
        report
            .wrong
            .push(format!("{messages} were taken and `backlog` shows {seen}"));
    }
}

/// What `backlog` says of all lanes together, with rates over this time.
fn shown(world: &World, every: Duration) -> Value {
    let every = every.as_secs().to_string();
    let (code, told) = world.ask("agent", &["backlog", "--every", &every]);
    assert_eq!(code, Some(0), "{told:?}");
    let lanes = told[0]["lanes"].as_array().expect("lanes");
    lanes
        .iter()
        .find(|lane| lane["lane"] == "all")
        .expect("a sum")
        .clone()
}

impl Report {
    /// Judges what `backlog` said after the first tenth.
    fn judge(&mut self) {
        let judged = |estimate: &&Estimate| estimate.real_seconds >= JUDGED_FROM_SECONDS;
        let first = self.estimates.first().filter(judged);
        let off = first.and_then(Estimate::off);
        if first.is_some() && off.is_none_or(|off| off > MAY_BE_OFF) {
            self.wrong.push(format!(
                "the time to drain shown after a tenth is more than a fifth off: {first:?}"
            ));
        }
    }
}
