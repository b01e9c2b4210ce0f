//! The help of every command, and what a wrong call is told.

use crate::golden;
use crate::world::{World, agent};

fn help(name: &str, arguments: &[&str]) {
    let output = agent().args(arguments).output().unwrap();
    golden::check(
        &format!("help-{name}"),
        env!("CARGO_PKG_NAME"),
        &arguments.join(" "),
        &output,
        &[],
    );
}

#[test]
fn every_command_explains_itself() {
    help("all", &["--help"]);
    for command in [
        "run", "check", "doctor", "backlog", "messages", "trace", "verify", "station",
    ] {
        help(command, &[command, "--help"]);
    }
    for command in ["list", "show", "tail"] {
        help(&format!("messages-{command}"), &["messages", command, "--help"]);
    }
    help("station-try", &["station", "try", "--help"]);
}

#[test]
fn a_wrong_call_says_what_is_wrong_and_ends_with_its_own_code() {
    let world = World::new();
    world.golden("usage-lane", &["messages", "list", "--lane", "fast"]);
    world.golden("usage-kind", &["messages", "list", "--kind", "stock.guess"]);
    world.golden("usage-state", &["messages", "list", "--state", "lost"]);
    world.golden("usage-time", &["messages", "list", "--since", "yesterday"]);
}
