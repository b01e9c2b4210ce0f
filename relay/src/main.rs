//! The relay's program: hands over to the command line.

fn main() {}
