//! `trace`: what happened to one message, from its arrival to its record in the target.

use millrace_shared::exit::Exit;
use millrace_shared::ident::MessageId;
use millrace_shared::print::{Style, listing, say};
use millrace_shared::store::inbox::{InboxView, State};

use super::audit::Row;
use super::entry::Shown;
use super::{CommandError, find, open_store};
use crate::config::Config;

/// Prints its records of the audit, and what it waits for.
pub fn trace(config: &Config, style: Style, id: &MessageId) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let item = find(&reader, id)?;
    let slot = item.entry.ticket.slot;
    let rows: Vec<Row> = reader.trace(slot)?.into_iter().map(Row::of).collect();
    let mut text = listing(style, &rows, "nothing is recorded");
    if style == Style::Table {
        let shown = Shown::of(&item.entry);
        text += &match (&shown.reason, &shown.text) {
            (Some(reason), Some(why)) => format!("now {}: {reason}: {why}\n", shown.state),
            _ => format!("now {}\n", shown.state),
        };
        if let State::Waiting { ready: false } = item.entry.state {
            let waits = reader.waits_for(slot)?;
            for other in &waits.here {
                let other = Shown::of(other);
                text += &format!("  behind {} ({})\n", other.id, other.state);
            }
            for stamp in &waits.missing {
                text += &format!("  behind {}, which is not here yet\n", stamp.position);
            }
            for stamp in &waits.gone {
                text += &format!(
                    "  behind all that came before it, for {} is gone\n",
                    stamp.position
                );
            }
        }
    }
    say(&text)?;
    Ok(Exit::Done)
}
