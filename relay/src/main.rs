//! The relay's program: hands over to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace_relay::cli::main()
}
