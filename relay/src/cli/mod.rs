//! The relay's command line: what can be asked, and which command answers. The only place that knows clap.

mod dead;
mod filter;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use millrace_shared::exit::{self, Exit};
use millrace_shared::ident::{AgentId, MessageId};
use millrace_shared::print::Style;
use millrace_shared::store::inbox::StateName;

use crate::command::{self, CommandError};
use crate::config::Config;
use crate::control::{Act, Order};
use filter::{Chosen, Filter};

/// Takes what the plants send, puts it in order and applies it to Odoo exactly once.
#[derive(Debug, Parser)]
#[command(name = "millrace-relay", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// The configuration file.
    #[arg(
        long,
        short,
        global = true,
        default_value = "/etc/millrace/relay.toml",
        value_name = "FILE"
    )]
    config: PathBuf,

    /// Print JSON lines instead of tables.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service in the foreground.
    Run,
    /// Read the configuration and report every problem in it.
    Check,
    /// Probe disk, clock, store, certificates, broker and Odoo, and say what to do next.
    ///
    /// Changes nothing, and does not disturb the running service. Exit code 1 where anything failed; a warning is none.
    Doctor,
    /// Show the plants: where their messages take effect, what waits, what is dead or held, and how old it is.
    Plants,
    /// Show per plant and lane what waits, is sent, dead or held, how old it is and how long it will take.
    ///
    /// In is what arrives, out is what settles, both over the last half minute.
    Backlog {
        /// Refresh until interrupted.
        #[arg(long)]
        watch: bool,
        /// Seconds between refreshes.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
        every: u64,
    },
    /// Follow one message from its arrival to its record in Odoo.
    Trace {
        /// The message id.
        id: MessageId,
    },
    /// Prove that nothing is missing: accepted = settled + dead + held + waiting + not yet here.
    ///
    /// With the agent's spool the proof is whole: what is not here must still be kept there. Exit code 1 where it is not.
    Balance {
        /// Only this plant.
        #[arg(long)]
        plant: Option<AgentId>,
        /// A copy of an agent's spool, or the spool itself where it is on this machine; may be given several times.
        #[arg(long = "spool", value_name = "FILE")]
        spools: Vec<PathBuf>,
    },
    /// Work on dead letters, and on what is held.
    #[command(subcommand)]
    Dead(dead::Dead),
    /// Hold messages back before they post: those that wait, and those that arrive later, until released.
    Hold {
        #[command(flatten)]
        filter: Filter,
        /// Only what was under way for at least so long before it arrived.
        #[arg(long, value_name = "MINUTES")]
        older_than_minutes: Option<u64>,
        /// Why; it is shown to whoever releases them.
        #[arg(long)]
        reason: String,
    },
    /// List the holds that stand.
    Holds,
    /// Post what is held after all, and lift the holds that match.
    ///
    /// A message that waits for others which will never come (a plant's disk was destroyed before they were sent) goes on
    /// when it is named here; nothing else waits for those any more either. See what a message waits for with `dead show`,
    /// and let the oldest go first.
    Release(Chosen),
    /// Decide about domains in Odoo.
    #[command(subcommand)]
    Domain(Domain),
    /// Forget what is remembered of Odoo's codes, and look at once whether holds are over.
    Flush,
    /// Look at the record of who did what.
    #[command(subcommand)]
    Audit(Audit),
    /// Make throw-away certificates for a trial: an authority, the broker, the relay and agents.
    Pki {
        /// The folder to write them to.
        folder: PathBuf,
        /// The names and addresses of the broker.
        #[arg(long = "server", default_values = ["localhost", "127.0.0.1"], value_name = "NAME")]
        servers: Vec<String>,
        /// An agent; may be given several times.
        #[arg(long = "agent", required = true, value_name = "AGENT")]
        agents: Vec<AgentId>,
    },
    /// Print what a domain in Odoo must allow this relay to do, to be pasted into its allow-list.
    AllowList,
}

#[derive(Debug, Subcommand)]
enum Domain {
    /// Go on with a domain that was stopped because another relay had taken it, or because Odoo was restored and what it
    /// lost shall stay lost.
    Resume {
        /// The domain's name.
        name: String,
    },
    /// After Odoo was put back from a backup: do again what it does not have any more, then go on.
    ///
    /// Odoo is asked for every message that was settled and is still kept here (`retention_days`). What it does not know
    /// waits again, in its old place and under its old name: what was applied is posted, what was discarded is declared
    /// void. Nothing else is posted before that is found out. Ordering it once too often changes nothing.
    Replay {
        /// The domain's name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// List what was done, newest last.
    List(Page),
    /// Check that no record of the audit was changed or removed.
    Verify,
}

/// Which records.
#[derive(Debug, Args)]
struct Page {
    /// From behind this record; the newest where none is given.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Reads the command line, does what it says, and tells how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = if cli.json { Style::Json } else { Style::Table };
    let exit = match cli.command {
        Command::Pki {
            folder,
            servers,
            agents,
        } => command::pki::pki(&folder, &servers, &agents),
        Command::AllowList => command::allow_list::allow_list(),
        command => match Config::load(&cli.config) {
            Ok(config) => end(configured(command, config, &cli.config, style)),
            Err(problems) => {
                eprintln!("{problems}");
                Exit::Config
            }
        },
    };
    exit.into()
}

fn configured(command: Command, config: Config, file: &Path, style: Style) -> Result<Exit, CommandError> {
    let give = |order| command::order::give(&config, style, order);
    match command {
        Command::Run => Ok(command::run::run(config)),
        Command::Doctor => command::doctor::doctor(&config, style),
        Command::Plants => command::plants::plants(&config, style),
        Command::Backlog { watch, every } => {
            command::backlog::backlog(&config, style, watch, Duration::from_secs(every))
        }
        Command::Trace { id } => command::trace::trace(&config, style, &id),
        Command::Balance { plant, spools } => {
            command::balance::balance(&config, style, plant.as_ref(), &spools)
        }
        Command::Dead(ask) => dead::answer(&config, style, ask),
        Command::Hold {
            filter,
            older_than_minutes,
            reason,
        } => give(Order::Lay(filter.hold(older_than_minutes, reason))),
        Command::Holds => command::holds::holds(&config, style),
        Command::Release(chosen) => give(dead::change(chosen, &[StateName::Held], Act::Release)?),
        Command::Domain(Domain::Resume { name }) => give(Order::Resume { domain: name }),
        Command::Domain(Domain::Replay { name }) => give(Order::Replay { domain: name }),
        Command::Flush => give(Order::Flush),
        Command::Audit(Audit::List(page)) => {
            command::audit::list(&config, style, page.after, page.limit as usize)
        }
        Command::Audit(Audit::Verify) => command::audit::verify(&config, style),
        Command::Check | Command::Pki { .. } | Command::AllowList => Ok(command::check::check(file, style)),
    }
}

fn end(answer: Result<Exit, CommandError>) -> Exit {
    match answer {
        Ok(exit) => exit,
        // Whoever read the answer has seen enough of it.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            eprintln!("millrace-relay: {error}");
            error.exit()
        }
    }
}
