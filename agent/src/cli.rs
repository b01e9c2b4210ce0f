//! The agent's command line: what can be asked, and which command answers. The only place that knows clap.

mod filter;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use millrace_shared::exit::{self, Exit};
use millrace_shared::print::Style;

use crate::command::{self, CommandError};
use crate::config::Config;
use filter::{Filter, Period};

const EVERYWHERE: &str = "Options of every command";

/// Takes what a plant's devices say, keeps it on disk before it says OK, and forwards it to the relay.
#[derive(Debug, Parser)]
#[command(name = "millrace-agent", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// The configuration file.
    #[arg(
        long,
        short,
        global = true,
        default_value = "/etc/millrace/agent.toml",
        value_name = "FILE",
        help_heading = EVERYWHERE
    )]
    config: PathBuf,

    /// Print JSON lines instead of tables.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
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
    /// Probe disk, clock, store, certificates, broker and relay, and say what to do next.
    ///
    /// Changes nothing, and does not disturb the running service. Exit code 1 where anything failed; a warning is none.
    Doctor,
    /// Show per lane what waits, what is stored, dead or held, how old it is and how long it will take.
    ///
    /// Waiting is kept here only, in flight included. Stored is kept by the relay too. Held is stored behind a dead letter of
    /// its key. Out is what settles. Takes a moment without --watch: the rates are measured.
    Backlog {
        /// Refresh until interrupted.
        #[arg(long)]
        watch: bool,
        /// Seconds between refreshes; without --watch, over which the rates are measured.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
        every: u64,
    },
    /// Look at single messages.
    #[command(subcommand)]
    Messages(Messages),
    /// Follow one message from capture to its end.
    Trace {
        /// The message id, or the id that its source gave it.
        id: String,
    },
    /// Read the whole store and check every row against its checksum and its lane's running digest.
    ///
    /// Works beside the running service. Exit code 1 where something is not as it was written.
    Verify,
    /// Try out stations.
    #[command(subcommand)]
    Station(Station),
}

#[derive(Debug, Subcommand)]
enum Messages {
    /// List messages, newest last.
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        period: Period,
        /// At most this many, the newest of them.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show one message whole: body, capture, links and fate.
    Show {
        /// The message id.
        id: String,
    },
    /// List new messages as they are kept, until interrupted.
    Tail {
        #[command(flatten)]
        filter: Filter,
        /// Begin with this many that are there already.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        last: u32,
        /// End after this many, those that were there included.
        #[arg(long)]
        count: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
enum Station {
    /// Feed scans to a station's profile, and see the dialogue and the messages. Stores nothing.
    Try {
        /// The station.
        name: String,
        /// The scans; standard input, one a line, where none are given. `<GS>` stands for the GS1 separator.
        scans: Vec<String>,
        /// Seconds between two scans.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=86_400), value_name = "SECONDS")]
        gap: u64,
    },
}

/// Reads the command line, does what it says, and tells how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = if cli.json { Style::Json } else { Style::Table };
    let config = match Config::load(&cli.config) {
        Ok(config) => config,
        Err(problems) => {
            if matches!(cli.command, Command::Check) && style == Style::Json {
                return end(command::check::problems(&problems));
            }
            eprintln!("{problems}");
            return Exit::Config.into();
        }
    };
    end(match cli.command {
        Command::Run => Ok(command::run::run(config)),
        Command::Check => command::check::check(&cli.config, style),
        Command::Doctor => command::doctor::doctor(&config, style),
        Command::Backlog { watch, every } => {
            command::backlog::backlog(&config, style, watch, Duration::from_secs(every))
        }
        Command::Messages(ask) => messages(&config, style, ask),
        Command::Trace { id } => command::trace::trace(&config, style, &id),
        Command::Verify => command::verify::verify(&config, style),
        Command::Station(Station::Try { name, scans, gap }) => {
            command::station::try_out(&config, style, &name, scans, Duration::from_secs(gap))
        }
    })
}

fn messages(config: &Config, style: Style, ask: Messages) -> Result<Exit, CommandError> {
    use command::messages::{list, show, tail};
    match ask {
        Messages::List {
            filter,
            period,
            limit,
        } => list::list(config, style, &period.within(filter.narrow()), limit as usize),
        Messages::Show { id } => show::show(config, style, &id),
        Messages::Tail { filter, last, count } => {
            tail::tail(config, style, &filter.narrow(), last as usize, count)
        }
    }
}

fn end(answer: Result<Exit, CommandError>) -> ExitCode {
    match answer {
        Ok(exit) => exit.into(),
        // Whoever read the answer has seen enough of it.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Exit::Done.into()
        }
        Err(error) => {
            eprintln!("millrace-agent: {error}");
            error.exit().into()
        }
    }
}
