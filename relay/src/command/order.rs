//! An order: brought to the running service, or carried out here where none runs.

use millrace_shared::clock::Clock;
use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Style, say};
use millrace_shared::store::sqlite::inbox::{Limits, SqliteInbox};

use super::CommandError;
use crate::config::Config;
use crate::control::{Done, Errand, Order, person, socket};
use crate::daemon::inbox_path;

/// Has the order carried out and tells what became of it. [`Exit::Wrong`] where it suited nothing, or not all.
pub fn give(config: &Config, style: Style, order: Order) -> Result<Exit, CommandError> {
    let done = match socket::order(&config.data, &order).map_err(CommandError::Service)? {
        Some(answer) => answer?,
        None => alone(config, order.clone())?,
    };
    say(&match style {
        Style::Json => print::json(&done),
        Style::Table => told(&order, &done),
    })?;
    let nothing = matches!(order, Order::Change { .. }) && done.changed + done.holds == 0;
    Ok(match (done.refused, nothing) {
        (0, false) => Exit::Done,
        (0, true) => Exit::NotFound,
        _ => Exit::Wrong,
    })
}

/// No service runs: this process is the only writer for a moment.
fn alone(config: &Config, order: Order) -> Result<Done, CommandError> {
    let path = inbox_path(&config.data);
    if !path.exists() {
        return Err(CommandError::NoStore(path));
    }
    let clock = Clock::in_zone("UTC").map_err(|error| CommandError::Fault(error.to_string()))?;
    let mut inbox = SqliteInbox::open(&path, Limits::default(), rand::random(), rand::random())?;
    Ok(Errand::new(order, person::own(), clock.moment().wall_ms).run(&mut inbox)?)
}

fn told(order: &Order, done: &Done) -> String {
    let mut text = match order {
        Order::Flush => "done: codes are looked up anew from now on\n".to_owned(),
        Order::Resume { domain } => format!("domain `{domain}` goes on\n"),
        Order::Replay { domain } => format!(
            "domain `{domain}`: Odoo is asked for everything that was settled, and what it does not have is done again; \
             `millrace-relay audit list` says when that is found out, `backlog` what waits\n"
        ),
        _ => format!("{} changed\n", messages(done.changed)),
    };
    if done.holds > 0 {
        let what = if matches!(order, Order::Lay(_)) {
            "laid"
        } else {
            "lifted"
        };
        text += &format!("{} standing hold(s) {what}\n", done.holds);
    }
    if done.refused > 0 {
        text += &format!("{} not changed:\n", messages(done.refused));
        for (id, why) in &done.refusals {
            text += &format!("  {id}: {why}\n");
        }
    }
    if done.more {
        text += "the limit was reached and more may match: give the order again, or raise --limit\n";
    }
    text
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        _ => format!("{count} messages"),
    }
}
