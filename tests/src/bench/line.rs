//! Bytes on the wire for each message, both directions, TLS and receipts included, counted between the agent and the
//! broker; beside plain JSON over MQTT and TLS, each message as the MES says it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use millrace_shared::ident::Lane;
use millrace_shared::store::spool::SpoolReader as _;
use millrace_shared::store::sqlite::spool::SqliteSpoolReader;

use super::Say;
use super::intake::spool_of;
use super::table::{Aim, Row};
use crate::load::{Mes, count_line};
use crate::world::{Target, World};

const BACKLOG: u64 = 20_000;
const LIVE: u64 = 100;
/// Pause between two live messages.
const PAUSE: Duration = Duration::from_millis(50);
/// A topic such as a plain client would use.
const TOPIC: &str = "plant-a/stock/inventory.count";
/// What TLS 1.3 adds to what is written at once: header, content type and tag.
const RECORD: usize = 5 + 1 + 16;
const PATIENCE: Duration = Duration::from_secs(300);

/// A backlog of an outage, and live messages one by one.
pub fn measure(say: Say<'_>) {
    let mut world = World::new(&Target::Shadow);
    let meter = Meter::to(world.line());
    let broker = format!("port = {}\n", world.line());
    world.change("agent", |text| {
        text.replace(&broker, &format!("port = {}\n", meter.port))
    });
    world.start_agent();
    let mut mes = Mes::at(world.http).expect("a connection");
    for first in (0..BACKLOG).step_by(1000) {
        let lines: String = (first..first + 1000).map(message).collect();
        mes.post(&lines).expect("it is taken");
    }
    let plain = plain_bytes();
    let bytes = meter.while_it(|| {
        world.start_relay();
        settled(&world, BACKLOG);
    });
    let row = Row::new(
        "wire, backlog of an outage",
        bytes / BACKLOG as f64,
        "bytes/message",
    );
    say(row
        .against(plain, "plain JSON, MQTT QoS 1, TLS")
        .aim(Aim::ShareAtMost(0.25)));
    let bytes = meter.while_it(|| {
        for number in BACKLOG..BACKLOG + LIVE {
            mes.post(&message(number)).expect("it is taken");
            thread::sleep(PAUSE);
        }
        settled(&world, BACKLOG + LIVE);
    });
    let row = Row::new(
        "wire, live, 20 messages a second",
        bytes / LIVE as f64,
        "bytes/message",
    );
    say(row.against(plain, "plain JSON, MQTT QoS 1, TLS"));
}

fn message(number: u64) -> String {
    let (item, place) = (
        format!("ITEM-{:04}", number % 1000),
        format!("SHELF-{:02}", number / 1000 % 20),
    );
    count_line(&format!("MES-{number:010}"), &item, &place, number % 977)
}

/// A PUBLISH with QoS 1 and its PUBACK (MQTT 3.1.1, sections 3.3 and 3.4), each in a record of TLS 1.3 (RFC 8446, 5.2).
fn plain_bytes() -> f64 {
    let payload = message(123_456).trim_end().len();
    let rest = 2 + TOPIC.len() + 2 + payload;
    let length_bytes = if rest < 128 { 1 } else { 2 };
    let (publish, acknowledged) = (1 + length_bytes + rest, 4);
    (publish + acknowledged + 2 * RECORD) as f64
}

fn settled(world: &World, messages: u64) {
    let reader = SqliteSpoolReader::open(&spool_of(world)).expect("the agent's spool");
    let deadline = Instant::now() + PATIENCE;
    while reader.tally(Lane::Normal).expect("a tally").settled < messages {
        assert!(Instant::now() < deadline, "not settled in time\n{}", world.logs());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Stands between the agent and the broker and counts. Its threads end with the process.
struct Meter {
    port: u16,
    bytes: Arc<AtomicU64>,
}

impl Meter {
    fn to(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let bytes = Arc::new(AtomicU64::new(0));
        let count = bytes.clone();
        thread::spawn(move || {
            for agent in listener.incoming().flatten() {
                // Without a broker the agent must find a closed connection.
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else {
                    continue;
                };
                for (from, to) in [(&agent, &broker), (&broker, &agent)] {
                    let ends = from.try_clone().and_then(|from| Ok((from, to.try_clone()?)));
                    let (from, to) = ends.expect("a second handle");
                    let count = count.clone();
                    thread::spawn(move || carry(from, to, &count));
                }
            }
        });
        Self { port, bytes }
    }

    fn while_it(&self, work: impl FnOnce()) -> f64 {
        let before = self.bytes.load(Ordering::Relaxed);
        work();
        (self.bytes.load(Ordering::Relaxed) - before) as f64
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
        count.fetch_add(length as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
