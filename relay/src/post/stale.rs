//! What moved between a count and its posting.
//!
//! What our own messages moved that were captured later is added to the count; what they moved that were captured
//! earlier lay there when it was counted. What others moved nobody can place before or after the count: then it waits
//! for a person, who sees both figures.

use rust_decimal::Decimal;

use super::fact::{Item, Movement, Stock};
use super::plan::{Ask, Case, Halt};
use super::why::Why;

/// What our own messages moved that were captured after the count.
pub(super) fn moved_since(case: &Case<'_>, item: &Item, counted: Decimal, stock: &Stock) -> Ask<Decimal> {
    if stock.other_rows > 0 {
        let text = format!(
            "{} lies there in packages or for other owners, which a count of codes cannot tell",
            item.name
        );
        return Err(Halt::because(Why::Packaged, text));
    }
    let mut net = Decimal::ZERO;
    let mut strange = Vec::new();
    for movement in &stock.movements {
        match movement.captured {
            Some((_, last)) if last <= case.captured => {}
            Some((first, _)) if first > case.captured && movement.is_count => {
                let text = format!("a later count took effect already ({})", movement.reference);
                return Err(Halt::because(Why::Overtaken, text));
            }
            Some((first, _)) if first > case.captured => net += movement.quantity,
            _ if case.released => net += movement.quantity,
            _ => strange.push(movement),
        }
    }
    if strange.is_empty() {
        Ok(net)
    } else {
        Err(stale(item, (counted, counted + net), stock, &strange))
    }
}

/// Both figures, and what a person can do. `net` is the count with what our own later messages moved.
fn stale(item: &Item, (counted, net): (Decimal, Decimal), stock: &Stock, strange: &[&Movement]) -> Halt {
    const SHOWN: usize = 3;
    let since: Decimal = stock.movements.iter().map(|movement| movement.quantity).sum();
    let by_others: Decimal = strange.iter().map(|movement| movement.quantity).sum();
    let list: Vec<String> = strange
        .iter()
        .take(SHOWN)
        .map(|movement| format!("{:+} {}", movement.quantity, movement.reference))
        .collect();
    let more = if strange.len() > SHOWN { ", …" } else { "" };
    let text = format!(
        "counted {counted} of {} when the book said {}; it says {} now, {by_others:+} of it moved by others ({}{more}). \
         Release the message if those came after the count (then {} is set), discard it and count again if not",
        item.name,
        (stock.book - since).normalize(),
        stock.book.normalize(),
        list.join(", "),
        (net + by_others).normalize(),
    );
    Halt::because(Why::StaleCount, text)
}
