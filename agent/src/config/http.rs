//! Sections `[[http]]`: systems that hand messages over, and their tokens.

use std::net::SocketAddr;
use std::sync::Arc;

use millrace_shared::config::Section;

use super::source::{read_answer_within, read_name, read_stations};
use crate::source::http::HttpSettings;
use crate::source::http::client::{ClientSettings, Clients};
use crate::station::Station;

/// Most clients of one source.
const CLIENTS: usize = 256;

/// Reads one `[[http]]`.
pub fn read(http: &mut Section<'_>, stations: &[Arc<Station>]) -> Option<HttpSettings> {
    let name = read_name(http, "http");
    let listen: Option<SocketAddr> =
        http.needed("listen", "write address and port, such as \"127.0.0.1:8180\"");
    let plain_beyond_loopback = http.flag("plain_beyond_loopback", false);
    let stations = read_stations(http, stations);
    let clients = http.sections("client", CLIENTS, |client| {
        Some(ClientSettings {
            name: client.text("name", "write the client's name, such as \"mes\""),
            token_file: client.path("token_file", "write the file that holds the client's token"),
            station: client.parsed("station", "write the station of messages that name none"),
        })
    });
    let body_bytes_max = http.number("body_bytes_max", 4 << 20, 1024..=64 << 20) as usize;
    let messages_max = http.number("messages_max", 1000, 1..=4096) as usize;
    let connections_max = http.number("connections_max", 64, 1..=1024) as usize;
    let requests_max = http.number("requests_max", 16, 1..=1024) as usize;
    let head_wait = http.seconds("head_wait_seconds", 30, 1..=600);
    let body_wait = http.seconds("body_wait_seconds", 30, 1..=600);
    let answer_within = read_answer_within(http, 20);
    let settings = HttpSettings {
        plain_beyond_loopback,
        clients,
        stations,
        body_bytes_max,
        messages_max,
        connections_max,
        requests_max,
        head_wait,
        body_wait,
        answer_within,
        ..HttpSettings::new(&name, listen?)
    };
    settings
        .problems()
        .into_iter()
        .for_each(|problem| http.problem(problem));
    if let Err(error) = Clients::read(&settings.clients) {
        http.problem(error.to_string());
    }
    Some(settings)
}
