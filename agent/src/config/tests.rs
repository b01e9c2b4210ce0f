//! What a configuration may and must not say about stations and sources.

use super::*;

const BASE: &str = r#"
[agent]
name = "plant-7"
zone = "Europe/Berlin"
data = "data"

[relay]
host = "relay.example"
ca = "ca.pem"
certificate = "a.pem"
key = "a.key"
"#;

fn parse(text: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mes.token"), "a-token-of-enough-characters\n").unwrap();
    config::parse(&folder.path().join("agent.toml"), &format!("{BASE}{text}"), read)
}

fn problems(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const WHOLE: &str = r#"
[[station]]
name = "line-a"
makes = "production"
gs1 = "identified"
[[station.code]]
prefix = "WH/MO/"
keep_prefix = true
means = "order"
[[station.code]]
exact = "OK"
means = "confirm"

[[scanner]]
name = "guns"
listen = "127.0.0.1:0"
station = "line-a"
framing = "stx-etx"
only_named_devices = true
[scanner.replies]
booked = '\x06{text}\r'
[[scanner.device]]
address = "10.0.0.5"
name = "gun-1"

[[http]]
name = "http"
listen = "127.0.0.1:0"
stations = ["store"]
[[http.client]]
name = "mes"
token_file = "mes.token"
station = "store"

[[folder]]
name = "drop"
folder = "drop"
marker = ".ok"
kind = "inventory.count"
station = "line-a"
csv_delimiter = "semicolon"
csv_decimal_comma = true
"#;

#[test]
fn stations_scanners_systems_and_folders_are_read() {
    let config = parse(WHOLE).unwrap();
    let scanner = &config.scanners[0];
    assert_eq!(scanner.station.name, "line-a");
    assert_eq!(scanner.settings.names.values().collect::<Vec<_>>(), ["gun-1"]);
    assert_eq!(scanner.settings.replies.booked.fill("x"), b"\x06x\r");
    let http = &config.https[0];
    assert!(http.stations.contains("line-a") && http.stations.contains("store"));
    assert!(http.clients[0].token_file.is_absolute());
    let folder = &config.folders[0];
    assert_eq!(folder.dialect.delimiter, b';');
    assert!(folder.folder.is_absolute());
}

#[test]
fn every_problem_of_sources_is_told_at_once() {
    let text = WHOLE
        .replace(r#"station = "line-a"\nframing"#, "")
        .replace(r#"name = "drop""#, r#"name = "guns""#)
        .replace(r#"station = "store""#, r#"station = "nowhere""#)
        .replace("mes.token", "gone.token")
        .replace(r"\x06{text}\r", r"\q")
        .replace(r#""semicolon""#, r#""comma""#)
        .replace(
            r#"listen = "127.0.0.1:0"
stations"#,
            r#"listen = "0.0.0.0:80"
stations"#,
        );
    let told = problems(&text);
    for part in [
        "two sources are named `guns`",
        "client `mes` names the unknown station `nowhere`",
        "gone.token",
        r"`\q` is not known",
        "a decimal comma needs another delimiter",
        "reachable from other machines",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn nak_for_a_refused_scan_and_twins_are_told() {
    assert!(
        problems(
            &WHOLE
                .replace("booked =", "refused =")
                .replace(r"\x06{text}\r", r"\x15")
        )
        .contains("NAK")
    );
    let twins = WHOLE.replace(
        "[[http]]",
        "[[scanner.device]]\naddress = \"10.0.0.6\"\nname = \"gun-1\"\n[[http]]",
    );
    assert!(problems(&twins).contains("two devices have the same name"));
    let station = "[[station]]\nname = \"line-a\"\nmakes = \"count\"\n";
    assert!(problems(&format!("{WHOLE}{station}")).contains("two stations are named `line-a`"));
    assert!(problems(&WHOLE.replace(r#"name = "guns""#, r#"name = "guns/1""#)).contains("use up to 64"));
}
