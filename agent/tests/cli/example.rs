//! The example configuration: it is understood, and tells of every setting that there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use millrace_agent::config::Config;

/// What no section knows.
const UNKNOWN: &str = "no_such_setting";

fn example() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installer/examples/agent.toml");
    fs::read_to_string(file).unwrap()
}

/// Reads it as a plant would have it: with a token beside it.
fn read(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("mes.token"),
        "0123456789abcdef0123456789abcdef\n",
    )
    .unwrap();
    let file = folder.path().join("agent.toml");
    fs::write(&file, text).unwrap();
    Config::load(&file).map_err(|problems| problems.to_string())
}

/// The settings that the example shows in each kind of section, as comments or not. Sections count as settings.
fn shown(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            section = header
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap()
                .to_owned();
            let (parent, name) = section.rsplit_once('.').unwrap_or(("", &section));
            sections
                .entry(parent.to_owned())
                .or_default()
                .insert(name.to_owned());
        } else if let Some((name, _)) = line.split_once(" = ")
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
        {
            sections
                .entry(section.clone())
                .or_default()
                .insert(name.to_owned());
        }
    }
    sections
}

/// The settings that the reader knows in each kind of section: it names them when it meets one that it does not know.
fn known(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut lines = vec![format!("{UNKNOWN} = 1")];
    let mut sections = vec![String::new()];
    for line in text.lines() {
        lines.push(line.to_owned());
        if let Some(header) = line.strip_prefix('[') {
            lines.push(format!("{UNKNOWN} = 1"));
            sections.push(
                header
                    .trim_start_matches('[')
                    .split(']')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    let problems = read(&lines.join("\n")).unwrap_err();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let told = problems.lines().filter(|line| line.contains(UNKNOWN));
    for (section, told) in sections.into_iter().zip(told) {
        let (_, names) = told.split_once("known are: ").unwrap();
        let names = names.split(", ").map(str::to_owned);
        known.entry(section).or_default().extend(names);
    }
    known
}

#[test]
fn the_example_is_understood() {
    let config = read(&example()).unwrap();
    assert_eq!(config.stations.len(), 3);
    assert_eq!(
        (config.scanners.len(), config.https.len(), config.folders.len()),
        (1, 1, 1)
    );
}

#[test]
fn the_example_shows_every_setting_that_there_is_and_no_other() {
    let (shown, known) = (shown(&example()), known(&example()));
    for (section, known) in &known {
        let shown = shown.get(section).cloned().unwrap_or_default();
        assert_eq!(
            shown.symmetric_difference(known).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "the section [{section}] of installer/examples/agent.toml and the reader differ in these"
        );
    }
}
