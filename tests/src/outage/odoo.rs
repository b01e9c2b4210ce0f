//! An outage of a real Odoo, which is killed and comes back. Its tables are compared at the end with what was captured,
//! without any code of the relay.

use std::time::{Duration, Instant};

use super::live::Person;
use super::{Report, drain, take};
use crate::load::{confirm_line, count_line};
use crate::odoo::{self, Database, Instance};
use crate::world::{Target, World};

/// Confirmations of one piece that complete an order.
const PIECES: usize = 20;
/// Counts of each item.
const COUNTS: usize = 5;
/// Orders that are worked on at the same time.
const LINES: usize = 50;
/// Items that are counted live.
const LIVE: usize = 20;
/// Time between two live messages.
const EVERY: Duration = Duration::from_secs(1);
/// What `backlog` does by itself.
const RATES_OVER: Duration = Duration::from_secs(1);
const COUNTED_AT: &str = "SHELF-1";
const LIVE_AT: &str = "SHELF-2";

/// Runs it with about this many messages, half of them counts and half confirmations.
pub fn run(messages: u64) -> Report {
    let mut report = Report {
        target: "Odoo",
        ..Report::default()
    };
    let folder = odoo::folder();
    let instance = Instance::own(folder.path().join("odoo"));
    let database = Database::of(instance);
    let half = messages as usize / 2;
    let (orders, items) = database.furnish(half / PIECES, PIECES, half / COUNTS + LIVE);
    let (items, live_items) = items.split_at(half / COUNTS);
    let mut world = World::new(&Target::Odoo(&database));
    instance.kill_odoo();
    world.start_relay();
    world.start_agent();
    take(&world, &mut lines(&orders, items).into_iter(), &mut report);
    instance.restart();
    let person = Person {
        port: world.count,
        place: LIVE_AT,
        items: live_items,
        every: EVERY,
        spool: &world.folder().join("plant-a/spool.sqlite"),
    };
    let scanned = drain::watch(&world, &person, Instant::now(), RATES_OVER, &mut report);
    let done = report.messages as usize + scanned.latencies.len();
    let mut wrong = Vec::new();
    for (what, expected, sql) in [
        (
            "messages done",
            done,
            "select count(*) from millrace_inbox where state = 'done'".to_owned(),
        ),
        ("orders done in full", orders.len(), orders_done(&orders)),
    ] {
        let found = database.one(&sql);
        if found != expected.to_string() {
            wrong.push(format!("{found} {what} in Odoo, not {expected}"));
        }
    }
    for (number, item) in items.iter().enumerate() {
        let figures: Vec<u64> = (0..COUNTS).map(|round| figure(number, round)).collect();
        wrong.extend(levels_differ(&database, item, COUNTED_AT, &figures));
    }
    for (item, figure) in live_items.iter().zip(&scanned.figures) {
        let found = levels(&database, item, LIVE_AT).pop().unwrap_or(0);
        if found != *figure {
            wrong.push(format!("{found} of {item} at {LIVE_AT}, not {figure}"));
        }
    }
    report.wrong.extend(wrong);
    drop((world, database));
    instance.remove();
    report
}

/// What the plant does during the outage: counts and confirmations in turn, a few orders at a time.
fn lines(orders: &[String], items: &[String]) -> Vec<String> {
    let mut confirmations = Vec::new();
    for wave in orders.chunks(LINES) {
        for piece in 0..PIECES {
            let each = wave
                .iter()
                .map(|order| confirm_line(&format!("{order}-{piece}"), order, 1));
            confirmations.extend(each);
        }
    }
    let counts = (0..COUNTS).flat_map(|round| {
        let each = items.iter().enumerate();
        each.map(move |(number, item)| {
            count_line(
                &format!("{item}-{round}"),
                item,
                COUNTED_AT,
                figure(number, round),
            )
        })
    });
    let mut confirmations = confirmations.into_iter();
    let mut lines = Vec::new();
    for count in counts {
        lines.push(count);
        lines.extend(confirmations.next());
    }
    lines.extend(confirmations);
    lines
}

/// What is counted of an item: another figure each time, or nothing would show the order.
fn figure(number: usize, round: usize) -> u64 {
    1 + (number * 7 + round * 131) as u64 % 1000
}

fn orders_done(orders: &[String]) -> String {
    let names = orders.iter().map(|name| format!("'{name}'"));
    format!(
        "select count(*) from mrp_production p where state = 'done' and company_id = 1 and {PIECES} = (select \
         sum(m.quantity) from stock_move m where m.production_id = p.id and m.product_id = p.product_id \
         and m.state = 'done') and name in ({})",
        names.collect::<Vec<_>>().join(",")
    )
}

fn levels_differ(database: &Database, item: &str, place: &str, figures: &[u64]) -> Option<String> {
    let booked = levels(database, item, place);
    (booked != figures)
        .then(|| format!("{item} at {place}: {figures:?} was counted and {booked:?} is booked"))
}

/// What lay at a place after each movement, in the order of the movements.
fn levels(database: &Database, item: &str, place: &str) -> Vec<u64> {
    let moves = database.sql(&format!(
        "select case when t.barcode = '{place}' then m.quantity else -m.quantity end \
         from stock_move m join product_product p on p.id = m.product_id \
         join stock_location f on f.id = m.location_id join stock_location t on t.id = m.location_dest_id \
         where p.default_code = '{item}' and '{place}' in (f.barcode, t.barcode) and m.state = 'done' \
         and m.company_id = 1 order by m.id"
    ));
    let mut level = 0.0;
    let each = moves.iter().map(|row| {
        level += row[0].parse::<f64>().expect("a number");
        level.round() as u64
    });
    each.collect()
}
