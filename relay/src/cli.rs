//! The relay's command line: what can be asked, and which command answers. The only place that knows clap.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millrace_shared::exit::{self, Exit};
use millrace_shared::ident::AgentId;
use millrace_shared::print::Style;

use crate::command;
use crate::config::Config;

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
            Ok(config) => configured(command, config, &cli.config, style),
            Err(problems) => {
                eprintln!("{problems}");
                Exit::Config
            }
        },
    };
    exit.into()
}

fn configured(command: Command, config: Config, file: &std::path::Path, style: Style) -> Exit {
    match command {
        Command::Run => command::run::run(config),
        _ => command::check::check(file, style),
    }
}
