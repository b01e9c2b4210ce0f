//! The agent's command line: what can be asked, and which command answers. The only place that knows clap.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millrace_shared::exit::{self, Exit};
use millrace_shared::print::Style;

use crate::command;
use crate::config::Config;

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
}

/// Reads the command line, does what it says, and tells how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = if cli.json { Style::Json } else { Style::Table };
    let config = match Config::load(&cli.config) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return Exit::Config.into();
        }
    };
    let exit = match cli.command {
        Command::Run => command::run::run(config),
        Command::Check => command::check::check(&cli.config, style),
    };
    exit.into()
}
