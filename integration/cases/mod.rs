//! The tests.

mod builders;
mod cacheprog;
mod cacheprog_remote;
mod ending;
mod engine;
mod engine_ways;
mod errors;
mod examples;
mod go_list_oracle;
mod jobs;
mod loading;
mod managed_builder;
mod monorepo;
mod outputs;
mod private_modules;
mod rebuild;
mod references;
mod remote_caches;
mod session_files;
mod shapes;
mod steps;
mod wire_build;
mod wire_failure;
mod wire_transfer;
mod wire_transport;
