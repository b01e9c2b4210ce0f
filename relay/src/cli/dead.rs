//! `dead`: what is asked about dead letters and what is held, and which command answers.

use clap::Subcommand;
use millrace_shared::exit::Exit;
use millrace_shared::ident::MessageId;
use millrace_shared::print::Style;
use millrace_shared::store::inbox::{GroupBy, StateName};

use super::filter::{Chosen, Narrow, field};
use crate::command::{self, CommandError};
use crate::config::Config;
use crate::control::{Act, Order};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(super) enum Dead {
    /// List dead letters, or count them by reason, station or operator.
    List {
        #[command(flatten)]
        narrow: Narrow,
        /// Held messages instead of dead letters.
        #[arg(long)]
        held: bool,
        /// Count instead of listing.
        #[arg(long, value_parser = ["reason", "station", "operator", "plant", "kind"])]
        by: Option<String>,
        /// At most this many, oldest first.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show one message whole.
    Show {
        /// The message id.
        id: MessageId,
    },
    /// Try them again as they are.
    Retry {
        #[command(flatten)]
        chosen: Chosen,
        /// Why; it is kept in the audit.
        #[arg(long, default_value = "tried again")]
        reason: String,
    },
    /// Correct one and try it again. The original stays beside the correction.
    Amend {
        /// The message id.
        id: MessageId,
        /// What to change, such as `lot=L42` or `quantity.value=12`; nothing behind `=` takes the field away.
        #[arg(long = "set", required = true, value_name = "FIELD=VALUE", value_parser = field)]
        fields: Vec<(String, String)>,
        /// Why; it is kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Decide that they shall take no effect. Final.
    Discard {
        #[command(flatten)]
        chosen: Chosen,
        /// Held messages instead of dead letters, where they are not named by --id.
        #[arg(long)]
        held: bool,
        /// Why; it is kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Run one in Odoo and take it back: shows what would happen. Exit code 1 where it would be refused.
    Try {
        /// The message id.
        id: MessageId,
    },
}

/// Does what was asked.
pub(super) fn answer(config: &Config, style: Style, ask: Dead) -> Result<Exit, CommandError> {
    let give = |order| command::order::give(config, style, order);
    let state = |held| if held { StateName::Held } else { StateName::Dead };
    match ask {
        Dead::List {
            narrow,
            held,
            by,
            limit,
        } => {
            let filter = narrow.within(&[state(held)]);
            match by {
                Some(word) => command::dead::count(config, style, &filter, group(&word)),
                None => command::dead::list(config, style, &filter, limit as usize),
            }
        }
        Dead::Show { id } => command::show::show(config, style, &id),
        Dead::Retry { chosen, reason } => give(change(chosen, &[StateName::Dead], Act::Retry { reason })?),
        Dead::Amend { id, fields, reason } => give(Order::Amend {
            id,
            set: fields,
            reason,
        }),
        Dead::Discard { chosen, held, reason } => {
            give(change(chosen, &[state(held)], Act::Discard { reason })?)
        }
        Dead::Try { id } => command::rehearse::rehearse(config, style, &id),
    }
}

/// The order to do this to those of the chosen that are in these states.
pub(super) fn change(chosen: Chosen, states: &[StateName], act: Act) -> Result<Order, CommandError> {
    let which = chosen.which(states).map_err(CommandError::Usage)?;
    Ok(Order::Change { which, act })
}

fn group(word: &str) -> GroupBy {
    match word {
        "station" => GroupBy::Station,
        "operator" => GroupBy::Operator,
        "plant" => GroupBy::Agent,
        "kind" => GroupBy::Kind,
        _ => GroupBy::Reason,
    }
}
