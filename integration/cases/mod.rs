//! The tests.

mod builders;
mod cacheprog;
mod cacheprog_remote;
mod ending;
mod errors;
mod examples;
mod go_list_oracle;
mod jobs;
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
