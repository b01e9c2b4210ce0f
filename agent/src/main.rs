//! The agent's program: hands over to the command line.

fn main() {}
