//! Third-party cases: the unit tests of GS1's own syntax engine, as JSON lines in the folder that `MILLRACE_VECTORS`
//! names. Only cases whose identifiers are all in our table are compared; associations are not enforced here.

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::convert::barcode::{self, Barcode, Reading};

fn cases(file: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("MILLRACE_VECTORS") else {
        println!(
            "SKIPPED: set MILLRACE_VECTORS to the folder of third-party vectors to compare with GS1's own cases"
        );
        return None;
    };
    let path = PathBuf::from(folder).join("gs1").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// Whether every identifier that the engine's form `^…` begins an element with is known here, as far as can be told.
fn supported(text: &str) -> bool {
    !matches!(parse(text, 2026), Err(Gs1Error::UnknownAi(_)))
}

fn said<'v>(case: &'v Value, name: &str) -> &'v str {
    case[name].as_str().unwrap()
}

#[test]
fn element_strings_are_taken_and_refused_as_by_gs1s_own_engine() {
    let Some(cases) = cases("processAIdata.jsonl") else {
        return;
    };
    let mut compared = 0;
    for case in cases {
        let text = said(&case, "datastr").replacen('^', "", 1).replace('^', "\u{1d}");
        // The engine is strict about what an encoder is given; a trailing separator is tolerated from a scanner.
        if !supported(&text) {
            continue;
        }
        compared += 1;
        assert_eq!(
            parse(&text, 2026).is_ok(),
            case["ok"].as_bool().unwrap(),
            "{case}"
        );
    }
    assert!(compared >= 3, "only {compared} cases use known identifiers");
}

#[test]
fn scans_are_read_as_by_gs1s_own_engine() {
    let Some(cases) = cases("testProcessScanData.jsonl") else {
        return;
    };
    let mut compared = 0;
    for case in cases {
        let (scan, ok) = (said(&case, "scan"), case["ok"].as_bool().unwrap());
        let read = barcode::read(scan, Reading::default(), |_| false, 2026);
        let elsewhere = scan.contains("http") || scan.contains("HTTP") || scan.contains("|]e0");
        if elsewhere || matches!(&read, Err(barcode::BarcodeError::Gs1(Gs1Error::UnknownAi(_)))) {
            continue;
        }
        compared += 1;
        // Ours keeps an empty plain scan out; the engine has no opinion on what an empty symbol is good for.
        let want = ok && scan != "]d1";
        assert_eq!(read.is_ok(), want, "{case}: {read:?}");
        if let (Ok(Barcode::Elements(elements)), true) = (&read, ok) {
            let theirs = said(&case, "datastr").replacen('^', "", 1).replace('^', "\u{1d}");
            assert_eq!(elements.to_string(), theirs);
        }
    }
    assert!(
        compared >= 8,
        "only {compared} cases use known symbols and identifiers"
    );
}

#[test]
fn what_gs1s_engine_generates_is_read() {
    let Some(cases) = cases("testGenerateScanData.jsonl") else {
        return;
    };
    let mut compared = 0;
    for case in cases {
        let Some(scan) = case["scan"].as_str() else {
            continue;
        };
        let read = barcode::read(scan, Reading::default(), |_| false, 2026);
        if matches!(&read, Err(barcode::BarcodeError::Gs1(Gs1Error::UnknownAi(_)))) || scan.contains("|]e0") {
            continue;
        }
        compared += 1;
        assert!(read.is_ok(), "{case}: {read:?}");
    }
    assert!(compared >= 3, "only {compared}");
}

#[test]
fn check_digits_and_dates_agree_with_gs1s_linters() {
    let Some(cases) = cases("lint.jsonl") else { return };
    let mut compared = 0;
    for case in cases {
        let (text, ok) = (said(&case, "in"), case["ok"].as_bool().unwrap());
        let ours = match said(&case, "linter") {
            "csum" => check_digit_holds(text),
            "yymmd0" => date::read(text, 2026).is_some(),
            "cset82" => text.chars().all(table::is_text),
            _ => continue,
        };
        compared += 1;
        assert_eq!(ours, ok, "{case}");
    }
    assert!(compared > 100, "only {compared}");
}
