//! Sections `[plant.policy]` and `[[plant.policy.exception]]`: what a plant decides for itself.

use millrace_shared::config::Section;

use crate::post::{Booking, Dating, Exception, NegativeStock, Policies, PolicyTable};

/// Most exceptions of one plant.
const EXCEPTIONS: usize = 64;

const NEGATIVE_STOCK: [(&str, NegativeStock); 3] = [
    ("wait", NegativeStock::Wait),
    ("refuse", NegativeStock::Refuse),
    ("allow", NegativeStock::Allow),
];
const DATING: [(&str, Dating); 2] = [("posted", Dating::Posted), ("occurred", Dating::Occurred)];
const BOOKING: [(&str, Booking); 2] = [("accumulate", Booking::Accumulate), ("post", Booking::Post)];

/// Reads `[plant.policy]`; the safe defaults where it is absent.
pub fn read(plant: &mut Section<'_>) -> PolicyTable {
    plant
        .section("policy", |policy| Some(table(policy)))
        .unwrap_or_default()
}

fn table(policy: &mut Section<'_>) -> PolicyTable {
    let base = exception(policy).over(Policies::default());
    let exceptions = policy.sections("exception", EXCEPTIONS, |section| {
        let kind = section.parsed("kind", "write a kind, such as \"inventory.count\"");
        let location = section.parsed(
            "location",
            "write a location's complete name, such as \"WH/Stock\"",
        );
        Some(Exception {
            kind,
            location,
            ..exception(section)
        })
    });
    PolicyTable { base, exceptions }
}

fn exception(section: &mut Section<'_>) -> Exception {
    Exception {
        kind: None,
        location: None,
        negative_stock: given(section, "negative_stock", &NEGATIVE_STOCK),
        dating: given(section, "date", &DATING),
        booking: given(section, "production", &BOOKING),
        unplanned_components: flag(section, "unplanned_components"),
        reserved_lots: flag(section, "reserved_lots"),
        over_receipt: flag(section, "over_receipt"),
        new_lots_in_counts: flag(section, "new_lots_in_counts"),
        chatter: flag(section, "chatter"),
    }
}

fn given<T: Copy>(section: &mut Section<'_>, name: &'static str, words: &[(&str, T)]) -> Option<T> {
    if section.has(name) {
        section.choice(name, words)
    } else {
        None
    }
}

fn flag(section: &mut Section<'_>, name: &'static str) -> Option<bool> {
    section.has(name).then(|| section.flag(name, false))
}
