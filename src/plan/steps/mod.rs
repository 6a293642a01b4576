//! One step of the plan per file: what it sees, what it runs.

pub(super) mod caching;
pub(super) mod compile;
pub(super) mod environment;
pub(super) mod files;
pub(super) mod image;
pub(super) mod modules;
pub(super) mod packages;
pub(super) mod toolchain;
pub(super) mod tools;
