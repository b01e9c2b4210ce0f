//! What a station promises its operator.

use std::time::Duration;

use millrace_shared::envelope::Moment;
use millrace_shared::ident::{Epoch, Lane, MessageId, Position};
use millrace_shared::message::{Completion, Message};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

const CONFIRM: &str = "CMD:CONFIRM";
const FINAL: &str = "CMD:FINAL";
const UNDO: &str = "CMD:UNDO";
const CANCEL: &str = "CMD:CANCEL";

fn moment(ms: u64) -> Moment {
    Moment {
        wall_ms: 1_790_000_000_000 + ms as i64,
        offset_minutes: 120,
        boot: 7,
        monotonic_ms: ms,
    }
}

/// A station with one scanner whose every step is committed, and what its operator heard.
struct Shift {
    station: Station,
    dialogue: Dialogue,
    now: Moment,
    bookings: Vec<Booking>,
}

impl Shift {
    fn of(makes: Makes) -> Self {
        Self::with(Profile::new(makes))
    }

    fn with(profile: Profile) -> Self {
        assert_eq!(profile.problems(), Vec::<String>::new());
        Self {
            station: Station {
                name: "S1".into(),
                profile,
            },
            dialogue: Dialogue::new(moment(0)),
            now: moment(0),
            bookings: Vec::new(),
        }
    }

    fn wait(&mut self, ms: u64) {
        self.now = Moment {
            wall_ms: self.now.wall_ms + ms as i64,
            monotonic_ms: self.now.monotonic_ms + ms,
            ..self.now
        };
    }

    /// Scans without a pause before it: a double reading.
    fn at_once(&mut self, scan: &str) -> Feedback {
        let step = self.station.handle(&self.dialogue, scan, self.now);
        if step.feedback.tone == Tone::Booked {
            assert!(step.booking.is_some());
        }
        // What is committed is what is read back after a restart.
        self.dialogue = Dialogue::from_bytes(&step.dialogue.to_bytes().unwrap()).unwrap();
        if let Some(booking) = step.booking {
            let position = Position {
                epoch: Epoch(1),
                lane: Lane::Normal,
                sequence: self.bookings.len() as u64 + 1,
            };
            let id = MessageId::new("a".parse().unwrap(), position, &booking.content);
            self.dialogue.kept(&[id]);
            self.bookings.push(booking);
        }
        step.feedback
    }

    fn scan(&mut self, scan: &str) -> Feedback {
        self.wait(5_000);
        self.at_once(scan)
    }

    fn tones(&mut self, scans: &[&str]) -> Vec<Tone> {
        scans.iter().map(|scan| self.scan(scan).tone).collect()
    }

    fn all_taken(&mut self, scans: &[&str]) {
        for scan in scans {
            let feedback = self.scan(scan);
            assert!(
                matches!(feedback.tone, Tone::Taken | Tone::Booked),
                "{scan}: {feedback:?}"
            );
        }
    }

    fn body(&self) -> String {
        self.bookings.last().unwrap().message.body().unwrap()
    }

    fn refused(&mut self, scan: &str) -> String {
        let before = self.dialogue.clone();
        let feedback = self.scan(scan);
        assert_eq!(feedback.tone, Tone::Refused, "{scan}: {feedback:?}");
        assert_eq!(self.dialogue, before, "a refused scan changes nothing");
        feedback.text
    }
}

fn production() -> Shift {
    Shift::of(Makes::Production(Completion::Auto))
}

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

fn any_scan() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "O:1",
            "O:2",
            "B:A",
            "B:B",
            "L:X",
            "L:Y",
            "Q:1",
            "Q:5",
            "Q:0",
            "A",
            "B",
            "LOT:1",
            "LOT:2",
            "SN:1",
            "SN:2",
            "]C10104006381333931\u{1d}10L",
            CONFIRM,
            FINAL,
            UNDO,
            CANCEL,
            "CMD:",
            "",
            "]",
            "O:",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,30}",
    ]
}

proptest! {
    #[test]
    fn whatever_is_scanned_messages_are_valid_and_repeating_a_closing_scan_adds_none(
        makes in prop::sample::select(vec![Makes::Production(Completion::Auto), Makes::Consumption, Makes::Count]),
        scans in prop::collection::vec((any_scan(), 0u64..8_000), 1..60),
    ) {
        let mut shift = Shift::of(makes);
        for (scan, pause) in scans {
            shift.wait(pause);
            let before = shift.bookings.len();
            let tone = shift.at_once(&scan).tone;
            prop_assert_eq!(tone == Tone::Booked, shift.bookings.len() == before + 1);
            if tone == Tone::Booked {
                let message = &shift.bookings[before].message;
                let body = message.body().unwrap();
                prop_assert_eq!(&Message::parse(message.kind(), 1, &body).unwrap(), message);
                prop_assert_eq!(shift.at_once(&scan).tone, Tone::Already);
                shift.wait(60_000);
                prop_assert_eq!(shift.at_once(&scan).tone, Tone::Already);
            }
            prop_assert!(shift.dialogue.to_bytes().unwrap().len() < 64 * 1024);
        }
    }
}
