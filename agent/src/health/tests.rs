//! When a service counts as alive, and what those who ask are told.

use super::*;

fn at(boot: u64, seconds: u64) -> Moment {
    Moment {
        wall_ms: seconds as i64 * 1000,
        offset_minutes: 0,
        boot,
        monotonic_ms: seconds * 1000,
    }
}

fn pulse(written: Moment) -> Pulse {
    Pulse {
        version: "1".to_owned(),
        process: 1,
        started: written,
        written,
        stopped: false,
        link: LinkState::default(),
        closed: Closed::new(),
        marks: Vec::new(),
    }
}

#[test]
fn a_pulse_that_is_old_or_of_another_run_of_the_machine_or_the_last_one_is_no_sign_of_life() {
    let pulse = pulse(at(1, 100));
    assert!(pulse.is_alive(at(1, 120)));
    assert!(!pulse.is_alive(at(1, 140)));
    assert!(!pulse.is_alive(at(2, 100)));
    let last = Pulse {
        stopped: true,
        ..pulse
    };
    assert!(!last.is_alive(at(1, 100)));
}

#[test]
fn a_pulse_is_read_as_it_was_written_and_rubbish_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Pulse::read(folder.path()), None);
    let pulse = pulse(at(1, 100));
    pulse.write(folder.path()).unwrap();
    assert_eq!(Pulse::read(folder.path()), Some(pulse));
    fs::write(path(folder.path()), "{").unwrap();
    assert_eq!(Pulse::read(folder.path()), None);
}

#[test]
fn who_asks_knows_the_rates_of_the_latest_beats_at_once() {
    let marks = (0..3).map(|beat| {
        let mark = |settled| Mark {
            at_ms: beat * 2000,
            accepted: 900,
            settled: beat * settled,
        };
        [mark(2), mark(4), mark(0)]
    });
    let pulse = Pulse {
        marks: marks.collect(),
        ..pulse(at(1, 4))
    };
    let mut windows: [Window; 4] = Default::default();
    pulse.recall(&mut windows);
    let rates = windows.map(|window| window.rates().unwrap().out_per_second);
    assert_eq!(rates, [1.0, 2.0, 0.0, 3.0]);
}

#[test]
fn an_age_is_the_greater_of_wall_and_running_time() {
    let set_back = Moment {
        wall_ms: 0,
        ..at(1, 500)
    };
    assert_eq!(age_seconds(at(1, 100), set_back), 400);
    assert_eq!(age_seconds(at(1, 100), at(2, 130)), 30);
    assert_eq!(age_seconds(at(1, 100), at(2, 50)), 0);
}
