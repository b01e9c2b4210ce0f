//! The commands that measure Millrace and try it for hours explain themselves, and say what is wrong with their usage.

use std::process::Command;

use super::golden;

const TOOLS: [(&str, &str); 4] = [
    ("backlog-run", env!("CARGO_BIN_EXE_backlog-run")),
    ("bench", env!("CARGO_BIN_EXE_bench")),
    ("kill-run", env!("CARGO_BIN_EXE_kill-run")),
    ("simulate", env!("CARGO_BIN_EXE_simulate")),
];

fn says(tool: (&str, &str), name: &str, arguments: &[&str]) {
    let mut command = Command::new(tool.1);
    command.args(arguments).env("COLUMNS", "100").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    golden::check(name, tool.0, &arguments.join(" "), &output, &[]);
}

#[test]
fn every_tool_explains_itself() {
    for tool in TOOLS {
        says(tool, &format!("help-{}", tool.0), &["--help"]);
    }
}

#[test]
fn every_tool_names_what_is_wrong_with_its_usage_and_ends_with_exit_code_2() {
    for tool in TOOLS {
        says(tool, &format!("usage-{}", tool.0), &["--nonsense"]);
    }
    says(TOOLS[0], "usage-backlog-run-few", &["--messages", "5"]);
    says(TOOLS[1], "usage-bench-figure", &["nonsense"]);
    says(TOOLS[2], "usage-kill-run-none", &["20"]);
    says(TOOLS[3], "usage-simulate-fault", &["--bug", "Nonsense"]);
}
