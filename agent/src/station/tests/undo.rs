//! What is taken back: a scan, an entry, a booking.

use super::*;

#[test]
fn undo_takes_back_scan_by_scan_and_then_the_stored_message() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM]);
    let first = shift.bookings[0].clone();
    shift.all_taken(&["Q:7", UNDO]);
    assert!(!shift.dialogue.is_open());
    shift.wait(10_000);
    let feedback = shift.scan(UNDO);
    assert_eq!(feedback.tone, Tone::Booked, "{feedback:?}");
    let undo = shift.bookings.last().unwrap();
    assert_eq!(undo.message, first.message);
    assert!(undo.reverses.as_ref().unwrap().to_string().contains(":normal:1:"));
    assert_eq!(shift.scan(UNDO).tone, Tone::Already);
    shift.all_taken(&[CANCEL]);
    assert!(shift.refused(UNDO).contains("nothing to undo"));
    assert_eq!(shift.bookings.len(), 2);
}

#[test]
fn undo_of_a_stored_message_waits_for_its_name_and_ends_with_its_window() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM]);
    let id = shift.dialogue.booked.as_mut().unwrap().id.take();
    assert!(shift.dialogue.unnamed().is_some());
    assert!(shift.refused(UNDO).contains("cannot be undone yet"));
    shift.dialogue.kept(&[id.unwrap()]);
    shift.wait(31 * 60_000);
    let feedback = shift.scan(UNDO);
    assert!(feedback.text.contains("too late"), "{feedback:?}");
}

#[test]
fn cancel_drops_the_open_entry_and_nothing_else() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5", CONFIRM, "O:2", "Q:6"]);
    assert!(shift.scan(CANCEL).text.contains("order 2"));
    assert!(shift.refused(CONFIRM).contains("nothing to confirm"));
    assert_eq!(shift.bookings.len(), 1);
}

#[test]
fn a_trial_shows_dialogue_and_messages_and_undoes_what_it_made() {
    let station = production().station;
    let scans = ["O:1", "Q:5", CONFIRM, CONFIRM, UNDO, "Q:x"].map(str::to_owned);
    let played = trial::rehearse(&station, &scans, moment(0), 5_000).unwrap();
    let tones: Vec<String> = played.iter().map(|p| p.feedback.tone.to_string()).collect();
    assert_eq!(
        tones,
        ["taken", "taken", "booked", "already", "booked", "refused"]
    );
    assert!(played[4].message.as_ref().unwrap().reverses.is_some());
    assert_eq!(played[2].message.as_ref().unwrap().kind, "production.confirm");
}
