//! What the cases stand on.

pub(crate) mod daemon;
pub(crate) mod debian;
pub(crate) mod engine;
pub(crate) mod environment;
pub(crate) mod expectations;
pub(crate) mod frontend;
pub(crate) mod gocache;
pub(crate) mod golang;
pub(crate) mod graph;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod machine;
pub(crate) mod objects;
pub(crate) mod port;
pub(crate) mod program;
pub(crate) mod registry;
pub(crate) mod sandbox;
pub(crate) mod tls;
pub(crate) mod tool;
pub(crate) mod vault;
pub(crate) mod vertices;
