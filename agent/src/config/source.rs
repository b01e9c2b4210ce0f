//! Sections `[[scanner]]`: how a plant engineer writes a source. Each names the station whose scans it brings.

use std::net::SocketAddr;
use std::sync::Arc;

use millrace_shared::config::Section;

use crate::source::tcp::framing::Framing;
use crate::source::tcp::{DialoguePer, TcpSettings};
use crate::station::Station;

/// A scanner source with its station.
#[derive(Debug)]
pub struct ScannerConfig {
    /// The source.
    pub settings: TcpSettings,
    /// Whose scans it brings.
    pub station: Arc<Station>,
}

/// Reads one `[[scanner]]`.
pub fn read_scanner(scanner: &mut Section<'_>, stations: &[Arc<Station>]) -> Option<ScannerConfig> {
    let name = scanner.text("name", "write the source's name, such as \"line-a-guns\"");
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
