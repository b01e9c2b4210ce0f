//! What each command does. A command prints its answer to standard output and what went wrong to standard error.

pub mod allow_list;
pub mod check;
pub mod pki;
pub mod run;
