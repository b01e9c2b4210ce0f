//! Drain of a backlog over TLS: a real agent, and a real relay with its own broker, whose Odoo does not answer, so that
//! taking is all it does.

use std::path::Path;
use std::time::{Duration, Instant};

use millrace_shared::ident::{Epoch, Lane};
use millrace_shared::limit;
use millrace_shared::store::inbox::{Arrival, Inbox as _};
use millrace_shared::store::spool::SpoolReader as _;
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use super::intake::spool_of;
use super::restart::memory_mib;
use super::table::{Aim, Row};
use super::{Say, fill};
use crate::world::{Target, World, target};

const MESSAGES: u64 = 500_000;
/// Longest time that nothing may move.
const STANDSTILL: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// The drain, and the agent's memory at its end.
pub fn measure(say: Say<'_>) {
    let mut world = World::new(&Target::Shadow);
    target::is_down(&world);
    let spool = spool_of(&world);
    fill::fill(&spool, MESSAGES);
    world.start_relay();
    world.start_agent();
    let rate = until_stored(&spool, MESSAGES);
    let memory = memory_mib(world.agent().id(), "VmHWM");
    world.kill_agent();
    world.kill_relay();
    let alone = inbox_alone(&spool, world.folder());
    let row = Row::new("drain over TLS into the inbox", rate, "messages/s");
    say(row
        .against(alone, "messages/s, the inbox alone, same frames")
        .aim(Aim::AtLeast(30_000.0)));
    say(Row::new("agent's memory while it drains, peak", memory, "MiB").aim(Aim::AtMost(40.0)));
}

/// Messages a second, from the first that is seen stored until all are.
fn until_stored(spool: &Path, messages: u64) -> f64 {
    let reader = SqliteSpoolReader::open(spool).expect("the agent's spool");
    let (mut began, mut moved, mut last) = (None, Instant::now(), messages);
    loop {
        let waiting = reader.tally(Lane::Normal).expect("a tally").waiting;
        if waiting < last {
            (last, moved) = (waiting, Instant::now());
            began.get_or_insert((moved, messages - waiting));
        }
        if let (0, Some((start, before))) = (waiting, began) {
            return (messages - before) as f64 / start.elapsed().as_secs_f64();
        }
        assert!(
            moved.elapsed() < STANDSTILL,
            "nothing moves; {waiting} messages wait"
        );
        std::thread::sleep(LOOK);
    }
}

/// The ceiling: an inbox that is handed the same rows in frames of full size, with nothing before it.
fn inbox_alone(spool: &Path, folder: &Path) -> f64 {
    let reader = SqliteSpoolReader::open(spool).expect("the agent's spool");
    let path = folder.join("alone.sqlite");
    let mut inbox = SqliteInbox::open(&path, Limits::default(), 1, 1).expect("an inbox");
    let (mut spent, mut taken) = (Duration::ZERO, 0);
    loop {
        let bytes = limit::FRAME_UNPACKED_BYTES / 8;
        let rows = reader
            .rows(Epoch(1), Lane::Normal, taken + 1, limit::FRAME_COUNT, bytes)
            .expect("rows");
        let Some(first) = rows.first() else {
            return taken as f64 / spent.as_secs_f64();
        };
        let arrival = Arrival {
            agent: "plant-a".parse().expect("a name"),
            epoch: Epoch(1),
            lane: Lane::Normal,
            first: first.position.sequence,
            before: first.before,
            rows: rows.iter().map(|row| row.bytes.clone()).collect(),
            received_ms: 1,
            clock: None,
        };
        let start = Instant::now();
        inbox.take(&[arrival]).expect("it is taken");
        spent += start.elapsed();
        taken += rows.len() as u64;
    }
}
