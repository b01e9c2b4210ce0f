//! How fast the inbox on disk takes frames, and how long it looks with many messages waiting.
//!
//! `cargo run --release --example inbox_rate -- <folder> <messages> <frame>`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use millrace_shared::envelope::{Capture, Envelope, KeyLink, Moment};
use millrace_shared::ident::{AgentId, Digest, Epoch, Lane, Position, Stamp};
use millrace_shared::message::Key;
use millrace_shared::outcome::{Outcome, Record};
use millrace_shared::store::inbox::{Arrival, Change, Inbox, InboxView, ReadyFrom, Request, Worklist};
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox, SqliteInboxReader};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    let messages: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let frame: u64 = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let path = folder.join("inbox_rate.db");
    for end in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(folder.join(format!("inbox_rate.db{end}")));
    }
    let mut inbox = SqliteInbox::open(&path, Limits::default(), 1, 1)?;
    let agent: AgentId = "plant-1".parse()?;
    let mut maker = Maker::new(agent.clone());
    let (mut taking, mut working) = (Duration::ZERO, Duration::ZERO);
    let mut mark = (Instant::now(), 0);
    for first in (1..=messages).step_by(frame as usize) {
        let arrival = maker.frame(frame.min(messages + 1 - first))?;
        let (begun, worked) = (Instant::now(), processor_time());
        inbox.take(&[arrival])?;
        taking += begun.elapsed();
        working += processor_time() - worked;
        if (first + frame - 1).is_multiple_of(100_000) {
            println!(
                "{:>9} taken, last 100,000 in {:?} with making",
                first + frame - 1,
                mark.0.elapsed()
            );
            mark = (Instant::now(), first);
        }
    }
    let rate = messages as f64 / taking.as_secs_f64();
    println!("take        {rate:>12.0} messages/s in frames of {frame}");
    let cost = working.as_secs_f64() * 1e6 / messages as f64;
    println!("            {cost:>12.1} microseconds of processor time a message");
    let reader = SqliteInboxReader::open(&path)?;
    looked("backlog", || reader.backlog().map(drop))?;
    looked("ready, oldest", || {
        reader
            .ready(&agent, Lane::Normal, ReadyFrom::Oldest(None), 100)
            .map(drop)
    })?;
    looked("ready, newest", || {
        reader
            .ready(&agent, Lane::Normal, ReadyFrom::Newest(None), 100)
            .map(drop)
    })?;
    settle(&mut inbox, &agent)?;
    let size = std::fs::metadata(&path)?.len();
    println!(
        "file        {:>12.0} bytes a message",
        size as f64 / messages as f64
    );
    Ok(())
}

/// Time that this thread had a processor: on a busy machine the truer figure. Zero where the system does not tell.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

fn looked<E>(what: &str, look: impl Fn() -> Result<(), E>) -> Result<(), E> {
    look()?;
    let begun = Instant::now();
    look()?;
    println!("{what:<14}{:>10.3} ms", begun.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Sends and settles ten thousand messages in groups of fifty.
fn settle(inbox: &mut SqliteInbox, agent: &AgentId) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut done = 0;
    while done < 10_000 {
        let ready = inbox.ready(agent, Lane::Normal, ReadyFrom::Oldest(None), 50)?;
        if ready.is_empty() {
            break;
        }
        let applied = Outcome::Applied(Record {
            model: "stock.quant".into(),
            id: 1,
            name: "Q".into(),
        });
        for change in [Change::Send, Change::Settle(applied)] {
            let requests = ready.iter().filter_map(|item| {
                let ticket = inbox.get(item.entry.ticket.slot).ok()??.entry.ticket;
                Some(Request {
                    ticket,
                    change: change.clone(),
                })
            });
            let requests: Vec<Request> = requests.collect();
            inbox.change(&requests, "flow", 1)?;
        }
        done += ready.len();
    }
    println!(
        "settle      {:>12.0} messages/s in groups of 50",
        done as f64 / begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A spool's rows: one key of its own, one of a thousand shared ones.
struct Maker {
    agent: AgentId,
    next: u64,
    running: Digest,
    last: Vec<Option<Stamp>>,
}

impl Maker {
    fn new(agent: AgentId) -> Self {
        Self {
            agent,
            next: 1,
            running: Digest::origin(Epoch(1), Lane::Normal),
            last: vec![None; 1000],
        }
    }

    fn frame(&mut self, count: u64) -> Result<Arrival, Failure> {
        let (first, before) = (self.next, self.running);
        let rows = (0..count).map(|_| self.row()).collect::<Result<_, Failure>>()?;
        Ok(Arrival {
            agent: self.agent.clone(),
            epoch: Epoch(1),
            lane: Lane::Normal,
            first,
            before,
            rows,
            received_ms: 1,
            clock: None,
        })
    }

    fn row(&mut self) -> Result<Vec<u8>, Failure> {
        let number = self.next;
        let shared = (number.wrapping_mul(7919) % 1000) as usize;
        let envelope = Envelope {
            ordinal: number,
            kind: "production.confirm".into(),
            schema: 1,
            reverses: None,
            keys: vec![
                KeyLink {
                    key: Key::from_text(format!("order:WH/MO/{shared:05}")),
                    after: self.last[shared],
                },
                KeyLink {
                    key: Key::from_text(format!("lot:L{number:09}")),
                    after: None,
                },
            ],
            body: format!(
                r#"{{"order":"WH/MO/{shared:05}","quantity":{{"value":"1"}},"completion":"auto","lot":"L{number:09}"}}"#
            ),
            capture: Capture {
                source: "line-1".into(),
                station: Some("press-4".into()),
                operator: Some("4711".into()),
                moment: Moment {
                    wall_ms: 1_700_000_000_000 + number as i64,
                    offset_minutes: 60,
                    boot: 7,
                    monotonic_ms: number,
                },
                source_id: None,
                raw: b"]C10104006381333931".to_vec(),
                raw_cut: false,
            },
            moved_from: None,
        };
        let sealed = envelope.seal()?;
        let position = Position {
            epoch: Epoch(1),
            lane: Lane::Normal,
            sequence: number,
        };
        self.last[shared] = Some(Stamp {
            position,
            digest: sealed.digest.short(),
        });
        self.running = self.running.then(sealed.digest);
        self.next += 1;
        Ok(sealed.bytes)
    }
}
