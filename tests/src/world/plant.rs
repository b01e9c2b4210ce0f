//! A plant as its devices see it.

use super::process::free_ports;

/// Where the devices of a plant are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plant {
    /// The agent's name.
    pub name: String,
    /// The scanners of the production station.
    pub production: u16,
    /// The scanners of the counting station.
    pub count: u16,
    /// The scanners of two more counting stations.
    pub more_counts: [u16; 2],
    /// Where messages are taken over HTTP, from a client whose token is [`TOKEN`].
    pub http: u16,
}

impl Plant {
    pub(super) fn new(name: &str) -> Self {
        let [production, count, second, third, http] = free_ports();
        Self {
            name: name.to_owned(),
            production,
            count,
            more_counts: [second, third],
            http,
        }
    }
}
