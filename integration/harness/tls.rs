//! An authority and certificates for both sides of a connection.

use std::path::Path;
use std::process::Command;

/// Name that the server's certificate is for.
pub(crate) const SERVER: &str = "buildkitd.test";

/// Makes an authority and certificates for both sides in buildctl's file layout, which is docker's.
pub(crate) fn certificates(dir: &Path) {
    let openssl = |args: &str| {
        let done = Command::new("openssl")
            .args(args.split_whitespace())
            .current_dir(dir)
            .output()
            .expect("openssl must be on PATH");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    std::fs::write(
        dir.join("server.ext"),
        format!("subjectAltName=DNS:{SERVER},IP:127.0.0.1\n"),
    )
    .unwrap();
    std::fs::write(dir.join("client.ext"), "extendedKeyUsage=clientAuth\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca-key.pem -out ca.pem -subj /CN=ca -days 2"
    ));
    for (name, stem) in [("server", "server"), ("client", "cert")] {
        let private = if name == "client" {
            "key.pem"
        } else {
            "server-key.pem"
        };
        openssl(&format!(
            "req {key} -keyout {private} -out {name}.csr -subj /CN={name}"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
             -extfile {name}.ext -days 2 -out {stem}.pem"
        ));
    }
}
