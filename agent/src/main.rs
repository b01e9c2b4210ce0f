//! The agent's program: hands over to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace_agent::cli::main()
}
