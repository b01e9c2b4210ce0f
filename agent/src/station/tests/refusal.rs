//! What is refused, with its reason.

use super::*;

#[test]
fn a_quantity_that_cannot_be_meant_is_refused_and_says_why() {
    let mut shift = production();
    shift.all_taken(&["O:1"]);
    assert!(
        shift
            .refused("Q:4006381333931")
            .contains("looks like an article number")
    );
    assert!(shift.refused("Q:100001").contains("more than this station takes"));
    for bad in ["Q:-1", "Q:0", "Q:1e3", "Q:five", "Q:", "Q:1,5", "Q:+1"] {
        shift.refused(bad);
    }
    shift.all_taken(&["Q:99999.5", CONFIRM]);
}

#[test]
fn counting_beyond_the_maximum_is_refused_at_the_scan_that_exceeds_it() {
    let mut profile = Profile::new(Makes::Count);
    profile.quantity_max = Decimal::from(3);
    let mut shift = Shift::with(profile);
    shift.all_taken(&["L:A", "X", "X", "X"]);
    assert!(shift.refused("X").contains("more than this station takes"));
}

#[test]
fn a_wrong_check_digit_an_unknown_label_and_an_odd_code_are_refused_with_their_reason() {
    let mut shift = Shift::of(Makes::Count);
    shift.all_taken(&["L:A"]);
    assert!(shift.refused("]d20104006381333932").contains("wrong check digit"));
    assert!(
        shift
            .refused("]C100123456789012345675")
            .contains("no GS1 application identifier")
    );
    assert!(shift.refused("O:1").contains("counts stock"));
    assert!(shift.refused(&"x".repeat(200)).contains("longer than 128"));
    assert!(shift.refused(CONFIRM).contains("scan the item first"));
}

#[test]
fn expired_goods_are_refused_where_the_profile_says_so() {
    let mut profile = Profile::new(Makes::Consumption);
    profile.expired = Expired::Refuse;
    let mut shift = Shift::with(profile);
    shift.all_taken(&["O:1"]);
    assert!(
        shift
            .refused("010400638133393117200101")
            .contains("expired on 2020-01-01")
    );
    shift.all_taken(&["010400638133393117751231"]);
}

#[test]
fn another_item_or_order_within_an_entry_is_refused() {
    let mut shift = Shift::of(Makes::Consumption);
    shift.all_taken(&["O:1", "A"]);
    assert!(shift.refused("B-1").contains("item A is open"));
    assert!(shift.refused("O:2").contains("order 1 is open"));
    shift.all_taken(&["LOT:L1"]);
    assert!(shift.refused("LOT:L2").contains("L1 is open"));
}

#[test]
fn components_beyond_the_keys_of_a_message_are_refused() {
    let mut profile = Profile::new(Makes::Production(Completion::Auto));
    profile.items = Items::Components;
    let mut shift = Shift::with(profile);
    shift.all_taken(&["O:1"]);
    for n in 0..15 {
        shift.all_taken(&[&format!("PART-{n}")]);
    }
    assert!(shift.refused("PART-15").contains("confirm first"));
    shift.all_taken(&["Q:1", CONFIRM]);
    assert!(shift.bookings[0].message.check().is_ok());
}
