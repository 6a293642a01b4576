//! The ops, one family per module. Each is a builder whose `build` validates, encodes the op and
//! returns the handles on its outputs.

pub mod diff;
pub mod exec;
pub mod file;
pub mod merge;
pub mod source;
