//! Which day a movement gets that was captured long before it was sent: an outage over the end of a month, with the
//! books of that month open and locked, and a clock that was wrong meanwhile.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use millrace_tests::odoo::{Database, text};
use millrace_tests::world::{Target, World, message, post, scan};
use serde_json::{Value, json};

use crate::books::{all_applied, dead, fates, made, on_hand, some};

const OCCURRED: &str = "negative_stock = \"allow\"\ndate = \"occurred\"";
const COMPANY: i64 = 1;
/// Different goods and places before and after: what is held keeps back what touches the same.
const BEFORE: [&str; 2] = ["RAW-STEEL", "SHELF-1"];
const AFTER: [&str; 2] = ["PART-BOLT", "SHELF-2"];
/// How many messages [`work`] hands over.
const MESSAGES: usize = 3;

/// What a plant does: an order confirmed, goods carried, a place counted.
fn work(world: &World, order: &str, [item, place]: [&str; 2]) {
    let told = scan(world.production, &[&format!("O:{order}"), "Q:10", "CMD:CONFIRM"]).unwrap();
    assert!(told[2].starts_with("BOOKED"), "{told:?}");
    let carried = json!({ "item": item, "from": "STOCK", "to": "LINE-B", "quantity": some("2") });
    let (status, told) = post(world.http, &message("inventory.move", order, carried)).unwrap();
    assert_eq!(status, 200, "{told}");
    let told = scan(
        world.count,
        &[&format!("L:{place}"), "I:FG-BRACKET", "Q:7", "CMD:CONFIRM"],
    )
    .unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
}

/// The names of two untracked orders of plant A.
fn orders(db: &Database) -> [String; 2] {
    [0, 1].map(|index| text(&db.instance.seed["plants"]["A"]["orders"]["untracked"][index]["name"]))
}

/// The last day of the month before this one.
fn last_day() -> Date {
    Zoned::now().date().first_of_month().yesterday().unwrap()
}

/// A plant that worked on that day while nothing else could be reached, and was switched off until now.
fn plant_after_an_outage(db: &Database, policy: &str) -> World {
    let mut world = World::new(&Target::Odoo(db));
    world.policy(policy);
    let noon = last_day().at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    world.set_agent_clock(noon.timestamp().duration_since(Timestamp::now()));
    world.start_agent();
    work(&world, &orders(db)[0], BEFORE);
    world.kill_agent();
    world.restart_agent_machine();
    world.set_agent_clock(SignedDuration::ZERO);
    world
}

/// The days, and how many lines each, of the movements that were made since.
fn days(db: &Database, since: &str) -> Vec<Date> {
    let rows = db.sql(&format!(
        "select distinct l.date::date from stock_move_line l where l.state = 'done' and l.write_date >= '{since}' order by 1"
    ));
    rows.iter().map(|row| row[0].parse().unwrap()).collect()
}

fn now(db: &Database) -> String {
    db.one("select now() at time zone 'UTC'")
}

/// Locks the books up to this day, or opens them.
fn lock(db: &Database, day: Option<Date>) {
    let day = day.map_or(json!(false), |day| json!(day.to_string()));
    let vals = json!({ "ids": [COMPANY], "vals": { "fiscalyear_lock_date": day } });
    db.admin(COMPANY, "res.company", "write", vals);
}

fn each_took_effect_once(db: &Database, orders: &[String]) {
    for (order, place) in orders.iter().zip(["SHELF-1", "SHELF-2"]) {
        assert_eq!(made(db, order), 10.0);
        assert_eq!(on_hand(db, COMPANY, "FG-BRACKET", place), 7.0);
    }
}

#[test]
fn after_an_outage_over_the_month_end_what_happened_in_the_open_month_is_dated_in_it() {
    let db = Database::new();
    let mut world = plant_after_an_outage(&db, OCCURRED);
    let since = now(&db);
    world.start_relay();
    world.start_agent();
    world.eventually("what happened last month is booked", || {
        all_applied(&world, MESSAGES)
    });
    assert_eq!(days(&db, &since), [last_day()]);
    let today = now(&db);
    work(&world, &orders(&db)[1], AFTER);
    world.eventually("today's is booked", || all_applied(&world, 2 * MESSAGES));
    assert!(days(&db, &today).iter().all(|day| *day > last_day()));
    each_took_effect_once(&db, &orders(&db));
}

#[test]
fn after_an_outage_over_the_month_end_the_locked_month_holds_its_own_while_todays_goes_on_until_it_is_opened()
{
    let db = Database::new();
    let mut world = plant_after_an_outage(&db, OCCURRED);
    lock(&db, Some(last_day()));
    let since = now(&db);
    world.start_relay();
    world.start_agent();
    let held = |world: &World| {
        let rows = dead(world, true);
        rows.into_iter()
            .filter(|row| row["reason"] == "period")
            .collect::<Vec<Value>>()
    };
    world.eventually("all of last month is held", || held(&world).len() == MESSAGES);
    for row in held(&world) {
        let told = text(&row["text"]);
        assert!(
            told.contains(&last_day().to_string()) && told.contains("locked"),
            "{told}"
        );
    }
    work(&world, &orders(&db)[1], AFTER);
    world.eventually("today's is booked", || {
        fates(&world)
            .iter()
            .filter(|fate| fate.starts_with("settled applied"))
            .count()
            == MESSAGES
    });
    assert!(days(&db, &since).iter().all(|day| *day > last_day()));
    lock(&db, None);
    let opened = now(&db);
    world.eventually("last month's is booked too", || all_applied(&world, 2 * MESSAGES));
    assert_eq!(days(&db, &opened), [last_day()]);
    each_took_effect_once(&db, &orders(&db));
}

#[test]
fn after_an_outage_over_the_month_end_all_is_dated_today_where_the_plant_says_so_though_the_month_is_locked()
{
    let db = Database::new();
    let mut world = plant_after_an_outage(&db, "negative_stock = \"allow\"\ndate = \"posted\"");
    lock(&db, Some(last_day()));
    let since = now(&db);
    world.start_relay();
    world.start_agent();
    work(&world, &orders(&db)[1], AFTER);
    world.eventually("all is booked", || all_applied(&world, 2 * MESSAGES));
    assert!(days(&db, &since).iter().all(|day| *day > last_day()));
    each_took_effect_once(&db, &orders(&db));
}

#[test]
fn what_was_captured_under_a_clock_ten_years_off_is_dated_when_it_happened() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.policy(OCCURRED);
    let since = now(&db);
    let years = SignedDuration::from_hours(10 * 365 * 24);
    world.set_agent_clock(years);
    world.start_agent();
    work(&world, &orders(&db)[0], BEFORE);
    world.set_agent_clock(-years);
    work(&world, &orders(&db)[1], AFTER);
    world.set_agent_clock(SignedDuration::ZERO);
    world.start_relay();
    world.eventually("all is booked", || all_applied(&world, 2 * MESSAGES));
    let wrong = format!(
        "select count(*) from stock_move_line where state = 'done' and write_date >= '{since}' \
         and (date < '{since}'::timestamp - interval '1 minute' or date > now() at time zone 'UTC')"
    );
    assert_eq!(db.one(&wrong), "0");
    each_took_effect_once(&db, &orders(&db));
}
