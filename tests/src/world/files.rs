//! The configuration files of a world, as an operator would write them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Broker, Plant, Target};
use crate::odoo::{Database, text};

pub(super) fn agent_toml(plant: &Plant, line: u16) -> String {
    let stations = [
        ("line-a", "production", plant.production),
        ("stock", "count", plant.count),
        ("stock-2", "count", plant.more_counts[0]),
        ("stock-3", "count", plant.more_counts[1]),
    ];
    let station = |(name, makes, port): &(&str, &str, u16)| {
        format!(
            "[[station]]\nname = \"{name}\"\nmakes = \"{makes}\"\n[[scanner]]\nname = \"guns-{name}\"\n\
             listen = \"127.0.0.1:{port}\"\nstation = \"{name}\"\nscans_per_second = 10000\nburst = 10000\n"
        )
    };
    let stations: String = stations.iter().map(station).collect();
    let Plant { name, http, .. } = plant;
    format!(
        "[agent]\nname = \"{name}\"\nzone = \"Europe/Berlin\"\ndata = \"{name}\"\n[relay]\nhost = \"localhost\"\n\
         port = {line}\nca = \"pki/ca.crt\"\ncertificate = \"pki/{name}.crt\"\nkey = \"pki/{name}.key\"\n{stations}\
         [[http]]\nname = \"mes\"\nlisten = \"127.0.0.1:{http}\"\n[[http.client]]\nname = \"tester\"\n\
         token_file = \"client.token\"\n",
    )
}

pub(super) fn relay_toml(at: &Path, line: u16, target: &Target<'_>, broker: Broker) -> String {
    let target = match target {
        Target::Shadow => "[shadow]\n[[plant]]\nagent = \"plant-a\"\n".to_owned(),
        Target::Odoo(database) => format!(
            "[odoo]\nurl = \"{}\"\ndatabase = \"{}\"\n{}",
            database.instance.url,
            database.name,
            plant_toml(at, database, "A")
        ),
    };
    let embedded = format!(
        "[broker.embedded]\nlisten = \"127.0.0.1:{line}\"\ncertificate = \"pki/broker.crt\"\nkey = \"pki/broker.key\"\n"
    );
    let embedded = if broker == Broker::Embedded {
        embedded
    } else {
        String::new()
    };
    format!(
        "[relay]\ndata = \"relay\"\n[broker]\nhost = \"localhost\"\nport = {line}\nca = \"pki/ca.crt\"\n\
         certificate = \"pki/relay.crt\"\nkey = \"pki/relay.key\"\n{embedded}{target}"
    )
}

/// The section of a plant whose messages take effect in its own company.
pub(super) fn plant_toml(at: &Path, database: &Database, letter: &str) -> String {
    let plant: &Value = &database.instance.seed["plants"][letter];
    let (company, domain) = (&plant["company"]["id"], text(&plant["company"]["domain"]));
    admit(database, company.as_i64().expect("an id"), &domain);
    let key = format!("{domain}.key");
    fs::write(at.join(&key), text(&plant["users"]["bot"]["key"])).expect("the bot's key");
    format!(
        "[[plant]]\nagent = \"{domain}\"\ncompany = {company}\ndomain = \"{domain}\"\napi_key = \"{key}\"\n\
         [plant.policy]\nnegative_stock = \"allow\"\n"
    )
}

/// Lets the domain's bot do what the relay's postings need, as an administrator would.
fn admit(database: &Database, company: i64, domain: &str) {
    let named = json!({ "domain": [["name", "=", domain]] });
    let found = database.admin(company, "millrace.domain", "search", named);
    let allow = json!({ "ids": found, "vals": { "allow": millrace_relay::post::ALLOW_LIST } });
    database.admin(company, "millrace.domain", "write", allow);
}

/// The configuration that Millrace ships for mosquitto, with this world's port and files.
pub(super) fn mosquitto_conf(at: &Path, line: u16) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installer/mosquitto");
    let read = |name: &str| fs::read_to_string(shipped.join(name)).expect("the shipped configuration");
    let pki = at.join("pki");
    let conf = read("millrace.conf")
        .replace("listener 8883", &format!("listener {line} 127.0.0.1"))
        .replace("/etc/mosquitto/millrace", pki.to_str().expect("a path in UTF-8"));
    // As root it would give up its rights and could no longer read the world's files.
    fs::write(
        pki.join("mosquitto.conf"),
        conf + "\nuser root\nlog_dest stderr\n",
    )
    .expect("mosquitto.conf");
    fs::write(pki.join("millrace.acl"), read("millrace.acl")).expect("millrace.acl");
}
