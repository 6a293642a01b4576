//! A TLS client on `scratch`, where there is no certificate to trust.

use crate::check::golang::{Use, first_use};
use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::golang::graph::Closure;
use crate::project::manifest::Base;

pub(super) static RULE: Rule = Rule {
    name: "NoCertificates",
    description: "Programs that speak to TLS servers need certificates in their image",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// What only clients use.
const CLIENTS: &[(&str, &[&str])] = &[
    (
        "net/http",
        &[
            "Client",
            "DefaultClient",
            "DefaultTransport",
            "Get",
            "Head",
            "NewRequest",
            "NewRequestWithContext",
            "Post",
            "PostForm",
            "Transport",
        ],
    ),
    (
        "crypto/tls",
        &["Client", "Dial", "DialWithDialer", "Dialer"],
    ),
    ("crypto/x509", &["SystemCertPool"]),
];

/// Modules whose packages are clients of services on the internet.
const SERVICES: [&str; 7] = [
    "cloud.google.com/go",
    "github.com/Azure/azure-sdk-for-go",
    "github.com/aws/aws-sdk-go",
    "github.com/aws/aws-sdk-go-v2",
    "github.com/google/go-github",
    "github.com/minio/minio-go",
    "google.golang.org/api",
];

/// The package that compiles certificates in.
const FALLBACK: &str = "golang.org/x/crypto/x509roots/fallback";

/// Folders that Go looks for certificates in.
const FOLDERS: [&str; 3] = ["/etc/ssl", "/etc/pki", "/usr/share/ca-certificates"];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for view in subject.images() {
        let copies = view.image.files.iter().any(|copy| {
            let holds =
                |folder: &&str| copy.to.starts_with(*folder) || folder.starts_with(&copy.to);
            FOLDERS.iter().any(holds)
        });
        // `SSL_CERT_FILE` says that they come from elsewhere.
        let elsewhere = view
            .image
            .env
            .keys()
            .any(|name| name.starts_with("SSL_CERT_"));
        if copies || elsewhere || !view.image.certs.is_empty() {
            continue;
        }
        let scratch = view.platforms().filter(|image| image.base == Base::Scratch);
        let programs = scratch.flat_map(|image| subject.programs(image));
        let client = programs
            .filter_map(|closure| client(subject, closure))
            .next();
        raised.extend(client.map(|client| {
            let message = format!("{client}, and scratch has no certificates to trust");
            Raised::at_key(view.key.key("base"), message)
                .help("take the built-in base, `base = \"static\"`, which has them")
        }));
    }
    raised
}

/// Returns what tells that a program is a client of TLS servers.
fn client(subject: &Subject<'_>, closure: &Closure) -> Option<String> {
    if closure
        .external
        .iter()
        .any(|path| path.starts_with(FALLBACK))
    {
        return None;
    }
    if let Some(found) = first_use(subject, closure, CLIENTS, |_: &Use| true) {
        return Some(found.to_string());
    }
    let packages = closure.packages.values();
    let mut imports = packages
        .filter(|package| subject.is_own(&package.directory))
        .flat_map(|package| &package.imports);
    let (path, site) = imports.find(|(path, _)| is_service(path))?;
    Some(format!("{site} imports {path}"))
}

fn is_service(import_path: &str) -> bool {
    SERVICES.iter().any(|module| {
        let rest = import_path.strip_prefix(module);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(image: &str, body: &str) -> Checked {
        let text = format!("package main\n\nimport \"net/http\"\n\nfunc main() {{\n\t{body}\n}}\n");
        Checked::image(image).with("main.go", &text)
    }

    #[test]
    fn a_client_on_scratch_is_found() {
        checked("base = \"scratch\"", "http.Get(\"https://example.com\")").finds(&[
            "NoCertificates goimage.toml:4:8 main.go:6:2 uses http.Get, and scratch has no certificates to trust",
        ]);
    }

    #[test]
    fn servers_and_other_bases_need_none() {
        checked("base = \"scratch\"", "http.ListenAndServe(\":80\", nil)").is_clean();
        checked("base = \"static\"", "http.Get(\"https://example.com\")").is_clean();
        checked(
            "base = \"r.test/base:1\"",
            "http.Get(\"https://example.com\")",
        )
        .is_clean();
        let copied = "base = \"scratch\"\nfiles = [{ from = \"ca\", to = \"/etc/ssl/certs/\" }]";
        checked(copied, "http.Get(\"https://example.com\")")
            .with("ca", "x")
            .is_clean();
    }

    #[test]
    fn services_are_known_by_their_modules() {
        for (path, is_service) in [
            ("github.com/aws/aws-sdk-go-v2/service/s3", true),
            ("cloud.google.com/go/storage", true),
            ("cloud.google.com/gopher", false),
        ] {
            assert_eq!(super::is_service(path), is_service, "{path}");
        }
    }
}
