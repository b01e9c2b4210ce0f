//! A shelf of bolts that somebody counts: one key, so that its counts have an order.

use millrace_tests::world::{World, scan};

/// Counts it, with a quantity such as `Q:31`.
pub fn count(world: &World, quantity: &str) {
    let told = scan(
        world.count,
        &["L:SHELF-1", "I:PART-BOLT", quantity, "CMD:CONFIRM"],
    )
    .unwrap();
    assert!(told[3].starts_with("BOOKED"), "{told:?}");
}
