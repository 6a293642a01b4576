//! Messages and services that `bollard-buildkit-proto` lacks, generated from this project's own
//! `proto/`.
//!
//! The generated file is committed. The test below regenerates it in memory and compares, so a
//! changed .proto cannot go unnoticed; `UPDATE_PROTO=1` writes the new code instead.

/// `containerd.services.content.v1`: the stores that a session attaches.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated code"
)]
pub mod content {
    include!("containerd.services.content.v1.rs");
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "generated code is compared on the disk"
    )]

    use std::path::Path;

    const GENERATED: &str = "containerd.services.content.v1.rs";

    #[test]
    fn proto_is_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let descriptors = protox::compile(
            ["containerd/services/content/v1/content.proto"],
            [root.join("proto")],
        )
        .unwrap();
        let out = tempfile::tempdir().unwrap();
        tonic_prost_build::configure()
            .bytes(".")
            .out_dir(out.path())
            .compile_fds(descriptors)
            .unwrap();
        let fresh = std::fs::read_to_string(out.path().join(GENERATED)).unwrap();
        let committed = root.join("src/buildkit/proto").join(GENERATED);
        if std::env::var_os("UPDATE_PROTO").is_some() {
            std::fs::write(&committed, &fresh).unwrap();
        }
        assert!(
            std::fs::read_to_string(&committed).unwrap() == fresh,
            "{GENERATED} is stale: run UPDATE_PROTO=1 cargo test --lib proto_is_current"
        );
    }
}
