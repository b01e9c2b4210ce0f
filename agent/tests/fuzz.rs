//! Fuzz targets for everything that reads bytes from outside: framing, barcodes, stations, files and forms.
//!
//! With `cargo test` each target is fed random inputs for a moment. For a long run under libFuzzer:
//! `cargo install cargo-bolero`, then `cargo bolero test -p millrace-agent --test fuzz gs1_element_strings`.

use std::time::Duration;

use bolero::check;
use millrace_agent::convert::file::{self, Format};
use millrace_agent::convert::form::{self, Form, Payload};
use millrace_agent::convert::gs1;
use millrace_agent::convert::table::Dialect;
use millrace_agent::source::tcp::framing::{Frame, Framer, Framing};
use millrace_agent::source::tcp::reply::Template;
use millrace_agent::station::{Dialogue, Makes, Profile, Station, Tone};
use millrace_shared::envelope::Moment;
use millrace_shared::message::{Completion, Message};

/// How long each target runs under `cargo test`.
const SMOKE: Duration = Duration::from_secs(2);
const LONGEST: usize = 64;

#[test]
fn scanner_framing() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        let names = ["line", "cr", "lf", "crlf", "tab", "stx-etx"];
        let (framing, bytes) = match input.split_first() {
            Some((choice, bytes)) => (names.get(usize::from(*choice) % 7), bytes),
            None => return,
        };
        let silence = Duration::from_millis(5);
        let framing = framing
            .and_then(|name| Framing::named(name))
            .unwrap_or(Framing::Idle(silence));
        let whole = frames(framing.clone(), [bytes]);
        let by_byte = frames(framing, bytes.chunks(1));
        assert_eq!(whole, by_byte, "how the stream is cut makes no difference");
    });
}

fn frames<'b>(framing: Framing, parts: impl IntoIterator<Item = &'b [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new(framing, LONGEST, Duration::from_secs(1));
    let mut frames: Vec<Frame> = parts.into_iter().flat_map(|part| framer.feed(part, 0)).collect();
    frames.extend(framer.handle_timeout(u64::MAX));
    assert_eq!(framer.deadline_ms(), None);
    for frame in &frames {
        let (Frame::Scan(bytes) | Frame::TooLong { beginning: bytes, .. } | Frame::Unfinished(bytes)) = frame;
        assert!(bytes.len() <= LONGEST + 2);
    }
    frames
}

#[test]
fn gs1_element_strings() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        if let Ok(parsed) = gs1::parse(&text, 2026) {
            let written = parsed.to_string();
            let again = gs1::parse(&written, 2026).expect("what is written is read");
            assert_eq!(again.elements, parsed.elements);
        }
    });
}

#[test]
fn station_dialogues() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        let makes = [
            Makes::Production(Completion::Auto),
            Makes::Consumption,
            Makes::Count,
        ];
        let makes = makes[usize::from(input.first().copied().unwrap_or(0)) % 3];
        let station = Station {
            name: "S".to_owned(),
            profile: Profile::new(makes),
        };
        let mut now = Moment {
            wall_ms: 0,
            offset_minutes: 0,
            boot: 1,
            monotonic_ms: 0,
        };
        let mut dialogue = Dialogue::new(now);
        for scan in String::from_utf8_lossy(input).split('\n').take(50) {
            let step = station.handle(&dialogue, scan, now);
            assert_eq!(step.booking.is_some(), step.feedback.tone == Tone::Booked);
            if let Some(booking) = &step.booking {
                let (kind, body) = (booking.message.kind(), booking.message.body().expect("a body"));
                assert_eq!(Message::parse(kind, 1, &body).as_ref(), Ok(&booking.message));
            }
            let kept = step.dialogue.to_bytes().expect("a dialogue can be kept");
            dialogue = Dialogue::from_bytes(&kept).expect("and read again");
            now.monotonic_ms += 1000;
        }
    });
}

#[test]
fn dropped_files() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        for format in [Format::Json, Format::Csv] {
            if let Ok(read) = file::read(input, format, Dialect::default(), Some("inventory.count"), 100) {
                let bad = read.lines.iter().filter(|line| line.form.is_err());
                let extract = read.extract(bad);
                assert!(extract.len() <= input.len() + 2 * read.lines.len() + 2);
            }
        }
    });
}

#[test]
fn json_forms() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let texts = match form::split_json(&text) {
            Ok(Payload::One(one)) => vec![one],
            Ok(Payload::Many(many)) => many,
            Err(_) => return,
        };
        for form in texts.into_iter().flat_map(Form::parse) {
            form.content().expect("a form that was read has a digest");
        }
    });
}

#[test]
fn reply_templates() {
    check!().with_test_time(SMOKE).for_each(|input: &[u8]| {
        if let Ok(template) = String::from_utf8_lossy(input).parse::<Template>() {
            assert!(template.fill("x").len() <= 257);
        }
    });
}
