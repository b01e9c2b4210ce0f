//! Every problem is told at once, each with its line.

use super::*;

fn read(text: &str) -> Result<(String, u64, Option<bool>), Problems> {
    parse(Path::new("/etc/x.toml"), text, |root| {
        let name = root.text("name", "write a name");
        let size = root.number("size_bytes", 10, 1..=100);
        let deep = root.section("deep", |deep| Some(deep.flag("on", false)));
        Some((name, size, deep))
    })
}

#[test]
fn every_problem_is_reported_at_once_with_its_line() {
    let problems = read("size_bytes = 1000\ncolour = 1\n[deep]\non = 3\n").unwrap_err();
    let text = problems.to_string();
    assert_eq!(problems.problems.len(), 4, "{text}");
    assert!(
        text.contains("/etc/x.toml:1: `size_bytes` must be a whole number from 1 to 100"),
        "{text}"
    );
    assert!(
        text.contains("/etc/x.toml:2: `colour` is not known here; known are: name, size_bytes, deep"),
        "{text}"
    );
    assert!(
        text.contains("/etc/x.toml:4: `on` must be true or false"),
        "{text}"
    );
    assert!(text.contains("`name` is missing: write a name"), "{text}");
}

#[test]
fn a_syntax_error_names_its_line() {
    let problems = read("name = \"x\"\nsize_bytes = = 3\n").unwrap_err();
    assert_eq!(problems.problems[0].line, 2);
}

#[test]
fn a_good_file_is_read_with_defaults() {
    assert_eq!(
        read("name = \"x\"\n[deep]\non = true\n").unwrap(),
        ("x".into(), 10, Some(true))
    );
}
