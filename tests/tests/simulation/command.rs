//! The command that runs seeds and replays one.

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_simulate"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

#[test]
fn seeds_that_keep_the_promises_end_with_exit_code_0() {
    let (output, text) = simulate(&["--seeds", "3", "--from", "40"]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("3 seeds from 40: 0 broke a promise; "), "{text}");
}

#[test]
fn a_seed_that_breaks_a_promise_ends_with_exit_code_1_and_a_log_that_can_be_read() {
    let (output, text) = simulate(&["--seed", "0", "--bug", "ReceiptBeforeCommit", "--log"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("agent 0 commits scan 0"), "{text}");
    assert!(text.contains("\nBROKEN P2: relay 0 says stored of"), "{text}");
}

#[test]
fn a_planted_fault_that_is_seen_ends_with_exit_code_0_and_one_that_is_unknown_with_2() {
    let (output, text) = simulate(&["--bug", "ToneBeforeCommit", "--seeds", "10"]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("ToneBeforeCommit is seen in seed "), "{text}");
    assert_eq!(simulate(&["--bug", "Nonsense"]).0.status.code(), Some(2));
    assert_eq!(simulate(&["--log"]).0.status.code(), Some(2));
}
