//! The exit codes of both programs. They are public: scripts rely on them, so none is ever renumbered.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It looked, and something is not as it should be (doctor, verify, balance).
    Wrong = 1,
    /// It was not called as its help says.
    Usage = 2,
    /// The configuration has problems; all of them were printed.
    Config = 3,
    /// What was asked for does not exist.
    NotFound = 4,
    /// The store cannot be read or written.
    Store = 5,
    /// The other side cannot be reached or refuses.
    Unreachable = 6,
    /// A fault in this program; please report it.
    Fault = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The table of exit codes, for the end of every `--help`.
pub const HELP: &str = "\
Exit codes:
  0   done
  1   looked, and something is not as it should be
  2   not called as this help says
  3   the configuration has problems
  4   what was asked for does not exist
  5   the store cannot be read or written
  6   the other side cannot be reached or refuses
  70  a fault in this program";
