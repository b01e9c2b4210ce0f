//! `doctor`: one probe a file; each says what it found and what to do next. Changes nothing.

mod certificates;
mod place;
mod reach;

use jiff::Timestamp;
use millrace_shared::doctor::{self, Finding};
use millrace_shared::exit::Exit;
use millrace_shared::print::{Style, say};

use super::CommandError;
use crate::config::Config;

/// Runs every probe and prints each finding as it is made.
pub fn doctor(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let now = Timestamp::now();
    let mut findings = Vec::new();
    let mut tell = |found: Vec<Finding>| -> Result<(), CommandError> {
        for finding in found {
            say(&doctor::tell(style, &finding))?;
            findings.push(finding);
        }
        Ok(())
    };
    tell(vec![place::service(config)])?;
    tell(vec![place::disk(config)])?;
    tell(vec![place::clock(now)])?;
    tell(vec![place::store(config)])?;
    tell(certificates::probe(config, now))?;
    tell(vec![runtime.block_on(reach::broker(config))])?;
    tell(runtime.block_on(reach::target(config)))?;
    Ok(doctor::exit(&findings))
}
