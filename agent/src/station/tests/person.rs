//! Badges, and entries that are left alone.

use super::*;

#[test]
fn another_badge_in_an_open_entry_is_refused_or_cancels_it_by_profile() {
    let mut shift = production();
    shift.all_taken(&["B:ANNA", "O:1", "Q:5"]);
    assert!(shift.refused("B:BERT").contains("ANNA"));
    let mut profile = Profile::new(Makes::Production(Completion::Auto));
    profile.badge_change = BadgeChange::Cancel;
    let mut shift = Shift::with(profile);
    shift.all_taken(&["B:ANNA", "O:1", "Q:5", "B:BERT"]);
    assert!(shift.refused(CONFIRM).contains("nothing to confirm"));
    shift.all_taken(&["O:1", "Q:6", CONFIRM]);
    assert_eq!(shift.bookings[0].operator.as_ref().unwrap().as_str(), "BERT");
}

#[test]
fn where_a_badge_is_required_nothing_is_taken_before_it_nor_after_it_lapsed() {
    let mut profile = Profile::new(Makes::Production(Completion::Auto));
    profile.badge = Badge::Required;
    let mut shift = Shift::with(profile);
    assert!(shift.refused("O:1").contains("badge"));
    shift.all_taken(&["B:ANNA", "O:1"]);
    shift.wait(Duration::from_secs(9 * 3600).as_millis() as u64);
    assert!(shift.scan("Q:5").text.contains("badge"));
}

#[test]
fn an_entry_that_nobody_goes_on_with_is_dropped_and_the_operator_is_told() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5"]);
    shift.wait(16 * 60_000);
    let feedback = shift.scan(CONFIRM);
    assert_eq!(feedback.tone, Tone::Refused);
    assert!(feedback.text.contains("dropped after 965 s"), "{feedback:?}");
    assert!(shift.bookings.is_empty());
}

#[test]
fn after_a_reboot_time_is_told_by_the_wall_clock_and_never_runs_backwards() {
    let mut shift = production();
    shift.all_taken(&["O:1", "Q:5"]);
    shift.now.boot = 8;
    shift.now.monotonic_ms = 10;
    shift.now.wall_ms -= 3_600_000;
    shift.all_taken(&[CONFIRM]);
}
