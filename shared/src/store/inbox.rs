//! The contract of the durable incoming log.
//!
//! It keeps what arrives, out of order too, recognises what it has, and knows for each message what it waits for. It
//! does not assume one process: whoever works on a message claims it here first.
