//! Watching a backlog drain: what the agent's spool says, what `backlog` shows, and a scanner that goes on meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use millrace_shared::ident::Lane;
use millrace_shared::store::spool::SpoolReader as _;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use super::live::{Person, Scanned};
use super::{Estimate, Report, shown};
use crate::world::World;

/// At which shares of the drain `backlog` is asked.
const ASKED: [f64; 4] = [0.1, 0.25, 0.5, 0.75];
/// Longest time that nothing may move.
const STANDSTILL: Duration = Duration::from_secs(300);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);

/// Watches until the backlog is settled and what was scanned meanwhile too. `back` is when the target returned; `every`
/// is over how long `backlog` measures its rates.
pub fn watch(
    world: &World,
    person: &Person<'_>,
    back: Instant,
    every: Duration,
    report: &mut Report,
) -> Scanned {
    let reader = SqliteSpoolReader::open(person.spool).expect("the agent's spool");
    let (over, live) = (AtomicBool::new(false), AtomicU64::new(0));
    let messages = report.messages;
    let (scanned, answers, end) = std::thread::scope(|scope| {
        let scanner = scope.spawn(|| person.scan(&over, &live));
        let (mut asked, mut moved, mut last) = (Vec::new(), Instant::now(), 0);
        while last < messages {
            sleep(LOOK);
            // The scanner's are taken from the sum, in this order: what is between the two readings is counted late.
            let beside = live.load(Ordering::Relaxed);
            let settled = reader.tally(Lane::Normal).expect("a tally").settled;
            let drained = settled.saturating_sub(beside.max(live.load(Ordering::Relaxed)));
            if drained > last {
                (last, moved) = (drained, Instant::now());
            }
            if moved.elapsed() > STANDSTILL {
                let text = format!("nothing moves at {last} of {messages}\n{}", world.logs());
                report.wrong.push(text);
                break;
            }
            let share = last as f64 / messages as f64;
            if ASKED.get(asked.len()).is_some_and(|at| share >= *at) {
                asked.push(scope.spawn(move || (share, shown(world, every), Instant::now())));
            }
        }
        let end = Instant::now();
        over.store(true, Ordering::Relaxed);
        let answers: Vec<_> = asked
            .into_iter()
            .map(|asked| asked.join().expect("an answer"))
            .collect();
        (scanner.join().expect("a person"), answers, end)
    });
    report.drain_seconds = (end - back).as_secs_f64();
    report.estimates = answers
        .into_iter()
        .map(|(drained, shown, at)| Estimate {
            drained,
            shown_seconds: shown["drain_seconds"].as_u64(),
            real_seconds: end.saturating_duration_since(at).as_secs_f64(),
        })
        .collect();
    report.judge();
    report.live = scanned.latencies.len();
    report.live_ms = [50, 99, 100].map(|hundredths| scanned.percentile(hundredths).as_millis());
    if scanned.unsettled > 0 {
        let text = format!("{} live messages did not settle", scanned.unsettled);
        report.wrong.push(text);
    }
    everything_settled(&reader, messages + scanned.latencies.len() as u64, report);
    scanned
}

fn everything_settled(reader: &SqliteSpoolReader, expected: u64, report: &mut Report) {
    let tally = reader.tally(Lane::Normal).expect("a tally");
    if (tally.accepted, tally.settled) != (expected, expected) {
        report
            .wrong
            .push(format!("not exactly {expected} messages are settled: {tally:?}"));
    }
}
