//! From what a device or a system sent to what it means: barcodes, JSON and rows of a table. Pure: no IO, no clock.
//!
//! Nothing here knows what a station asks for or where the bytes came from.

pub mod barcode;
pub mod file;
pub mod form;
pub mod gs1;
pub mod table;
