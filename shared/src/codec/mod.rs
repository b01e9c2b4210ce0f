//! Bytes on the wire and on disk: `binary` for single values, `frame` for batches of envelopes, `pack` for what is long and
//! alike.
//!
//! Nothing outside this module names the serialisation or the compression library.

pub mod binary;
pub mod frame;
pub mod pack;
