//! `production.confirm`: goods were made on a production order.
//!
//! A confirmation is *registered* (the open order's quantity is raised), *split off* (posted, with a backorder for the
//! rest) or *closes* the order. Which of them follows from its completion and from the plant's booking.

use millrace_shared::message::{Code, Completion, ProductionConfirm};
use rust_decimal::Decimal;

use super::bundle::{Bundle, Finished, Row};
use super::component::{self, Used};
use super::fact::{Order, Production, Tracking, Units};
use super::plan::{Ask, Case, Halt, both, each};
use super::policy::{Booking, Policies};
use super::posting::Posting;
use super::resolve::Resolver;
use super::stock::{self, Taken};
use super::time;
use super::why::Why;

/// What a confirmation does to its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The order's quantity is raised; nothing moves yet.
    Register,
    /// What is registered is posted; the rest goes on as a backorder.
    Split,
    /// What is registered is posted and the order is done, short or over.
    Close,
}

impl Way {
    /// What follows from a completion when so much is registered in all. A partial one that leaves nothing to make
    /// keeps the order open until the final one: Odoo has no backorder of nothing.
    pub(super) fn of(completion: Completion, booking: Booking, total: Decimal, planned: Decimal) -> Self {
        match (completion, booking) {
            (Completion::Final, _) => Way::Close,
            (Completion::Auto, _) if total >= planned => Way::Close,
            (_, Booking::Post) if total < planned => Way::Split,
            _ => Way::Register,
        }
    }
}

pub(super) fn plan(case: &Case<'_>, resolver: Resolver<'_>, message: &ProductionConfirm) -> Ask<Posting> {
    let scanned = message
        .item
        .as_ref()
        .map(|code| resolver.item(code).map(|item| (item, code)))
        .transpose();
    let (((production, order), units), scanned) = both(
        both(resolver.open_order(&message.order), resolver.units()),
        scanned,
    )?;
    if let Some((item, code)) = scanned
        && item.id != order.product
    {
        let text = format!(
            "{} makes {}, but {code} was scanned: amend order or item",
            order.name, order.product_name
        );
        return Err(Halt::because(Why::WrongItem, text));
    }
    let policies = case.policies.at(case.stamp.kind, Some(&order.source));
    let code_unit = scanned.map_or(order.unit, |(item, _)| item.code_unit);
    let quantity = units.exact(&message.quantity, code_unit, order.unit)?;
    let finished = finished(message, order, units, code_unit)?;
    let used = each(
        message
            .components
            .iter()
            .map(|used| component::used(resolver, units, order, used)),
    )?;
    let (used, occurred) = both(
        component::by_line(&used),
        time::dating(case, resolver, policies.dating),
    )?;

    let total = order.registered + quantity;
    let way = Way::of(message.completion, policies.booking, total, order.planned);
    check_total(order, way, total)?;
    if way != Way::Register {
        component::check_lots(order, &used, total, policies)?;
    }
    let row = Row {
        stamp: case.stamp.clone(),
        code: message.order.clone(),
        item: scanned.map(|(item, code)| (item.clone(), code.clone())),
        quantity,
        completion: message.completion,
        captured: case.captured,
    };
    Ok(bundle(case, policies, (production, order), row, finished, used, occurred).build())
}

fn bundle(
    case: &Case<'_>,
    policies: Policies,
    (production, order): (&Production, &Order),
    row: Row,
    finished: Finished,
    used: Vec<Used>,
    occurred: Option<jiff::Timestamp>,
) -> Bundle {
    let taken: Vec<Taken> = order.components.iter().map(component::taken).collect();
    Bundle {
        company: case.company,
        group: production.group,
        below_zero: stock::say(policies.negative_stock, &taken),
        context: time::context(case, policies),
        booking: policies.booking,
        order: order.clone(),
        rows: vec![row],
        finished,
        used,
        occurred,
    }
}

/// Without a quantity of its own Odoo books the whole order.
fn check_total(order: &Order, way: Way, total: Decimal) -> Ask<()> {
    if way == Way::Close && total.is_zero() {
        let text = format!(
            "{} is to close with nothing made: cancel it in Odoo, or amend the quantity",
            order.name
        );
        return Err(Halt::because(Why::NothingMade, text));
    }
    Ok(())
}

/// The lot or serial numbers of what was made, with those that are registered already.
fn finished(message: &ProductionConfirm, order: &Order, units: &Units, code_unit: i64) -> Ask<Finished> {
    let dead = |why, text| Err(Halt::because(why, text));
    let name = &order.product_name;
    match order.tracking {
        Tracking::None if message.lot.is_none() && message.serials.is_empty() => Ok(Finished::Plain),
        Tracking::None => dead(
            Why::LotUnexpected,
            format!("{name} has no lots, but one was captured: amend it away"),
        ),
        Tracking::Lot if !message.serials.is_empty() => dead(
            Why::LotUnexpected,
            format!("{name} has lots, but serial numbers were captured: amend the message"),
        ),
        Tracking::Lot => lot(message.lot.as_ref(), order),
        Tracking::Serial => {
            let pieces = units.exact(&message.quantity, code_unit, order.product_unit)?;
            let named: Vec<Code> = message.lot.iter().chain(&message.serials).cloned().collect();
            serials(named, order, pieces)
        }
    }
}

fn lot(captured: Option<&Code>, order: &Order) -> Ask<Finished> {
    match (captured, &order.lots[..]) {
        (Some(lot), []) => Ok(Finished::Lot(lot.clone())),
        (Some(lot), [(_, registered)]) if registered == lot.as_str() => Ok(Finished::Registered),
        (None, [_]) => Ok(Finished::Registered),
        (Some(lot), [(_, registered), ..]) => {
            let text = format!(
                "{} has lot {registered} registered, and {lot} was scanned: an order that accumulates has one lot; \
                 close it first, set the booking to `post`, or amend the lot",
                order.name
            );
            Err(Halt::because(Why::LotDiffers, text))
        }
        (None, _) => {
            let text = format!(
                "{} is traced by lot: amend the message with it",
                order.product_name
            );
            Err(Halt::because(Why::LotMissing, text))
        }
    }
}

fn serials(named: Vec<Code>, order: &Order, pieces: Decimal) -> Ask<Finished> {
    let mut sorted = named.clone();
    sorted.sort();
    sorted.dedup();
    let known = |name: &&Code| order.lots.iter().any(|(_, lot)| lot == name.as_str());
    if let Some(twice) = sorted.iter().find(known) {
        let text = format!(
            "serial number {twice} is registered on {} already: discard, or amend it",
            order.name
        );
        return Err(Halt::because(Why::SerialCount, text));
    }
    if sorted.len() != named.len() || Decimal::from(named.len()) != pieces {
        let text = format!(
            "{pieces} of {} need as many different serial numbers, not {}",
            order.product_name,
            sorted.len()
        );
        return Err(Halt::because(Why::SerialCount, text));
    }
    Ok(Finished::Serials(named))
}
