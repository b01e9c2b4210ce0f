//! `pki`: certificates for a trial. They last a few days, and their authority's key is thrown away.

use std::path::Path;

use millrace_shared::exit::Exit;
use millrace_shared::ident::AgentId;

use crate::pki;

/// Writes them.
pub fn pki(folder: &Path, servers: &[String], agents: &[AgentId]) -> Exit {
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    match pki::throw_away(folder, &servers, agents) {
        Ok(()) => {
            println!(
                "certificates for the broker, the relay and {} agents are in {}",
                agents.len(),
                folder.display()
            );
            Exit::Done
        }
        Err(error) => {
            eprintln!("{error}");
            Exit::Store
        }
    }
}
