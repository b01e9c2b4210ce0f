//! Which calls make which kind of message take effect in Odoo 19. Pure: no IO, no clock, no randomness.
//!
//! [`plan`] is asked with what is known so far, and answers with questions until it can answer with a [`Posting`], or
//! with a reason against it. It never guesses: a code that could mean two things, a quantity that Odoo would round, a
//! lot that is missing are reasons. [`group`] makes many like postings one. [`judge`] reads what Odoo refused.
//!
//! Never here: how Odoo is reached, how messages are kept, when anything is tried again.

mod bundle;
mod component;
mod consume;
mod count;
mod counted_lot;
mod fact;
mod finished;
mod goods;
mod group;
mod gtin;
mod literal;
mod measure;
mod order;
mod plan;
mod policy;
mod posting;
mod production;
mod question;
mod receipt;
mod resolve;
mod scrap;
mod shape;
mod stale;
pub mod step;
pub mod steps;
mod stock;
mod time;
mod transfer;
mod undo;
pub mod why;

use millrace_shared::message::Message;

pub use count::COUNT_PREFIX;
pub use fact::{
    Arrival, Component, Found, Item, Location, Movement, Order, Production, Purchase, Stock, Tracking, Unit,
    Units,
};
pub use group::{MESSAGES, group, timely};
pub use gtin::forms as gtin_forms;
pub use literal::{SHADOW, literal};
pub use measure::{decimal, quantity};
pub use plan::{Case, Plan, Verdict, judge};
pub use policy::{Booking, Dating, Exception, NegativeStock, Policies, PolicyTable};
pub use posting::{Posting, Shard, Stamp, Trail};
pub use production::Way;
pub use question::{Fact, Facts, Keeping, Place, Question};
pub use shape::Shape;

use resolve::Resolver;

/// The allow-list of a domain in Odoo, as its administrator pastes it: all that postings ever change, and no more.
pub const ALLOW_LIST: &str = include_str!("allow.json");

/// The plan for a message with what is known so far. Ask what it needs, add the answers, and plan again: each round
/// needs something new, so a few rounds end it.
pub fn plan(case: &Case<'_>, facts: &Facts) -> Plan {
    let resolver = Resolver {
        facts,
        company: case.company,
    };
    let posting = match (case.reverses, case.message) {
        (Some(original), _) => undo::plan(case, resolver, original),
        (None, Message::ProductionConfirm(message)) => production::plan(case, resolver, message),
        (None, Message::InventoryCount(message)) => count::plan(case, resolver, message),
        (None, Message::MaterialConsume(message)) => consume::plan(case, resolver, message),
        (None, Message::ScrapReport(message)) => scrap::plan(case, resolver, message),
        (None, Message::InventoryMove(message)) => transfer::plan(case, resolver, message, &[]),
        (None, Message::ReceiptArrive(message)) => receipt::plan(case, resolver, message),
    };
    match posting {
        Ok(posting) => Plan::Post(Box::new(posting)),
        Err(halt) => halt.into(),
    }
}

#[cfg(test)]
mod tests;
