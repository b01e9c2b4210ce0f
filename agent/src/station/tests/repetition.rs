//! Scans that are read again, and what they must not do twice.

use super::*;

#[test]
fn a_closing_scan_repeated_after_the_booking_says_already_booked_whenever_it_comes() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM]);
    for pause in [0, 1_000, 60_000, 86_400_000] {
        shift.wait(pause);
        let feedback = shift.at_once(CONFIRM);
        assert_eq!(feedback.tone, Tone::Already);
        assert!(
            feedback.text.starts_with("already booked: order 1"),
            "{feedback:?}"
        );
    }
    assert_eq!(shift.bookings.len(), 1);
}

#[test]
fn a_quantity_that_closes_is_recognised_when_it_is_repeated() {
    let mut profile = Profile::new(Makes::Production(Completion::Auto));
    profile.closes = Closes::Quantity;
    assert_eq!(profile.problems().len(), 1, "cannot keep the order as well");
    profile.keeps_place = false;
    let mut shift = Shift::with(profile);
    assert!(shift.refused("Q:5").contains("scan the order first"));
    assert_eq!(
        shift.tones(&["O:1", "Q:5", "Q:5", "O:1", "Q:5"]),
        [
            Tone::Taken,
            Tone::Booked,
            Tone::Already,
            Tone::Taken,
            Tone::Booked
        ]
    );
}

#[test]
fn an_order_command_or_serial_read_twice_at_once_counts_once() {
    let mut shift = production();
    shift.all_taken(&["O:1"]);
    assert_eq!(shift.at_once("O:1").tone, Tone::Already);
    shift.all_taken(&["SN:A", "SN:B"]);
    assert_eq!(shift.scan("SN:A").tone, Tone::Already);
    shift.all_taken(&[UNDO]);
    assert_eq!(
        shift.at_once(UNDO).tone,
        Tone::Already,
        "one press undoes one scan"
    );
    shift.all_taken(&[CONFIRM]);
    assert!(shift.body().contains(r#""serials":["A"]"#), "{}", shift.body());
}

#[test]
fn claims_of_one_dialogue_differ_and_a_new_dialogue_never_repeats_them() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM, "Q:5", CONFIRM]);
    shift.dialogue = Dialogue::new(shift.now);
    shift.all_taken(&["O:1", "Q:5", CONFIRM]);
    let mut claims: Vec<&str> = shift.bookings.iter().map(|b| b.claim.as_str()).collect();
    claims.sort_unstable();
    claims.dedup();
    assert_eq!(claims.len(), 3);
    assert_eq!(shift.bookings[0].content, shift.bookings[1].content);
}
