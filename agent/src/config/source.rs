//! Sections `[[scanner]]`: how a plant engineer writes a source. Each names the station whose scans it brings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use millrace_shared::config::Section;

use crate::source::tcp::framing::Framing;
use crate::source::tcp::reply::Replies;
use crate::source::tcp::{DialoguePer, TcpSettings};
use crate::station::Station;

/// Most devices that are named in one scanner source.
const DEVICES: usize = 1024;
/// Most names in a list of stations.
const STATIONS: usize = 1024;

/// A scanner source with its station.
#[derive(Debug, Clone)]
pub struct ScannerConfig {
    /// The source.
    pub settings: TcpSettings,
    /// Whose scans it brings.
    pub station: Arc<Station>,
}

/// Reads one `[[scanner]]`.
pub fn read_scanner(scanner: &mut Section<'_>, stations: &[Arc<Station>]) -> Option<ScannerConfig> {
    let name = read_name(scanner, "line-a-guns");
    let listen: Option<SocketAddr> =
        scanner.needed("listen", "write address and port, such as \"0.0.0.0:4001\"");
    let station = scanner.text("station", "write the name of a [[station]]");
    let framing = read_framing(scanner);
    let most = scanner.number("scan_bytes_max", 4096, 1..=65_536) as usize;
    let per = [
        ("address", DialoguePer::Address),
        ("connection", DialoguePer::Connection),
    ];
    let per = scanner.choice("dialogue_per", &per)?;
    let idle = scanner.seconds("idle_seconds", 12 * 3600, 1..=7 * 86_400);
    let rate = scanner.number("scans_per_second", 20, 1..=10_000) as u32;
    let burst = scanner.number("burst", 40, 1..=100_000) as u32;
    let connections = scanner.number("connections_max", 64, 1..=1024) as usize;
    let unfinished = scanner.milliseconds("unfinished_ms", 10_000, 50..=60_000);
    let answer_within = read_answer_within(scanner, 8);
    let names = read_devices(scanner);
    let only_named = scanner.flag("only_named_devices", false);
    let replies = read_replies(scanner);
    let no_reads = scanner.has("no_reads").then(|| scanner.texts("no_reads", 32));
    let heartbeats = scanner.texts("heartbeats", 32);
    let found = stations.iter().find(|known| known.name == station).cloned();
    if found.is_none() && !station.is_empty() {
        scanner.problem(format!("there is no [[station]] named `{station}`"));
    }
    let defaults = TcpSettings::new(&name, listen?);
    let settings = TcpSettings {
        framing: framing?,
        scan_bytes_max: most,
        idle,
        scans_per_second: rate,
        burst,
        connections_max: connections,
        no_reads: no_reads.unwrap_or(defaults.no_reads),
        heartbeats,
        dialogue_per: per,
        unfinished,
        answer_within,
        names,
        only_named,
        replies,
        ..TcpSettings::new(&name, listen?)
    };
    Some(ScannerConfig {
        settings,
        station: found?,
    })
}

fn read_framing(scanner: &mut Section<'_>) -> Option<Framing> {
    let idle = scanner.has("idle_framing_ms");
    let after = scanner.milliseconds("idle_framing_ms", 50, 5..=5000);
    if idle {
        return Some(Framing::Idle(after));
    }
    let name = scanner
        .parsed::<String>("framing", "write line, cr, lf, crlf, tab or stx-etx")
        .unwrap_or("line".into());
    let framing = Framing::named(&name);
    if framing.is_none() {
        scanner.problem(format!(
            "`framing` is `{name}`: write line, cr, lf, crlf, tab or stx-etx"
        ));
    }
    framing
}

/// Sections `[[scanner.device]]`: names for addresses.
fn read_devices(scanner: &mut Section<'_>) -> BTreeMap<IpAddr, String> {
    let devices = scanner.sections("device", DEVICES, |device| {
        let address: Option<IpAddr> = device.needed("address", "write the device's IP address");
        let name = device.text("name", "write the device's name, such as \"gun-3\"");
        Some((address?, name))
    });
    let names: BTreeSet<&String> = devices.iter().map(|(_, name)| name).collect();
    if names.len() != devices.len() {
        scanner.problem("two devices have the same name: their scans would mix");
    }
    devices.into_iter().collect()
}

/// The section `[scanner.replies]`: what the devices are told.
fn read_replies(scanner: &mut Section<'_>) -> Replies {
    let want = r"write the bytes as text, such as 'OK {text}\r\n' or '\x06'";
    let read = |section: &mut Section<'_>| {
        let mut replies = Replies::default();
        let parts = [
            ("taken", &mut replies.taken),
            ("booked", &mut replies.booked),
            ("already", &mut replies.already),
            ("refused", &mut replies.refused),
            ("unavailable", &mut replies.unavailable),
            ("no_read", &mut replies.no_read),
        ];
        for (name, reply) in parts {
            if let Some(template) = section.parsed(name, want) {
                *reply = template;
            }
        }
        let problems = replies.problems();
        problems.into_iter().for_each(|problem| section.problem(problem));
        Some(replies)
    };
    scanner.section("replies", read).unwrap_or_default()
}

/// The name of a source. It is part of what its messages are recognised by, so it must never change.
pub fn read_name(source: &mut Section<'_>, example: &str) -> String {
    let want = format!("write the source's name, such as \"{example}\"; it must stay the same for ever");
    let name = source.text("name", &want);
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.chars().all(good) || name.len() > 64 {
        source.problem(format!(
            "`name` is `{name}`: use up to 64 of a-z, A-Z, 0-9, `-`, `_` and `.`"
        ));
    }
    name
}

/// The stations that messages may name: those of the configuration, and those that have no scans of their own.
pub fn read_stations(source: &mut Section<'_>, stations: &[Arc<Station>]) -> BTreeSet<String> {
    let own = stations.iter().map(|station| station.name.clone());
    own.chain(source.texts("stations", STATIONS)).collect()
}

/// How long whoever sent something waits at most while the disk is slow.
pub fn read_answer_within(source: &mut Section<'_>, seconds: u64) -> Duration {
    source.seconds("answer_within_seconds", seconds, 1..=120)
}
