//! What is gathered into an entry, and the message that it becomes.

use super::*;

#[test]
fn an_order_a_quantity_and_confirm_make_a_production_confirmation() {
    let mut shift = production();
    shift.all_taken(&["B:ANNA", "O:WH/MO/00012", "Q:5", CONFIRM]);
    assert_eq!(
        shift.body(),
        r#"{"order":"WH/MO/00012","item":null,"quantity":{"value":"5","unit":null},"completion":"auto","lot":null,"serials":[],"components":[]}"#
    );
    let booking = shift.bookings.last().unwrap();
    assert_eq!(booking.operator.as_ref().unwrap().as_str(), "ANNA");
    assert_eq!(booking.raw, "O:WH/MO/00012\nQ:5\nCMD:CONFIRM\n");
}

#[test]
fn final_finishes_the_order_even_with_nothing_more_made() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM, FINAL]);
    assert!(shift.body().contains(r#""value":"0""#) && shift.body().contains("final"));
    assert!(shift.refused("Q:1").contains("scan the order first"));
}

#[test]
fn items_count_by_repetition_however_fast_they_come() {
    let mut shift = production();
    shift.all_taken(&["O:1"]);
    for _ in 0..12 {
        assert_eq!(shift.at_once("ITEM-A").tone, Tone::Taken);
    }
    shift.all_taken(&[CONFIRM]);
    assert!(shift.body().contains(r#""value":"12""#), "{}", shift.body());
}

#[test]
fn a_component_with_lot_from_its_label_is_consumed_on_the_kept_order() {
    let mut shift = Shift::of(Makes::Consumption);
    let label = "]C1010401234567890110LOT-7\u{1d}3008";
    let label = &label.replace("04012345678901", "04006381333931");
    shift.all_taken(&["O:1", label, CONFIRM, "BOLT", "LOT:L2", "Q:4 kg", CONFIRM]);
    let bodies: Vec<String> = shift.bookings.iter().map(|b| b.message.body().unwrap()).collect();
    assert_eq!(
        bodies,
        [
            r#"{"order":"1","item":"04006381333931","lot":"LOT-7","quantity":{"value":"8","unit":null}}"#,
            r#"{"order":"1","item":"BOLT","lot":"L2","quantity":{"value":"4","unit":"kg"}}"#,
        ]
    );
}

#[test]
fn weights_on_labels_add_up_in_kilograms() {
    let mut shift = Shift::of(Makes::Count);
    let label = |digits: &str| format!("0104006381333931310{digits}");
    shift.all_taken(&["L:SHELF", &label("3001500"), &label("2000250"), CONFIRM]);
    assert!(
        shift.body().contains(r#"{"value":"4.000","unit":"kg"}"#),
        "{}",
        shift.body()
    );
}

#[test]
fn a_count_of_nothing_is_a_count() {
    let mut shift = Shift::of(Makes::Count);
    shift.all_taken(&["L:SHELF", "Q:0", "ITEM-A", CONFIRM]);
    assert_eq!(
        shift.body(),
        r#"{"item":"ITEM-A","location":"SHELF","lot":null,"quantity":{"value":"0","unit":null}}"#
    );
    shift.all_taken(&["ITEM-B", "ITEM-B", CONFIRM]);
    assert!(shift.body().contains("SHELF") && shift.body().contains(r#""value":"2""#));
}

#[test]
fn an_article_is_the_same_by_its_ean_and_by_its_gtin() {
    let mut shift = Shift::of(Makes::Count);
    shift.all_taken(&["L:A", "]E04006381333931", "]C10104006381333931", CONFIRM]);
    assert!(shift.body().contains(r#""value":"2""#));
}

#[test]
fn serial_numbers_are_pieces_and_must_agree_with_the_quantity() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:3", "SN:A", "SN:B"]);
    assert!(shift.refused(CONFIRM).contains("2 serial numbers"));
    shift.all_taken(&["SN:C"]);
    assert!(shift.refused("SN:D").contains("more serial numbers"));
    shift.all_taken(&[CONFIRM]);
    assert!(shift.body().contains(r#""serials":["A","B","C"]"#));
    let numbers: Vec<String> = (0..15).map(|n| format!("SN:{n}")).collect();
    shift.all_taken(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(shift.refused("SN:16").contains("confirm first"));
    shift.all_taken(&[CONFIRM]);
}

#[test]
fn components_are_collected_by_article_and_lot_beside_what_is_made() {
    let mut profile = Profile::new(Makes::Production(Completion::Auto));
    profile.items = Items::Components;
    let mut shift = Shift::with(profile);
    let labelled = |tail: &str| format!("0104006381333931{tail}");
    let (lot, serial) = (labelled("10L1\u{1d}305"), labelled("21S1"));
    shift.all_taken(&["O:1", &lot, "BOLT", "BOLT", &lot, &serial]);
    assert_eq!(shift.scan(&serial).tone, Tone::Already);
    assert!(shift.refused(CONFIRM).contains("scan the quantity first"));
    shift.all_taken(&["Q:2", "LOT:MADE", CONFIRM]);
    let body = shift.body();
    for part in [
        r#"{"item":"04006381333931","lot":"L1","quantity":{"value":"10","unit":null}}"#,
        r#"{"item":"BOLT","lot":null,"quantity":{"value":"2","unit":null}}"#,
        r#"{"item":"04006381333931","lot":"S1","quantity":{"value":"1","unit":null}}"#,
        r#""quantity":{"value":"2","unit":null},"completion":"auto","lot":"MADE""#,
    ] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
}

#[test]
fn a_plant_s_own_codes_are_told_by_prefix_or_pattern() {
    let mut profile = Profile::new(Makes::Production(Completion::Partial));
    profile.vocabulary.rules.splice(
        0..0,
        [
            Rule::prefix("WH/MO/", true, Meaning::Order),
            Rule::pattern(r"\d{1,5}", Meaning::Quantity).unwrap(),
            Rule::pattern(r"\*(.+)\*", Meaning::Badge).unwrap(),
        ],
    );
    profile.vocabulary.unmarked = None;
    let mut shift = Shift::with(profile);
    shift.all_taken(&["*ANNA*", "WH/MO/00012", "12", CONFIRM]);
    assert!(shift.body().contains(r#""order":"WH/MO/00012""#) && shift.body().contains("partial"));
    assert!(shift.refused("WHAT").contains("none of this station's prefixes"));
}
