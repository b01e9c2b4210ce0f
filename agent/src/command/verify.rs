//! `verify`: whether everything in the store is as it was written.

use std::io::{IsTerminal, stderr};

use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Style, say};
use serde::Serialize;

use super::{CommandError, open_store};
use crate::config::Config;

/// Rows between two signs of progress.
const PROGRESS: u64 = 100_000;

/// Something that is not as it was written.
#[derive(Debug, Serialize)]
struct Fault {
    position: String,
    fault: String,
}

/// What was checked, and how many faults there were.
#[derive(Debug, Serialize)]
struct Sum {
    checked: u64,
    faults: u64,
}

/// Checks every row, and prints each fault as it is found.
pub fn verify(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let mut verification = reader.verify()?;
    let (mut faults, mut told) = (0, 0);
    loop {
        let next = verification.next();
        let (checked, all) = verification.progress();
        if checked >= told + PROGRESS && stderr().is_terminal() {
            told = checked;
            eprintln!("{checked} of {all} rows");
        }
        let Some(finding) = next.transpose()? else {
            break;
        };
        faults += 1;
        let fault = Fault {
            position: finding.position.to_string(),
            fault: finding.fault.to_string(),
        };
        say(&match style {
            Style::Json => print::json(&fault),
            Style::Table => format!("{}  {}\n", fault.position, fault.fault),
        })?;
    }
    let (checked, _) = verification.progress();
    say(&match style {
        Style::Json => print::json(&Sum { checked, faults }),
        Style::Table => sentence(checked, faults),
    })?;
    Ok(if faults == 0 { Exit::Done } else { Exit::Wrong })
}

fn sentence(checked: u64, faults: u64) -> String {
    match faults {
        0 => format!("{checked} rows checked: all are as written\n"),
        _ => {
            let verb = if faults == 1 { "is" } else { "are" };
            format!(
                "{faults} of {checked} rows {verb} not as written. All others are whole and are sent. Keep a copy of the store's \
                 folder, look at the disk, and tell central IT these positions\n"
            )
        }
    }
}
