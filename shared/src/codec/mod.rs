//! Bytes on the wire and on disk: `binary` for single values, `frame` for batches of envelopes.
//!
//! Nothing outside this module names the serialisation library.

pub mod binary;
pub mod frame;
