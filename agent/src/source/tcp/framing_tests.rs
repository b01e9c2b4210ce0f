//! What framing promises.

use proptest::prelude::*;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn framer(name: &str, longest: usize) -> Framer {
    Framer::new(Framing::named(name).unwrap(), longest, PATIENCE)
}

fn scan(text: &str) -> Frame {
    Frame::Scan(text.as_bytes().to_vec())
}

#[test]
fn lines_end_with_cr_lf_or_both_and_empty_ones_are_nothing() {
    let mut framer = framer("line", 100);
    assert_eq!(
        framer.feed(b"A\rB\nC\r\n\r\n\nD", 0),
        [scan("A"), scan("B"), scan("C")]
    );
    assert_eq!(framer.feed(b"\r", 0), [scan("D")]);
}

#[test]
fn each_strict_framing_knows_its_own_mark_only() {
    assert_eq!(framer("cr", 100).feed(b"A\nB\r", 0), [scan("A\nB")]);
    assert_eq!(framer("lf", 100).feed(b"A\rB\n", 0), [scan("A\rB")]);
    assert_eq!(
        framer("crlf", 100).feed(b"A\rB\nC\r\n\r\n", 0),
        [scan("A\rB\nC"), scan("")]
    );
    assert_eq!(framer("tab", 100).feed(b"A B\t", 0), [scan("A B")]);
}

#[test]
fn between_stx_and_etx_stands_a_scan_and_elsewhere_nothing_that_counts() {
    let mut framer = framer("stx-etx", 100);
    assert_eq!(
        framer.feed(b"\x02A\x03\r\n\x02B\r\x03x\x02C\x03", 0),
        [
            scan("A"),
            scan("B\r"),
            Frame::Unfinished(b"x".to_vec()),
            scan("C")
        ]
    );
    assert_eq!(
        framer.feed(b"\x02half\x02whole\x03", 0),
        [Frame::Unfinished(b"half".to_vec()), scan("whole")]
    );
}

#[test]
fn marks_of_several_bytes_are_found_across_reads() {
    let framing = Framing::Delimited {
        start: b"\x02<".to_vec(),
        end: b"\r\n\x03".to_vec(),
    };
    let mut framer = Framer::new(framing, 100, PATIENCE);
    assert_eq!(framer.feed(b"\x02", 0), []);
    assert_eq!(framer.feed(b"<CODE\r\n", 0), []);
    assert_eq!(framer.feed(b"\x03", 0), [scan("CODE")]);
}

#[test]
fn a_scan_over_the_limit_is_reported_with_its_beginning_and_the_next_one_is_whole() {
    let mut framer = framer("line", 4);
    let input = [b"1234\r12345\r".as_slice(), &[b'x'; 10_000], b"\rok\r"].concat();
    assert_eq!(
        framer.feed(&input, 0),
        [
            scan("1234"),
            Frame::TooLong {
                beginning: b"1234".to_vec(),
                bytes: 5
            },
            Frame::TooLong {
                beginning: b"xxxx".to_vec(),
                bytes: 10_000
            },
            scan("ok"),
        ]
    );
}

#[test]
fn silence_ends_a_scan_where_it_is_the_mark() {
    let mut framer = Framer::new(Framing::Idle(Duration::from_millis(50)), 100, PATIENCE);
    assert_eq!(framer.feed(b"AB", 0), []);
    assert_eq!(framer.handle_timeout(49), None);
    assert_eq!(framer.feed(b"C\r\n", 40), []);
    assert_eq!(framer.deadline_ms(), Some(90));
    assert_eq!(framer.handle_timeout(90), Some(scan("ABC")));
    assert_eq!(framer.deadline_ms(), None);
    framer.feed(b"\r\n", 100);
    assert_eq!(framer.handle_timeout(200), None);
}

#[test]
fn half_a_scan_is_given_up_in_time_and_never_glued_to_the_next() {
    let mut framer = framer("cr", 100);
    framer.feed(b"HALF", 0);
    assert_eq!(
        framer.handle_timeout(10_000),
        Some(Frame::Unfinished(b"HALF".to_vec()))
    );
    assert_eq!(framer.feed(b"WHOLE\r", 11_000), [scan("WHOLE")]);
}

fn any_framing() -> impl Strategy<Value = Framing> {
    prop::sample::select(vec!["line", "cr", "lf", "crlf", "tab", "stx-etx"])
        .prop_map(|name| Framing::named(name).unwrap())
        .boxed()
        .prop_union(Just(Framing::Idle(Duration::from_millis(20))).boxed())
}

fn marks(framing: &Framing) -> (Vec<u8>, Vec<u8>) {
    match framing {
        Framing::Line => (Vec::new(), b"\r\n".to_vec()),
        Framing::Delimited { start, end } => (start.clone(), end.clone()),
        Framing::Idle(_) => (Vec::new(), Vec::new()),
    }
}

proptest! {
    #[test]
    fn scans_come_out_as_they_went_in_however_the_stream_is_cut(
        framing in any_framing(),
        scans in prop::collection::vec("[ -~]{1,20}", 1..10),
        cuts in prop::collection::vec(1usize..7, 1..20),
    ) {
        let (start, end) = marks(&framing);
        let by_silence = matches!(framing, Framing::Idle(_));
        let mut framer = Framer::new(framing, 20, PATIENCE);
        let mut found = Vec::new();
        let mut now = 0;
        for scan in &scans {
            let bytes = [start.as_slice(), scan.as_bytes(), &end].concat();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                let (now_part, later) = rest.split_at((*cut).min(rest.len()));
                found.extend(framer.feed(now_part, now));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            now += 20;
            if by_silence {
                found.extend(framer.handle_timeout(now));
            }
        }
        let wanted: Vec<Frame> = scans.iter().map(|text| scan(text)).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn whatever_arrives_frames_keep_to_the_limit_and_a_good_scan_is_found_afterwards(
        framing in any_framing(),
        noise in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(vec![2u8, 3, 9, 10, 13])], 0..300),
    ) {
        let (start, end) = marks(&framing);
        let mut framer = Framer::new(framing, 16, PATIENCE);
        let mut frames = framer.feed(&noise, 0);
        frames.extend(framer.handle_timeout(10_000));
        for frame in &frames {
            let (Frame::Scan(bytes) | Frame::TooLong { beginning: bytes, .. } | Frame::Unfinished(bytes)) = frame;
            prop_assert!(bytes.len() <= 16 + start.len().max(end.len()));
        }
        prop_assert_eq!(framer.deadline_ms(), None);
        let mut found = framer.feed(&[start.as_slice(), b"GOOD", &end].concat(), 20_000);
        found.extend(framer.handle_timeout(40_000));
        prop_assert_eq!(found, [scan("GOOD")]);
    }
}
