//! Whatever is scanned.

use super::*;

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
