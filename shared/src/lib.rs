//! The contract of both ends of Millrace: what a message is, how it is kept and how it travels.
