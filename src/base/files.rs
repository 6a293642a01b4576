//! Users, folders and the few files in `/etc` of the `static` base.

use crate::content::{Attributes, LayerBuilder, LayerError};

/// User and group of images that do not run as root.
const NONROOT: u32 = 65532;

const PASSWD: &str = "\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
";

const GROUP: &str = "\
root:x:0:
nobody:x:65534:
tty:x:5:
staff:x:50:
nonroot:x:65532:
";

/// `/etc/hosts` before the network, which resolvers do not all default to.
const NSSWITCH: &str = "hosts: files dns\n";

const OS_RELEASE: &str = "\
NAME=\"gobuild static\"
PRETTY_NAME=\"gobuild static base\"
ID=\"gobuild-static\"
";

/// Adds everything but certificates and time zones.
pub(super) fn add(layer: &mut LayerBuilder) -> Result<(), LayerError> {
    for (path, text) in [
        ("etc/passwd", PASSWD),
        ("etc/group", GROUP),
        ("etc/nsswitch.conf", NSSWITCH),
        ("etc/os-release", OS_RELEASE),
    ] {
        layer.file(path, text, Attributes::FILE)?;
    }
    for (path, mode) in [
        ("home", 0o755),
        ("root", 0o700),
        ("run", 0o755),
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
    ] {
        layer.directory(path, Attributes::root(mode))?;
    }
    let home = Attributes::root(0o700).owned_by(NONROOT, NONROOT);
    layer.directory("home/nonroot", home)?;
    layer.symlink("var/run", "/run")?;
    Ok(())
}
