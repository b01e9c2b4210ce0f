//! An outage before a shadow target: an Odoo that does not answer, in whose place the shadow returns.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::live::Person;
use super::{Report, drain, take};
use crate::load::count_line;
use crate::world::{Target, World, target};

/// Time between two live messages.
const EVERY: Duration = Duration::from_millis(100);
/// What `backlog` does by itself.
const RATES_OVER: Duration = Duration::from_secs(1);

/// Runs it with this many messages.
pub fn run(messages: u64) -> Report {
    let mut report = Report {
        target: "shadow",
        ..Report::default()
    };
    let mut world = World::new(&Target::Shadow);
    target::is_down(&world);
    world.start_relay();
    world.start_agent();
    let line = |number: u64| {
        let (item, place) = (
            format!("ITEM-{:04}", number % 1000),
            format!("SHELF-{:02}", number / 1000 % 20),
        );
        count_line(&format!("MES-{number:010}"), &item, &place, number % 977)
    };
    take(&world, &mut (0..messages).map(line), &mut report);
    world.kill_relay();
    target::returns_as_shadow(&world);
    world.start_relay();
    let items: Vec<String> = (0..50).map(|number| format!("ITEM-{number:04}")).collect();
    let person = Person {
        port: world.count,
        place: "LINE-A",
        items: &items,
        every: EVERY,
        spool: &world.folder().join("plant-a/spool.sqlite"),
    };
    let scanned = drain::watch(&world, &person, Instant::now(), RATES_OVER, &mut report);
    world.kill_relay();
    let all = messages + scanned.latencies.len() as u64;
    compare(&world, all, &mut report);
    report
}

/// What the shadow recorded: each message once, and what touches the same place in the order of capture.
fn compare(world: &World, expected: u64, report: &mut Report) {
    let path = world.folder().join("relay/shadow.sqlite");
    let record = Connection::open(path).expect("the shadow's record");
    let number = |sql: &str| -> u64 {
        let found: i64 = record.query_row(sql, [], |row| row.get(0)).expect("a number");
        found.unsigned_abs()
    };
    let recorded = number("select count(*) from outcome");
    let different = number("select count(distinct sequence) from outcome");
    let disordered = number(
        "select count(*) from (select sequence, lag(sequence) over (partition by title order by record) as before \
         from outcome) where before > sequence",
    );
    if (recorded, different, disordered) != (expected, expected, 0) {
        report.wrong.push(format!(
            "of {expected} messages {different} are recorded, in {recorded} records, {disordered} out of order"
        ));
    }
}
